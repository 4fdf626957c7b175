"""The README's pictures are what docs/scripts/make_pictures.py makes of this code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import drawn
import pytest

CHECKOUT = Path(__file__).parents[1]
PICTURES = CHECKOUT / "docs" / "pictures"
NAMES = ("output", "model", "evidence")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pictures made anew."""
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("pictures")
    command = [sys.executable, str(CHECKOUT / "docs" / "scripts" / "make_pictures.py"), str(folder)]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, check=True)
    return folder


def texts(svg: str) -> list[str]:
    """What a picture says: its texts; matplotlib draws them, and leaves each as a comment."""
    return re.findall(r">([^<>]+)</(?:text|tspan)>|<!-- (.+?) -->", svg)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_says_what_it_would_say_today(name: str, made: Path) -> None:
    now, then = ((folder / f"{name}.svg").read_text(encoding="utf-8") for folder in (made, PICTURES))
    assert len(texts(now)) > 5
    assert texts(now) == texts(then), "run python docs/scripts/make_pictures.py"
    assert name == "evidence" or not re.search(r"https?://(?!www\.w3\.org)", then)


def test_the_model_is_drawn_as_it_would_be_today(made: Path) -> None:
    now, then = ((folder / "model.svg").read_text(encoding="utf-8") for folder in (made, PICTURES))
    assert now == then
    (model,) = drawn.read(then)
    assert "dropout-before-batchnorm" in model.remarks[2]


def test_the_readme_shows_them() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert sorted(shown) == sorted(f"docs/pictures/{name}.svg" for name in NAMES)
    assert sorted(path.name for path in PICTURES.iterdir()) == sorted(f"{name}.svg" for name in NAMES)
