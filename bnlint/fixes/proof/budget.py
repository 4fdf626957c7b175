"""How large a trial may be, and what one is: both networks, as often as `comparing` runs them."""

from __future__ import annotations

import math

from .costs import DRAWN, Run, Shape, run_of
from .specs import Network, moved, normalizes

UPDATES, BATCH, MANY = 3, 6, 40_000
"""Updates of the moving statistics, samples a batch; and numbers of an input, for what is estimated."""

MOST_NUMBERS = 5_000_000
"""How many numbers a trial may hold at once: 40 MB of them."""

MOST_WORK = 100_000_000
"""How much work a trial may be."""


def numbers_of(before: Network, after: Network, shapes: tuple[Shape, ...], keras: int) -> int:
    """How many numbers a trial holds at once, at most."""
    batches = {BATCH, many(before, after, shapes, keras)} if moved(before, after) else {BATCH}
    return max(_held(before, after, shapes, keras, batch) for batch in batches)


def _held(before: Network, after: Network, shapes: tuple[Shape, ...], keras: int, batch: int) -> int:
    """Both networks' values, inputs, variables (as drawn, as taken over, and as they move), and the largest step."""
    runs = [run_of(network, shapes, keras, batch) for network in (before, after)]
    variables = sum(math.prod(shape) for run in runs for cost in run.nodes for _, shape in cost.variables)
    inputs = batch * sum(map(math.prod, shapes))
    largest = max((math.prod(cost.shape) for run in runs for cost in run.nodes), default=0)
    return (
        2 * sum(run.values for run in runs)
        + 3 * inputs
        + 3 * variables
        + max(runs[0].beside, runs[1].beside, 3 * largest)
    )


def work_of(before: Network, after: Network, shapes: tuple[Shape, ...], keras: int) -> float:
    """How much work a trial is, by how often each network runs."""
    first, second = (run_of(network, shapes, keras, BATCH) for network in (before, after))
    had, has = _variables(before, first), _variables(after, second)
    gone = [key for key in had if key not in has]
    draws_anew = moved(before, after)
    shifts = 1 + sum(normalizes(node.spec) for node in after.nodes) if gone else 0
    folds = sum(normalizes(node.spec) and any(layer == node.layer for layer, _ in gone) for node in before.nodes)
    gaps = (UPDATES + 2) * (1 + draws_anew + 2 * folds)
    each_time = first.work + second.work + 2 * BATCH * sum(map(math.prod, shapes)) * DRAWN
    drawn = sum(math.prod(shape) * DRAWN for shape in (*had.values(), *has.values()))
    work = drawn + (1 + shifts + gaps) * each_time + (1 + len(gone)) * first.work
    return work + (_estimating(before, after, shapes, keras, many(before, after, shapes, keras)) if draws_anew else 0)


def many(before: Network, after: Network, shapes: tuple[Shape, ...], keras: int) -> int:
    """How many samples there are where a distribution is estimated: as many as give MANY numbers, or fewer."""
    batch = max(BATCH, MANY // min(map(math.prod, shapes)))
    while batch > BATCH and (
        _estimating(before, after, shapes, keras, batch) > MOST_WORK / 2
        or _held(before, after, shapes, keras, batch) > MOST_NUMBERS
    ):
        batch = max(BATCH, batch // 2)
    return batch


def _estimating(before: Network, after: Network, shapes: tuple[Shape, ...], keras: int, batch: int) -> float:
    runs = [run_of(network, shapes, keras, batch) for network in (before, after)]
    return 2 * sum(run.work + batch * sum(map(math.prod, shapes)) * DRAWN for run in runs)


def _variables(network: Network, run: Run) -> dict[tuple[int, str], Shape]:
    pairs = zip(network.nodes, run.nodes, strict=True)
    return {(node.layer, name): shape for node, cost in pairs for name, shape in cost.variables}
