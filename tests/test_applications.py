"""The models of keras.applications, rebuilt from their source, are those that Keras builds."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kit.applications import CONSTRUCTORS
from live_applications import counted

from bnlint.catalog import LAST_BATCHNORM
from bnlint.cli.main import main

WITHOUT_BATCHNORM = {"VGG16", "VGG19", *(name for name in CONSTRUCTORS if name.startswith("ConvNeXt"))}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="needs keras"),
]


@pytest.fixture(scope="session")
def live() -> dict[str, Any]:
    """What the installed Keras builds, in a process of its own."""
    script = Path(__file__).with_name("live_applications.py")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment |= {"KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(script.parents[1])}
    command = [sys.executable, str(script), *CONSTRUCTORS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def rebuilt(file: str, entry: str) -> dict[str, Any]:
    """The same description of the model that `bnlint graph` says the entry is."""
    done = CliRunner().invoke(main, ["graph", file, "--entry", entry, "--format", "json"])
    assert done.exit_code == 0, done.output
    return counted(json.loads(done.stdout)["models"][-1]["nodes"])


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_is_rebuilt_from_source(name: str, live: dict[str, Any]) -> None:
    expected = dict(live[name])
    del expected["first and last"], expected["door"]
    assert rebuilt(expected.pop("file"), f"{name}(weights=None)") == expected
    assert sum(expected["kinds"].values()) > 20 and sum(expected["edges"].values()) > 20
    assert bool(expected["batchnorms"]) == (name not in WITHOUT_BATCHNORM)


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_the_live_door_sees_it_as_it_is(name: str, live: dict[str, Any]) -> None:
    """Without a note of anything not followed, a failure, or a warning, which is an error there."""
    door = live[name]["door"]
    assert (door["notes"], door["failures"]) == ([], 0)
    assert door["graph"] == {key: live[name][key] for key in door["graph"]}


@pytest.mark.parametrize("name", sorted({*CONSTRUCTORS} - {"NASNetLarge"}))
def test_its_batch_normalization_begins_and_ends_where_the_graph_says(name: str, live: dict[str, Any]) -> None:
    *first, last = live[name]["first and last"] or [None]
    assert LAST_BATCHNORM.get(name) == last
    assert all(2 <= index <= 5 for index in first)


def test_another_entry_is_another_model(live: dict[str, Any]) -> None:
    """The comparison sees a difference of one model to its sibling."""
    assert rebuilt(live["ResNet50"]["file"], "ResNet101(weights=None)")["kinds"] != live["ResNet50"]["kinds"]


def test_all_forty_are_asked_for() -> None:
    assert len(set(CONSTRUCTORS)) == 40
