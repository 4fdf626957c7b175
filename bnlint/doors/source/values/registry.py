"""Where the library modules put what they know: handlers, found by a name in a dictionary.

A handler is a function of the evaluator and the arguments, or of the evaluator, the receiver and the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from .args import Args
    from .evaluator import Evaluator
    from .kind import Value

Handler: TypeAlias = "Callable[[Evaluator, Args], Value]"
MethodHandler: TypeAlias = "Callable[[Evaluator, Any, Args], Value]"
R = TypeVar("R")

SYMBOLS: dict[str, Handler] = {}
"""What a call of a library's symbol does, by its canonical name."""
METHODS: dict[tuple[type, str], MethodHandler] = {}
"""What a call of a method does that is no code of the project, by the type of its receiver and by name."""
CONSTANTS: dict[str, Value] = {}
"""Symbols of libraries that are values, by the name as written."""


def _add(table: dict[Any, Any], names: Iterable[Any], handler: Callable[..., Any]) -> None:
    """Raises ValueError for a name that another function has."""
    for name in names:
        if _place(table.get(name, handler)) != _place(handler):
            raise ValueError(f"{name} has two handlers, {_place(table[name])} and {_place(handler)}")
        table[name] = handler


def _place(handler: Callable[..., Any]) -> str:
    return f"{handler.__module__}.{handler.__qualname__}"


def symbol(*names: str) -> Callable[[Handler], Handler]:
    """The function is what a call of these symbols does; `args.callee` tells which of them is called.

    A name is canonical: "keras.Input", "tf.nn.relu", "np.zeros". A star in it is any number of parts:
    "keras.layers.*", "*.load_model", "keras.datasets.*.load_data". The most exact name wins.
    """

    def register(handler: Handler) -> Handler:
        _add(SYMBOLS, names, handler)
        symbol_handler.cache_clear()
        return handler

    return register


@lru_cache(maxsize=4096)
def symbol_handler(path: str) -> Handler:
    """What a call of a symbol does."""
    return next(SYMBOLS[name] for name in _generalized(path) if name in SYMBOLS)


def _generalized(path: str) -> Iterator[str]:
    """The names under which a symbol may be registered, the most exact first."""
    yield path
    *parts, last = path.split(".")
    yield f"*.{last}"
    for count in range(len(parts), 0, -1):
        prefix = ".".join(parts[:count])
        yield f"{prefix}.*.{last}"
        yield f"{prefix}.*"
    yield "*"


def method(
    receiver: type[R], *names: str
) -> Callable[[Callable[[Evaluator, R, Args], Value]], Callable[[Evaluator, R, Args], Value]]:
    """The function is what the methods of these names do; `args.callee` tells which of them is called."""

    def register(handler: Callable[[Evaluator, R, Args], Value]) -> Callable[[Evaluator, R, Args], Value]:
        _add(METHODS, [(receiver, name) for name in names], handler)
        method_handler.cache_clear()
        return handler

    return register


@lru_cache(maxsize=4096)
def method_handler(receiver: type, name: str) -> MethodHandler | None:
    """What a method of this name does to a value of this type; None where nobody knows."""
    return next((METHODS[one, name] for one in receiver.__mro__ if (one, name) in METHODS), None)
