"""A batch of one sample leaves a batch normalization nothing to normalize."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph.batches import batches_of_one

category = "batch"
severity = Severity.ERROR


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each known training batch of one that reaches a batch normalization with one value a channel."""
    for event, batch, alone in batches_of_one(program):
        said = "A training batch of 1 reaches a BatchNormalization that sees one value a channel"
        said += ": its output is beta whatever comes in, and no gradient passes it."
        level = None if batch.size.certain else Severity.ADVICE
        yield Problem(
            batch.size.origin or event.origin, said, level, ((alone.layer.origin, "this batch normalization"),)
        )
