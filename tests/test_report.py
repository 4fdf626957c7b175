"""What a report is for Python: printed, in a notebook, raised, written; and a rule's card."""

from __future__ import annotations

import copy
import io
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from test_reporters import DROPOUT, EVIL, EVIL_FINDING, report

import bnlint
from bnlint.cli.main import main
from bnlint.findings import Certificate, Edit, Failure, Finding, Fix, Place, Severity
from bnlint.reporters.cell import MOST

CODE = """import keras
inputs = keras.Input((8,))
x = keras.layers.Dropout(0.5)(inputs)
x = keras.layers.BatchNormalization()(x)
model = keras.Model(inputs, keras.layers.Dense(2)(x))
model.compile("adam", "mse")
"""
RULES = ["dropout-before-batchnorm"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file with one finding, in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(CODE, encoding="utf-8")
    return "net.py"


def command(*arguments: str) -> str:
    """What the command line writes."""
    return CliRunner().invoke(main, [*arguments]).stdout


def test_printed_it_is_what_the_command_line_shows(file: str) -> None:
    found = bnlint.check_paths([file])
    assert len(found) >= 1
    assert f"{found}\n" == command(file)
    assert repr(found) == f"<Report: {command(file).splitlines()[-1]}>"


def test_rich_says_the_same_in_color(file: str) -> None:
    found = bnlint.check_paths([file])
    colored, plain = io.StringIO(), io.StringIO()
    Console(file=colored, force_terminal=True, width=400).print(found)
    Console(file=plain, width=400).print(found)
    assert plain.getvalue() == f"{found}\n"
    assert "\x1b[" in colored.getvalue()
    assert re.sub(r"\x1b\[[\d;]*m", "", colored.getvalue()) == plain.getvalue()


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_json_and_sarif_are_those_of_the_command_line(form: str, file: str, rules_folder: Path) -> None:
    for folders in ([], [rules_folder]):
        found = bnlint.check_paths([file], rules=folders, fixes=True)
        options = [part for folder in folders for part in ("--rules", str(folder))]
        assert getattr(found, f"to_{form}")() == command(file, *options, "--format", form)
    assert "large-epsilon" in bnlint.check_paths([file], rules=[rules_folder]).to_sarif()


def test_a_text_s_own_lines_are_shown_though_it_is_no_file() -> None:
    found = bnlint.check_source(CODE, select=RULES, config={})
    assert "3 | x = keras.layers.Dropout(0.5)(inputs)\n" in str(found)
    assert "<mark>keras.layers.Dropout(0.5)</mark>" in found._repr_html_()


def test_pickled_and_copied_it_says_the_same(file: str) -> None:
    found = bnlint.check_paths([file], select=RULES, fixes=True)
    for other in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert other == found and str(other) == str(found) and other.to_sarif() == found.to_sarif()


@pytest.mark.parametrize(
    ("severity", "least", "raises"),
    [
        ("error", "error", True),
        ("warning", "error", False),
        ("warning", "warning", True),
        ("warning", Severity.ADVICE, True),
        ("advice", "warning", False),
    ],
)
def test_it_raises_for_what_is_bad_enough(severity: str, least: str, raises: bool) -> None:
    given = report(Finding("r", "batch", Severity.parse(severity), Place("a.py"), "m"))
    if not raises:
        given.raise_for(least)
        return
    with pytest.raises(bnlint.FindingsError) as caught:
        given.raise_for(least)
    assert isinstance(caught.value, AssertionError)
    assert caught.value.report is given and str(caught.value) == str(given)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(given)


def test_it_raises_for_what_was_not_checked_and_not_for_nothing() -> None:
    report().raise_for("advice")
    with pytest.raises(bnlint.FindingsError, match="not checked: cannot be read"):
        report(failures=[Failure("a.py", "cannot be read")]).raise_for("error")
    with pytest.raises(ValueError, match="unknown severity 'never'"):
        report().raise_for("never")


class _Reader(HTMLParser):
    """Which elements there are, and the text in them but for the style; complains of one that is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not {name for name, _ in attrs} - {"class", "tabindex"}
        self.tags.append(tag)
        if tag != "li":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += "" if self._open[-1:] == ["style"] else data


def test_in_a_notebook_all_is_there_in_one_element_without_scripts_ids_and_links() -> None:
    certificate = Certificate("the same", True, True, effects=("<b>nothing</b>",))
    fix = Fix("Move <it>", (Edit("<string>", None, (3, 1), (3, 2), "<y>"),), certificate)
    found = Finding("r", "batch", Severity.ERROR, Place("<string>", None, 3, 1, 3, 2), "m", fix=fix)
    given = report(DROPOUT, EVIL_FINDING, found, failures=[Failure("b<.py", "broken & gone", line=2)])
    given.texts = {"<string>": CODE}
    html = given._repr_html_()
    read = _Reader(html)
    assert html.startswith('<div class="bnlint">') and html.endswith("</div>")
    assert set(read.tags) <= set("div style article p b span figure figcaption pre mark ins del ul li".split())
    for said in (DROPOUT.message, DROPOUT.why, "Move <it>", "<b>nothing</b>", "<y> = keras", "broken & gone"):
        assert said in read.text
    assert "3 findings (2 errors, 1 warning) in 12 files" in read.text
    assert EVIL not in html and "</script>" not in html and "\x1b" not in html


def test_in_a_notebook_a_great_many_are_cut() -> None:
    given = report(*[DROPOUT] * (MOST + 3))
    assert _Reader(given._repr_html_()).tags.count("article") == MOST
    assert "3 more findings are not shown" in given._repr_html_()


def test_the_place_of_a_finding_in_a_model_is_its_layer() -> None:
    finding = Finding("r", "batch", Severity.ERROR, Place("<net>", layer="net/bn"), "m", fixable="Drop it")
    given = report(finding, checked=1, unit="model")
    assert "&lt;net&gt; (net/bn)" in given._repr_html_()
    assert str(given).endswith("1 finding (1 error) in 1 model")


def test_a_card_is_explained() -> None:
    card = bnlint.explain("tiny-batch")
    assert f"{card}\n" == command("explain", "tiny-batch") and repr(card) == str(card)
    assert card._repr_markdown_().startswith("**tiny-batch: warning, batch**\n\n# ")
    shown = io.StringIO()
    Console(file=shown, width=100).print(card)
    assert "tiny-batch: warning, batch" in shown.getvalue() and "```" not in shown.getvalue()
    with pytest.raises(ValueError, match=r"unknown rule .tiny-bach.: did you mean .tiny-batch.\?"):
        bnlint.explain("tiny-bach")


def test_a_card_of_one_s_own(rules_folder: Path) -> None:
    assert "Epsilon is large" in bnlint.explain("large-epsilon", rules=[rules_folder])
