"""A graph in a form that does not depend on the order of its nodes or on names; and, run as a script, what the live
and the saved door make of each of the programs: python -m models.described 2|3 FOLDER
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

SETTINGS_LEFT = {"name", "layer", "shape", "batch_size", "batch_shape", "dtype", "weights", "input_shape", "function"}


def described(program: Any, model: Any) -> dict[str, Any]:
    """Each node of the model with all that feeds it, counted; its outputs; the flags and axes of its BN calls."""
    from bnlint.graph import DROPOUTS, Program, is_batchnorm
    from bnlint.graph.view import models_of

    (seen,) = models_of(Program(program.path, models=[model]))
    nodes: list[Any] = seen["nodes"]  # type: ignore[assignment]
    forms: dict[int, str] = {}
    for node in nodes:
        config = {} if node["kind"] in ("InputLayer", "unknown") else settings(node["config"])
        kind = "InputLayer" if node["kind"] == "unknown" else node["kind"]
        forms[node["id"]] = f"{kind}{json.dumps(config, sort_keys=True)}({','.join(forms[i] for i in node['inputs'])})"
    flagged = [call for call in model.nodes if is_batchnorm(call.layer) or call.layer.kind in DROPOUTS]
    flags = Counter(f"{call.layer.kind}: {call.training.value!r}" for call in flagged)
    return {
        "style": seen["style"],
        "nodes": Counter(forms.values()),
        "outputs": [forms[number] for number in seen["outputs"]],  # type: ignore[attr-defined]
        "flags": flags,
    }


def settings(config: dict[str, Any]) -> dict[str, Any]:
    """A node's settings, with a window's size as one number where its sides are equal."""
    return {key: one(value) for key, value in config.items() if key not in SETTINGS_LEFT and value is not None}


def one(value: Any) -> Any:
    """A list of equal values as one of them."""
    if isinstance(value, (list, tuple)):
        values = [one(item) for item in value]
        return values[0] if values and all(item == values[0] for item in values) else values
    return value


def states(program: Any) -> dict[str, str]:
    """What the weights of each batch normalization hold, by its path."""
    return {layer.origin.place().layer: repr(layer.state) for layer in program.layers if layer.state is not None}


def main(version: int, folder: str) -> None:
    """Print, for each program, the descriptions by the live door and by the saved door from each format."""
    import numpy as np

    from bnlint.doors.live import door as live
    from bnlint.doors.saved import door as saved
    from models.programs import BOTH, HEADER, SUBCLASSES

    found: dict[str, Any] = {}
    for name, code in {**BOTH, **SUBCLASSES}.items():
        space: dict[str, Any] = {}
        exec(HEADER[version] + code, space)
        model = space["model"]
        rng = np.random.default_rng(len(found))
        for variable in model.variables if name in BOTH else []:
            if "moving" in variable.name or "gamma" in variable.name:
                variable.assign(rng.choice([0.0, 1.0, -1.0, 2.0, 3.0], size=variable.shape))
        program = live.read(model)
        found[name] = {"live": described(program, program.models[-1]), "notes": program.notes}
        found[name]["states"] = {"live": states(program)}
        if name in SUBCLASSES:
            continue
        suffixes = [".keras", ".h5"] + ([""] if version == 2 else [])
        for suffix in suffixes:
            path = os.path.join(folder, f"{name}{suffix}")
            model.save(path, **({"save_format": "tf"} if not suffix else {}))
            program = saved.read(path)
            found[name][suffix or "folder"] = described(program, program.models[-1])
            if suffix:
                found[name]["states"][suffix] = states(program)
    print(json.dumps(found))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main(int(sys.argv[1]), sys.argv[2])
