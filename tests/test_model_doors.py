"""What the live and the saved door see of a model is what the source door sees in its code."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from models.described import described
from models.programs import BOTH, HEADER, SUBCLASSES

from bnlint.doors.source import evaluate_entry

HERE = Path(__file__).parent
PACKAGES = {3: "keras", 2: "tf_keras"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[3, 2], ids=["keras", "tf_keras"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    """The version, and what the doors see of all programs in a process with that Keras."""
    version: int = request.param
    if importlib.util.find_spec(PACKAGES[version]) is None:
        pytest.skip(f"needs {PACKAGES[version]}")
    environment = {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_BACKEND": "tensorflow",
    }
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent)])
    folder = tmp_path_factory.mktemp("saved")
    command = [sys.executable, "-m", "models.described", str(version), str(folder)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=600, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return version, json.loads(done.stdout.splitlines()[-1])


def from_source(version: int, code: str) -> dict[str, Any]:
    """What the source door sees, in the form in which the other process reports."""
    program = evaluate_entry(HEADER[version] + code, "model.py", "model", target=str(version))
    found: dict[str, Any] = json.loads(json.dumps(described(program, program.models[-1])))
    return found


@pytest.mark.parametrize("name", [*BOTH, *SUBCLASSES])
def test_live_is_as_in_source(name: str, seen: tuple[int, dict[str, Any]]) -> None:
    version, found = seen
    expected = from_source(version, {**BOTH, **SUBCLASSES}[name])
    assert found[name]["notes"] == []
    assert found[name]["live"] == expected
    assert len(expected["nodes"]) > 2 and (expected["flags"] or name in ("wrappers", "nested"))


@pytest.mark.parametrize("name", BOTH)
def test_saved_is_as_in_source(name: str, seen: tuple[int, dict[str, Any]]) -> None:
    version, found = seen
    expected = from_source(version, BOTH[name])
    formats = {key: value for key, value in found[name].items() if key not in ("live", "notes", "states")}
    assert formats == dict.fromkeys(formats, expected)
    assert len(formats) == (2 if version == 3 else 3)


@pytest.mark.parametrize("name", BOTH)
def test_the_weights_saved_are_those_of_each_layer(name: str, seen: tuple[int, dict[str, Any]]) -> None:
    """In every format, for layers of the same class, too, and inside other models and wrappers."""
    states = seen[1][name]["states"]
    assert states == dict.fromkeys(("live", ".keras", ".h5"), states["live"]) and states["live"]
    assert not any("initial=4," in state for state in states["live"].values())


def test_the_description_tells_models_apart() -> None:
    one = from_source(3, BOTH["frozen"])
    assert one != from_source(3, BOTH["frozen"].replace("trainable=False, ", ""))
    assert one != from_source(3, BOTH["frozen"].replace(", training=False)", ")"))
    assert one != from_source(3, BOTH["frozen"].replace("L2(0.01)", "L1(0.01)"))
