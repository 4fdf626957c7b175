"""A layer's call as it is to be tried out: its kind, what it was given, and where its inputs come from.

Plain values without the graph behind them: equal ones compute the same, and are tried once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ...catalog import Row, is_silent, kind_of, names_of, parameters, row
from ...graph import ACTIVATIONS, Arg, Call, Layer, Object, Origin, Unknown, activation_name
from ...graph.freezing import may_learn


class Uncomputable(Exception):
    """A network cannot run: where Keras would raise, where sizes do not go together, or where memory does not do."""


RAISED = (ValueError, TypeError, IndexError, ArithmeticError, MemoryError)
"""What the catalog's rules and the reference raise for such a network. Anything else is a mistake of bnlint's."""


class Untried(Exception):
    """Something that cannot be tried out, as a phrase."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A layer: `args` are those that decide what it computes, sorted by name; `inner` is what a wrapper wraps."""

    kind: str
    args: tuple[tuple[str, object], ...] = ()
    inner: Spec | None = None
    trainable: bool = True

    @property
    def name(self) -> str:
        """What to call it: TimeDistributed(Dense)."""
        return f"{self.kind}({self.inner.name})" if self.inner else self.kind

    @property
    def row(self) -> Row:
        """What the catalog has of it."""
        return row(self.kind)


@dataclass(frozen=True, slots=True)
class Node:
    """One call. `inputs` are numbers of nodes, and -1, -2, … for what comes from outside.

    `layer` is the same number for calls of the same layer, before and after. `training` is the flag, None for none.
    """

    spec: Spec
    inputs: tuple[int, ...]
    layer: int
    training: bool | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes, in no order; `seen` says, for each node there was before, which one now gives the value behind it."""

    nodes: tuple[Node, ...]
    seen: tuple[int, ...]


_LIKELY: Mapping[str, object] = {
    "filters": 8,
    "units": 8,
    "kernel_size": 3,
    "pool_size": 2,
    "strides": 1,
    "dilation_rate": 1,
    "size": 2,
    "depth_multiplier": 1,
    "rate": 0.5,
    "stddev": 0.1,
    "n": 2,
    "cropping": 1,
    "groups": 1,
    "momentum": 0.99,
    "epsilon": 1e-3,
}
"""What stands for a size or a number that is not known."""


@dataclass(eq=False, slots=True)
class Ingredient:
    """A layer of the graph, or a new one, as the steps of a change find it and leave it."""

    kind: str
    args: dict[str, Arg] = field(default_factory=dict)
    inner: Ingredient | None = None
    origin: Origin | None = None
    op: bool = False
    own: str = ""
    frozen: bool = False

    @classmethod
    def of(cls, layer: Layer, frozen: bool) -> Ingredient:
        """A layer of the graph."""
        own = layer.cls if kind_of(layer.cls or layer.kind) != layer.kind and layer.cls != "Lambda" else ""
        inner = cls.of(layer.wrapped, frozen) if layer.wrapped is not None else None
        return cls(layer.kind, dict(layer.args), inner, layer.origin, layer.op or layer.cls == "Lambda", own, frozen)

    def become(self, other: Ingredient) -> None:
        """Take on another layer's kind and arguments. Where it is one of the program's, it is now found by that."""
        self.origin = other.origin or self.origin
        self.kind, self.args, self.inner = other.kind, dict(other.args), other.inner
        self.op, self.own = other.op, other.own

    def spec(self, assumed: dict[str, None]) -> Spec:
        """The layer as plain values. Says in `assumed` what was not known. Raises Untried."""
        if self.own:
            raise Untried(f"what {self.own} computes")
        if self.op and self.kind in ACTIVATIONS and (functions := names_of(self.kind)):
            return Spec("Activation", (("activation", functions[0]),))
        names, renamed = row(self.kind).computes, dict(row(self.kind).renamed)
        if names is None or (self.kind == "TimeDistributed" and self.inner is None):
            raise Untried(f"what {self.kind} computes")
        args = {renamed.get(name, name): arg for name, arg in self.args.items()}
        for name, arg in args.items():
            if name not in names and not is_silent(name) and arg.given:
                raise Untried(f"{self.kind} with the argument {name}")
        defaults = {} if self.op else parameters(self.kind)[1]
        found = {name: self._value(name, args[name], assumed) for name in names if name in args}
        values = {**{name: defaults[name] for name in names if name in defaults}, **found}
        inner = self.inner.spec(assumed) if self.inner else None
        return Spec(self.kind, tuple(sorted(values.items())), inner, not self.frozen)

    def _value(self, name: str, arg: Arg, assumed: dict[str, None]) -> object:
        value: object = _plain(arg.value)
        if name == "activation":
            value = activation_name(arg.value)
        if isinstance(value, Unknown) or (value is None and name == "activation"):
            value = _LIKELY.get(name)
            if value is None:
                raise Untried(f"{self.kind} with a value of {name} that is not known")
            assumed[f"{name}={value} of {self.kind}, which is not known"] = None
        elif not arg.certain:
            assumed[f"{name}={value!r} of {self.kind}, as by default"] = None
        return value


def _plain(value: object) -> object:
    """A value that can be compared and hashed."""
    if isinstance(value, (list, tuple)):
        items = tuple(_plain(item) for item in value)
        return next((item for item in items if isinstance(item, Unknown)), items)
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), _plain(item)) for key, item in value.items()))
    if isinstance(value, Object) or not isinstance(value, (bool, int, float, str, type(None), Unknown)):
        return Unknown("no plain value")
    return value


def flag_of(call: Call, given: Arg) -> bool | None:
    """The `training` argument that a call of the graph passes; None for none, and for the flag of the code around."""
    if isinstance(given.value, bool) and given.given:
        return given.value
    if given is not call.training or may_learn(call):
        return None
    raise Untried(f"{call.layer.kind} with a value of training that is not known")


def rank_of(spec: Spec) -> int:
    """How many axes a layer's input has by its kind, 0 where any number will do."""
    if spec.inner is not None:
        return rank_of(spec.inner) and rank_of(spec.inner) + 1
    if spec.kind == "Dense":
        return 2
    return spec.row.spatial and spec.row.spatial + 2


