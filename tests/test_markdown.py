"""Documents through the same door: fenced Python blocks as one program, findings on the lines of the document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bnlint import Report, check_paths
from bnlint.cli.main import main
from bnlint.inputs.markdown import read_document
from bnlint.inputs.reading import read_code

HEAD = "import keras\nfrom keras import layers\nmodel = keras.Sequential()\n"
WRONG = "model.add(layers.Dropout(0.5))\nmodel.add(layers.BatchNormalization())\n"
RULE = "dropout-before-batchnorm"


def fenced(*blocks: str, info: str = "python", fence: str = "```") -> str:
    return "\nProse with BatchNormalization.\n\n".join(f"{fence}{info}\n{block}{fence}\n" for block in blocks)


def indented(text: str, lead: str) -> str:
    return "".join(f"{lead}{line}" for line in text.splitlines(True))


def lint(folder: Path, text: str, name: str = "guide.md") -> Report:
    (folder / name).write_text(text, encoding="utf-8")
    return check_paths([folder], select=[RULE], config={"extend-include": [f"*{Path(name).suffix}"]})


def places(report: Report, text: str) -> list[str]:
    """What stands in the document where the findings and what they relate to are said to be."""
    lines = text.splitlines()
    found = []
    for finding in report:
        for place in (finding.place, *(related.place for related in finding.related)):
            assert place.cell is None and place.line == place.end_line and place.line and place.column
            found.append(lines[place.line - 1][place.column - 1 : (place.end_column or 0) - 1])
    return found


FOUND = ["layers.Dropout(0.5)", "layers.BatchNormalization()"]


def test_the_blocks_of_a_document_are_one_program(tmp_path: Path) -> None:
    first, second = WRONG.splitlines(True)
    text = f"# Title\n\n{fenced(HEAD, first, second)}"
    report = lint(tmp_path, text)
    assert places(report, text) == FOUND
    assert not report.failures and not report.notes


def test_documents_are_read_only_where_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text(fenced(HEAD + WRONG), encoding="utf-8")
    assert check_paths([tmp_path], config={}).checked == 0
    assert len(check_paths([tmp_path / "guide.md"], select=[RULE], config={})) == 1


def test_a_name_bound_again_is_a_model_of_its_own(tmp_path: Path) -> None:
    right = "model.add(layers.BatchNormalization())\nmodel.add(layers.Dropout(0.5))\n"
    text = fenced(HEAD + WRONG, HEAD + right, HEAD + WRONG)
    assert places(lint(tmp_path, text), text) == FOUND * 2


@pytest.mark.parametrize(
    "info",
    [
        *(
            "python",
            "py",
            "python3",
            "Python",
            " python ",
            "{python}",
            "{.python}",
            "{.python .input #code}",
            "ipython3",
        ),
        *("{python, echo=FALSE}", 'python title="a.py"', "python {1,3}", "py:a.py", "python,ignore", "pycon"),
    ],
)
def test_what_claims_to_be_python(tmp_path: Path, info: str) -> None:
    text = fenced(HEAD + WRONG, info=info)
    assert places(lint(tmp_path, text), text) == FOUND


@pytest.mark.parametrize("info", ["", "text", "pytb", "python.exe", "python-traceback", "c", "r, engine=python", "pyx"])
def test_what_does_not(tmp_path: Path, info: str) -> None:
    assert places(lint(tmp_path, fenced(HEAD + WRONG, info=info)), "") == []


@pytest.mark.parametrize("fence", ["```", "````", "~~~", "~~~~~"])
def test_fences(tmp_path: Path, fence: str) -> None:
    inside = '"""\n    ```\n' + "``\n~~\n" + '"""\n'
    text = fenced(HEAD, inside, WRONG, fence=fence)
    assert places(lint(tmp_path, text), text) == FOUND


@pytest.mark.parametrize("closing", ["```", "  `````  ", "```\t"])
def test_a_fence_ends_where_one_at_least_as_long_closes_it(tmp_path: Path, closing: str) -> None:
    text = f"```python\n{HEAD}{closing}\n\n{WRONG}\n{fenced('x = 1')}"
    assert places(lint(tmp_path, text), text) == []
    assert read_document(text.encode()).text.splitlines()[1:4] == HEAD.splitlines()


@pytest.mark.parametrize("line", ["``", "~~~", "```python", "    ```", "``` x"])
def test_and_nowhere_else(line: str) -> None:
    text = f"```python\nx = '''\n{line}\n'''\n```\ny = 2\n"
    assert read_document(text.encode()).text.splitlines()[1:4] == ["x = '''", line, "'''"]


