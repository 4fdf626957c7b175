"""A batch normalization inside TimeDistributed: Keras 3 takes statistics of each time step by itself."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Layer, Model, by_construction, is_batchnorm, label, which_of
from bnlint.graph.freezing import contents, ever_frozen, may_learn
from bnlint.rulebook.change import Change, Function, Replace, SetArgument

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
            where = which_of(found, calls, program)
            said = f"TimeDistributed around {what}{where}: Keras 3 normalizes each time step by itself, and one moving"
            said += " average, updated at every step, stands for all."
            yield Problem(found[0].layer.origin, said, change=None if where else _change(found[0], inner))


def _change(call: Call, inner: Layer) -> Change | None:
    """The bare batch normalization, under the wrapper's name."""
    wrapper = call.layer
    if not is_batchnorm(inner) or inner.arg("axis").value != -1 or wrapper.args.keys() - {"layer", "name"}:
        return None
    name = wrapper.args.get("name")
    steps: tuple[Replace | SetArgument, ...] = (Replace(wrapper.origin, inner.origin),)
    if name is not None and name.origin is not None and "name" not in inner.args:
        steps = (*steps, SetArgument(inner.origin, "name", name.origin))
    return Change("The batch normalization without its wrapper", steps, Function((call,)))


def _learns(layer: Layer, frozen: set[Layer]) -> bool:
    inside = (inner for inner in contents(layer) if inner not in frozen)
    return any(is_batchnorm(inner) or (isinstance(inner, Model) and inner.batchnorm) for inner in inside)
