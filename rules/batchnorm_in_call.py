"""A batch normalization constructed while the model runs is a new one every time."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Layer, Origin, by_origin, is_batchnorm, label
from bnlint.rulebook.change import Change, Hoist

category = "construction"
severity = Severity.ERROR
source_only = "a layer that `call` makes anew belongs to no model"

_STEPS = frozenset({"train_step", "test_step", "predict_step"})


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each batch normalization that `call`, a training step or a tape constructs."""
    holders: dict[Layer, list[Layer]] = {}
    for layer in program.layers:
        for child in layer.children:
            holders.setdefault(child, []).append(layer)
    for group in by_origin(layer for layer in program.layers if is_batchnorm(layer)):
        here = [layer for layer in group if layer.unmade is None]  # Else misplaced-argument speaks, of the slip.
        made = [(layer, where) for layer in here if (where := _running(layer)) and not _kept(layer, holders)]
        if made:
            layer, where = made[0]
            some = "" if len(made) == len(group) else f" in {len(made)} of its {len(group)} uses"
            said = f"{label(layer)} is constructed {where}{some}: each run would make a new, untrained one."
            change = None if some else _change(layer)
            yield Problem(layer.origin, said, related=_through(layer), change=change)


def _change(layer: Layer) -> Change | None:
    """Make it in the constructor, behind the layer whose output it takes."""
    if layer.context.functions[-1:] != ("call",):
        return None
    front = layer.calls[0].inputs[0].call if layer.calls and layer.calls[0].inputs else None
    beside = front.layer.origin if front is not None and front.layer.attribute else None
    step = Hoist(layer.origin, "norm", beside)
    effect = "the layer is one of the model's: it learns, and its weights are saved"
    return Change("Make the layer in the constructor", (step,), effect=effect)


def _running(layer: Layer) -> str:
    """Inside what running code the layer is constructed, as the end of a sentence; "" where none."""
    context = layer.context
    if context.raises or "build" in context.functions:
        return ""
    if context.kind == "call":
        return "inside `call`"
    step = next((name for name in context.functions if name in _STEPS), None)
    if step is not None:
        return f"inside `{step}`"
    return "under a GradientTape" if context.tape is not None else ""


def _kept(layer: Layer, holders: dict[Layer, list[Layer]], depth: int = 0) -> bool:
    """Whether an object that outlives the run keeps the layer, which is then made where there is none yet."""
    if layer not in holders:
        return layer.attribute is not None
    return depth < 6 and any(not _running(one) or _kept(one, holders, depth + 1) for one in holders[layer])


def _through(layer: Layer) -> tuple[tuple[Origin, str], ...]:
    """The call of the helper that constructs it, where one does."""
    helped = len(layer.context.functions) > 1 and layer.origin.stack
    return ((layer.origin.stack[-1], "reached from here"),) if helped else ()
