"""A script beside the tests, run with one Keras in a process of its own, and what it prints as JSON."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def asked(script: str, library: str, given: object = None, *, backend: str = "tensorflow", timeout: int = 1200) -> Any:
    """The last line that `script` prints when it is run with "keras" or "tf_keras" and given something, as JSON.

    Skips the test where the library is not installed; timeout in seconds.
    """
    if any(importlib.util.find_spec(package) is None for package in (library, backend)):
        pytest.skip(f"needs {library} and {backend}")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": backend}
    environment |= {"TF_USE_LEGACY_KERAS": str(int(library == "tf_keras")), "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [sys.executable, str(HERE / script), library],
        env=environment,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
