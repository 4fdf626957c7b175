"""What a rule proposes to change: steps on nodes of the graph, and what is claimed of them.

A rule says it in terms of the graph; `bnlint.fixes` carries it out on the source, and tries it out on the reference
runtime or in the table of modes. It finds the code that a step is about by its `origin`, `call` or `after`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..graph import DROPOUTS, Call, Layer, Model, Origin, Program, by_origin, holds_batchnorm, is_batchnorm
from ..reference.modes import Situation


@dataclass(frozen=True, slots=True)
class Snippet:
    """An expression or a statement, as source text."""

    text: str


@dataclass(frozen=True, slots=True)
class SetArgument:
    """Give a call this argument, by keyword, in place of the one it has.

    `origin` is the call's, or that argument's. `value` is a literal, a Snippet, or the Origin of an expression to copy.
    `position`: where the argument may stand without its name. `of`: how the value follows from the one that is there,
    as source in which `{}` stands for it; used where a name stands there that has other uses too.
    """

    origin: Origin
    name: str
    value: object
    position: int | None = None
    of: str = ""


@dataclass(frozen=True, slots=True)
class RemoveArgument:
    """Take an argument from a call; `position`: where it may stand without its name."""

    origin: Origin
    name: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class NameArgument:
    """Give an argument this name, whatever it had. `origin` is the argument's."""

    origin: Origin
    name: str


@dataclass(frozen=True, slots=True)
class Replace:
    """Put an expression in the place of another, or of an argument's value.

    `by` is a literal, a Snippet in which `{}` stands for what was there, or the Origin of an expression to copy.
    """

    origin: Origin
    by: object


@dataclass(frozen=True, slots=True)
class Construct:
    """Make another of Keras's layers in the place of this one.

    An argument that the call has already by this name stays as it is written.
    """

    origin: Origin
    kind: str
    args: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AddParameter:
    """Give a function one more parameter, behind the others; or another default, where it has it.

    `default` is source text. `of`: the parameter that it is to be from now on, wherever the function reads that one.
    """

    origin: Origin
    name: str
    default: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Forward:
    """Let a call in a layer's or model's `call` hand on the flag of that: `training=training`.

    `call` gets the parameter where it lacks it. `origin` is the call's, or that of the flag that it is given.
    """

    origin: Origin


@dataclass(frozen=True, slots=True)
class Freeze:
    """Make the batch normalization layers of a network untrainable, in a loop of its own.

    It goes behind the statement of `origin`: an assignment to `trainable`, or the network's construction. `network`:
    the construction of the one that is meant, where the assignment is to another that holds it. `like`: a layer that
    shows what the file calls Keras's layers.
    """

    origin: Origin
    network: Origin | None
    like: Origin


@dataclass(frozen=True, slots=True)
class Apply:
    """Call a layer with the tensor that its construction was given as the first argument."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class Rename:
    """Make another of Keras's layers with the same arguments. `origin`: the construction, or the name of its class."""

    origin: Origin
    kind: str


@dataclass(frozen=True, slots=True)
class RemoveCall:
    """Leave out a layer: its entry in a list, its `.add`, or its call, whose input goes on in its place.

    The layer's own construction goes too, where nothing else is made of it.
    """

    call: Call


@dataclass(frozen=True, slots=True)
class MoveCall:
    """Put a layer behind another one, along the same chain."""

    call: Call
    after: Call


@dataclass(frozen=True, slots=True)
class AddCall:
    """Put a new layer of Keras's behind another one."""

    after: Call
    kind: str
    args: Mapping[str, object] = field(default_factory=dict)
    positional: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class AddStatement:
    """Write statements before or behind the statement in which the origin stands."""

    origin: Origin
    code: Snippet
    where: Literal["before", "behind"] = "before"


