"""The reporters: one report, its formats, and what a hostile file may put into them."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sarif_pydantic import Sarif

import bnlint
from bnlint.findings import Failure, Finding, Place, Related, Severity
from bnlint.reporters import FORMATS, render
from bnlint.reporters.card import show_card, show_index
from bnlint.reporters.escape import printable
from bnlint.reporters.report import Report
from bnlint.reporters.sarif import uri
from bnlint.reporters.sources import Sources
from bnlint.rulebook.folders import read_folders

SOURCE = """import keras
model = keras.Sequential([
    keras.layers.Dropout(0.5),
    keras.layers.BatchNormalization(),
])
"""

DROPOUT = Finding(
    "dropout-before-batchnorm",
    "placement",
    Severity.WARNING,
    Place("models/net.py", None, 3, 5, 3, 30),
    "Dropout(0.5) feeds BatchNormalization.",
    "The variance learned in training is not the one at inference.",
    (Related(Place("models/net.py", None, 4, 5, 4, 38), "this batch normalization"),),
)

EVIL = "](x) [bold red]\x1b[31m\u202e\n::error::%0A,:\r</script>\udcff"

EVIL_FINDING = Finding(
    "tiny-batch",
    "batch",
    Severity.ERROR,
    Place(f"dir,a:b%\n{EVIL}.py", None, 1, 1, 1, 3),
    EVIL,
    EVIL,
    (Related(Place(EVIL, None, 1, 1, 1, 2), EVIL),),
)


def report(*findings: Finding, **more: Any) -> Report:
    """A report with these findings, of 12 files unless told."""
    return Report(list(findings), **{"checked": 12, **more})


def shown(form: str, given: Report, **more: Any) -> str:
    """The report in a format, with `models/net.py` as its source."""
    return render(form, given, sources=Sources({"models/net.py": SOURCE}), **more)


def test_text_shows_location_frame_related_place_and_why() -> None:
    assert (
        shown("text", report(DROPOUT))
        == """\
models/net.py:3:5: warning dropout-before-batchnorm Dropout(0.5) feeds BatchNormalization.
  |
3 |     keras.layers.Dropout(0.5),
  |     ^^^^^^^^^^^^^^^^^^^^^^^^^
4 |     keras.layers.BatchNormalization(),
  |     --------------------------------- this batch normalization
  = why: The variance learned in training is not the one at inference.