def test_without_a_closing_fence_a_block_goes_on_to_the_end(tmp_path: Path) -> None:
    text = f"```python\n{HEAD}\n{WRONG}"
    assert places(lint(tmp_path, text), text) == FOUND


@pytest.mark.parametrize("lead", ["  ", "    ", "\t", "> ", ">", "   > > ", "      "])
def test_blocks_in_lists_and_quotations(tmp_path: Path, lead: str) -> None:
    body = HEAD + "if True:\n" + indented(WRONG, "    ")
    text = "1. List:\n\n" + indented(fenced(body), lead) + "\nAfter.\n"
    assert places(lint(tmp_path, text), text) == FOUND


def test_a_quotation_ends_its_block(tmp_path: Path) -> None:
    text = indented(f"```python\n{HEAD}", "> ") + f"\nProse.\n\n{fenced(WRONG)}"
    assert places(lint(tmp_path, text), text) == FOUND


def test_a_list_item_may_begin_with_a_fence(tmp_path: Path) -> None:
    text = f"- ```python\n{indented(HEAD, '  ')}  ```\n10. ```python\n{indented(WRONG, '    ')}    ```\n"
    assert places(lint(tmp_path, text), text) == FOUND


def test_a_fragment_may_stand_further_in(tmp_path: Path) -> None:
    text = fenced(HEAD, indented(WRONG, "    "))
    assert places(lint(tmp_path, text), text) == FOUND


@pytest.mark.parametrize("info", ["python", "pycon", ""])
def test_console_sessions(tmp_path: Path, info: str) -> None:
    session = "".join(f">>> {line}" for line in (HEAD + WRONG).splitlines(True))
    session += ">>> for i in range(3):\n...     print(i)\n...\n0\nsome output (\n>>> model\n<Sequential at 0x7f>\n"
    text = indented(fenced(session, info=info), "  ")
    report = lint(tmp_path, text)
    assert places(report, text) == FOUND
    assert report.notes == []


def test_magics_and_shell_lines(tmp_path: Path) -> None:
    text = fenced("!pip install keras\n%matplotlib inline\n" + HEAD, "%%bash\nls (\n", WRONG)
    assert places(lint(tmp_path, text), text) == FOUND


def test_what_is_commented_out_is_no_code(tmp_path: Path) -> None:
    hidden = f"<!-- hidden\n{fenced(WRONG)}-->\n<!-- one line -->\n"
    text = fenced(HEAD) + hidden + fenced(WRONG)
    assert places(lint(tmp_path, text), text) == FOUND
    assert lint(tmp_path, fenced(HEAD) + hidden).findings == []


def test_a_broken_block_does_not_lose_the_others(tmp_path: Path) -> None:
    broken = ["layers.BatchNormalization(axis=...,\n", "x = = 1\n", "- " * 400 + "1\n", "for x in y:\n", "f(\\\n"]
    text = fenced(HEAD, *broken, WRONG)
    report = lint(tmp_path, text)
    assert places(report, text) == FOUND
    assert not report.failures
    (note,) = report.notes
    line = text.splitlines().index("layers.BatchNormalization(axis=...,") + 1
    assert note == f"{tmp_path / 'guide.md'}:{line}: a block left out: syntax error: '(' was never closed"


def test_what_only_shows_a_layer_is_not_a_program_that_throws_it_away(tmp_path: Path) -> None:
    """As in a reference, or where a block of a network is described."""
    made = "layers.BatchNormalization(axis=-1)\nlayers.ReLU()\n"
    for name, count in (("a.md", 0), ("a.py", 1)):
        path = tmp_path / name
        path.write_text(fenced(HEAD, made) if name == "a.md" else HEAD + made)
        assert len(check_paths([path], select=["discarded-batchnorm"], config={})) == count
    (tmp_path / "a.md").write_text(fenced(HEAD + made))
    assert len(check_paths([tmp_path / "a.md"], select=["discarded-batchnorm"], config={})) == 1


def test_a_training_step_may_be_that_of_a_loop(tmp_path: Path) -> None:
    made = HEAD + "model.add(layers.BatchNormalization())\nmodel.compile('adam', 'mse')\n"
    step = "model.train_on_batch(x, y)\nmodel.evaluate(x, y)\n"
    for name, count in (("a.md", 0), ("a.py", 1)):
        path = tmp_path / name
        path.write_text(fenced(made, step) if name == "a.md" else made + step)
        assert len(check_paths([path], select=["unconverged-moving-average"], config={})) == count


