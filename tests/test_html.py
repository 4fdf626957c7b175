"""The HTML report as a text: all links lead somewhere, nothing is loaded, and what comes from files stays text."""

from __future__ import annotations

import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

import bnlint
from bnlint.cli.main import main
from bnlint.findings import Certificate, Edit, Failure, Finding, Fix, Place, Related, Severity
from bnlint.reporters import render
from bnlint.reporters.cards import as_html
from bnlint.reporters.report import Report
from bnlint.reporters.sources import Sources
from bnlint.rulebook.folders import open_book

PROGRAMS = Path(__file__).parents[1] / "fixtures" / "programs"

EVIL = "</script><script>hacked=1</script><img src=x onerror='hacked=1'>\"'&\x1b[31m\u202e\udcff\n"
EVIL_PLACE = Place(EVIL, None, 1, 1, 1, 3, EVIL)
EVIL_FIX = Fix(EVIL, (Edit(EVIL, None, (1, 1), (1, 3), EVIL),), Certificate(EVIL, True, False, effects=(EVIL,)))
EVIL_FINDING = Finding(EVIL, EVIL, Severity.ERROR, EVIL_PLACE, EVIL, EVIL, (Related(EVIL_PLACE, EVIL),), EVIL, EVIL_FIX)


class Page(HTMLParser):
    """What elements a page has, with their attributes, and its text without the style and the script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in = tag

    def handle_data(self, data: str) -> None:
        if self._in not in ("style", "script"):
            self.text += data

    def ids(self) -> Counter[str]:
        return Counter(value for _, found in self.elements if (value := found.get("id")))

    def links(self) -> list[str]:
        return [value for tag, found in self.elements if tag == "a" and (value := found.get("href"))]

    def of(self, kind: str) -> list[dict[str, str | None]]:
        return [found for _, found in self.elements if kind in (found.get("class") or "").split()]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the shipped programs, half of them wrong, by the command."""
    output = tmp_path_factory.mktemp("report") / "report.html"
    done = CliRunner().invoke(main, [str(PROGRAMS), "--format", "html", "--output", str(output)])
    assert done.exit_code == 1, done.output
    return output.read_text(encoding="utf-8")


def page(*findings: Finding, texts: dict[str, str] | None = None, **more: object) -> Page:
    """The page of a report with these findings."""
    report = Report(list(findings), checked=1, **more)  # type: ignore[arg-type]
    found = Page(render("html", report, list(open_book().values()), sources=Sources(texts or {})))
    assert {link[1:] for link in found.links() if link.startswith("#")} <= found.ids().keys()
    return found


def test_all_links_lead_somewhere_and_ids_are_given_once(run: str) -> None:
    found = Page(run)
    ids = found.ids()
    assert set(ids.values()) == {1}
    inside = [link for link in found.links() if link.startswith("#")]
    assert len(inside) > 100 and {link[1:] for link in inside} <= ids.keys()
    assert all(link.startswith("https://") for link in found.links() if not link.startswith("#"))


