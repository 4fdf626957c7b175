"""Situations of the mode table, as the graph tells them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ..graph import Layer, Model, Program
from ..graph.freezing import Reached
from .modes import Flag, Level, Phase, Situation


def situation_of(program: Program, found: Reached, phase: Phase, flag: bool | None = None) -> Situation:
    """The situation of a batch normalization that a model reaches, when something is done with that model.

    flag: the `training` argument with which the model is called, where phase is a call. Of a flag inside the model,
    only the one that decides is known, and one that is no plain True or False counts as none.
    """
    giver = found.giver.layer if found.giver is not None else None
    value = found.flag.value
    given = value if isinstance(value, bool) else None
    path = (*found.within, found.layer)
    levels = [level_of(one, given if below is giver else None) for one, below in pairwise(path)]
    if isinstance(found.layer, Model):  # One that is known to hold some is a level, too.
        levels.append(level_of(found.layer))
    return Situation(tuple(levels), phase, flag, keras=program.keras, minor=program.keras_minor)


def with_flag(situation: Situation, flag: Flag) -> Situation:
    """The same, where the one level that gives a flag gives this one; "forwarded" needs the parameter there."""
    number = next(number for number, level in enumerate(situation.path) if level.flag is not None)
    level = situation.path[number]
    return with_level(situation, number, flag=flag, parameter=level.parameter or flag == "forwarded")


def with_level(situation: Situation, number: int, **changes: Any) -> Situation:
    """The same, where the level of this number has other fields."""
    path = list(situation.path)
    path[number] = path[number]._replace(**changes)
    return situation._replace(path=tuple(path))


def situation_in(program: Program, level: Level, phase: Phase, flag: bool | None = None) -> Situation:
    """The situation of a batch normalization that stands directly in such a model."""
    return Situation((level,), phase, flag, keras=program.keras, minor=program.keras_minor)


def level_of(layer: Layer, flag: Flag = None) -> Level:
    """A model or layer as a level on the way; what is not known of it is taken to be usual.

    Networks of keras.applications, and loaded ones, are functional.
    """
    if not isinstance(layer, Model):
        return Level("layer", flag=flag)
    if layer.style == "sequential":
        return Level("sequential")
    if layer.style != "subclass":
        return Level("functional", flag=flag)
    default = layer.call_default.value if layer.call_default is not None else None
    parameter = layer.call_origin is None or "training" in layer.signature
    return Level("subclass", parameter, default if isinstance(default, bool) else None, flag)
