"""A live model made anew from its configuration and its graph, with other arguments here and there, and its weights."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from ..doors.assembly import LayerSpot
from ..doors.live.door import graph_of, library
from ..doors.live.objects import array, is_keras, leaves
from ..doors.live.tracing import held_layers, is_model
from ..rulebook.change import Freeze, RemoveArgument, Rename, Replace, SetArgument, Snippet, Step
from .watching import is_normalization, layer_paths


class Impossible(ValueError):
    """What cannot be done to this model, as a sentence."""


REMOVED = object()
"""In the place of an argument's value: the argument is to be left out."""


@dataclass(slots=True)
class Edits:
    """What is to be different in a model made anew, by the ids of the layers of the old one.

    settings: arguments of their configurations. flags: the `training` of a call, by its number among the layer's calls.
    kinds: other classes of Keras's. stand_ins: the layer to be made in another's place, under that one's name. frozen:
    the layers and models whose batch normalization is to be untrainable.
    """

    settings: dict[int, dict[str, object]] = field(default_factory=dict)
    flags: dict[tuple[int, int], object] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    stand_ins: dict[int, Any] = field(default_factory=dict)
    frozen: list[Any] = field(default_factory=list)

    def add(self, steps: Iterable[Step], layers: Mapping[str, Any]) -> None:
        """Take on the steps of a change to these layers, given by path.

        Raises Impossible, and takes on none, where one is not for objects, or contradicts one taken on before.
        """
        new = Edits()
        for step in steps:
            new._take(step, layers)
        for mine, theirs in ((self.flags, new.flags), (self.kinds, new.kinds), (self.stand_ins, new.stand_ins)):
            _join(mine, theirs)
        for key, settings in new.settings.items():
            _join(self.settings.setdefault(key, {}), settings)
        self.frozen += new.frozen

    def _take(self, step: Step, layers: Mapping[str, Any]) -> None:
        if isinstance(step, (SetArgument, RemoveArgument)):
            live, number = _at(step.origin, layers)
            value = _value(step.value, step.name, layers) if isinstance(step, SetArgument) else REMOVED
            if step.name == "training":
                self.flags[id(live), number or 0] = value
            else:
                self.settings.setdefault(id(live), {})[step.name] = value
        elif isinstance(step, Rename):
            self.kinds[id(_at(step.origin, layers)[0])] = step.kind
        elif isinstance(step, Replace) and isinstance(step.by, LayerSpot):
            self.stand_ins[id(_at(step.origin, layers)[0])] = _at(step.by, layers)[0]
        elif isinstance(step, Freeze):
            self.frozen.append(_at(step.network or step.origin, layers)[0])
        else:
            raise Impossible("it is a change of the code, or puts layers in another order: train the model anew")


def reachable(model: Any) -> dict[str, Any]:
    """The layers that can be made with other arguments, by path: those in graphs and lists, and in wrappers there."""
    found: dict[str, Any] = {}
    stack = [(str(model.name), model)]
    while stack:
        path, layer = stack.pop()
        found[path] = layer
        inner = _held(layer) if _is_graph(layer) else [layer.layer] if _wraps(layer) else []
        stack += [(f"{path}/{child.name}", child) for child in inner if found.get(f"{path}/{child.name}") is not child]
    return found


def rebuilt(model: Any, edits: Edits) -> tuple[Any, list[tuple[Any, Any]]]:
    """A new model, and each of its layers with the old one that it was made from; the old one does not change.

    Names, sharing, structures of inputs and outputs, dtypes, `trainable` and the values of variables stay. A variable
    that the new layer lacks is dropped; a new one has its initial value. The new model is not compiled.

    Raises Impossible for a subclass of Model, and for a layer whose configuration does not make it anew.
    """
    if not _is_graph(model):
        raise Impossible(
            f"{model.name} is put together by the code of {type(model).__name__}: its graph is in `call`, and only the "
            "code can be fixed"
        )
    maker = _Maker(model, edits)
    new = maker.layer(model)
    pairs = [(old, made) for old, made in maker.made.values() if hasattr(old, "variables")]
    for old, made in pairs:
        if not _is_graph(old):
            _copy_variables(old, made)
    order = {id(layer): number for number, (_, layer) in enumerate(layer_paths(model))}
    for old, made in sorted(pairs, key=lambda pair: order.get(id(pair[0]), 0)):
        _copy_flags(old, made)
    by_old = {id(old): made for old, made in pairs}
    for network in edits.frozen:
        for _, layer in layer_paths(by_old[id(network)]):
            if is_normalization(layer):
                layer.trainable = False
    return new, pairs


