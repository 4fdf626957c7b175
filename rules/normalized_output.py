"""A batch normalization has the last word on what a trained model outputs."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Function, Layer, Model, is_batchnorm, is_linear, is_pass_through, nearest, output_activation, trained_models, used_on
from bnlint.graph.kinds import OUTPUT_ACTIVATIONS

category = "placement"
severity = Severity.ERROR

_SQUASHING = {name.replace("_", "") for name in OUTPUT_ACTIVATIONS}
_DISTANCES = ("triplet", "contrastive", "cosine", "npair", "arcface", "metric")


def check(program: Program, options: Options) -> Iterator[Problem]:
    """BN between a trained model's output activation and its output; BN as the last step of a classifier's logits."""
    nested = {call.layer for model in program.models for call in model.nodes}
    reported: set[object] = set()
    for model in trained_models(program):
        if model in nested and not model.event_kinds() & {"fit", "train_on_batch", "tape"}:
            continue
        for normalized, last in _normalized_outputs(model):
            problem = _judge(model, normalized, last, used_on([normalized], program))
            if problem is not None and problem.origin.key not in reported:
                reported.add(problem.origin.key)
                yield problem


def _normalized_outputs(model: Model) -> Iterator[tuple[Call, bool]]:
    """The BN calls nearest to the model's outputs, and whether nothing at all follows them."""
    for output in model.outputs:
        for call, passed in nearest(output, lambda call: is_pass_through(call.layer)):
            if is_batchnorm(call.layer):
                yield call, not passed


def _judge(model: Model, normalized: Call, last: bool, where: str) -> Problem | None:
    front = [call for given in normalized.inputs for call, _ in nearest(given, lambda call: is_pass_through(call.layer))]
    names = {output_activation(call) for call in front}
    losses = [_name(event.args["loss"].value) for event in model.events if event.kind == "compile" and "loss" in event.args]
    origin = normalized.layer.origin
    if not front or None in names:
        return None
    if all(name and name.replace("_", "") in _SQUASHING for name in names):
        name = "/".join(sorted(filter(None, names)))
        if name != "softmax" and any(word in loss for loss in losses for word in _DISTANCES):
            return None  # An embedding: nothing asks its values to be probabilities.
        return Problem(
            origin,
            f"BatchNormalization{where} rescales the {name} output of the model: what comes out has left the range of {name}.",
            related=((front[0].origin, f"the {name} it normalizes"),),
        )
    if last and names == {""} and all(is_linear(call.layer) for call in front) and any("crossentropy" in loss for loss in losses):
        return Problem(
            origin,
            f"BatchNormalization{where} is the last step of a classifier: in training its logits depend on the batch.",
            Severity.WARNING,
            ((front[0].origin, "the logits it normalizes"),),
        )
    return None


def _name(loss: object) -> str:
    """A loss as a lower-case name without underscores, "" where it is not known."""
    if isinstance(loss, Layer):
        loss = loss.cls
    name = loss.name if isinstance(loss, Function) else loss
    return name.replace("_", "").lower() if isinstance(name, str) else ""
