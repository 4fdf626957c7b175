"""A batch normalization has the last word on what a trained model outputs."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import (
    Call,
    Function,
    Layer,
    Model,
    Object,
    Tensor,
    is_batchnorm,
    is_linear,
    is_pass_through,
    nearest,
    output_activation,
    trained_models,
    used_on,
)
from bnlint.graph.kinds import OUTPUT_ACTIVATIONS

category = "placement"
severity = Severity.ERROR

_SQUASHING = {name.replace("_", "") for name in OUTPUT_ACTIVATIONS}
_DISTANCES = ("triplet", "contrastive", "cosine", "npair", "arcface", "metric")


def check(program: Program, options: Options) -> Iterator[Problem]:
    """BN between a trained model's output activation and its output; BN as the last step of a classifier's logits."""
    nested = {call.layer for model in program.models for call in model.nodes}
    for model in trained_models(program):
        if model in nested and not model.event_kinds() & {"fit", "train_on_batch", "tape"}:
            continue
        for call, passed in (found for output in model.outputs for found in _nearest(output)):
            if is_batchnorm(call.layer):
                front = [found for given in call.inputs for found, _ in _nearest(given)]
                verdict = _judge(model, front, last=not passed)
                if verdict is not None:
                    message, level = verdict
                    said = f"BatchNormalization{used_on([call], program)} {message}."
                    yield Problem(call.layer.origin, said, level, ((front[0].origin, "what it normalizes"),))


def _nearest(tensor: Tensor) -> Iterator[tuple[Call, tuple[Call, ...]]]:
    return nearest(tensor, lambda call: is_pass_through(call.layer))


def _judge(model: Model, front: list[Call], last: bool) -> tuple[str, Severity] | None:
    """What is wrong with a BN at the output behind these calls, and how much; None for nothing."""
    names = {output_activation(call) for call in front}
    losses = [_name(event.args["loss"].value) for event in model.events if "loss" in event.args]
    if front and all(name and name.replace("_", "") in _SQUASHING for name in names):
        name = "/".join(sorted(filter(None, names)))
        if name != "softmax" and any(word in loss for loss in losses for word in _DISTANCES):
            return None  # An embedding: nothing asks for its range.
        return f"rescales the {name} output of the model: what comes out has left the range of {name}", Severity.ERROR
    logits = last and names == {""} and all(is_linear(call.layer) for call in front)
    if logits and any("crossentropy" in loss for loss in losses):
        return "is the last step of a classifier: in training its logits depend on the batch", Severity.WARNING
    return None


def _name(loss: object) -> str:
    """A loss as a lower-case name without underscores, "" where it is not known."""
    if isinstance(loss, Layer):
        loss = loss.cls
    name = loss.name if isinstance(loss, Function) else loss.kind if isinstance(loss, Object) else loss
    return name.replace("_", "").lower() if isinstance(name, str) else ""
