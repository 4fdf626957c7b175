"""Tries a change out on every use of the code that it changes: which calls, on which sizes, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ...findings import ROUNDING
from ...graph import Call, Layer, Program, Tensor
from ...graph.freezing import ever_frozen, trainable_at
from ...rulebook.change import AddCall, Change, Function
from .comparing import Outcome, compare
from .neighbourhood import Neighbourhood
from .sizes import Outside, Sized, Sizes
from .specs import Ingredient, Network, Spec, Uncomputable, Untried

MOST_CALLS = 24
"""How many calls a neighbourhood may grow to, while a difference is followed."""

MOST_TOGETHER = 40
"""How many calls a rule may say that a change is about."""

MOST_IN_ALL = 120_000_000
"""How much work all trials of one change may be, in units of about a nanosecond."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried in one use of the code: the networks before and after, and what came of it."""

    before: Network
    after: Network
    outcome: Outcome
    assumed: tuple[str, ...]
    unseen: tuple[str, ...]

    def changed(self) -> Iterator[tuple[Spec, Spec]]:
        """The layers that are there before and after, and differ."""
        after = {node.layer: node.spec for node in self.after.nodes}
        before = {node.layer: node.spec for node in self.before.nodes}
        return ((spec, after[layer]) for layer, spec in before.items() if spec != after.get(layer, spec))


@dataclass(frozen=True, slots=True)
class _Index:
    """What trials ask of a program: its calls by where they stand, and by all origins of what they call; and more."""

    runs: dict[object, list[Call]]
    naming: dict[object, list[Call]]
    frozen: set[Layer]
    outputs: set[Tensor]

    def touched(self, keys: Iterable[object]) -> list[Call]:
        """The calls at these origins, or of layers that are made there or given an argument there."""
        found = {call: None for key in keys for call in self.naming.get(key, ())}
        return sorted(found, key=lambda call: call.time)


@lru_cache(maxsize=1)
def _index(program: Program) -> _Index:
    found = _Index({}, {}, ever_frozen(program), set())
    for model in program.models:
        found.outputs.update(one for out in model.outputs for one in (out, *out.sources()))
    for call in sorted(program.calls, key=lambda one: one.time):
        found.runs.setdefault(call.origin.key, []).append(call)
        for key in _origins(call):
            found.naming.setdefault(key, []).append(call)
    return found


def trials(change: Change, program: Program) -> list[Trial]:
    """Every trial of a change whose proof is a Function. Raises Untried where one cannot be made."""
    assert isinstance(change.proof, Function)
    index, keys = _index(program), set(_keys(change))
    found, hits = [], set[int]()
    covered: set[Call] = set()
    spent = _Spent(program.keras)
    for calls, end in _uses(change.proof.calls, index.touched(keys), index):
        if covered.isdisjoint(calls) or end is not None:
            for state in _states(calls, index.frozen):
                trial, reached, hit = _tried(change, program, (calls, end), keys, state, spent)
                found.append(trial)
                covered.update(reached)
                hits |= hit
    if len(hits) < len(change.steps):
        raise Untried("the rest of what is changed")
    return list(dict.fromkeys(found))


def _keys(change: Change) -> Iterator[object]:
    """The origins that the steps name."""
    for step in change.steps:
        for name in ("origin", "call") if not isinstance(step, AddCall) else ("after",):
            value = getattr(step, name, None)
            origin = getattr(value, "origin", value)
            if origin is not None:
                yield origin.key


def _origins(call: Call) -> set[object]:
    """The keys of the origins of a call, its layer, and what either is given."""
    layers = [call.layer, *([call.layer.wrapped] if call.layer.wrapped else [])]
    origins = [call.origin, call.training.origin, *(layer.origin for layer in layers)]
    origins += [arg.origin for layer in layers for arg in layer.args.values()]
    return {origin.key for origin in origins if origin is not None}