def test_ellipses_stand_for_what_is_not_known(tmp_path: Path) -> None:
    text = fenced(HEAD + "model.add(layers.Dropout(0.5))\nmodel.add(...)\nmodel.add(layers.BatchNormalization())\n")
    assert places(lint(tmp_path, text), text) == []


def test_names_that_nothing_binds_mean_what_is_plain_only(tmp_path: Path) -> None:
    plain = "x = layers.Dropout(0.5)(x)\nx = layers.BatchNormalization()(x)\n"
    assert places(lint(tmp_path, text := fenced(plain)), text) == FOUND
    assert lint(tmp_path, fenced(plain.replace("layers", "ops"))).findings == []


def test_suppressions_stand_in_their_block(tmp_path: Path) -> None:
    comment = f"  # bnlint: ignore[{RULE}]"
    covered = WRONG.replace("(0.5))", f"(0.5)){comment}")
    for lead in ("", "> "):
        assert lint(tmp_path, indented(fenced(HEAD + covered), lead)).findings == []
        assert len(lint(tmp_path, indented(fenced(HEAD + WRONG), lead) + f"\nProse.{comment}\n")) == 1
    text = indented(fenced(HEAD + f"x = 1{comment}\n"), "> ")
    (tmp_path / "guide.md").write_text(text)
    done = CliRunner().invoke(main, [str(tmp_path / "guide.md"), "--unused-suppressions", "--format", "json"])
    (found,) = json.loads(done.stdout)["findings"]
    assert (found["line"], found["column"]) == (5, text.splitlines()[4].index("#") + 1)


@pytest.mark.parametrize("name", ["guide.md", "guide.MD", "guide.markdown", "guide.mdx", "guide.qmd", "guide.Rmd"])
def test_names_of_documents(tmp_path: Path, name: str) -> None:
    assert len(lint(tmp_path, fenced(HEAD + WRONG), name)) == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_encodings(tmp_path: Path, end: str) -> None:
    text = "# Caf\xe9\n" + fenced(HEAD + WRONG)
    for data in (text.encode(), b"\xef\xbb\xbf" + text.encode(), text.encode("latin-1"), b"\0" + text.encode()):
        (tmp_path / "guide.md").write_bytes(data.replace(b"\n", end.encode()))
        report = check_paths([tmp_path / "guide.md"], select=[RULE], config={})
        assert places(report, text) == FOUND and not report.failures


def test_documents_that_hold_no_code(tmp_path: Path) -> None:
    for text in ("", "```", "```python", "BatchNormalization", "```python\n```\nBatchNormalization\n", "~~~py\n\n\n"):
        code = read_code("a.md", text.encode())
        assert not code.named and code.text.strip() == ""
        assert lint(tmp_path, text).findings == []


def test_imports_lead_to_files_beside(tmp_path: Path) -> None:
    (tmp_path / "blocks.py").write_text(f"{HEAD}def add():\n{indented(WRONG, '    ')}")
    text = fenced("from blocks import add, layers\nlayers.BatchNormalization\nadd()\n")
    (tmp_path / "guide.md").write_text(text)
    report = check_paths([tmp_path / "guide.md", tmp_path / "blocks.py"], select=[RULE], config={})
    assert {finding.place.path for finding in report} == {str(tmp_path / "blocks.py")}


def test_the_code_frame_shows_the_document(tmp_path: Path) -> None:
    text = indented(fenced(HEAD + WRONG), "> ")
    (tmp_path / "guide.md").write_text(text)
    shown = CliRunner().invoke(main, [str(tmp_path / "guide.md"), "--select", RULE]).stdout
    line = text.splitlines()[4]
    assert f"5 | {line}\n" in shown
    assert f"  | {' ' * line.index('layers')}^^^" in shown


def test_the_graph_of_a_document(tmp_path: Path) -> None:
    path = tmp_path / "guide.md"
    path.write_text("Text\n\n" + indented(fenced(HEAD + WRONG, "keras.BatchNormalization(\n"), "> "))
    for arguments in ((), ("--entry", "model")):
        done = CliRunner().invoke(main, ["graph", str(path), "--format", "json", *arguments])
        assert done.exit_code == 0
        model = json.loads(done.stdout)["models"][-1]
        assert model["origin"] == {"path": str(path), "cell": None, "line": 6, "column": 11}
        assert [node["kind"] for node in model["nodes"]][-2:] == ["Dropout", "BatchNormalization"]
        assert done.stderr == f"note: {path}:14: left out: syntax error: '(' was never closed\n"
