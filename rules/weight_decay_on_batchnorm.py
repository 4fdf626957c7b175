"""Weight decay that also shrinks the gamma and beta of batch normalizations."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.catalog import optimizer
from bnlint.graph import Arg, Event, Object, Origin, learning_batchnorms, settings

category = "batch"
severity = Severity.ADVICE


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each optimizer with weight decay for a model with batch normalization, and each L2 on gamma or beta."""
    for event in program.events:
        decay = _decay(event) if event.kind == "compile" else None
        if decay is not None and _scales(event):
            origin, rate = decay
            said = f"The weight decay of {rate:g} shrinks the gamma and beta of batch normalization too"
            yield Problem(origin, f'{said}: `exclude_from_weight_decay(var_names=["gamma", "beta"])`.')
    for name in ("gamma_regularizer", "beta_regularizer"):
        for origin, arg, uses in settings(program, name):
            factor = _l2(arg.value)
            if factor:
                yield Problem(origin, f"An L2 of {factor:g} pulls {name.partition('_')[0]} towards 0{uses}.")


def _decay(event: Event) -> tuple[Origin, float] | None:
    """Where a compiled optimizer's weight decay stands, and its value; None for none, and where that is not known."""
    compiled = event.args.get("optimizer")
    if compiled is None:
        return None
    value = compiled.value
    if isinstance(value, str) and compiled.origin is not None:
        default = optimizer(value).weight_decay
        return None if default is None else (compiled.origin, default)
    if not isinstance(value, Object) or "**" in value.args or "exclude_from_weight_decay" in value.args:
        return None
    given = value.args.get("weight_decay", Arg(optimizer(value.kind).weight_decay))
    origin = given.origin or value.origin or compiled.origin
    if isinstance(given.value, (int, float)) and given.value and origin is not None:
        return origin, float(given.value)
    return None


def _scales(event: Event) -> bool:
    """Whether the model has a batch normalization that learns a gamma or a beta."""
    found = learning_batchnorms(event.model)
    return any(layer.arg(name).value is not False for layer in found for name in ("center", "scale"))


def _l2(value: object) -> float | None:
    """The factor of an L2 regularizer, 0 and None for none; 0.01 is Keras's default."""
    if isinstance(value, str):
        return 0.01 if value.lower() in ("l2", "l1_l2", "l1l2") else None
    if not isinstance(value, Object) or value.kind.lower() not in ("l2", "l1_l2", "l1l2"):
        return None
    given = value.args.get("l2", Arg(0.01 if value.kind.lower() == "l2" else 0.0)).value
    return float(given) if isinstance(given, (int, float)) else None
