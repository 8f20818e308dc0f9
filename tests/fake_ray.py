"""The few calls of Ray that the executor makes, answered by threads of the test process."""

import itertools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class ActorDiedError(Exception):
    def __init__(self, actor_id: str):
        super().__init__("The actor died.")
        self.actor_id = actor_id


class Reference:
    """What a call of an actor's method gives at once."""

    def __init__(self) -> None:
        self.promise: Future[Any] = Future()

    def future(self) -> Future[Any]:
        return self.promise


class Actor:
    """A handle of an actor: each method has ``remote``."""

    def __init__(self, fake: "FakeRay", made: Any, number: int):
        self._fake, self._made, self._references = fake, made, list[Reference]()
        self._actor_id, self.dead = number.to_bytes(4, "big"), False
        self._threads = {group: ThreadPoolExecutor(1) for group in ("main", "aside", "watch")}

    def __getattr__(self, name: str) -> "Method":
        return Method(self, name)

    def call(self, name: str, arguments: tuple[Any, ...]) -> Reference:
        reference = Reference()
        self._references.append(reference)
        if self.dead:
            reference.promise.set_exception(ActorDiedError(self._actor_id.hex()))
        elif name != "watch":
            method = getattr(self._made, name)
            self._threads[getattr(method, "group", "main")].submit(self._keep, reference, method, arguments)
        return reference

    def die(self) -> None:
        self.dead, self._made = True, None
        for reference in self._references:
            if not reference.promise.done():
                reference.promise.set_exception(ActorDiedError(self._actor_id.hex()))
        for threads in self._threads.values():
            threads.shutdown(wait=False)

    def _keep(self, reference: Reference, method: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        try:
            taken = [each.promise.result() if isinstance(each, Reference) else each for each in arguments]
            self._fake.before(self, method.__name__)
            answer = method(*taken)
        except BaseException as error:
            if not reference.promise.done():
                reference.promise.set_exception(error)
        else:
            if not reference.promise.done():
                reference.promise.set_result(answer)


class Method:
    def __init__(self, actor: Actor, name: str):
        self._actor, self._name = actor, name

    def remote(self, *arguments: Any) -> Reference:
        return self._actor.call(self._name, arguments)


class FakeRay:
    """The module.

    Args:
        cpus: those of the cluster.
        before: called with an actor and a method's name before each call; it may let the actor die.
    """

    def __init__(self, cpus: int, before: Callable[[Actor, str], None] = lambda actor, name: None):
        self.before, self.cpus = before, cpus
        self.began, self.actors, self.asked = list[dict[str, Any]](), list[Actor](), list[dict[str, Any]]()
        self._numbers = itertools.count(1)

    def is_initialized(self) -> bool:
        return bool(self.began)

    def init(self, **settings: Any) -> None:
        self.began.append(settings)

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self.cpus)}

    def kill(self, actor: Actor) -> None:
        actor.die()

    def method(self, *, concurrency_group: str) -> Callable[[Any], Any]:
        def mark(method: Any) -> Any:
            method.group = concurrency_group
            return method

        return mark

    def remote(self, **options: Any) -> Callable[[type], Any]:
        fake = self

        class Remote:
            def __init__(self, made: type):
                self._made = made

            def options(self, **more: Any) -> "Remote":
                fake.asked.append({**options, **more})
                return self

            def remote(self) -> Actor:
                fake.actors.append(Actor(fake, self._made(), next(fake._numbers)))
                return fake.actors[-1]

        return Remote
