"""One batch normalization for different inputs: one moving average for the mixture of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Layer, Model, Tensor, is_batchnorm, label
from bnlint.graph.freezing import contents, ever_frozen, may_learn

category = "placement"
severity = Severity.WARNING


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each batch normalization, or what holds one, that one graph applies to different inputs."""
    frozen = ever_frozen(program)
    graphs = [set(model.nodes) for model in program.models]
    said: set[object] = set()
    for layer in program.layers:
        if len(layer.calls) < 2 or layer in frozen or not _normalizes(layer, frozen):
            continue
        for calls in _within_one_graph(layer, graphs):
            problem = _judge(layer, _different(calls), len({call.origin.key for call in calls}))
            if problem is not None and problem.origin.key not in said:
                said.add(problem.origin.key)
                yield problem


def _normalizes(layer: Layer, frozen: set[Layer]) -> bool:
    """Whether the layer is a learning batch normalization, or a model or a layer of the project that holds one."""
    if layer.op or not (is_batchnorm(layer) or isinstance(layer, Model) or layer.kind == "Layer"):
        return False
    inside = (inner for inner in contents(layer) if inner not in frozen)
    return any(is_batchnorm(inner) or (isinstance(inner, Model) and inner.batchnorm) for inner in inside)


def _judge(layer: Layer, calls: list[Call], all_calls: int) -> Problem | None:
    if len(calls) < 2:
        return None
    least = "at least " if all_calls > len(calls) else ""
    many = f"{least}{len(calls)} different inputs of one graph"
    if is_batchnorm(layer):
        related = tuple((call.origin, f"input {number} of {len(calls)}") for number, call in enumerate(calls[:2], 1))
        said = f"One BatchNormalization normalizes {many}: it has one moving average, of their mixture."
        return Problem(layer.origin, said, related=related)
    said = f"{label(layer)} holds BatchNormalization and is applied to {many}: one moving average for all of them."
    return Problem(calls[1].origin, said, Severity.ADVICE, ((calls[0].origin, "it is applied here too"),))


def _different(calls: Iterable[Call]) -> list[Call]:
    """Those of the calls that surely put the layer into the graph, one for each different input."""
    inputs: dict[frozenset[Tensor], Call] = {}
    for call in calls:
        sources = frozenset(source for given in call.inputs[:1] for source in given.sources())
        if _is_symbolic(call, sources) and not call.optional and may_learn(call):
            inputs.setdefault(sources, call)
    return list(inputs.values())


def _is_symbolic(call: Call, sources: Collection[Tensor]) -> bool:
    """Whether the call surely is one of a graph, not a direct one on data."""
    if call.context.tape is not None or (call.context.kind == "build" and any(source.outside for source in sources)):
        return False
    return call.context.kind in ("build", "call") and not any(source.data for source in sources)


def _within_one_graph(layer: Layer, graphs: Collection[set[Call]]) -> Iterator[list[Call]]:
    """The layer's calls, in groups that surely belong to one graph."""
    bodies: dict[Call, list[Call]] = {}
    loose: list[Call] = []
    for call in layer.calls:
        (loose if call.parent is None else bodies.setdefault(call.parent, [])).append(call)
    yield from bodies.values()
    for nodes in graphs:
        yield [call for call in loose if call in nodes]
    homeless = [call for call in loose if not any(call in nodes for nodes in graphs)]
    if len(homeless) > 1:
        yield from _meeting(homeless)


def _meeting(calls: list[Call]) -> Iterator[list[Call]]:
    """The calls whose results meet further on, or of which one follows from another."""
    reached = [_downstream(call) for call in calls]
    for index, call in enumerate(calls):
        yield [call, *(calls[later] for later in range(index + 1, len(calls)) if reached[index] & reached[later])]


def _downstream(call: Call) -> set[Call]:
    found, stack = {call}, [call]
    while stack:
        current = stack.pop()
        for user in (user for tensor in (current.output, *current.outputs) for user in tensor.users):
            if user not in found:
                found.add(user)
                stack.append(user)
    return found