1 finding (1 warning) in 12 files
"""
    )


def test_text_without_color_has_no_escapes_and_with_color_says_the_same() -> None:
    plain, colored = (shown("text", report(DROPOUT), color=color) for color in (False, True))
    assert "\x1b" not in plain and "\x1b[1;33mwarning\x1b[0m" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == plain


def spot(line: str, column: int, end: int, end_line: int = 1) -> list[str]:
    """The two lines of the frame of a finding in this one line of source, gutter removed."""
    place = Place("a.py", None, 1, column, end_line, end)
    finding = Finding("r", "batch", Severity.ERROR, place, "m")
    lines = render("text", report(finding), sources=Sources({"a.py": line})).split("\n")
    return [text[4:] for text in lines[2:4]]


@pytest.mark.parametrize(
    ("line", "column", "end", "frame"),
    [
        ("x = f(1)", 5, 9, ["x = f(1)", "    ^^^^"]),
        ("\tf(1)", 2, 6, ["    f(1)", "    ^^^^"]),
        ("名 = f(1)", 5, 9, ["名 = f(1)", "     ^^^^"]),
        ("e\u0301 = f(1)", 6, 10, ["e\u0301 = f(1)", "    ^^^^"]),
        ("\x1b = f(1)", 5, 9, ["\\x1b = f(1)", "       ^^^^"]),
        ("x\u202e = f(1)", 6, 10, ["x\\u202e = f(1)", "          ^^^^"]),
        ("x = 1", 9, 12, ["x = 1", "     ^"]),
    ],
)
def test_marks_stand_under_what_they_mean(line: str, column: int, end: int, frame: list[str]) -> None:
    assert spot(line, column, end) == frame


def test_a_range_over_lines_is_marked_on_its_first() -> None:
    assert spot("x = f(  ", 5, 2, end_line=3) == ["x = f(", "    ^^"]


def test_a_very_long_line_is_cut_around_the_range() -> None:
    text, marks = spot("a" * 5000 + "BN()" + "b" * 5000, 5001, 5005)
    assert len(text) < 200 and text[:3] == text[-3:] == "..."
    assert text[marks.index("^") : marks.rindex("^") + 1] == "BN()"


def test_a_related_place_in_another_file_is_headed_by_it() -> None:
    related = Related(Place("blocks.py", None, 1, 1, 1, 4), "built here")
    finding = Finding("r", "batch", Severity.ERROR, Place("a.py", None, 1, 1, 1, 2), "m", "", (related,))
    text = render("text", report(finding), sources=Sources({"a.py": "x", "blocks.py": "norm"}))
    assert "1 | x\n  | ^\n --> blocks.py:1:1\n1 | norm\n  | --- built here\n" in text
    text = render("text", report(finding), sources=Sources({"a.py": "x"}))
    assert "  = blocks.py:1:1: built here\n" in text


def test_a_layer_or_a_cell_needs_no_source() -> None:
    layer = Finding("r", "state", Severity.ADVICE, Place("m.keras", layer="bn_1"), "m", "because")
    cell = Finding("r", "state", Severity.ADVICE, Place("n.ipynb", 2, 3, 1, 3, 4), "m")
    text = render("text", report(layer, cell))
    assert text.startswith("m.keras (bn_1): advice r m\n  = why: because\n\nn.ipynb:cell 2:3:1: advice r m\n\n")
    assert "2 findings (2 pieces of advice)" in text


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (report(), "No findings in 12 files"),
        (report(checked=1), "No findings in 1 file"),
        (report(DROPOUT, DROPOUT, EVIL_FINDING), "3 findings (1 error, 2 warnings) in 12 files"),
        (
            report(skipped=2, failures=[Failure("a.py", "m")]),
            "No findings in 12 files; 1 could not be read, 2 skipped",
        ),
    ],
)
def test_summary(given: Report, line: str) -> None:
    assert render("text", given).split("\n")[-2] == line


def test_text_lists_failures_statistics_and_notes() -> None:
    given = report(DROPOUT, failures=[Failure("a.py", "syntax error: x", None, 7)], notes=["fuel"], coverage=(4, 3))
    text = shown("text", given, statistics=True, verbose=True)
    assert "\na.py:7: not checked: syntax error: x\n" in text
    assert "\ncount  severity  rule\n    1  warning   dropout-before-batchnorm\n" in text
    assert "\nnote: fuel\nnote: the input is known for 3 of 4 batch normalizations\n" in text
    quiet = shown("text", given)
    assert "count" not in quiet and "note:" not in quiet


def test_text_obeys_nothing_that_a_file_says() -> None:
    text = render("text", report(EVIL_FINDING, failures=[Failure(EVIL, EVIL)]), sources=Sources({EVIL: EVIL}))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "\n::" not in text and "[bold red]" in text


def test_json_is_the_documented_schema() -> None:
    given = report(DROPOUT, failures=[Failure("a.py", "syntax error", None, 7)], skipped=3)
    assert json.loads(shown("json", given)) == {
        "version": 1,
        "findings": [
            {
                "rule": "dropout-before-batchnorm",
                "category": "placement",
                "severity": "warning",
                "path": "models/net.py",
                "cell": None,
                "line": 3,
                "column": 5,
                "end_line": 3,
                "end_column": 30,
                "layer": None,
                "message": "Dropout(0.5) feeds BatchNormalization.",
                "related": [
                    {
                        "path": "models/net.py",
                        "cell": None,
                        "line": 4,
                        "column": 5,
                        "layer": None,
                        "message": "this batch normalization",
                    }
                ],
                "fix": None,
                "withheld": "",
            }
        ],
        "errors": [{"path": "a.py", "cell": None, "line": 7, "message": "syntax error", "kind": "unreadable"}],
        "files": {"checked": 12, "skipped": 3},
    }


def test_json_keys_keep_their_order() -> None:
    keys = re.findall(r'^ {6}"(\w+)":', shown("json", report(DROPOUT)), re.MULTILINE)
    assert keys == (
        "rule category severity path cell line column end_line end_column layer message related fix withheld".split()
    )


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_machine_formats_are_ascii_without_lone_surrogates(form: str) -> None:
    text = render(form, report(EVIL_FINDING, failures=[Failure(EVIL, EVIL)]))
    assert text.isascii()
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


def unescape(text: str, property: bool) -> str:
    """What GitHub's runner makes of a value."""
    for code, character in (("%3A", ":"), ("%2C", ",")) if property else ():
        text = text.replace(code, character)
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def test_github_commands() -> None:
    given = report(DROPOUT, failures=[Failure("a.py", "syntax error", None, 7)])
    assert shown("github", given) == (
        "::warning file=models/net.py,line=3,col=5,endLine=3,endColumn=30,title=bnlint dropout-before-batchnorm"
        "::Dropout(0.5) feeds BatchNormalization.%0Amodels/net.py:4:5: this batch normalization\n"
        "::error file=a.py,line=7,title=bnlint::syntax error\n"
    )
    assert shown("github", report()) == ""


