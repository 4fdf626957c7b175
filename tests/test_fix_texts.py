"""Fixes as texts: line ends, encodings, minimal differences, notebooks."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fixing import check
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bnlint.findings import Edit
from bnlint.fixes.edit.edits import Lines, applied, differences
from bnlint.fixes.edit.splice import spliced
from bnlint.fixes.edit.tree import NotFixed


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("indent", ["\t", "  "])
@pytest.mark.parametrize("end", ["", "\n"])
def test_line_ends_and_indents_stay(newline: str, indent: str, end: str) -> None:
    one, two = f"{indent}x = layers.Dropout(0.5)(x)", f"{indent}x = layers.BatchNormalization()(x)"
    first, second = f"{indent}layers.Dropout(0.5),", f"{indent}layers.BatchNormalization(),"
    head = ["from keras import Sequential, layers", "", "def f(x):"]
    middle = [f"{indent}return x", "", "m = Sequential(["]
    before, after = (
        newline.join([*head, *lines, *middle, *elements, "])"]) + (newline if end else "")
        for lines, elements in (((one, two), (first, second)), ((two, one), (second, first)))
    )
    check("dropout-before-batchnorm", before, after)


def test_the_last_line_needs_no_line_end() -> None:
    code = "from keras import layers\nx = layers.Dropout(0.5)(y)\nx = layers.BatchNormalization()(x)"
    after = "from keras import layers\nx = layers.BatchNormalization()(y)\nx = layers.Dropout(0.5)(x)"
    check("dropout-before-batchnorm", code, after)


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("", "utf-8"),
        ("", "utf-8-sig"),
        ("# -*- coding: latin-1 -*-\n", "latin-1"),
        ("# größe\n", "utf-8"),
    ],
)
def test_encodings_stay(tmp_path: Path, head: str, encoding: str) -> None:
    import subprocess
    import sys

    text = (
        head + "from keras.layers import BatchNormalization\nx = BatchNormalization(momentum=0.1, name='größe')(y)\r\n"
    )
    path = tmp_path / "code.py"
    path.write_bytes(text.encode(encoding))
    command = [sys.executable, "-m", "bnlint", "--select", "pytorch-momentum", "--unsafe-fixes", "--fix", str(path)]
    subprocess.run(command, check=False, capture_output=True)
    assert path.read_bytes() == text.replace("0.1", "0.9").encode(encoding)


TEXTS = st.text(st.sampled_from("ab(\n\r\t #é𝕏")) | st.text()


@given(TEXTS, TEXTS)
@example("\r\n", "\r")
@example("a\r\n", "b\n")
@settings(max_examples=400)
def test_differences_make_one_text_the_other(old: str, new: str) -> None:
    spans = differences(old, new)
    assert applied(old, spans) == new
    assert all(span.start <= span.end <= len(old) for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert all(
        text[cut - 1 : cut + 1] != "\r\n" for span in spans for text, cut in ((old, span.start), (old, span.end))
    )


@given(TEXTS, st.data())
@settings(max_examples=200)
def test_differences_are_no_longer_than_what_changed(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    new = text[:start] + data.draw(TEXTS) + text[end:]
    changed = sum(span.end - span.start for span in differences(text, new))
    assert changed <= len(text)


@given(TEXTS)
def test_offsets_and_positions_agree(text: str) -> None:
    lines = Lines(text)
    for offset in range(len(text) + 1):
        assert lines.offset(*lines.position(offset)) == offset


CELL = "x = 1\ny = 'é'\n\nz = [x,\n     y]"


def notebook(source: Any, nbformat: int = 4, **cell: Any) -> dict[str, Any]:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# \\u00e9", "x = 1"]},
        {"cell_type": "code", "metadata": {"tags": []}, "outputs": [{"text": "x = 1\n"}], **cell},
        {"cell_type": "code", "metadata": {}, "source": "x = 1", "input": "x = 1", "outputs": []},
    ]
    cells[1]["input" if nbformat == 3 else "source"] = source
    if nbformat == 3:
        return {"nbformat": 3, "worksheets": [{"cells": cells}], "metadata": {"name": "n"}}
    return {"nbformat": 4, "cells": cells, "metadata": {}}


def inside(book: dict[str, Any], nbformat: int) -> dict[str, Any]:
    cells = book["worksheets"][0]["cells"] if nbformat == 3 else book["cells"]
    cell: dict[str, Any] = cells[1]
    return cell


@pytest.mark.parametrize("nbformat", [3, 4])
@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("indent", [None, 1, 2, 4])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("edits", "result"),
    [
        ([((1, 5), (1, 6), "2")], "x = 2\ny = 'é'\n\nz = [x,\n     y]"),
        ([((2, 1), (3, 1), "")], "x = 1\n\nz = [x,\n     y]"),
        ([((1, 1), (2, 1), "")], "y = 'é'\n\nz = [x,\n     y]"),
        ([((2, 1), (2, 1), "w = 'ü'\n")], "x = 1\nw = 'ü'\ny = 'é'\n\nz = [x,\n     y]"),
        ([((1, 1), (1, 1), "w\n")], "w\nx = 1\ny = 'é'\n\nz = [x,\n     y]"),
        ([((5, 8), (5, 8), "\nv = 3")], CELL + "\nv = 3"),
        ([((4, 1), (5, 8), "z = [x, y]")], "x = 1\ny = 'é'\n\nz = [x, y]"),
        ([((1, 1), (5, 8), "")], ""),
        ([((1, 5), (1, 6), "7"), ((5, 6), (5, 7), "x")], "x = 7\ny = 'é'\n\nz = [x,\n     x]"),
    ],
)
def test_only_the_touched_lines_of_a_notebook_change(
    nbformat: int, as_list: bool, indent: int | None, ascii_only: bool, newline: str, edits: Any, result: str
) -> None:
    source = CELL.splitlines(keepends=True) if as_list else CELL
    book = notebook(source, nbformat)
    text = json.dumps(book, indent=indent, ensure_ascii=ascii_only).replace("\n", newline) + newline
    data = text.encode()
    new = spliced("a.ipynb", data, [Edit("a.ipynb", 1, start, end, added) for start, end, added in edits])
    after = json.loads(new)
    assert "".join(inside(after, nbformat)["input" if nbformat == 3 else "source"]) == result
    inside(after, nbformat)["input" if nbformat == 3 else "source"] = source
    assert after == book
    around = (
        json.dumps(notebook("@@@", nbformat), indent=indent, ensure_ascii=ascii_only).replace("\n", newline) + newline
    )
    head, tail = around.split('"@@@"')
    assert new.decode().startswith(head) and new.decode().endswith(tail)
    for line in CELL.splitlines(keepends=True)[1:-1] if as_list else ():
        assert line not in result or json.dumps(line, ensure_ascii=ascii_only) in new.decode()
    assert newline == "\n" or b"\n" not in new.replace(b"\r\n", b"")


def test_a_string_that_an_encoding_cannot_hold_is_refused() -> None:
    data = b"# coding: ascii\nx = 1\n"
    with pytest.raises(NotFixed, match="ascii"):
        spliced("a.py", data, [Edit("a.py", None, (2, 5), (2, 6), "'é'")])
