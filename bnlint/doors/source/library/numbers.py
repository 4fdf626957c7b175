"""Rows of numbers that NumPy and TensorFlow make: linspace, cumsum, split."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from ..module import Spot
from ..values.args import Args
from ..values.containers import List
from ..values.data import Array
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Operator, Value, of
from ..values.plain import NUMBERS, computed
from ..values.registry import method
from ..values.shaping import sizes_in
from .functions import array

MAX_POINTS = 256
"""Of longer rows only the length is known: no network has a rate for each of so many layers."""


class Numbers(List):
    """An array of one axis whose numbers are known: operators work on each of them."""

    __slots__ = ()

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        found = super().item(m, key, spot)
        return Numbers(found) if type(found) is List and not found.open else found

    def binary(self, m: Evaluator, op: Operator, right: Value) -> Value:
        if isinstance(right, Numbers) and len(right) == len(self):
            return _each(computed(op.compute, *pair) for pair in zip(self, right, strict=True))
        known = isinstance(right, NUMBERS)
        return _each(computed(op.compute, one, right) for one in self) if known else Array((len(self),))

    def reflected(self, m: Evaluator, op: Operator, left: Value) -> Value:
        known = isinstance(left, NUMBERS)
        return _each(computed(op.compute, left, one) for one in self) if known else Array((len(self),))


def _each(values: Iterable[Value]) -> Value:
    made = Numbers(values)
    return made if all(isinstance(one, NUMBERS) for one in made) else Array((len(made),))


@method(Numbers, "tolist")
def listed(m: Evaluator, numbers: Numbers, args: Args) -> Value:
    return List(numbers)


@method(Numbers, "numpy")
def same(m: Evaluator, numbers: Numbers, args: Args) -> Value:
    return numbers


@array("linspace")
def linspace(m: Evaluator, args: Args) -> Value:
    start, stop, count = args.get(0, "start"), args.get(1, "stop"), args.get(2, "num", 50)
    if not (isinstance(start, (int, float)) and isinstance(stop, (int, float)) and isinstance(count, (int, float))):
        return Array()
    if not 0 < count <= MAX_POINTS:
        return Array((int(count),)) if count > 0 else Array()
    return Numbers(start + (stop - start) * i / max(count - 1, 1) for i in range(int(count)))


@array("cumsum")
def summed(m: Evaluator, args: Args) -> Value:
    given = args.get(0, "a")
    known = isinstance(given, (List, tuple)) and not of(given).open and len(args.values) == 1
    numbers = [one for one in given if isinstance(one, NUMBERS)] if known and isinstance(given, (List, tuple)) else None
    if numbers is None or not isinstance(given, (List, tuple)) or len(numbers) < len(given):
        return ABSENT
    return Numbers(itertools.accumulate(numbers))


@array("split")
def split(m: Evaluator, args: Args) -> Value:
    """`np.split(numbers, places)`, `tf.split(numbers, lengths)`: the row, cut."""
    numbers, cuts = args.get(0, "ary"), sizes_in(args.get(1, "indices_or_sections"))
    places = [cut for cut in cuts or () if cut is not None and cut >= 0]
    if not isinstance(numbers, Numbers) or cuts is None or cuts != places or args.get(2, "axis", 0) != 0:
        return ABSENT
    if args.callee.startswith("tf."):
        places = list(itertools.accumulate(places))[:-1]
    bounds = zip([None, *places], [*places, None], strict=True)
    return List(Numbers(numbers[start:stop]) for start, stop in bounds)