def test_github_commands_hold_what_a_file_says_within_one_command() -> None:
    text = render("github", report(EVIL_FINDING))
    (line,) = text.splitlines()
    properties, _, message = line.removeprefix("::error ").partition("::")
    pairs = dict(pair.split("=", 1) for pair in properties.split(","))
    assert list(pairs) == ["file", "line", "col", "endLine", "endColumn", "title"]
    assert list(map(printable, unescape(pairs["file"], True).split("\n"))) == [
        printable(part) for part in EVIL_FINDING.place.path.encode("utf-8", "replace").decode().split("\n")
    ]
    assert "\\n::error::%0A,:\\r" in unescape(message, False)


def test_github_names_cells_and_layers_in_the_message() -> None:
    cell = Finding("r", "state", Severity.ADVICE, Place("n.ipynb", 2, 3, 1, 3, 4), "m")
    layer = Finding("r", "state", Severity.ADVICE, Place("m.keras", layer="bn_1"), "m")
    assert render("github", report(cell, layer)) == (
        "::notice file=n.ipynb,title=bnlint r::cell 2, line 3: m\n::notice file=m.keras,title=bnlint r::layer bn_1: m\n"
    )


def test_sarif_loads_with_another_package(rules_folder: Path) -> None:
    rule = read_folders(rules_folder)["large-epsilon"]
    finding = Finding(rule.name, rule.category, Severity.ADVICE, DROPOUT.place, "m", "", DROPOUT.related)
    given = report(DROPOUT, finding, failures=[Failure("a.py", "syntax error", None, 7)])
    log = Sarif.model_validate_json(shown("sarif", given, rules=[rule]))
    assert log.version == "2.1.0"
    (run,) = log.runs
    assert (run.tool.driver.name, run.tool.driver.version) == ("bnlint", bnlint.__version__)
    (listed,) = run.tool.driver.rules
    assert (listed.id, listed.default_configuration.level) == ("large-epsilon", "warning")
    assert listed.short_description.text == "Epsilon is large"
    assert listed.full_description.text == "An epsilon near the variance hides it."
    assert listed.help.markdown == rule.card and listed.help.text == rule.card
    first, second = run.results
    assert (first.rule_id, first.rule_index, first.level.value) == ("dropout-before-batchnorm", None, "warning")
    assert (second.rule_id, second.rule_index, second.level.value) == ("large-epsilon", 0, "note")
    physical = first.locations[0].physical_location
    region = physical.region
    assert physical.artifact_location.uri == "models/net.py"
    assert (region.start_line, region.start_column, region.end_line, region.end_column) == (3, 5, 3, 30)
    assert first.related_locations[0].message.text == "this batch normalization"
    assert first.related_locations[0].physical_location.region.start_line == 4
    (invocation,) = run.invocations
    assert invocation.execution_successful is False
    (notification,) = invocation.model_extra["toolExecutionNotifications"]
    assert (notification["message"], notification["level"]) == ({"text": "syntax error"}, "error")
    assert json.loads(shown("sarif", given))["runs"][0]["columnKind"] == "unicodeCodePoints"


def test_sarif_makes_no_link_of_what_a_file_says() -> None:
    (result,) = json.loads(render("sarif", report(EVIL_FINDING)))["runs"][0]["results"]
    said = [result["message"]["text"], result["relatedLocations"][0]["message"]["text"]]
    assert all(text.startswith("\\](x) [bold red]") for text in said)


def fingerprints(*findings: Finding, source: str = SOURCE) -> list[str]:
    """Of each finding, with `source` as the text of models/net.py."""
    text = render("sarif", report(*findings), sources=Sources({"models/net.py": source}))
    results = json.loads(text)["runs"][0]["results"]
    return [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]


def moved(line: int, path: str = "models/net.py", rule: str = "dropout-before-batchnorm") -> Finding:
    """The dropout finding on another line, in another file or of another rule."""
    return Finding(rule, "placement", Severity.WARNING, Place(path, None, line, 5, line, 30), "m")


def test_fingerprints_survive_what_moves_a_line() -> None:
    (before,) = fingerprints(moved(3))
    assert fingerprints(moved(5), source="# one\n# two\n" + SOURCE) == [before]
    assert fingerprints(moved(3), source=SOURCE.replace("    keras.layers.Drop", "\tkeras.layers.Drop")) == [before]
    assert fingerprints(moved(3), source=SOURCE.replace("0.5", "0.4")) != [before]


