"""A Lambda layer does not own the variables that its function uses."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Model, by_origin, holds_batchnorm, is_batchnorm, is_frozen, label

category = "construction"
severity = Severity.ERROR
source_only = "the function of a Lambda is not looked into"


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Every batch normalization, and every model that holds one, called inside a Lambda layer's function."""
    for call, *_ in by_origin(call for call in program.calls if _loses_variables(call)):
        layer = call.layer
        if layer.context.kind == "lambda":
            said = f"{label(layer)} is created inside a Lambda layer, which cannot own its variables: this raises."
        elif is_batchnorm(layer):
            said = (
                f"{label(layer)} is used inside a Lambda layer: the model neither trains nor saves its gamma and beta."
            )
        else:
            said = (
                f"{label(layer)}, used inside a Lambda layer, holds a BatchNormalization that no model trains or saves."
            )
        yield Problem(call.origin, said)


def _loses_variables(call: Call) -> bool:
    if call.context.kind != "lambda" or call.context.raises or is_frozen(call.layer):
        return False
    if isinstance(call.layer, Model):
        # Called with training=False it is a fixed feature extractor, and those work.
        return call.training.value is not False and holds_batchnorm(call.layer) is True
    return is_batchnorm(call.layer)
