"""A file's models as bnlint understood them: as JSON, or as a listing to read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from ..graph import Program
from ..graph.view import models_of
from .escape import printable, well_formed, whole_line

FORMATS = ("text", "json")

_SHOWN = ("shape", "units", "filters", "kernel_size", "strides", "rate", "activation", "axis", "momentum", "epsilon")


def render(form: str, program: Program) -> str:
    """The program's models in one of the FORMATS, ending in a line break; as text, empty where there are none."""
    models = models_of(program)
    if form == "json":
        return json.dumps({"models": _valid(models)}, indent=2, allow_nan=False) + "\n"
    return "\n".join("".join(f"{line}\n" for line in _lines(model)) for model in models)


def _valid(value: object) -> object:
    """The value as JSON can hold it: NaN and the infinities become strings, lone surrogates question marks."""
    if isinstance(value, dict):
        return {name: _valid(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_valid(item) for item in value]
    if isinstance(value, str):
        return well_formed(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _lines(model: dict[str, Any]) -> Iterable[str]:
    place = model["origin"]
    steps = [place["path"], *(f"{place[part]}" for part in ("line", "column") if place[part] is not None)]
    if place["cell"] is not None:
        steps.insert(1, f"cell {place['cell']}")
    yield whole_line(f"{model['name']} ({model['style']}) {':'.join(steps)}")
    width = len(str(len(model["nodes"])))
    for node in model["nodes"]:
        name = f' "{node["name"]}"' if node["name"] else ""
        sources = f" <- {_numbers(node['inputs'])}" if node["inputs"] else ""
        config = "".join(f" {key}={node['config'][key]}" for key in _SHOWN if node["config"].get(key) is not None)
        yield printable(f"  {node['id']:>{width}} {node['kind']}{name}{sources}{config}")
    yield f"  outputs: {_numbers(model['outputs']) or 'not known'}"


def _numbers(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids))