def test_nothing_is_loaded(run: str) -> None:
    found = Page(run)
    assert not [
        tag for tag, _ in found.elements if tag in ("link", "img", "iframe", "object", "embed", "base", "audio")
    ]
    assert not [one for _, one in found.elements if {"src", "srcset", "data", "action", "xlink:href"} & one.keys()]
    own = "".join(re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", run, re.DOTALL))
    assert len(own) > 5000 and not re.search(r"@import|url\(|fetch\(|XMLHttp|WebSocket|import\(", own)
    policies = [one.get("content") or "" for tag, one in found.elements if tag == "meta"]
    assert any("default-src 'none'" in policy for policy in policies)


def test_every_finding_is_there_with_its_frame_and_its_card(run: str) -> None:
    report = bnlint.check_paths(PROGRAMS, config={}, fixes=True)
    found = Page(run)
    findings = found.of("finding")
    assert [(one["data-rule"], one["data-severity"]) for one in findings] == [
        (finding.rule, str(finding.severity)) for finding in report
    ]
    assert {one["id"] for one in found.of("card")} == {f"rule-{finding.rule}" for finding in report}
    for finding in report:
        assert finding.message in found.text
        if finding.fix is not None:
            assert all(line in found.text for line in finding.fix.certificate.lines())


def test_pictures_and_findings_are_linked_both_ways(run: str) -> None:
    links = Counter(Page(run).links())
    svgs = re.findall(r"<svg.*?</svg>", run, re.DOTALL)
    assert len(svgs) > 5
    both = 0
    for number, block in enumerate(re.findall(r'<article class="finding.*?</article>', run, re.DOTALL)):
        if targets := re.findall(r'href="#(model-[\d-]+)"', block):
            assert links[f"#finding-{number}"] > 1, "the picture does not lead back"
            both += len(targets)
    assert both > 10


def test_a_model_of_another_file_is_drawn_where_the_finding_is(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import keras\nfrom keras import layers\n\ndef make():\n    return keras.Sequential([keras.Input((4,)), "
        "layers.Dense(8, use_bias=False), layers.BatchNormalization(), layers.ReLU(), layers.Dense(1)])\n"
    )
    (tmp_path / "train.py").write_text(
        "import net\nmodel = net.make()\nmodel.compile('adam', 'mse')\nmodel.fit(x, y, batch_size=4)\n"
    )
    output = tmp_path / "report.html"
    assert CliRunner().invoke(main, [str(tmp_path), "--format", "html", "--output", str(output)]).exit_code == 1
    found = Page(output.read_text(encoding="utf-8"))
    assert [one["data-rule"] for one in found.of("finding")] == ["tiny-batch"]
    assert "#model-0" in found.links() and {link[1:] for link in found.links() if link[0] == "#"} <= found.ids().keys()


def test_text_from_files_stays_text() -> None:
    found = page(EVIL_FINDING, texts={EVIL: EVIL}, failures=[Failure(EVIL, EVIL)])
    plain = page()
    tags, usual = Counter(tag for tag, _ in found.elements), Counter(tag for tag, _ in plain.elements)
    assert tags["script"] == usual["script"] == 1 and not tags["img"]
    assert not [one for _, one in found.elements if any(name.startswith("on") for name in one)]
    assert "\x1b" not in found.text and "\u202e" not in found.text and "\udcff" not in found.text
    assert found.text.count("<script>hacked=1</script>") > 8


def test_a_card_s_html_is_text_and_its_formulas_are_mathml() -> None:
    shown = as_html(
        "# Title\n\nSee $\\frac{a}{b}$ <script>x</script> ![i](http://a.b/c.png) [j](javascript:x)\n\n"
        "$$\\sqrt{2}$$\n\n```python bad\nx < 1  # <- error\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    found = Page(shown)
    tags = Counter(tag for tag, _ in found.elements)
    assert tags["math"] == 2 and tags["mfrac"] == 1 and tags["table"] == 1
    assert not tags["script"] and not tags["img"]
    assert not [link for link in found.links() if link.startswith("javascript")]
    assert "<script>x</script>" in found.text and "x < 1  # <- error" in found.text and "Title" not in found.text
    assert as_html("$\\frac{$") and "Title" not in shown


@pytest.mark.parametrize("rule", list(open_book().values()), ids=lambda rule: rule.name)
def test_every_card_s_formulas_are_read(rule: bnlint.Rule) -> None:
    shown = as_html(rule.card)
    outside = re.sub(r"<pre.*?</pre>|<code>.*?</code>", "", shown, flags=re.DOTALL)
    assert not re.search(r"\\[a-z]+|\$", re.sub(r"<[^>]*>", "", outside))


def test_a_fix_is_shown_as_a_diff() -> None:
    edit = Edit("a.py", None, (3, 1), (3, 4), "two\nlines")
    finding = Finding(
        "tiny-batch",
        "batch",
        Severity.ERROR,
        Place("a.py", None, 3, 1, 3, 4),
        "m",
        fix=Fix("t", (edit,), Certificate("c", True, True)),
    )
    shown = render("html", Report([finding]), (), sources=Sources({"a.py": "1\n2\nold = 3\n4\n5\n6\n\n"}))
    (diff,) = re.findall(r'<pre class="diff".*?</pre>', shown, re.DOTALL)
    assert re.findall(r"<(ins|del|span)>(.*?)</", diff) == [
        ("span", "@@ a.py:1 @@"),
        ("span", " 1"),
        ("span", " 2"),
        ("del", "-old = 3"),
        ("ins", "+two"),
        ("ins", "+lines = 3"),
        ("span", " 4"),
        ("span", " 5"),
    ]


def test_a_rule_without_a_card_is_not_linked() -> None:
    (name,) = {"unused-suppression"}
    found = page(Finding(name, "suppression", Severity.WARNING, Place("a.py", None, 1), "says nothing", "because"))
    assert f"#rule-{name}" not in found.links() and "because" in found.text


def test_what_was_not_checked_is_named() -> None:
    assert "cannot be read" in page(failures=[Failure("b.py", "cannot be read", line=3)]).text
    assert "Nothing was found" in page().text


def test_the_same_report_gives_the_same_page() -> None:
    report = bnlint.check_paths(PROGRAMS, config={})
    assert render("html", report) == render("html", report)


def test_without_igraph_the_page_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "igraph", None)
    done = CliRunner().invoke(main, [str(PROGRAMS), "--format", "html"])
    assert done.exit_code == 1 and "pictures of models need igraph" in done.output
