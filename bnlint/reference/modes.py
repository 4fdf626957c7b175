"""The mode table: in which mode a batch normalization runs, and what it then learns.

Two questions decide. Which `training` value reaches the layer? Each call on the way there settles one, from what it was
given, from the call around it, or from its own default. And is the layer trainable, at the moment when Keras looks? A
frozen batch normalization runs in inference mode, whatever it is told. What differs between versions is in `CONDUCTS`;
tests/test_modes.py builds every row as a model and runs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Literal, NamedTuple

Style = Literal["sequential", "functional", "subclass", "layer"]
Flag = Literal[None, True, False, "forwarded"]
Since = Literal["build", "compile", "run"]
Phase = Literal[
    "fit",
    "train_on_batch",
    "evaluate",
    "test_on_batch",
    "predict",
    "predict_on_batch",
    "call",
    "tape",
    "train_step",
]

STOCK: dict[Phase, bool] = {
    "fit": True,
    "train_on_batch": True,
    "evaluate": False,
    "test_on_batch": False,
    "predict": False,
    "predict_on_batch": False,
}
"""What Keras's own loops run the model in; in the other phases the code that calls it says so, or does not."""

TRAINING: frozenset[Phase] = frozenset({"fit", "train_on_batch", "tape", "train_step"})
"""The phases in which gradients are applied."""

_COMPILED: frozenset[Phase] = frozenset({"fit", "train_on_batch", "train_step"})


class Level(NamedTuple):
    """One model or layer on the way to a batch normalization: what its `call` takes, and what it says to what it calls.

    parameter: whether `call` has a parameter named `training`; `**kwargs` and other names do not count. default: that
    parameter's default. flag: the `training` argument that the call one level further in is given, None for none;
    "forwarded" hands on the own one. earlier: the flag of another layer that was called just before, at the same level.
    """

    style: Style
    parameter: bool = True
    default: bool | None = None
    flag: Flag = None
    earlier: bool | None = None


class Situation(NamedTuple):
    """A batch normalization in a program.

    path: what it stands in, the model that is trained or called first; empty for a layer that is called itself.
    phase: what is done with that model. flag: the `training` argument of a call from the outside ("call", "tape", and
    "train_step" for `self(x)` in a `train_step` of the model's own). traced: whether tf.function traces the code: fit
    and its like do so unless `run_eagerly=True`, a loop of one's own where it is decorated.
    trainable: the layer's `trainable` when the phase runs. since: when it got this value, the opposite before: "build",
    "compile" (after compile, before the first run) or "run" (after a first run, with no compile in between).
    held: whether a model around the layer is frozen although the layer itself is not.
    keras, minor: the version, the newest measured one where the minor part is not known.
    """

    path: tuple[Level, ...]
    phase: Phase
    flag: bool | None = None
    traced: bool = True
    trainable: bool = True
    since: Since = "build"
    held: bool = False
    keras: int = 3
    minor: int | None = None


class Mode(NamedTuple):
    """How a batch normalization runs.

    training: with the statistics of the batch, which also move the moving ones; else with the moving ones. learns:
    gamma and beta get a gradient that is applied. raises: the exception that Keras answers with, "" for none.
    """

    training: bool
    learns: bool = False
    raises: str = ""

    @property
    def name(self) -> str:
        """ "training", "inference" or "raises"."""
        return "raises" if self.raises else "training" if self.training else "inference"


class Conduct(NamedTuple):
    """What Keras does, from version `since` (major, minor) on, until the next entry.

    tells_every_model: fit, evaluate and predict pass `training` even to a model whose `call` has no such parameter.
    passes_through: a flag given to a call without the parameter still counts for what is called inside.
    graph_forgets: not so where that call is written into a functional graph.
    none_hides: what a call that is given `training=None` does not ask any more: its own default, or everything, the
    mode of the call around it too. Where "", None is the same as no flag.
    overrides_graph: the mode of a functional or Sequential model, if it has one, replaces the flags written into it.
    leaks: a flag given to one layer counts for the layers called after it, until the outermost call returns.
    compile_decides: `trainable` is as it was at compile; else as it is when the training step runs, or is traced.
    holds: a frozen model keeps gamma and beta of a trainable layer inside it.
    closed: what an optimizer that has run raises when it is given variables that it did not know then.
    """

    since: tuple[int, int]
    tells_every_model: bool
    passes_through: bool
    graph_forgets: bool
    none_hides: Literal["", "default", "everything"]
    overrides_graph: bool
    leaks: bool
    compile_decides: bool
    holds: bool
    closed: str