@dataclass(frozen=True, slots=True)
class Hoist:
    """Make a layer in the constructor of its class, under this name, and not where it is called.

    Where `call` makes several, the names are numbered. `behind`: another layer of the class, to be followed.
    """

    origin: Origin
    name: str
    behind: Origin | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """Let a statement that stands by itself take part in the chain around it.

    `model.add(…)` where the statements around add to a model, `x = …` where they assign.
    """

    origin: Origin


@dataclass(frozen=True, slots=True)
class Unfold:
    """Put layers in the place of an element of a Sequential that is none.

    Those that a function calls, defined at `function`; those that a tensor comes from; an instance of a class.
    """

    origin: Origin
    function: Origin | None = None


@dataclass(frozen=True, slots=True)
class ImportFrom:
    """Import the same names from another module. `origin` is the import's."""

    origin: Origin
    module: str


Step = (
    SetArgument
    | RemoveArgument
    | NameArgument
    | Replace
    | Construct
    | AddParameter
    | Forward
    | Freeze
    | Apply
    | Rename
    | RemoveCall
    | MoveCall
    | AddCall
    | AddStatement
    | Hoist
    | Join
    | Unfold
    | ImportFrom
)


@dataclass(frozen=True, slots=True)
class Function:
    """The claim that some calls compute what they did: compared with what the steps make of them, in both modes.

    Not `bnlint.graph.Function`, which is a function as a value. A flag that the steps set is for `Modes` to claim.
    `calls` are the layers' calls along the data, the first one's inputs being drawn at random.
    """

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Modes:
    """The claim that a batch normalization runs as in `before`, and as in `after` when the change is made."""

    before: Situation
    after: Situation


@dataclass(frozen=True, slots=True)
class Raises:
    """The claim that the code as it stands always raises: `error`, in this major version of Keras, or in each."""

    error: str
    keras: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A fix as a rule gives it: what to do, in a line; how; and what of it can be proved.

    `effect` is a further consequence that a person should know, in a sentence; a change that has one is never safe.
    """

    title: str
    steps: tuple[Step, ...]
    proof: Function | Modes | Raises | None = None
    effect: str = ""


def freeze(program: Program, thawed: Origin, network: Layer | None) -> Freeze:
    """The step that freezes a network's batch normalization behind the place where it becomes trainable."""
    made = (layer for layer in program.layers if not layer.op and layer.origin.path == program.path)
    known = (layer for layer in made if not isinstance(layer, Model) and layer.cls in ("", layer.kind))
    like = next((layer for layer in known if not layer.kind.startswith("Input")), None)
    return Freeze(thawed, network.origin if network else None, like.origin if like else thawed)


def take_flag(model: Model) -> tuple[Step, ...]:
    """The steps that give a model's `call` the parameter `training`, and hand it on to what heeds it there.

    A parameter that is plainly meant to be it gets that name. Raises ValueError for a model without a `call` in source.
    """
    origin = model.call_origin
    if origin is None:
        raise ValueError(f"{model.cls} has no `call` to change")
    old = next((name for name in model.signature[1:] if _FLAG_BY_ANOTHER_NAME.fullmatch(name)), "")
    direct = [call for call in model.nodes if [spot.key for spot in call.origin.stack] == [origin.key]]
    heeding = [group[0].origin for group in by_origin(direct) if all(_heeds(call) for call in group)]
    told = (SetArgument(spot, "training", Snippet("training")) for spot in heeding)
    return (AddParameter(origin, "training", "None", old), *told)


_FLAG_BY_ANOTHER_NAME = re.compile(r"(is_?)?train(ing)?(_?(flag|mode|phase))?", re.IGNORECASE)


def _heeds(call: Call) -> bool:
    """Whether a call is to something that the flag is for, that takes it, and that is not given it yet."""
    layer = call.layer
    if layer.op or call.training.given or call.positional:
        return False
    if isinstance(layer, Model):
        takes = layer.style != "subclass" or "training" in layer.signature
        return takes and holds_batchnorm(layer) is not False
    return layer.kind in DROPOUTS or is_batchnorm(layer)
