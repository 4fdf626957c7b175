"""A batch normalization inside TimeDistributed: Keras 3 takes statistics of each time step by itself."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Layer, Model, by_construction, is_batchnorm, label, which_of
from bnlint.graph.freezing import contents, ever_frozen, may_learn

category = "placement"
severity = Severity.WARNING


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each TimeDistributed around a learning batch normalization, or around what holds one, in Keras 3."""
    if program.keras < 3:
        return
    frozen = ever_frozen(program)
    for calls in by_construction(call for call in program.calls if call.layer.kind == "TimeDistributed"):
        found = [call for call in calls if may_learn(call) and _learns(call.layer, frozen)]
        inner = found[0].layer.wrapped if found else None
        if inner is not None:
            what = "BatchNormalization" if is_batchnorm(inner) else f"{label(inner)}, which holds BatchNormalization"
            said = f"TimeDistributed around {what}{which_of(found, calls)}: Keras 3 normalizes each time step by itself"
            yield Problem(
                found[0].layer.origin, f"{said}, and one moving average, updated at every step, stands for all."
            )


def _learns(layer: Layer, frozen: set[Layer]) -> bool:
    inside = (inner for inner in contents(layer) if inner not in frozen)
    return any(is_batchnorm(inner) or (isinstance(inner, Model) and inner.batchnorm) for inner in inside)
