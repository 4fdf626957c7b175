"""The questions rules ask of the graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Literal, TypeVar

from .channels import ends
from .kinds import (
    ACTIVATIONS,
    BATCH_NORMALIZATIONS,
    IDENTITY_ACTIVATIONS,
    JOINS,
    LINEAR,
    PASS_THROUGH,
)
from .nodes import Arg, Call, Entry, Function, Layer, Model, PerReplica, Tensor, Unknown
from .program import Batch, Event, Program

_Node = TypeVar("_Node", Layer, Call, Entry, Event)


def is_batchnorm(layer: Layer) -> bool:
    """Whether the layer is a batch normalization, or a project's own subclass of it.

    Keras 1's `mode=1`, which normalizes each sample by itself, and `mode=2`, without moving averages, are none.
    """
    return layer.kind in BATCH_NORMALIZATIONS and not ("mode" in layer.args and layer.args["mode"].value in (1, 2))


def is_linear(layer: Layer) -> bool:
    """Dense and convolutions, and a wrapper around one."""
    return layer.kind in LINEAR or (layer.wrapped is not None and is_linear(layer.wrapped))


def activation_name(value: object) -> str | None:
    """The name of an `activation=` value in lower case: "" for none or linear, None where it is not known."""
    if value is None:
        return ""
    if isinstance(value, Unknown):
        return None
    if isinstance(value, str):
        name = value
    elif isinstance(value, Function):
        name = value.name
    elif isinstance(value, Layer):
        name = value.kind
    else:
        return None
    name = name.lower()
    return "" if name in IDENTITY_ACTIVATIONS else name


def fused_activation(layer: Layer) -> str | None:
    """The activation fused into a linear layer: its name, "" for none, None where it is not known."""
    if layer.wrapped is not None:
        return fused_activation(layer.wrapped)
    if layer.kind not in LINEAR or layer.op:
        return ""
    return activation_name(layer.arg("activation").value)


def activates(call: Call) -> bool | None:
    """Whether the call ends in a nonlinearity: an activation layer or function, or a fused one; None if not known."""
    layer = call.layer
    if layer.kind == "Activation":
        name = activation_name(layer.arg("activation").value)
        return None if name is None else name != ""
    if layer.kind in ACTIVATIONS:
        return True
    if is_linear(layer):
        fused = fused_activation(layer)
        return None if fused is None else fused != ""
    return layer.kind == "Multiply" and _gates_itself(call)


def _gates_itself(call: Call) -> bool:
    """Whether a product is of a tensor and an activation of the same tensor: `x * sigmoid(x)`."""
    for gate in call.inputs:
        for _ in range(3):
            if gate.call is None or gate.call.layer.kind not in ACTIVATIONS or len(gate.call.inputs) != 1:
                break
            gate = gate.call.inputs[0]
            if gate in call.inputs:
                return True
    return False


def output_activation(call: Call) -> str | None:
    """The activation with which a call ends: "softmax", "" for none, None where it is not known."""
    layer = call.layer
    if layer.kind == "Activation":
        return activation_name(layer.arg("activation").value)
    if layer.kind in ACTIVATIONS:
        return layer.kind.lower()
    return fused_activation(layer)


def is_pass_through(layer: Layer) -> bool:
    """Neither mixes channels nor activates: pooling, reshaping, padding, noise, concatenation of channels."""
    return layer.kind in PASS_THROUGH


def is_frozen(layer: Layer) -> bool | None:
    """Whether the layer ends up with `trainable = False`; None where that is not known."""
    if layer.writes:
        value = layer.writes[-1].value.value
        return None if isinstance(value, Unknown) else not value
    value = layer.arg("trainable").value if "trainable" in layer.args else True
    return None if isinstance(value, Unknown) else not value


def nearest(
    tensor: Tensor, through: Callable[[Call], bool], limit: int = 200
) -> Iterator[tuple[Call, tuple[Call, ...]]]:
    """Walk back from a tensor: each nearest call that `through` does not let pass, with the calls passed on the way.

    Follows every alternative of joined branches and every input of what it passes, and looks into a nested model of one
    output. Ends silently at inputs.
    """
    for end, passed in ends(tensor, through, limit):
        if end.call is not None:
            yield end.call, passed


def following(call: Call, through: Callable[[Call], bool], limit: int = 200) -> Iterator[Call]:
    """Walk forward from a call: each nearest user that `through` does not let pass."""
    stack = list(users(call))
    seen: set[Call] = set()
    while stack and len(seen) < limit:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        if through(current):
            stack.extend(users(current))
        else:
            yield current


def users(call: Call) -> Iterator[Call]:
    """The calls that take this call's output, joined branches looked through."""
    stack = [call.output, *call.outputs]
    seen: set[Tensor] = set()
    while stack:
        tensor = stack.pop()
        if tensor in seen:
            continue
        seen.add(tensor)
        yield from tensor.users


