"""Moving statistics that still hold their initial values in a model that was trained."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Layer, State, is_batchnorm, label

category = "state"
severity = Severity.WARNING


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each batch normalization of a trained model whose moving mean is 0 and moving variance 1 in every channel."""
    steps = max((model.iterations or 0 for model in program.models), default=0)
    for layer in program.layers:
        state = layer.state
        if state is None or not is_batchnorm(layer) or state.initial < state.channels or not _starts_there(layer):
            continue
        why = _trained(layer, state, steps)
        if why:
            many = f"all {state.channels} channels" if state.channels > 1 else "its channel"
            said = f"The moving mean and variance of {label(layer)} are still 0 and 1 in {many}, although {why}"
            yield Problem(layer.origin, f"{said}: in inference it does not normalize.")


def _starts_there(layer: Layer) -> bool:
    """Whether 0 and 1 are what the layer starts from."""
    return layer.arg("moving_mean_initializer").value == "zeros" and (
        layer.arg("moving_variance_initializer").value == "ones"
    )


def _trained(layer: Layer, state: State, steps: int) -> str:
    """How it is known that the layer was trained; "" where it is not."""
    if state.moved:
        return "its gamma and beta have been trained"
    frozen = "trainable" in layer.args and layer.args["trainable"].value is False
    if steps and not frozen:
        return f"the optimizer has made {steps:,} step{'s' * (steps > 1)}"
    return ""
