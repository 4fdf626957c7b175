"""The reference runtime against Keras 3 and tf_keras, each in a process of its own: runs the checks in against/."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import exploring
import pytest

AGAINST = Path(__file__).with_name("against")
CHECKS = sorted(path.stem for path in AGAINST.glob("check_*.py"))
LIBRARIES = ("keras", "tf_keras")

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in LIBRARIES), reason="needs keras and tf_keras"
)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Where the checks' report goes."""
    return tmp_path / "report.xml"


def check(library: str, checks: list[Path], examples: int, config: pytest.Config, report: Path) -> None:
    """Run these checks against this library, with so many examples each. None may be skipped."""
    environment = {**os.environ, "REAL_KERAS": library, "EXAMPLES": str(examples), "KERAS_BACKEND": "tensorflow"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment["TF_USE_LEGACY_KERAS"] = "1" if library == "tf_keras" else "0"
    options = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", f"--junitxml={report}", *exploring.options(config)]
    command = [sys.executable, "-m", "pytest", *options, *map(str, checks)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    result = ElementTree.parse(report).getroot()
    assert skipped(result) == {}
    assert all(option in done.stdout for option in exploring.options(config))
    for lacking in result.iterfind(".//property[@name='lacking']"):
        if lacking.get("value"):
            warnings.warn(f"what {library} cannot run here is not checked: {lacking.get('value')}", stacklevel=2)


def skipped(result: ElementTree.Element) -> dict[str, str]:
    """The reason of every check that was skipped or is expected to fail, by its name."""
    cases = result.iter("testcase")
    return {
        str(case.get("name")): str(one.get("message")) for case in cases if (one := case.find("skipped")) is not None
    }


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", CHECKS)
def test_the_reference_agrees(library: str, name: str, pytestconfig: pytest.Config, report: Path) -> None:
    check(library, [AGAINST / f"{name}.py"], 500, pytestconfig, report)


def test_the_reference_agrees_with_keras_3_on_a_few_examples(pytestconfig: pytest.Config, report: Path) -> None:
    check("keras", [AGAINST / "check_batchnorm.py", AGAINST / "check_linear.py"], 10, pytestconfig, report)


def test_a_check_that_is_skipped_is_noticed(pytestconfig: pytest.Config, report: Path, tmp_path: Path) -> None:
    """Also one that pytest skips for want of parameters, and one that is expected to fail."""
    (tmp_path / "check_nothing.py").write_text(
        """import pytest
def test_run(): pass
def test_left(): pytest.skip("no such layer")
@pytest.mark.parametrize("name", [])
def test_none(name): pass
@pytest.mark.xfail(reason="is wrong")
def test_wrong(): raise ValueError
"""
    )
    with pytest.raises(AssertionError, match="no such layer"):
        check("keras", [tmp_path / "check_nothing.py"], 1, pytestconfig, report)
    found = skipped(ElementTree.parse(report).getroot())
    assert {name.partition("[")[0] for name in found} == {"test_left", "test_none", "test_wrong"}