def _looks_through(call: Call) -> bool:
    return is_pass_through(call.layer) or "Dropout" in call.layer.kind


def _is_foreign(layer: Layer) -> bool:
    """Whether a layer is of a library that is not known: what it does to its input, nobody can say."""
    known = layer.op or layer.defaults or isinstance(layer, Model)
    return not known and layer.kind not in LINEAR | ACTIVATIONS | PASS_THROUGH | JOINS | {"Layer", "Lambda"}


def placement(call: Call) -> Literal["before", "after"] | None:
    """Where a BN call stands against its activation; None where it has none on either side, or where that is unknown.

    An activation right behind the BN decides, unless a fused activation directly precedes the BN too.
    """
    in_front = [found for given in call.inputs for found, _ in nearest(given, _looks_through)]
    after = list(following(call, _looks_through))
    behind = [not is_linear(user.layer) and activates(user) for user in after]
    if any(_is_foreign(user.layer) for user in after):
        return None
    if any(activates(found) is None for found in in_front) or None in behind:
        return None
    fused = any(is_linear(found.layer) and activates(found) for found in in_front)
    if behind and all(behind) and not fused:
        return "before"
    if in_front and all(activates(found) for found in in_front) and not any(behind):
        return "after"
    return None


def batchnorms(model: Model, nested: bool = True, apart: Collection[Layer] = ()) -> Iterator[Call]:
    """The BN calls of a model's graph, in program order; of nested models too, but not of pretrained applications.

    `apart` are nested models to leave out.
    """
    seen: set[Layer] = {model, *apart}
    stack = [model]
    while stack:
        current = stack.pop()
        for call in current.nodes:
            if is_batchnorm(call.layer):
                yield call
            elif nested and isinstance(call.layer, Model) and call.layer not in seen:
                seen.add(call.layer)
                stack.append(call.layer)


def holds_batchnorm(layer: Layer) -> bool | None:
    """Whether a layer is or contains a batch normalization; None where that is not known."""
    unknown = False
    stack, seen = [layer], {layer}
    while stack:
        current = stack.pop()
        if is_batchnorm(current):
            return True
        inner = [*current.children, *([current.wrapped] if current.wrapped else [])]
        if isinstance(current, Model):
            if current.batchnorm is not None:
                if current.batchnorm:
                    return True
                continue
            unknown |= not current.complete
            inner += [call.layer for call in current.nodes]
            inner += [entry.layer for entry in current.entries if entry.layer is not None]
        stack.extend(child for child in inner if child not in seen)
        seen.update(inner)
    return None if unknown else False


def trained_models(program: Program) -> Iterator[Model]:
    """Models that the program compiles or trains."""
    for model in program.models:
        if model.event_kinds() & {"compile", "fit", "train_on_batch", "tape"}:
            yield model


def positions_per_channel(shape: tuple[int | None, ...] | None, axis: int = -1) -> int | None:
    """How many positions of one sample share a channel's statistics: the product of all axes but batch and `axis`.

    1 for (batch, channels); None where an axis, or the shape, is not known.
    """
    if shape is None:
        return None
    channel = axis % len(shape) if -len(shape) <= axis < len(shape) else len(shape) - 1
    product = 1
    for index, size in enumerate(shape):
        if index in (0, channel):
            continue
        if size is None:
            return None
        product *= size
    return product