def _uses(calls: Sequence[Call], touched: list[Call], index: _Index) -> Iterator[tuple[list[Call], Call | None]]:
    """The calls each time this code ran, with the one that ends them; then other calls of what is changed."""
    runs = [index.runs[call.origin.key] for call in calls]
    if not calls:
        raise Untried("what is changed, which no layer's call shows")
    alike = len({len(run) for run in runs}) == 1
    for use in zip(*runs, strict=True) if alike else [tuple(calls)]:
        yield list(use), use[-1]
    given = {call for run in runs for call in run} if alike else set(calls)
    yield from (([call], None) for call in touched if call not in given)


def _states(calls: Sequence[Call], frozen: set[Layer]) -> list[dict[Layer, bool]]:
    """Which layers are frozen, in each state that they may be trained in."""
    maybe = [call.layer for call in calls if call.layer in frozen]
    if not maybe:
        return [{}]
    surely = all(not layer.writes and trainable_at(layer) is False for layer in maybe)
    return [dict.fromkeys(maybe, True), *([] if surely else [{}])]


def _tried(
    change: Change,
    program: Program,
    use: tuple[list[Call], Call | None],
    keys: set[object],
    frozen: dict[Layer, bool],
    spent: _Spent,
) -> tuple[Trial, list[Call], set[int]]:
    """One trial. Where a value that others take differs, those are taken in, until no difference gets out."""
    calls, end = use
    if len(calls) > MOST_TOGETHER:
        raise Untried(f"what {len(calls)} layers compute together")
    calls, dropped = _runnable(calls, keys)
    while True:
        hood = Neighbourhood(calls, frozen)
        before = hood.network()
        hits = hood.apply(change.steps)
        if not hits:
            raise Untried("another use of the same code")
        after = hood.network()
        watched = hood.watched(_index(program).outputs)
        outcome, sizes = spent.outcome(hood, before, after, tuple(watched))
        gaps = zip(watched.items(), outcome.training, outcome.inference, strict=True)
        differing = [pair for pair, *gap in gaps if max(gap) > ROUNDING]
        more = [user for number, beyond in differing if hood.calls[number] is not end for user in beyond]
        if not more or len(calls) + len(more) > MOST_CALLS:
            assumed = (*dropped, *hood.assumed, *sizes)
            return Trial(before, after, outcome, assumed, tuple(hood.unseen)), hood.calls, hits
        calls = [*calls, *more]


def _runnable(calls: list[Call], keys: set[object]) -> tuple[list[Call], list[str]]:
    """The calls without those in front that cannot be tried and stay as they are: what they give is drawn."""
    calls, dropped = list(calls), []
    while len(calls) > 1 and keys.isdisjoint(_origins(calls[0])):
        try:
            Ingredient.of(calls[0].layer, False).spec({})
            break
        except Untried:
            dropped.append(f"what {calls[0].layer.kind} gives is drawn too")
            del calls[0]
    return calls, dropped


@dataclass(slots=True)
class _Spent:
    """What one certificate's trials have been so far; those that are made only once count once."""

    keras: int
    tried: set[tuple[object, ...]] = field(default_factory=set)
    work: float = 0

    def outcome(
        self, hood: Neighbourhood, before: Network, after: Network, watched: tuple[int, ...]
    ) -> tuple[Outcome, list[str]]:
        """What comes of a trial, and what its sizes assume. Raises Untried where none is small enough, or none runs."""
        error: Uncomputable | None = None
        large = False
        sizes = Sizes(before, after, [Outside(hood.rank_at(one), one.shape) for one in hood.outside], self.keras)
        for sized in sizes.tries():
            try:
                if not sized.fits():
                    large = True
                    continue
                self._spend(sized, watched)
                outcome = compare(sized.before, sized.after, sized.shapes, watched, self.keras)
            except Uncomputable as failed:
                error = failed
                continue
            return outcome, sizes.assumed(sized)
        raise Untried("layers this large, even on smaller sizes," if large else f"running it ({error})")

    def _spend(self, sized: Sized, watched: tuple[int, ...]) -> None:
        key = (sized.before, sized.after, sized.shapes, watched)
        if key not in self.tried:
            self.tried.add(key)
            self.work += sized.work
        if self.work > MOST_IN_ALL:
            raise Untried("all that the change takes part in")