_KERAS_2 = Conduct(
    since=(2, 0),
    tells_every_model=True,
    passes_through=True,
    graph_forgets=True,
    none_hides="",
    overrides_graph=False,
    leaks=False,
    compile_decides=True,
    holds=True,
    closed="KeyError",
)
_KERAS_3 = Conduct(
    since=(3, 0),
    tells_every_model=False,
    passes_through=False,
    graph_forgets=False,
    none_hides="default",
    overrides_graph=True,
    leaks=True,
    compile_decides=False,
    holds=False,
    closed="ValueError",
)
CONDUCTS = (_KERAS_2, _KERAS_3, _KERAS_3._replace(since=(3, 10), passes_through=True, none_hides="everything"))
"""Measured on tf_keras 2.21 and on Keras 3.3.3 to 3.15.1."""


def conduct(keras: int, minor: int | None = None) -> Conduct:
    """What this version does; the newest of its major version where the minor one is not known."""
    version = (keras, minor if minor is not None else 1000)
    return [each for each in CONDUCTS if each.since <= version][-1]


def mode(situation: Situation) -> Mode:
    """In which mode the batch normalization runs in this situation."""
    keras = conduct(situation.keras, situation.minor)
    trainable = _trainable(situation, keras)
    learns = situation.phase in TRAINING and trainable and not (situation.held and keras.holds)
    thawed = situation.since == "run" and situation.trainable
    if learns and thawed:
        return Mode(False, False, keras.closed)
    return Mode(trainable and _told(situation, keras) is True, learns)


def modes_of(situation: Situation) -> dict[str, Mode]:
    """The same model in fit, in predict and in a direct call without a flag."""
    phases: tuple[Phase, ...] = ("fit", "predict", "call")
    return {phase: mode(situation._replace(phase=phase, flag=None)) for phase in phases}


def _told(situation: Situation, keras: Conduct) -> bool | None:
    """The `training` value that reaches the layer, None for none: then it runs in inference mode."""
    given: bool | None = situation.flag
    if situation.phase in STOCK:
        told = keras.tells_every_model or not situation.path or situation.path[0].parameter
        given = STOCK[situation.phase] if told else None
    around: bool | None = None
    handed = written = False
    for level in situation.path:
        if not level.parameter and (not keras.passes_through or (written and keras.graph_forgets)):
            given = None
        # An explicit flag goes before the mode of the call around, and that before the default.
        default = None if handed and keras.none_hides else level.default
        own = around = given if handed and keras.none_hides == "everything" else _first(given, around, default)
        handed, written = False, level.style == "functional"
        if level.style in ("functional", "sequential") and keras.overrides_graph and own is not None:
            given = own
            continue
        if level.earlier is not None and keras.leaks:
            around = level.earlier
        handed = level.flag == "forwarded"
        given = own if level.flag == "forwarded" else level.flag
    return given if handed and keras.none_hides == "everything" else _first(given, around)


def _first(*values: bool | None) -> bool | None:
    return next((value for value in values if value is not None), None)


def _trainable(situation: Situation, keras: Conduct) -> bool:
    """What Keras finds when it looks whether the layer is trainable."""
    late = situation.since != "build" and keras.compile_decides and situation.phase in _COMPILED
    stale = situation.since == "run" and situation.traced
    return situation.trainable is not (late or stale)


_FLAGS: tuple[bool | None, ...] = (None, True, False)
_FORWARDED: Literal["forwarded"] = "forwarded"
_MODELS: tuple[Style, ...] = ("sequential", "functional", "subclass")
_STYLES: tuple[Style, ...] = (*_MODELS, "layer")
_SINCE: tuple[Since, ...] = ("build", "compile", "run")
_ASKED: tuple[Phase, ...] = ("call", "tape", "train_step")


