"""An episode as an animated picture."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_keys
from discover.contract.environment import Environment
from discover.contract.types import Key
from discover.evaluation.episodes import Moment, Player, player_of
from discover.inner_loop.agents import Agent
from discover.storage.array_file import write_atomically

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_FRAMES = 1000
_MILLISECONDS = 40  # per picture
_LAST = 25  # how many times as long the last picture stays


def animate(agent: Agent, environment: Environment, key: Key, path: Path, *, sample: bool = False) -> int:
    """Write a GIF of one episode.

    Args:
        agent, environment: as `load_agent` gives them.
        key: randomness of the episode.
        path: of the file.
        sample: see `play`.

    Returns:
        The number of steps that it shows, at most `MOST_FRAMES`.

    Raises:
        UserError: the environment draws no pictures, or the file cannot be written.
    """
    if path.suffix != ".gif":
        raise UserError(f"a picture of an episode is a file whose name ends in '.gif'; got '{path}': rename it.")
    pictures = []
    for moment in _moments(player_of(agent, environment, sample), key, sample):
        pictures.append(_picture(agent, environment, moment))
    buffer = io.BytesIO()
    durations = [*[_MILLISECONDS] * (len(pictures) - 1), _MILLISECONDS * _LAST]
    pictures[0].save(buffer, format="GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0)
    write_atomically(path, buffer.getvalue())
    return len(pictures) - 1


def _moments(player: Player, key: Key, sample: bool) -> list[Moment]:
    """The moments of one episode, up to its end."""
    key_start, key_run = named_keys(key, "start", "run")
    step = jax.jit(functools.partial(Player.step, sample=sample))
    moments = [player.start(key_start, 1)]
    for time in range(MOST_FRAMES):
        moment, _, done = step(player, jax.random.fold_in(key_run, time), moments[-1])
        moments.append(moment)
        if bool(done[0]):
            break
    return moments


def _picture(agent: Agent, environment: Environment, moment: Moment) -> Image:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import, and seldom needed
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(3.2, 3.2), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    state, task = jax.tree.map(lambda x: np.asarray(x[0]), (moment.state, moment.task))
    agent.algorithm.family(environment).render(figure.add_subplot(), state, task)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()).quantize(64)
