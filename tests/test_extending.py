"""docs/extending.md, followed as it stands: a made-up library is taught to a copy of the package."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[1]
PAGE = (CHECKOUT / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PROGRAM = """
import acme
import keras

def net():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3)(inputs)
    x = acme.layers.PixelNormalization(1e-6)(x)
    x = acme.ops.sharpen(x, 3.0)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, x)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, and a program beside it."""
    shutil.copytree(CHECKOUT / "bnlint", tmp_path / "bnlint", ignore=shutil.ignore_patterns("__pycache__", "rules"))
    shutil.copytree(CHECKOUT / "rules", tmp_path / "rules", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "net.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


def understood(folder: Path) -> list[dict[str, Any]]:
    """The nodes of the network as the copy sees it."""
    command = [sys.executable, "-m", "bnlint", "graph", "net.py", "--entry", "net()", "--format", "json"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    nodes: list[dict[str, Any]] = json.loads(done.stdout)["models"][0]["nodes"]
    return nodes


def follow(folder: Path, block: str) -> None:
    """Do what a block of the page says: its first line names the file, or the function at whose end it belongs."""
    where, _, code = block.partition("\n")
    name, _, function = where.removeprefix("# ").partition(": ")
    path = folder / name
    if not function:
        assert not path.exists()
        path.write_text(code, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    begin = text.index(f"def {function}(")
    end = re.compile(r"^\S", re.MULTILINE).search(text, text.index("\n", begin) + 1)
    assert end is not None
    body = text[: end.start()].rstrip() + "\n    " + code.strip() + "\n\n\n"
    path.write_text(body + text[end.start() :], encoding="utf-8")


def test_a_made_up_library_is_taught_by_the_page(copy: Path) -> None:
    before = understood(copy)
    assert "Multiply" not in [node["kind"] for node in before]
    layer, function = (block for block in BLOCKS if block.startswith("# bnlint/"))
    follow(copy, layer)
    follow(copy, function)
    after = understood(copy)
    assert [node["kind"] for node in after] == ["InputLayer", "Conv2D", "PixelNorm", "Multiply", "BatchNormalization"]
    assert after[2]["config"]["epsilon"] == 1e-6
    assert [node["inputs"] for node in after] == [[], [0], [1], [2], [3]]


def test_the_kind_of_value_on_the_page_is_made_and_answers(copy: Path) -> None:
    (block,) = (block for block in BLOCKS if "class Table" in block)
    (copy / "bnlint" / "doors" / "source" / "library" / "acme.py").write_text(block, encoding="utf-8")
    (copy / "net.py").write_text(
        "import acme, keras\ntable = acme.Table(3) + acme.Table(4).head()\n"
        "unknown = acme.Table(rows)\nempty = acme.Table(0)\n"
        "def net():\n    x = inputs = keras.Input((len(table),))\n"
        "    for row in table:\n        x = keras.layers.ReLU()(x)\n"
        "    if empty:\n        x = keras.layers.Softmax()(x)\n"
        "    return keras.Model(inputs, keras.layers.Dense(len(acme.Table(9).head()))(x))\n",
        encoding="utf-8",
    )
    nodes = understood(copy)
    assert [node["kind"] for node in nodes] == ["InputLayer", "ReLU", "Dense"]
    assert nodes[0]["config"]["shape"] == [7] and nodes[2]["config"]["units"] == 5


def test_every_block_of_the_page_is_one_of_these() -> None:
    assert len(BLOCKS) == 3
