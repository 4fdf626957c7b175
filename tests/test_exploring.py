"""What is drawn is the same each time, unless the slow tests are asked for; then a seed says what it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

DRAWING = """import os
from hypothesis import given, settings, strategies as st

@settings(max_examples=30)
@given(st.lists(st.integers() | st.floats() | st.text()))
def test_draws(drawn):
    with open(os.environ["DRAWN"], "a", encoding="utf-8") as file:
        print(ascii(drawn), file=file)
"""

CONSTANTS = """from hypothesis import given, strategies as st
import constants

@given(st.integers())
def test_draws_before(number):
    pass
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files of tests; the first loads a module of whose constants hypothesis could make use."""
    folder: Path = tmp_path_factory.mktemp("drawing")
    (folder / "test_other.py").write_text(CONSTANTS, encoding="utf-8")
    (folder / "test_drawing.py").write_text(DRAWING, encoding="utf-8")
    (folder / "constants.py").write_text("\n".join(f"{n}{n}{n}1.5, 'word {n}'" for n in range(90)), encoding="utf-8")
    return folder


def drawn(folder: Path, *options: str) -> tuple[str, str]:
    """What the one test draws, and what pytest prints."""
    path = folder / "drawn"
    path.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{folder}", "DRAWN": str(path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "exploring", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return path.read_text(encoding="utf-8"), done.stdout


@pytest.mark.slow
def test_the_quick_tests_draw_the_same_each_time_whatever_else_runs(folder: Path) -> None:
    alone, said = drawn(folder, "-m", "not slow", "test_drawing.py")
    others, _ = drawn(folder, "-m", "not slow", "test_other.py", "test_drawing.py")
    assert alone == others and len(set(alone.splitlines())) > 10
    assert "seed" not in said


@pytest.mark.slow
def test_the_slow_tests_draw_what_their_seed_says(folder: Path) -> None:
    """Tests that only draw are among them, also in the processes of pytest-xdist."""
    one, said = drawn(folder, "-m", "slow", "test_other.py", "test_drawing.py")
    other, _ = drawn(folder, "-m", "slow", "test_drawing.py")
    (option,) = re.findall(r"examples are drawn by (--hypothesis-seed=\d+)", said)
    again, _ = drawn(folder, "-m", "slow", "-n", "1", option, "test_drawing.py")
    assert one == again != other
