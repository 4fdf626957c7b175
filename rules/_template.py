"""One line: what is wrong where this fires."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import by_origin, is_batchnorm

category = "construction"
severity = Severity.WARNING
options = {"largest": 0.1}


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Every batch normalization whose epsilon is known to be above the option `largest`."""
    largest = options["largest"]
    assert isinstance(largest, float)
    for layer, *_ in by_origin(layer for layer in program.layers if is_batchnorm(layer)):
        epsilon = layer.arg("epsilon")
        if isinstance(epsilon.value, (int, float)) and epsilon.value > largest:
            level = None if epsilon.certain else Severity.ADVICE
            yield Problem(epsilon.origin or layer.origin, f"epsilon={epsilon.value} drowns the variance.", level)
