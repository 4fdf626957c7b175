"""A linter for batch normalization in Keras code.

`check_paths` and `check_source` read code, `check_model` a model in memory. A rule's module imports what it needs from
here: Problem, Program, Options, Severity. Every name is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api.drawing import draw
    from .doors.live.training import Training
    from .findings import Certificate, Edit, Failure, Finding, Fix, Place, Related, Severity
    from .graph import Origin, Program
    from .reporters.card import explain
    from .rulebook.rule import Options, Problem, Rule
    from .run.config import ConfigError
    from .run.engine import check_model, check_paths, check_source
    from .run.fixing import mend_source
    from .run.report import FindingsError, Report
    from .runtime.clean import assert_clean
    from .runtime.fixed import Repair, fixed, repairs
    from .runtime.recalibrate import Recalibration, recalibrate
    from .runtime.watch import Watch

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
    "run.config": ("ConfigError",),
    "doors.live.training": ("Training",),
    "api.drawing": ("draw",),
    "run.engine": ("check_model", "check_paths", "check_source"),
    "findings": ("Certificate", "Edit", "Failure", "Finding", "Fix", "Place", "Related", "Severity"),
    "graph": ("Origin", "Program"),
    "runtime.clean": ("assert_clean",),
    "runtime.fixed": ("Repair", "fixed", "repairs"),
    "runtime.recalibrate": ("Recalibration", "recalibrate"),
    "runtime.watch": ("Watch",),
    "run.fixing": ("mend_source",),
    "run.report": ("FindingsError", "Report"),
    "reporters.card": ("explain",),
    "rulebook.rule": ("Options", "Problem", "Rule"),
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