def short_name(variable: Any) -> str:
    """A variable's own name: "kernel" of "dense/kernel:0"."""
    return str(variable.name).rsplit("/", 1)[-1].split(":")[0]


class _Maker:
    """Makes layers anew, each once; `made` has the old and the new by the id of the old."""

    def __init__(self, model: Any, edits: Edits) -> None:
        self._keras = sys.modules[library(model)[0]]
        self._edits = edits
        self.made: dict[int, tuple[Any, Any]] = {}
        own = {type(layer).__name__: type(layer) for _, layer in layer_paths(model) if not is_keras(type(layer))}
        self._scope: Callable[[], Any] = lambda: self._keras.utils.custom_object_scope(own)

    def layer(self, old: Any) -> Any:
        """The new layer, model or operation for an old one."""
        if id(old) not in self.made:
            stand_in = self._edits.stand_ins.get(id(old))
            if stand_in is not None:
                new = self._from_config(stand_in, {**self._edits.settings.get(id(stand_in), {}), "name": old.name})
                self.made[id(stand_in)] = (stand_in, new)
            elif _is_graph(old):
                new = self._sequential(old) if _is_sequential(old) else self._functional(old)
            else:
                new = self._from_config(old, self._edits.settings.get(id(old), {}))
            self.made[id(old)] = (old, new)
        return self.made[id(old)][1]

    def _from_config(self, old: Any, settings: dict[str, object]) -> Any:
        cls = type(old)
        if id(old) in self._edits.kinds:
            cls = reduce(getattr, self._edits.kinds[id(old)].split("."), self._keras.layers)
        try:
            config = old.get_config()
            self._set(old, config, settings)
            if cls.__name__ == "Lambda" and is_keras(cls):  # The function itself, not its code from the configuration.
                kept = {name: config[name] for name in ("name", "trainable", "dtype") if name in config}
                shape = getattr(old, "_output_shape", None)
                return cls(old.function, shape, mask=old.mask, arguments=old.arguments, **kept)
            with self._scope():
                return cls.from_config(config)
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise Impossible(
                f"{old.name} ({cls.__name__}) cannot be made anew from its configuration, for which it needs "
                f"get_config and from_config: {type(error).__name__}: {said}"
            ) from error

    def _set(self, old: Any, config: dict[str, Any], settings: dict[str, object]) -> None:
        """Put arguments into a layer's configuration, and into that of the layer it wraps."""
        for name, value in settings.items():
            if value is REMOVED:
                config.pop(name, None)
            else:
                config[name] = value
        if _wraps(old):
            self._set(old.layer, config["layer"]["config"], self._edits.settings.get(id(old.layer), {}))

    def _sequential(self, old: Any) -> Any:
        held = _held(old)
        new = self._class(old)([self.layer(each) for each in held], name=old.name)
        if not new.built:
            new.build(getattr(old, "_build_input_shape", None) or old.input_shape)
        return new

    def _functional(self, old: Any) -> Any:
        tensors: dict[int, Any] = {}
        numbers: dict[int, int] = {}

        def there(tensor: Any) -> Any:
            return tensors.get(id(tensor), tensor)

        for node in graph_of(old) or ():
            operation = getattr(node, "operation", None) or node.layer
            new = self.layer(operation)
            if node.is_input:
                results = list(leaves(new.output))
            else:
                numbers[id(operation)] = number = numbers.get(id(operation), -1) + 1
                args, kwargs = _arguments(node)
                kwargs = dict(mapped(kwargs, there))
                self._flag(kwargs, (id(operation), number))
                results = list(leaves(new(*mapped(args, there), **kwargs)))
            tensors.update({id(one): result for one, result in zip(leaves(node.outputs), results, strict=True)})
        ends = [mapped(structure(old, name), there) for name in ("inputs", "outputs")]
        return self._class(old)(inputs=ends[0], outputs=ends[1], name=old.name)

    def _flag(self, kwargs: dict[str, Any], call: tuple[int, int]) -> None:
        value = self._edits.flags.get(call, kwargs.get("training", REMOVED))
        kwargs.pop("training", None)
        if value is not REMOVED:
            kwargs["training"] = value

    def _class(self, old: Any) -> Any:
        cls = type(old)
        if is_keras(cls):
            return self._keras.Sequential if _is_sequential(old) else self._keras.Model
        maker = next(each for each in cls.__mro__ if "__init__" in vars(each))
        if not is_keras(maker):
            raise Impossible(f"{old.name} is put together by {cls.__name__}.__init__: only the code can be fixed")
        return cls


