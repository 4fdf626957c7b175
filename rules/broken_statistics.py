"""Moving statistics with which a batch normalization cannot compute anything sensible."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import State, is_batchnorm, label

category = "state"
severity = Severity.ERROR


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each batch normalization with a moving statistic that is no number, or a variance that none can have."""
    for layer in program.layers:
        state = layer.state
        if state is None or not is_batchnorm(layer):
            continue
        broken = list(_broken(state))
        if broken:
            yield Problem(layer.origin, f"{label(layer)} has {' and '.join(broken)}: its output is no number there.")
        elif state.constant:
            said = f"{label(layer)} has a moving variance of 0 {_channels(state.constant, state.channels)}"
            size = layer.arg("epsilon").value
            factor = ""
            if isinstance(size, float) and size > 0:
                factor = f", which 1/sqrt(epsilon) = {size**-0.5:.0f} then multiplies"
            yield Problem(
                layer.origin, f"{said}: what it gets there was constant in training{factor}.", Severity.WARNING
            )


def _broken(state: State) -> Iterator[str]:
    if state.broken_mean:
        yield f"a moving mean of NaN or infinity {_channels(state.broken_mean, state.channels)}"
    if state.broken_variance:
        yield f"a moving variance of NaN or infinity {_channels(state.broken_variance, state.channels)}"
    if state.negative:
        yield f"a negative moving variance {_channels(state.negative, state.channels)}"


def _channels(count: int, total: int) -> str:
    return f"in {count:,} of {total:,} channel{'s' * (total > 1)}"
