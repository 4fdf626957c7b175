"""The report as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePath
from urllib.parse import quote

from .. import __version__
from ..findings import Failure, Finding, Place, Severity
from ..rulebook.rule import Rule
from ..run.result import Result
from .escape import well_formed
from .sources import Sources

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}

Json = dict[str, object]


def render(report: Result, rules: Iterable[Rule], sources: Sources) -> str:
    """One SARIF log with one run, in ASCII. `rules` are those that ran, listed with their cards as help."""
    rules = list(rules)
    listed = {rule.name: number for number, rule in enumerate(rules)}
    fingerprints = _fingerprints(report, sources)
    run = {
        "tool": {
            "driver": {
                "name": "bnlint",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not report.failures,
                "toolExecutionNotifications": [_notification(failure) for failure in report.failures],
            }
        ],
        "results": [_result(*pair, listed) for pair in zip(report, fingerprints, strict=True)],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> Json:
    """A rule's descriptor. SARIF wants help as plain text too: the card's Markdown reads well as it is."""
    descriptor: Json = {"id": rule.name, "name": rule.name.title().replace("-", "")}
    if rule.card:
        descriptor["shortDescription"] = {"text": rule.summary}
        descriptor["fullDescription"] = {"text": rule.why}
        descriptor["help"] = {"text": rule.card, "markdown": rule.card}
    descriptor["defaultConfiguration"] = {"level": _LEVELS[rule.severity], "enabled": rule.enabled}
    descriptor["properties"] = {"tags": [rule.category]}
    return descriptor


def _result(finding: Finding, fingerprint: str, listed: dict[str, int]) -> Json:
    result: Json = {"ruleId": finding.rule}
    if finding.rule in listed:
        result["ruleIndex"] = listed[finding.rule]
    result["level"] = _LEVELS[finding.severity]
    result["message"] = _message(finding.message)
    result["locations"] = [_location(finding.place)]
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, **_location(related.place), "message": _message(related.message)}
            for number, related in enumerate(finding.related)
        ]
    result["partialFingerprints"] = {"primaryLocationLineHash": fingerprint}
    return result


def _notification(failure: Failure) -> Json:
    return {
        "level": "error",
        "message": _message(failure.message),
        "locations": [_location(Place(failure.path, failure.cell, failure.line))],
    }


def _message(text: str) -> Json:
    """A plain message. SARIF makes a link of `[text](target)`, so that is escaped."""
    return {"text": well_formed(text).replace("](", "\\](")}


def _location(place: Place) -> Json:
    """A place in SARIF's terms. A notebook's cell and a model's layer are logical locations, without a region."""
    physical: Json = {"artifactLocation": {"uri": uri(place.path)}}
    names = [
        *([{"name": f"cell {place.cell}", "kind": "member"}] if place.cell is not None else []),
        *([{"fullyQualifiedName": well_formed(place.layer), "kind": "member"}] if place.layer is not None else []),
    ]
    if place.line is not None and place.cell is None:
        given = {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        }
        physical["region"] = {key: value for key, value in given.items() if value is not None}
    return {"physicalLocation": physical, **({"logicalLocations": names} if names else {})}


def uri(path: str) -> str:
    """A path as a URI: relative paths as relative references, percent-encoded."""
    if Path(path).is_absolute():
        return Path(path).as_uri()
    return quote(os.fsencode(PurePath(path).as_posix()))


def _fingerprints(report: Result, sources: Sources) -> list[str]:
    """A hash for each finding that lines inserted elsewhere leave alone.

    It is made of the rule, the path, the line's text less its white space, and a count among those that agree in all
    three.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    hashes = []
    for finding in report:
        place = finding.place
        line = "".join((sources.line(place) or "").split())
        key = (finding.rule, uri(place.path), str(place.cell), place.layer or "", line)
        text = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        hashes.append(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return hashes