def _is_graph(layer: Any) -> bool:
    """Whether it is a model whose layers are known from outside: Sequential, or functional."""
    return is_model(layer) and graph_of(layer) is not None


def _is_sequential(model: Any) -> bool:
    return any(cls.__name__ == "Sequential" and is_keras(cls) for cls in type(model).__mro__)


def _wraps(layer: Any) -> bool:
    """Whether it is one of Keras's wrappers, whose configuration holds that of one layer."""
    return any(cls.__name__ == "Wrapper" for cls in type(layer).__mro__) and is_keras(type(layer))


def _held(model: Any) -> list[Any]:
    """A model's layers; of a functional one, also the operations that its graph has between them."""
    held = held_layers(model)
    if _is_sequential(model):
        return held
    used = [getattr(node, "operation", None) or node.layer for node in graph_of(model) or ()]
    return list({id(each): each for each in [*held, *used]}.values())


def _arguments(node: Any) -> tuple[Any, Any]:
    if hasattr(node, "arguments"):
        return node.arguments.args, node.arguments.kwargs
    return node.call_args, node.call_kwargs


def structure(model: Any, name: str) -> Any:
    """A model's symbolic inputs or outputs, in the structure they were given in; a Sequential has one of each."""
    if _is_sequential(model):
        return getattr(model, name)[0]
    for attribute in (f"_{name}_struct", f"_nested_{name}"):
        if hasattr(model, attribute):
            return getattr(model, attribute)
    return getattr(model, name)


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """A structure of lists, tuples and dictionaries with other leaves."""
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(item, change) for item in value))
    if isinstance(value, (list, tuple)):
        return (list if isinstance(value, list) else tuple)(mapped(item, change) for item in value)
    return change(value)


def _copy_variables(old: Any, new: Any) -> None:
    """The values of a layer's variables: one by one where they are alike, else by name and shape."""
    theirs, mine = ([(short_name(each), tuple(each.shape), each) for each in one.variables] for one in (old, new))
    if [each[:2] for each in theirs] == [each[:2] for each in mine]:
        pairs = [(there[2], here[2]) for there, here in zip(theirs, mine, strict=True)]
    else:
        by_name = {each[:2]: each[2] for each in theirs}
        if len(by_name) < len(theirs):
            raise Impossible(f"{old.name} has several variables of one name, and not the same ones afterwards")
        pairs = [(by_name[each[:2]], each[2]) for each in mine if each[:2] in by_name]
    for there, here in pairs:
        here.assign(np.array(array(there)))


def _copy_flags(old: Any, new: Any) -> None:
    """Whether a layer is trainable, and the layers inside it."""
    new.trainable = old.trainable
    if _is_graph(old):
        return
    inner, made = ([layer for _, layer in layer_paths(one)] for one in (old, new))
    if len(inner) == len(made):
        for there, here in zip(inner, made, strict=True):
            here.trainable = there.trainable


def _at(origin: Any, layers: Mapping[str, Any]) -> tuple[Any, int | None]:
    """The layer at an origin, and the number of its call, None where the layer itself is meant."""
    if not isinstance(origin, LayerSpot) or origin.layer not in layers:
        where = origin.layer if isinstance(origin, LayerSpot) else "what it changes"
        raise Impossible(f"{where} is made by a layer's own code, and not in the model's graph")
    return layers[origin.layer], origin.node


def _value(value: object, name: str, layers: Mapping[str, Any]) -> object:
    """What a step writes: a literal, or the value of the argument at an origin."""
    if isinstance(value, LayerSpot):
        return _at(value, layers)[0].get_config()[name]
    if isinstance(value, Snippet):
        try:
            return ast.literal_eval(value.text)
        except (ValueError, SyntaxError):
            raise Impossible(f"{name} would be an expression of the code") from None
    return value


def _join(mine: dict[Any, Any], theirs: dict[Any, Any]) -> None:
    if any(mine.get(key, value) is not value and mine[key] != value for key, value in theirs.items()):
        raise Impossible("another fix changes the same argument")
    mine.update(theirs)
