"""What several test files need: a rules folder of one's own, the built package, environments, what Keras does."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit.environment import Environment

pytest_plugins = ["exploring"]

CHECKOUT = Path(__file__).parents[1]
KERAS = ("keras", "tf_keras")

LARGE_EPSILON = '''"""Epsilon above 0.1."""
from bnlint import Problem, Severity
from bnlint.graph import is_batchnorm

category = "construction"
severity = Severity.WARNING

def check(program, options):
    for layer in program.layers:
        epsilon = layer.arg("epsilon").value
        if is_batchnorm(layer) and isinstance(epsilon, float) and epsilon > 0.1:
            yield Problem(layer.origin, f"epsilon is {epsilon}")
'''

BAD = """from keras import layers
first = layers.BatchNormalization()
second = layers.BatchNormalization(epsilon=0.5)  # <- warning
"""

FIXED = BAD.replace("0.5)  # <- warning", "1e-3)")

CARD = f"""# Epsilon is large

An epsilon near the variance hides it.

## Why

Because.

## Examples

```python bad
{BAD}```

```python fixed
{FIXED}```

```python bad
{BAD}```

```python fixed
{FIXED}```

```python good
{FIXED}```

```python good
x = 1
```

```python good
y = 2
```

## When to ignore

Never.

## What it cannot see

An epsilon from outside.

## Evidence

At epsilon 0.5 a unit variance comes out as 0.67.

## References

- Seed 000.
"""


@pytest.fixture
def rules_folder(tmp_path: Path) -> Path:
    """A user's folder with one rule, `large-epsilon`, whose card is complete and right."""
    folder = tmp_path / "own_rules"
    folder.mkdir()
    (folder / "large_epsilon.py").write_text(LARGE_EPSILON, encoding="utf-8")
    (folder / "large_epsilon.md").write_text(CARD, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def make_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Environment]:
    """Makes new environments."""
    return lambda: Environment(tmp_path_factory.mktemp("environment"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of this checkout, and the wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(CHECKOUT)]
    subprocess.run(build, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def copy_checkout() -> Callable[[Path], Path]:
    """Copies what of this checkout belongs to the project into a folder that is not there yet."""
    leave = shutil.ignore_patterns(".git", "__pycache__", ".*_cache", ".hypothesis", ".venv", "venv", "build", "dist")
    return lambda folder: Path(shutil.copytree(CHECKOUT, folder, ignore=leave))


@functools.cache
def _measured(library: str, *parts: str) -> dict[str, Any]:
    """What keras_claims/ prints for a library; the two don't mix, so each has a process of its own."""
    if any(importlib.util.find_spec(name) is None for name in KERAS):
        pytest.skip(f"needs {' and '.join(KERAS)}")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment["TF_USE_LEGACY_KERAS"] = "1" if library == "tf_keras" else "0"
    environment["KERAS_BACKEND"] = "tensorflow"
    command = [sys.executable, str(CHECKOUT / "tests" / "keras_claims"), library, *parts]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.fixture(params=KERAS)
def facts(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What is measured for the test module's PARTS (by default, what the script chooses) on Keras 3, and on Keras 2."""
    return _measured(request.param, *getattr(request.module, "PARTS", ()))


@pytest.fixture
def keras_2(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The same on Keras 2 alone."""
    return _measured("tf_keras", *getattr(request.module, "PARTS", ()))


@pytest.fixture
def keras_3(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The same on Keras 3 alone."""
    return _measured("keras", *getattr(request.module, "PARTS", ()))
