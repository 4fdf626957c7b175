"""What an unknown value is about: the values that it follows from.

The same unknown follows whenever the same is asked of the same values, so that branches on it correlate. Nothing here
is text for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from .kind import Opaque, Value


class Truth(NamedTuple):
    """Whether a value is true that is known in part."""

    value: Value


class Not(NamedTuple):
    """Whether a condition does not hold."""

    condition: Opaque


class Both(NamedTuple):
    """`left and right`."""

    left: Opaque
    right: Value


class Either(NamedTuple):
    """`left or right`."""

    left: Opaque
    right: Value


class Compare(NamedTuple):
    """`left sign right`, the sign one of ==, <, <=, >, >=, is."""

    sign: str
    left: Value
    right: Value


class Contains(NamedTuple):
    """`item in container`."""

    item: Value
    container: Value


class IsInstance(NamedTuple):
    """`isinstance(value, wanted)`."""

    value: Value
    wanted: Value


class Completed(NamedTuple):
    """Whether the body of a `try` ran to its end."""


class Member(NamedTuple):
    """`owner.name`."""

    owner: Value
    name: str


class Devices(NamedTuple):
    """How many devices a tf.distribute strategy has."""

    strategy: Value


class Rounds(NamedTuple):
    """A range of unknown length."""

    first: int


class Index(NamedTuple):
    """Which round of a loop it is, counted from `first`, where one round stands for all."""

    first: int


class Sum(NamedTuple):
    """`left + right`."""

    left: Value
    right: Value


class Product(NamedTuple):
    """`left * right`."""

    left: Value
    right: Value


class Parameter(NamedTuple):
    """What a function is given that nobody calls, or what may come by an unknown `*` or `**`."""

    name: str


About: TypeAlias = (
    Truth
    | Not
    | Both
    | Either
    | Compare
    | Contains
    | IsInstance
    | Completed
    | Member
    | Devices
    | Rounds
    | Index
    | Sum
    | Product
    | Parameter
)
