"""A rule's card, as text: its summary, its reason, its sections and its examples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..findings import Severity

SECTIONS = ("Why", "Examples", "When to ignore", "What it cannot see", "Evidence", "References")
KINDS = ("bad", "fixed", "good")

_FENCE = re.compile(r"(?P<ticks>```+)(?P<info>[^`]*)$")
_MARK = re.compile(r"# <- (?P<severity>\w+)\s*$")
_ATTRIBUTE = re.compile(r'(?P<key>[\w.-]+)=(?P<value>"[^"]*"|[^\s"]+)(?=\s|$)')


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced block: the words behind the backticks, the text, and the card's line on which the text starts."""

    info: str
    code: str
    line: int


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a card.

    kind: "bad" (the rule fires on the marked lines), "fixed" or "good" (it is silent). marks: the severity expected on
    a line, by the line's number from 1. target and options: how to lint it. card_line: where its code starts.
    live: the code is run, and the `model` it leaves is checked, on its `data` where it leaves some; a mark stands on
    the line that has the layer's name.
    """

    kind: str
    code: str
    marks: Mapping[int, Severity]
    target: str
    options: Mapping[str, object]
    card_line: int
    live: bool = False


def summary(card: str) -> str:
    """The card's title; empty where it does not start with one."""
    title = card.partition("\n")[0]
    return title[2:].strip() if title.startswith("# ") else ""


def why(card: str) -> str:
    """The first paragraph under the title, on one line; empty where there is none."""
    _, _, below = card.partition("\n")
    paragraph = below.strip().split("\n\n")[0]
    return "" if paragraph.startswith(("#", "```")) else " ".join(paragraph.split())


def sections(card: str) -> dict[str, str]:
    """The text under each `##` heading, fenced blocks left out, in the card's order."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in _prose(card):
        if line.startswith("## "):
            lines = found.setdefault(line[3:].strip(), [])
        else:
            lines.append(line)
    return {title: "\n".join(text).strip() for title, text in found.items()}


def fences(card: str) -> list[Fence]:
    """Every fenced block. Raises ValueError where one is not closed."""
    found: list[Fence] = []
    opened: tuple[str, str, int] | None = None
    block: list[str] = []
    for number, line in enumerate(card.split("\n"), start=1):
        match = _FENCE.match(line)
        if opened is None:
            if match:
                opened, block = (match["ticks"], match["info"].strip(), number + 1), []
        elif match and match["ticks"] == opened[0] and not match["info"].strip():
            found.append(Fence(opened[1], "".join(f"{text}\n" for text in block), opened[2]))
            opened = None
        else:
            block.append(line)
    if opened is not None:
        raise ValueError(f"line {opened[2] - 1}: the fence is not closed")
    return found


def examples(card: str) -> list[Example]:
    """The card's examples: its fences that start with `python` and bad, fixed or good; `evidence` is left out.

    Raises ValueError, naming the card's line, for another word, for an attribute that is not known, and for a mark that
    is not a severity.
    """
    return [_example(fence) for fence in fences(card) if re.match(r"python\s+(?!evidence$)\S", fence.info)]


def unmarked(code: str) -> str:
    """An example's code without its marks."""
    return "\n".join(_MARK.sub("", line).rstrip() if _MARK.search(line) else line for line in code.split("\n"))


def fixed_behind(card: str, example: Example) -> tuple[str, str]:
    """The fixed code that stands next behind an example, and the certificate behind that; "" where there is none."""
    behind = [fence for fence in fences(card) if fence.line > example.card_line]
    fixed = behind[0] if behind and behind[0].info.startswith("python fixed") else None
    shown = behind[1] if fixed and len(behind) > 1 and behind[1].info == "text certificate" else None
    return fixed.code if fixed else "", shown.code if shown else ""


def _example(fence: Fence) -> Example:
    live = fence.info.split()[1:2] == ["live"]
    _, kind, *rest = fence.info.replace("live ", "", 1).split(None, 2) if live else fence.info.split(None, 2)
    where = f"line {fence.line - 1}"
    if kind not in KINDS:
        raise ValueError(f"{where}: expected `python bad`, `python fixed` or `python good`, not `python {kind}`")
    target, options = _attributes(rest[0] if rest else "", where)
    try:
        marks = dict(_marks(fence.code))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return Example(kind, fence.code, marks, target, options, fence.line, live)


def _attributes(text: str, where: str) -> tuple[str, dict[str, object]]:
    """What stands behind the kind: `keras=2`, and `option.NAME=VALUE` with the value as in JSON."""
    target = "auto"
    options: dict[str, object] = {}
    if _ATTRIBUTE.sub("", text).strip():
        raise ValueError(f"{where}: cannot read the attributes {text!r}: expected name=value")
    for match in _ATTRIBUTE.finditer(text):
        key, value = match["key"], match["value"]
        if key == "keras":
            target = value
        elif key.startswith("option."):
            import json

            try:
                options[key.removeprefix("option.")] = json.loads(value)
            except ValueError:
                raise ValueError(f"{where}: the value of {key} is not JSON: {value}") from None
        else:
            raise ValueError(f"{where}: unknown attribute {key!r}: expected keras or option.NAME")
    return target, options


def _marks(code: str) -> Iterator[tuple[int, Severity]]:
    for number, line in enumerate(code.split("\n"), start=1):
        match = _MARK.search(line)
        if match:
            yield number, Severity.parse(match["severity"])


def _prose(card: str) -> Iterator[str]:
    """The lines outside fenced blocks."""
    spans = [range(fence.line - 1, fence.line + fence.code.count("\n") + 1) for fence in fences(card)]
    return (line for number, line in enumerate(card.split("\n"), start=1) if not any(number in span for span in spans))
