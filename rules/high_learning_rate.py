"""A learning rate that even batch normalization may not make up for."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.catalog import optimizer
from bnlint.graph import Arg, Event, Object, learning_batchnorms

category = "batch"
severity = Severity.ADVICE
enabled = False
options = {"adaptive": 0.1, "sgd": 1.0}


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each compiled optimizer whose learning rate is known to be at the limit of its kind, or above."""
    for event in program.events:
        found = _rate(event) if event.kind == "compile" and not event.context.testing else None
        if found is None or next(learning_batchnorms(event.model), None) is None:
            continue
        kind, rate = found
        limit = options["sgd" if kind == "SGD" else "adaptive"]
        assert isinstance(limit, float) and isinstance(rate.value, (int, float))
        if rate.value >= limit:
            said = f"A learning rate of {rate.value:g} is high for {kind}, with BatchNormalization too"
            yield Problem(rate.origin or event.origin, f"{said}: above {limit:g}, try a lower one beside it.")


def _rate(event: Event) -> tuple[str, Arg] | None:
    """The compiled optimizer's kind and its learning rate, where it is a number."""
    given = event.args.get("optimizer")
    value = given.value if given is not None else None
    if not isinstance(value, Object) or (not optimizer(value.kind).adaptive and value.kind != "SGD"):
        return None
    rate = value.args.get("learning_rate") or value.args.get("lr")
    number = rate is not None and isinstance(rate.value, (int, float)) and not isinstance(rate.value, bool)
    return (value.kind, rate) if rate is not None and number else None