def test_fingerprints_tell_findings_apart() -> None:
    different = [moved(3), moved(8), moved(4), moved(3, rule="tiny-batch"), moved(3, "models/b.py")]
    found = fingerprints(*different, source=SOURCE + SOURCE)
    assert len(set(found)) == 5 and all(re.fullmatch(r"[0-9a-f]{32}", one) for one in found)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a b/c.py", "a%20b/c.py"),
        ("./a.py", "a.py"),
        ("../a.py", "../a.py"),
        ("a:b#?%.py", "a%3Ab%23%3F%25.py"),
        ("ü.py", "%C3%BC.py"),
        ("\udcff.py", "%FF.py"),
        ("/tmp/a b.py", "file:///tmp/a%20b.py"),
    ],
)
def test_paths_become_uris(path: str, expected: str) -> None:
    assert uri(path) == expected


def test_sarif_is_valid(rules_folder: Path) -> None:
    schema = os.environ.get("SARIF_SCHEMA")
    if not schema:
        pytest.skip("SARIF_SCHEMA names no schema file")
    rules = [read_folders(rules_folder)["large-epsilon"], *bnlint.rulebook.folders.open_book().values()]
    cell = Finding("r", "state", Severity.ADVICE, Place("n.ipynb", 2, 3, 1, 3, 4, "bn"), "m")
    given = report(DROPOUT, EVIL_FINDING, cell, failures=[Failure(EVIL, EVIL), Failure("a", "b", None, 2)])
    validator = jsonschema.Draft4Validator(json.loads(Path(schema).read_text(encoding="utf-8")))
    for one in (given, report(), bnlint.check_paths(Path(__file__).parents[1] / "fixtures")):
        validator.validate(json.loads(shown("sarif", one, rules=rules)))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"version": "2.1.0", "runs": [{}]})


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig"])
def test_lines_are_python_s_lines(tmp_path: Path, ends: str, encoding: str) -> None:
    path = tmp_path / "a.py"
    first = "# coding: latin-1\n" if encoding == "latin-1" else f"# {ends}"
    path.write_bytes((first + ends.join(["x = 'ü\x0c\x85'", "y"])).encode(encoding))
    sources = Sources()
    assert [sources.line(Place(str(path), line=line)) for line in (2, 3, 4)] == ["x = 'ü\x0c\x85'", "y", None]


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"# coding: nothing\nx"])
def test_what_cannot_be_read_any_more_has_no_lines(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(data)
    assert Sources().line(Place(str(path), line=1)) is None
    assert Sources().line(Place(str(tmp_path / "none.py"), line=1)) is None


def test_a_cell_s_lines_are_counted_in_the_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    cells = [
        {"cell_type": "code", "source": ["x = 1\n", "y = 2"]},
        {"cell_type": "markdown", "source": "text"},
        {"cell_type": "code", "source": "z = 3"},
    ]
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}), encoding="utf-8")
    sources = Sources()
    lines = [sources.line(Place(str(path), cell, line)) for cell, line in ((1, 2), (1, 3), (2, 1), (3, 1))]
    assert lines == ["y = 2", None, "z = 3", None]
    assert sources.line(Place(str(tmp_path / "none.ipynb"), 1, 1)) is None
    finding = Finding("r", "batch", Severity.ERROR, Place(str(path), 2, 1, 1, 1, 2), "m")
    assert render("text", report(finding)).split("\n")[2:4] == ["1 | z = 3", "  | ^"]


def test_an_unknown_format_is_refused() -> None:
    assert FORMATS == ("text", "json", "github", "sarif", "html")
    with pytest.raises(ValueError, match="unknown format 'xml': expected one of text, json"):
        render("xml", report())


def test_a_card_is_rendered_at_a_terminal_and_plain_elsewhere(rules_folder: Path) -> None:
    rule = read_folders(rules_folder)["large-epsilon"]
    plain, rendered, gray = io.StringIO(), io.StringIO(), io.StringIO()
    show_card(rule, plain, terminal=False, color=False)
    show_card(rule, rendered, terminal=True, color=True)
    show_card(rule, gray, terminal=True, color=False)
    assert plain.getvalue() == f"large-epsilon: warning, construction\n\n{rule.card}"
    assert "\x1b[" in rendered.getvalue() and "```" not in rendered.getvalue()
    assert not re.search(r"\x1b\[[\d;]*3\dm", gray.getvalue()) and "Epsilon is large" in gray.getvalue()


def test_the_index_aligns(rules_folder: Path) -> None:
    file = io.StringIO()
    show_index(read_folders(rules_folder).values(), file)
    assert file.getvalue() == "large-epsilon  warning  construction  Epsilon is large\n"
