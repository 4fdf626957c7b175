"""What is called and has no code in the project: symbols of libraries, methods of values, functools.partial."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ....graph import Entry, Function
from ..symbols import canonical, misplaced
from .about import Truth
from .args import Args
from .kind import Kind, Opaque, Value, of
from .registry import CONSTANTS, symbol_handler

if TYPE_CHECKING:
    from ..module import Spot
    from .evaluator import Evaluator

_CALLABLES = ("builtins.", "keras.", "tf.", "np.")
"""Libraries whose symbols are functions and classes; in others a symbol may be a constant, or a flag."""


@dataclass(frozen=True, slots=True)
class Symbol(Kind):
    """A name of a library, by its dotted path as written: `tensorflow.keras.layers.Dense`."""

    path: str

    @property
    def last(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    def member(self, name: str) -> Value:
        """`symbol.name`: a longer symbol, or a constant."""
        path = f"{self.path}.{name}"
        return CONSTANTS[path] if path in CONSTANTS else _symbol(path)

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return self.member(name)

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        if self.path == "os.environ":
            return m.environment.item(m, key, spot)
        module, _, last = self.path.rpartition(".")
        named = last == "__dict__" and isinstance(key, str)
        if named:
            return Symbol(module).member(key)  # type: ignore[arg-type]
        return Opaque(f"an item of {self.path}", self.path)

    def set_item(self, m: Evaluator, key: Value, new: Value) -> None:
        if self.path == "os.environ":
            m.environment.set_item(m, key, new)
        Kind.set_item(self, m, key, new)

    def call(self, m: Evaluator, args: Args) -> Value:
        path = canonical(self.path)
        if self.last in m.watched:
            m.note(self.path, args.spot, args)
        args.callee = path
        return symbol_handler(path)(m, args)

    def truth(self, m: Evaluator) -> bool | Opaque:
        return True if canonical(self.path).startswith(_CALLABLES) else m.derived(Truth(self.path))

    def as_arg(self) -> object:
        return Function(self.last)

    def as_entry(self, m: Evaluator, spot: Spot) -> Entry:
        return Entry(self, spot, problem=misplaced(self.path), name=self.last)


_symbol = lru_cache(maxsize=4096)(Symbol)


@dataclass(eq=False, slots=True)
class Method(Kind):
    """A method of a value that is no code of the project."""

    receiver: Value
    name: str

    def call(self, m: Evaluator, args: Args) -> Value:
        return of(self.receiver).method(m, self.name, args)

    def held(self, calls: bool) -> Iterable[Value] | None:
        return (self.receiver,) if calls else None

    def as_arg(self) -> object:
        return Function(self.name, keras=False)


@dataclass(eq=False, slots=True)
class Partial(Kind):
    """functools.partial."""

    func: Value
    args: list[Value]
    keywords: dict[str, Value]

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return self.func if name == "func" else Kind.attribute(self, m, name, spot)

    def call(self, m: Evaluator, args: Args) -> Value:
        merged = Args(args.spot, [*self.args, *args.positional], {**self.keywords, **args.keywords}, {}, args.open)
        merged.spots = {k: v for k, v in args.spots.items() if isinstance(k, str)}
        return of(m.settled(self.func)).call(m, merged)

    def held(self, calls: bool) -> Iterable[Value] | None:
        return (self.func, *self.args, *self.keywords.values()) if calls else None

    def as_arg(self) -> object:
        return of(self.func).as_arg()

    def as_entry(self, m: Evaluator, spot: Spot) -> Entry:
        return Entry(self, spot, problem="function", name="functools.partial")
