"""The report as JSON; the README documents the schema."""

from __future__ import annotations

import json

from ..findings import Failure, Finding, Fix, Place
from ..run.result import Result
from .escape import well_formed


def render(report: Result) -> str:
    """One JSON object, its keys always in the same order, in ASCII."""
    document = {
        "version": 1,
        "findings": [_finding(finding) for finding in report],
        "errors": [_error(failure) for failure in report.failures],
        "files": {"checked": report.checked, "skipped": report.skipped},
    }
    return json.dumps(document, indent=2) + "\n"


def _finding(finding: Finding) -> dict[str, object]:
    place = finding.place
    return {
        "rule": finding.rule,
        "category": finding.category,
        "severity": str(finding.severity),
        "path": well_formed(place.path),
        "cell": place.cell,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "layer": _layer(place),
        "message": well_formed(finding.message),
        "related": [
            {
                "path": well_formed(related.place.path),
                "cell": related.place.cell,
                "line": related.place.line,
                "column": related.place.column,
                "layer": _layer(related.place),
                "message": well_formed(related.message),
            }
            for related in finding.related
        ],
        "fix": None if finding.fix is None else _fix(finding.fix),
        "withheld": finding.withheld,
    }


def _fix(fix: Fix) -> dict[str, object]:
    certificate = fix.certificate
    return {
        "title": fix.title,
        "safe": fix.safe,
        "edits": [
            {
                "path": well_formed(edit.path),
                "cell": edit.cell,
                "start": _position(edit.start),
                "end": _position(edit.end),
                "text": well_formed(edit.text),
            }
            for edit in fix.edits
        ],
        "certificate": {
            "claim": certificate.claim,
            "same": certificate.same,
            "training": certificate.training,
            "inference": certificate.inference,
            "weights": certificate.weights,
            "modes": [{"phase": phase, "before": before, "after": after} for phase, before, after in certificate.modes],
            "effects": list(certificate.effects),
            "assumed": certificate.assumed,
        },
    }


def _position(position: tuple[int, int]) -> dict[str, int]:
    return {"line": position[0], "column": position[1]}


def _error(failure: Failure) -> dict[str, object]:
    return {
        "path": well_formed(failure.path),
        "cell": failure.cell,
        "line": failure.line,
        "message": well_formed(failure.message),
        "kind": failure.kind,
    }


def _layer(place: Place) -> str | None:
    return None if place.layer is None else well_formed(place.layer)
