"""A linter for batch normalization in Keras code.

`check_paths` and `check_source` read code, `check_model` a model in memory. A rule's module imports what it needs from
here: Problem, Program, Options, Severity. Every name is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import ConfigError
    from .doors.training import Training
    from .drawing import draw
    from .engine import check_model, check_paths, check_source
    from .finding import Certificate, Edit, Failure, Finding, Fix, Place, Related, Severity
    from .graph import Origin, Program
    from .live.clean import assert_clean
    from .live.fixed import Repair, fixed, repairs
    from .live.recalibrate import Recalibration, recalibrate
    from .live.watch import Watch
    from .mend import mend_source
    from .report import FindingsError, Report
    from .reporters.card import explain
    from .rule import Options, Problem, Rule

__version__ = "0.1.0"

__all__ = [
    "Certificate",
    "ConfigError",
    "Edit",
    "Failure",
    "Finding",
    "FindingsError",
    "Fix",
    "Options",
    "Origin",
    "Place",
    "Problem",
    "Program",
    "Recalibration",
    "Related",
    "Repair",
    "Report",
    "Rule",
    "Severity",
    "Training",
    "Watch",
    "assert_clean",
    "check_model",
    "check_paths",
    "check_source",
    "draw",
    "explain",
    "fixed",
    "mend_source",
    "recalibrate",
    "repairs",
]

_HOMES = {
    "config": ("ConfigError",),
    "doors.training": ("Training",),
    "drawing": ("draw",),
    "engine": ("check_model", "check_paths", "check_source"),
    "finding": ("Certificate", "Edit", "Failure", "Finding", "Fix", "Place", "Related", "Severity"),
    "graph": ("Origin", "Program"),
    "live.clean": ("assert_clean",),
    "live.fixed": ("Repair", "fixed", "repairs"),
    "live.recalibrate": ("Recalibration", "recalibrate"),
    "live.watch": ("Watch",),
    "mend": ("mend_source",),
    "report": ("FindingsError", "Report"),
    "reporters.card": ("explain",),
    "rule": ("Options", "Problem", "Rule"),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value: object = getattr(import_module(f"{__name__}.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