def samples_per_step(batch: Batch, synchronized: bool = False) -> int | None:
    """How many samples one device sees at once: min(b, n), divided among the replicas unless they share statistics.

    None where the batch size is not known.
    """
    size = batch.size.value
    if isinstance(size, PerReplica):
        return None if synchronized or size.samples < 1 else size.samples
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        return None
    if batch.samples:
        size = min(size, batch.samples)
    return size if synchronized else max(1, size // batch.replicas)


def training_batch(event: Event) -> Batch | None:
    """The batches that an event shows to batch normalization in training mode; None where it shows none.

    None where they are empty, and in a unit test, which trains on little on purpose. A direct call on data of known
    size, with `training=True`, is a batch of its own, unless nothing uses its result: then it only makes the variables.
    """
    if event.context.testing or (event.batch is not None and event.batch.empty):
        return None
    if event.kind in ("fit", "train_on_batch"):
        return event.batch
    if event.kind not in ("call", "tape") or event.context.purpose == "inference" or event.call is None:
        return None
    if event.kind == "call" and event.call.context.tape is None and not _is_used(event.call):
        return None
    training = event.call.training
    if not training.given and event.model.call_default is not None:
        training = event.model.call_default
    if training.value is not True:
        return None
    if event.batch is not None:
        return event.batch
    shape = event.call.inputs[0].shape if event.call.inputs else None
    return Batch(Arg(shape[0], event.call.origin, training.certain)) if shape and shape[0] else None


def _is_used(call: Call) -> bool:
    """Whether anything but a variable of the module takes what a call gives."""
    return any(one.users or (one.escaped and not one.exported) for one in (call.output, *call.outputs))


def learning_batchnorms(model: Model, time: float = math.inf) -> Iterator[Layer]:
    """What updates its batch statistics when the model is trained: BN layers, and models known only to hold some.

    Nested ones too; not those frozen at that time of the program, themselves or by a container, or called with
    `training=False`, and not those of which that is unknown.
    """
    stack: list[tuple[Layer, tuple[Layer, ...]]] = [(model, ())]
    seen: set[Layer] = {model}
    while stack:
        layer, containers = stack.pop()
        if is_batchnorm(layer) or (isinstance(layer, Model) and layer.batchnorm):
            writes = [write for each in (*containers, layer) for write in each.writes if write.time <= time]
            writes = [write for write in writes if write.only != "others"]
            last = max(writes, key=lambda write: write.time, default=None)
            trainable = last.value if last else layer.args.get("trainable", Arg(True))
            if trainable.value and trainable.known:
                yield layer
            continue
        within = (*containers, layer)
        inner = [(child, within) for child in (*layer.children, layer.wrapped) if child is not None]
        if isinstance(layer, Model):
            seen |= {call.layer for call in layer.nodes if call.training.value is False}
            inner += [(entry.layer, within) for entry in layer.entries if entry.layer is not None]
            inner += [(call.layer, (*within, *_parents(call))) for call in layer.nodes]
        stack.extend(pair for pair in inner if pair[0] not in seen)
        seen.update(child for child, _ in inner)


def _parents(call: Call) -> Iterator[Layer]:
    """The project's own layers in whose `call` this call happens."""
    while call.parent is not None:
        call = call.parent
        yield call.layer


def used_on(calls: list[Call], program: Program) -> str:
    """Where only some runs of a helper's line are meant, which: " (in the use on line 12)"; "" where all are."""
    return which_of(calls, list(program.calls_at(calls[0].origin)), program)


def which_of(found: Collection[Call], runs: Collection[Call], program: Program, made: bool = False) -> str:
    """Which runs of some code are meant, by the lines that use it: " (in the use on line 12)"; "" where all are.

    made: the code that makes the layers is meant, not the code that calls them.
    """
    if len(set(found)) >= len(runs):
        return ""
    traced = {model.call_origin.key for model in program.models if model.call_origin is not None}
    called = [() if made else [spot for spot in call.origin.stack if spot.key not in traced] for call in found]
    stacks = [stack or call.layer.origin.stack for stack, call in zip(called, found, strict=True)]
    lines = sorted({line for stack in stacks if stack and (line := stack[-1].place().line)})
    if lines:
        return f" (in the use{'s' * (len(lines) > 1)} on line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))})"
    return f" (in {len(set(found))} of the {len(runs)} times this line runs)"


def by_origin(nodes: Iterable[_Node]) -> list[list[_Node]]:
    """The nodes in groups made by the same spot in the source: a helper that runs twice makes two nodes there."""
    groups: dict[object, list[_Node]] = {}
    for node in nodes:
        groups.setdefault(node.origin.key, []).append(node)
    return list(groups.values())


def by_construction(calls: Iterable[Call]) -> list[list[Call]]:
    """The calls in groups of those whose layers were made by the same spot in the source."""
    groups: dict[object, list[Call]] = {}
    for call in calls:
        groups.setdefault(call.layer.origin.key, []).append(call)
    return list(groups.values())


def label(layer: Layer) -> str:
    """How a message names a layer: `encoder` (Sequential), or only its class where it has no name in the code."""
    kind = layer.cls or layer.kind
    name = layer.attribute or layer.arg("name").value
    return f"`{name}` ({kind})" if isinstance(name, str) else kind