def narrowed(spec: Spec, most: int) -> Spec:
    """The same layer with no more units, or filters, than this."""
    args = tuple(
        (name, min(value, most) if name in ("filters", "units") and isinstance(value, int) else value)
        for name, value in spec.args
    )
    return replace(spec, args=args, inner=narrowed(spec.inner, most) if spec.inner else None)


def axis_of(spec: Spec) -> int:
    """The one axis that a batch normalization keeps apart. Raises ValueError where there are several."""
    axis = dict(spec.args)["axis"]
    if isinstance(axis, tuple) and len(axis) == 1:
        (axis,) = axis
    if not isinstance(axis, int):
        raise ValueError(f"the axis is {axis}")
    return axis


def normalizes(spec: Spec) -> bool:
    """Whether a layer is a batch normalization, or wraps one."""
    return spec.kind == "BatchNormalization" or (spec.inner is not None and normalizes(spec.inner))


def arranged(network: Network) -> Iterator[int]:
    """The nodes' numbers, each behind those whose values it takes, as near to the start as that allows."""
    waits = [sum(one >= 0 for one in node.inputs) for node in network.nodes]
    users: dict[int, list[int]] = {}
    for number, node in enumerate(network.nodes):
        for one in node.inputs:
            users.setdefault(one, []).append(number)
    ready, count = [number for number, wait in enumerate(waits) if not wait], 0
    while ready:
        yield from ready
        count += len(ready)
        following = [user for number in ready for user in users.get(number, ())]
        for user in following:
            waits[user] -= 1
        ready = sorted({user for user in following if not waits[user]})
    if count < len(waits):
        raise ValueError("the layers go round in a circle")


def moved(before: Network, after: Network) -> bool:
    """Whether a random layer draws for other tensors than before, or is another one."""
    return _random(before) != _random(after)


def _random(network: Network) -> set[tuple[Spec, int, tuple[int, ...]]]:
    return {(node.spec, node.layer, _from(network, node)) for node in network.nodes if node.spec.row.random}


def _from(network: Network, node: Node) -> tuple[int, ...]:
    """What a node's inputs are: the layers they come from, or the tensors from outside."""
    return tuple(network.nodes[one].layer if one >= 0 else one for one in node.inputs)
