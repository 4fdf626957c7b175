"""A batch normalization constructed while the model runs is a new one every time."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Layer, Origin, by_origin, is_batchnorm, label

category = "construction"
severity = Severity.ERROR

_STEPS = frozenset({"train_step", "test_step", "predict_step"})


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each batch normalization that `call`, a training step or a tape constructs."""
    for group in by_origin(layer for layer in program.layers if is_batchnorm(layer)):
        made = [(layer, where) for layer in group if (where := _running(layer))]
        if made:
            layer, where = made[0]
            some = "" if len(made) == len(group) else f", in {len(made)} of its {len(group)} uses"
            said = f"{label(layer)} is constructed {where}{some}: each run would make a new, untrained one."
            yield Problem(layer.origin, said, related=_through(layer))


def _running(layer: Layer) -> str:
    """Inside what running code the layer is constructed, as the end of a sentence; "" where none."""
    context = layer.context
    # Kept as an attribute: made once, where `self.norm is None`.
    if layer.attribute or context.raises or "build" in context.functions:
        return ""
    if context.kind == "call":
        return "inside `call`"
    step = next((name for name in context.functions if name in _STEPS), None)
    if step is not None:
        return f"inside `{step}`"
    return "under a GradientTape" if context.tape is not None else ""


def _through(layer: Layer) -> tuple[tuple[Origin, str], ...]:
    """The call of the helper that constructs it, where one does."""
    return ((layer.origin.stack[-1], "reached from here"),) if len(layer.context.functions) > 1 and layer.origin.stack else ()