def rows(keras: int = 3, minor: int | None = None) -> Iterator[Situation]:
    """Every situation of the table, for one version: how the flag travels, and when `trainable` counts."""
    for situation in dict.fromkeys((*_flag_rows(), *_nested_rows(), *_trainable_rows())):
        yield situation._replace(keras=keras, minor=minor)


def select(
    version: tuple[int, int | None] | None = None, style: str | None = None, *, nested: bool = False
) -> Iterator[Situation]:
    """The rows of one version, or of each that differs; with a level of this style; of models in models on request.

    Rows in which a part has the style "layer" are nested ones: asking for it asks for them.
    """
    for keras, minor in (version,) if version else (each.since for each in CONDUCTS):
        for row in rows(keras, minor):
            wanted = style is None or any(level.style == style for level in row.path)
            if wanted and (nested or style == "layer" or len(row.path) < 2):
                yield row


def _flag_rows() -> Iterator[Situation]:
    """A layer by itself, and in one model: written in every way, in every phase."""
    for flag, trainable in product(_FLAGS, (True, False)):
        yield Situation((), "call", flag, traced=False, trainable=trainable)
        yield Situation((), "tape", flag, traced=False, trainable=trainable)
    for level, trainable in product(_outermost(), (True, False)):
        one = Situation((level,), "fit", traced=False, trainable=trainable)
        yield from (one._replace(phase=phase) for phase in STOCK)
        yield from (one._replace(phase=phase, flag=flag) for phase, flag in product(_ASKED, _FLAGS))


def _nested_rows() -> Iterator[Situation]:
    """A layer in a model or layer in a model. Here the phases that go the same way are left out."""
    inner = [level for style in _STYLES for level in _levels(style)]
    plain = [Level(style) for style in _STYLES]
    around = (Level("functional"), Level("subclass"))
    paths = (*product(_outermost(), plain), *product(_alone(), inner), *product(around, _behind_another(inner)))
    for path in dict.fromkeys(paths):
        one = Situation(path, "fit", traced=False)
        yield from (one, one._replace(phase="evaluate"), one._replace(phase="predict"))
        yield from (one._replace(phase="call", flag=flag) for flag in _FLAGS)


def _trainable_rows() -> Iterator[Situation]:
    """What each phase makes of `trainable`, set at each moment; and of a frozen model around the layer."""
    plain = [Level("sequential"), *(Level("functional", flag=flag) for flag in _FLAGS), Level("subclass")]
    paths: list[tuple[Level, ...]] = [(level,) for level in (*plain, Level("subclass", flag=True))]
    paths += [(Level("sequential"), Level("layer")), (Level("functional"), Level("functional"))]
    for path, trainable, since, traced in product(paths, (True, False), _SINCE, (True, False)):
        one = Situation(path, "fit", traced=traced, trainable=trainable, since=since)
        yield from (one, one._replace(phase="train_on_batch"), one._replace(phase="predict"))
        yield from (one._replace(phase=phase, flag=True) for phase in _ASKED)
    nested = (Level("layer"), Level("functional"), Level("sequential"))
    for outer, inner, trainable in product(plain, nested, (True, False)):
        one = Situation((outer, inner), "fit", traced=False, trainable=trainable, held=trainable)
        yield from (one, one._replace(phase="predict"))
        yield from (one._replace(phase=phase, flag=True) for phase in _ASKED)


def _levels(style: Style) -> Iterator[Level]:
    """Every way to write a level of this style."""
    if style == "sequential":
        yield Level(style)
    elif style == "functional":
        yield from (Level(style, flag=flag) for flag in _FLAGS)
    else:
        yield from (Level(style, parameter=False, flag=flag) for flag in _FLAGS)
        yield from (Level(style, default=value, flag=flag) for value, flag in product(_FLAGS, (*_FLAGS, _FORWARDED)))


def _alone() -> list[Level]:
    return [level for style in _MODELS for level in _levels(style)]


def _behind_another(levels: list[Level]) -> list[Level]:
    """The same levels, in each of which another layer was given a flag before."""
    return [one._replace(earlier=flag) for one in levels if one.style != "sequential" for flag in (True, False)]


def _outermost() -> list[Level]:
    return [*_alone(), *_behind_another(_alone())]
