"""A live model made anew with its fixes, its weights carried over, and its outputs compared with those before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..doors.live import door
from ..doors.live.objects import array, leaves
from ..doors.live.tracing import unmarked
from ..findings import ROUNDING, Certificate
from ..fixes.proof.certificate import certify
from ..reference.arrays import Array
from ..rulebook.change import Change
from ..run.checker import Checker
from ..run.plan import Keywords, Plan, Request, asks
from .rebuild import Edits, Impossible, reachable, rebuilt, short_name
from .samples import samples
from .watching import STATISTICS, Seen, Statistics, kept, layer_paths, normalizations, run, shaped, watched

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..doors.live.training import Training

TOLERANCE: Mapping[str, float] = {"float64": 1e-9, "float32": 1e-4}
"""How far an output may be off, relative to the largest number in it, by the coarsest dtype that a layer of the model
computes in: so far does rounding reach through a hundred layers. Other dtypes have 2 ** -5, some units of bfloat16's
last place."""

_ROUNDS = 5
_ROWS = 512


@dataclass(frozen=True, slots=True)
class ModelFix:
    """A fix of a live model. rule: whose. layer: the path of the layer that the finding stands at. title: what it does.

    obstacle: why it cannot be made on the object, "" where it can.
    """

    rule: str
    layer: str
    title: str
    certificate: Certificate
    obstacle: str = ""

    @property
    def keeps(self) -> bool:
        """Whether the model, as it stands, computes the same in both modes afterwards, as far as the certificate says.

        The statistics that later training leaves in it may differ; that is what a fix of the momentum is for.
        """
        found = self.certificate
        return found.same is True or (found.training is not None and found.training <= ROUNDING)


@asks
def fixes_of(
    model: Any,
    *,
    training: Training | None = None,
    **asked: Unpack[Keywords],
) -> list[ModelFix]:
    """The fixes that the findings of `check_model` come with, each with its certificate. The model does not change.

    The arguments, and what they raise, are those of `check_model`.
    """
    plan = Request(**asked).plan()
    return [fix for fix, _ in _fixes(model, plan, training)]


@asks
def fixed(
    model: Any,
    data: Any = None,
    *,
    training: Training | None = None,
    unsafe: bool = False,
    **asked: Unpack[Keywords],
) -> Any:
    """A new model with the fixes of what `check_model` finds, and the weights of the old one, which does not change.

    A bias that a batch normalization subtracts is left out, and the moving mean becomes less by it; a momentum by
    PyTorch's convention becomes Keras's; and so on, wherever a rule's fix is a matter of arguments. Fixes that put
    layers elsewhere need the code, and training; `fixes_of` lists all, and says which cannot be made on an object.

    By default those are applied after which the model as it stands computes the same in both modes, as their
    certificates say. unsafe: also those after which it runs, or trains, in another mode (a flag taken back, layers
    frozen). In inference mode, with its own moving statistics, the new model always gives what the old one gives.

    That is tried before it is returned: both run on `data`, a batch of inputs as the model takes them, or on random
    numbers, in inference mode, and with each layer's batch statistics in their place where that must be the same too.
    Outputs may differ by rounding: see TOLERANCE.

    Layers' names, sharing, dtypes and `trainable` stay, and so do the classes of models and layers. The new model is
    not compiled: an optimizer's state would not fit the new variables. The other keywords are those of `check_model`.

    Raises TypeError for what is no Keras model; ValueError for one that is not built, for a subclass of Model (its
    graph is in its code), for a layer that its configuration does not make anew, and where outputs differ.

    >>> lean = fixed(model)
    >>> lean = fixed(model, select=["redundant-bias"])
    """
    plan, new = Request(**asked).plan(), None
    for _ in range(_ROUNDS):
        chosen, edits, old = [], Edits(), model if new is None else new
        layers = reachable(old)
        for fix, change in _fixes(old, plan, training):
            if not fix.obstacle and (unsafe or fix.keeps) and _added(edits, change, layers):
                chosen.append(fix)
        if new is not None and not chosen:
            break
        new = _made(old, edits, data, chosen)
    return new


def _fixes(model: Any, plan: Plan, training: Training | None) -> list[tuple[ModelFix, Change]]:
    program = door.read(model, training=training, target=plan.target)
    found, layers = [], reachable(model)
    for rule, options, _ in Checker(plan).rules:
        for problem in rule.check(program, options):
            change = problem.change
            if change is not None:
                obstacle = _obstacle(change, layers)
                layer = problem.origin.place().layer or ""
                found.append((ModelFix(rule.name, layer, change.title, certify(change, program), obstacle), change))
    program.dissolve()
    return found


def _obstacle(change: Change, layers: Mapping[str, Any]) -> str:
    try:
        Edits().add(change.steps, layers)
    except Impossible as error:
        return str(error)
    return ""


def _added(edits: Edits, change: Change, layers: Mapping[str, Any]) -> bool:
    """Take a change on, unless one before it contradicts it: then it has to wait for the next round."""
    try:
        edits.add(change.steps, layers)
    except Impossible:
        return False
    return True


def _made(model: Any, edits: Edits, data: Any, chosen: list[ModelFix]) -> Any:
    """The model with these edits. Raises ValueError where it does not compute the same."""
    new, pairs = rebuilt(model, edits)
    with unmarked(model), kept(model):
        inputs = samples(model) if data is None else data
        with kept(new):
            shifted = _shifts(model, new, pairs, inputs)
        for layer, less in shifted:
            _lessen(layer, less)
        with kept(new):
            _compare(model, new, inputs, chosen)
    return new


def _shifts(model: Any, new: Any, pairs: list[tuple[Any, Any]], inputs: Any) -> list[tuple[Any, Array]]:
    """New batch normalizations, each with what dropped variables had added to its channels."""
    gone = list(_dropped(pairs))
    if not gone:
        return []
    twins = {id(made): old for old, made in pairs}
    before: dict[int, list[Array]] = {}
    found: dict[int, tuple[Any, Array]] = {}

    def note(seen: Seen) -> None:
        before.setdefault(id(seen.layer), []).append(seen.rows(_ROWS))

    def shift(seen: Seen) -> Statistics | None:
        rows = before.get(id(twins[id(seen.layer)]))
        less = _offset(rows.pop(0), seen.rows(_ROWS), gone) if rows else None
        if less is not None:
            found.setdefault(id(seen.layer), (seen.layer, less))
        if id(seen.layer) not in found:
            return None
        mean, variance = (array(getattr(seen.layer, name)).astype(np.float64).reshape(-1) for name in STATISTICS)
        return mean - found[id(seen.layer)][1], variance

    with watched(normalizations(model).values(), note):
        run(model, inputs)
    with watched(normalizations(new).values(), shift):
        run(new, inputs)
    return list(found.values())


def _dropped(pairs: list[tuple[Any, Any]]) -> Iterator[Array]:
    """The values of the old layers' variables that the new ones lack."""
    for old, made in pairs:
        if not hasattr(old, "call") or getattr(old, "layers", None) is not None:
            continue
        names = {short_name(variable) for variable in made.variables}
        for variable in old.variables:
            if short_name(variable) not in names:
                yield array(variable).astype(np.float64).reshape(-1)


