"""Functions of trees of arrays that are traced once for all processes, and compiled once for all structures that share them.

Tracing a lifetime takes half a second, and JAX keeps compiled programs alone. So a function is exported to StableHLO, which a
later process reads (`discover.process.traced_programs`). What cannot be told apart exactly, or cannot be exported, is traced
in each process.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import jax
from jax import export
from jax.sharding import NamedSharding

from discover.base.randomness import unrolled
from discover.base.tree_words import Structure, classes_in, structure_in, words_of
from discover.components.component import Component
from discover.process import traced_programs
from discover.storage.array_file import generator_of, is_key, raw_leaf

_compiled = WeakValueDictionary[Hashable, "Compiled"]()
_lock = threading.Lock()


class Function(NamedTuple):
    """A function to be traced and compiled.

    Attributes:
        name: tells it from other functions on the same arguments.
        function: takes trees, spread over devices by its own rules.
        inputs: how each argument lies on the devices.
        output: how the result lies on them.
        options: of the compiler.
        given_away: the arguments that it may write over.
    """

    name: str
    function: Callable[..., Any]
    inputs: Sequence[NamedSharding]
    output: NamedSharding
    options: Mapping[str, Any]
    given_away: tuple[int, ...] = ()


class Traced:
    """A compiled function whose trace is kept between processes, as far as it can be told apart by its arguments.

    Args:
        function: the function.
    """

    def __init__(self, function: Function):
        self._function = function
        self._by_tracing = jax.jit(
            function.function, compiler_options=dict(function.options), donate_argnums=function.given_away
        )
        self._programs: dict[Hashable, Callable[..., Any]] = {}

    def __call__(self, *arguments: Any) -> Any:
        folder = traced_programs.place()
        leaves, structure = jax.tree.flatten(arguments)
        form = structure, tuple(map(_form, leaves))
        if form not in self._programs:
            found = self._program(folder, arguments) if folder is not None else None
            self._programs[form] = found or Compiled(self._by_tracing)
        return self._programs[form](*arguments)

    def _program(self, folder: Path, arguments: Sequence[Any]) -> Callable[..., Any] | None:
        """The program for arguments; None where it must be traced in this process."""
        leaves, structure = jax.tree.flatten(arguments)
        if not all(map(traced_programs.are_kept, filter(_is_component, classes_in(structure)))):
            return None
        try:
            key = self._key(structure, leaves)
        except (LookupError, TypeError, OSError):
            return None
        try:
            found = traced_programs.read(folder, key)
            if found is not None:
                return self._restored(arguments, *found)
        except Exception:  # damaged or foreign files make readers raise anything
            pass
        try:
            facts, program = self._exported(arguments)
            restored = self._restored(arguments, facts, program)
        except Exception:  # a mistake of the user, or what JAX cannot export: tracing tells it from the other
            return None
        traced_programs.write(folder, key, facts, program)
        return restored

    def _key(self, structure: Structure, leaves: Sequence[Any]) -> str:
        """The name of the program.

        Raises:
            LookupError, TypeError: the structure cannot be written down exactly.
            OSError: what is installed cannot be listed.
        """
        devices = [*self._function.output.device_set]
        facts = {
            "function": self._function.name,
            "structure": words_of(structure),
            "leaves": [repr(_form(leaf)) for leaf in leaves],
            "spread": [[str(each.spec) for each in self._function.inputs], str(self._function.output.spec), len(devices)],
            "device": [devices[0].platform, devices[0].device_kind, devices[0].client.platform_version],
            "options": sorted(map(repr, self._function.options.items())),
        }
        return traced_programs.key_of(facts)

    def _exported(self, arguments: Sequence[Any]) -> tuple[Any, bytes]:
        """A description of the result, and the program in StableHLO."""
        leaves, structure = jax.tree.flatten(arguments)
        of_leaves = [where for where, tree in zip(self._function.inputs, arguments, strict=True) for _ in jax.tree.leaves(tree)]
        results = list[tuple[list[Any], Structure]]()

        def on_leaves(*given: jax.Array) -> list[Any]:
            trees = jax.tree.unflatten(structure, [_like(leaf, raw) for leaf, raw in zip(leaves, given, strict=True)])
            results[:] = [jax.tree.flatten(self._function.function(*trees))]
            return [raw_leaf(leaf) for leaf in results[0][0]]

        shapes = [jax.eval_shape(raw_leaf, leaf) for leaf in leaves]
        placed = [shape.update(sharding=where) for shape, where in zip(shapes, of_leaves, strict=True)]
        exported = export.export(jax.jit(on_leaves))(*placed)
        ((made, form),) = results
        facts = {"structure": words_of(form), "keys": [str(leaf.dtype) if is_key(leaf) else "" for leaf in made]}
        return facts, bytes(exported.serialize())

    def _restored(self, arguments: Sequence[Any], facts: Any, program: bytes) -> Callable[..., Any]:
        """The compiled program, as a function of trees."""
        leaves = jax.tree.leaves(arguments)
        form = structure_in(facts["structure"])
        generators = _generators(leaves)
        kinds = tuple(generators[name] if name else None for name in facts["keys"])
        counts = [len(jax.tree.leaves(tree)) for tree in arguments]
        firsts = [sum(counts[:place]) for place in range(len(counts))]
        given_away = tuple(
            leaf for place in self._function.given_away for leaf in range(firsts[place], firsts[place] + counts[place])
        )
        compiled = self._compiled(program, kinds, given_away)
        return lambda *arguments: jax.tree.unflatten(form, compiled(*jax.tree.leaves(arguments)))

    def _compiled(self, program: bytes, kinds: tuple[Hashable, ...], given_away: tuple[int, ...]) -> Callable[..., Any]:
        """A compiled program on leaves, which is shared by all that have the same one.

        Args:
            program: in StableHLO.
            kinds: of each result that is a random key, its generator.
            given_away: the leaves that it may write over.
        """
        digest, options = hashlib.sha256(program).digest(), self._function.options
        name = digest, kinds, given_away, self._function.output, tuple(options.items())
        with _lock:
            if name in _compiled:
                return _compiled[name]
        exported = export.deserialize(bytearray(program))

        def on_leaves(*leaves: jax.Array) -> list[jax.Array]:
            made = exported.call(*map(raw_leaf, leaves))
            return [
                leaf if kind is None else jax.random.wrap_key_data(leaf, impl=kind)
                for leaf, kind in zip(made, kinds, strict=True)
            ]

        on_leaves.__name__ = f"_{self._function.name}"  # by which logs and the cache know it
        compiled = jax.jit(
            on_leaves, compiler_options=dict(options), donate_argnums=given_away, out_shardings=self._function.output
        )
        with _lock:
            return _compiled.setdefault(name, Compiled(compiled))


class Compiled:
    """A function for arguments of one form, compiled at its first call, and held until this object is gone.

    What `jax.jit` compiles lives in caches of JAX, which `discover.process.forgetting` clears when structures are forgotten.

    Args:
        function: made by `jax.jit`.
    """

    def __init__(self, function: Any):
        self._function, self._lock = function, threading.Lock()
        self._program: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        with self._lock:
            program = self._program = self._program or self._function.lower(*arguments).compile()
        return program(*arguments)


def _form(leaf: Any) -> tuple[Any, ...]:
    """Shape and type of a leaf."""
    aval = jax.typeof(leaf)
    return aval.shape, str(aval.dtype), getattr(aval, "weak_type", False)


def _is_component(node: type) -> bool:
    return issubclass(node, Component)


def _like(leaf: Any, raw: jax.Array) -> jax.Array:
    """Raw data as a random key, if a leaf is one."""
    return jax.random.wrap_key_data(raw, impl=generator_of(leaf)) if is_key(leaf) else raw


def _generators(leaves: Sequence[Any]) -> dict[str, Hashable]:
    """The generators of random keys by the name of their type: those of keys among the leaves, and that of a lifetime."""
    keys = [leaf for leaf in leaves if is_key(leaf)]
    every = [*keys, *(jax.eval_shape(unrolled, key) for key in keys)]
    return {str(key.dtype): generator_of(key) for key in every}