def _offset(before: Array, after: Array, gone: list[Array]) -> Array | None:
    """By how much less enters each channel, where that is the same at all positions; None for nothing."""
    difference = before - after
    found: Array = difference.mean(0)
    near = 1e-5 * max(1.0, float(np.abs(before).max()))
    if np.abs(found).max() == 0 or np.abs(difference - found).max() > near:
        return None
    for values in gone:  # Free of the rounding of what was measured.
        times = len(found) // max(1, len(values))
        for exact in (np.tile(values, times), np.repeat(values, times)):
            if exact.shape == found.shape and np.abs(exact - found).max() <= near:
                return exact
    return found


def _lessen(layer: Any, less: Array) -> None:
    for name in ("moving_mean", "renorm_mean"):
        variable = getattr(layer, name, None)
        if variable is not None:
            mean = array(variable).astype(np.float64).reshape(-1)
            variable.assign(shaped(layer, name, mean - less))


def _compare(model: Any, new: Any, inputs: Any, chosen: list[ModelFix]) -> None:
    """Raise ValueError where outputs differ: in inference mode, and in training mode where all fixes keep that too."""

    def own(seen: Seen) -> None:
        return None

    def of_batch(seen: Seen) -> Statistics | None:
        moments = seen.moments()
        return (moments.mean, moments.variance) if seen.layer.trainable else None

    dtypes = {layer.compute_dtype for _, layer in layer_paths(model) if layer.variables}
    allowed = max((TOLERANCE.get(str(dtype), 2**-5) for dtype in dtypes), default=0.0)
    for mode, handler in (("inference", own), ("training", of_batch))[: 1 + all(fix.keeps for fix in chosen)]:
        outputs = []
        for one in (model, new):
            with watched(normalizations(one).values(), handler):
                outputs.append([array(each) for each in leaves(run(one, inputs))])
        for there, here in zip(*outputs, strict=True):
            apart = _apart(there, here)
            if not apart <= allowed:  # NaN is not either.
                rules = ", ".join(sorted({fix.rule for fix in chosen})) or "none"
                raise ValueError(
                    f"with its fixes (of {rules}) the model gives other outputs in {mode} mode, off by {apart:.2g} of "
                    f"the largest and not at most {allowed:g}: leave some out with ignore=, or, where they are not "
                    "finite, give it data to try them on; the model is as it was"
                )


def _apart(there: Any, here: Any) -> float:
    """The largest difference, relative to the largest number; infinite unless the same numbers are finite, and some."""
    one, other = there.astype(np.float64), here.astype(np.float64)
    finite = np.isfinite(one)
    if not finite.any() or not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        return float("inf")
    gap, largest = np.abs(one[finite] - other[finite]).max(), np.abs(one[finite]).max()
    return float(gap / (largest or 1.0))
