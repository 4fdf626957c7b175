"""A linter for batch normalization in Keras code.

`check_paths` and `check_source` read code, `check_model` a model in memory. A rule's module imports what it needs from
here: Problem, Program, Options, Severity. Every name is loaded when it is first asked for.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .moved import NAMES, Finder, told

if TYPE_CHECKING:
    from .api import check_model, check_paths, check_source, draw, fix_source
    from .doors.live.training import Training
    from .findings import Certificate, Edit, Failure, Finding, Fix, Place, Related, Severity
    from .graph import Origin, Program
    from .reporters.card import explain
    from .reporters.report import FindingsError, Report
    from .rulebook.rule import Options, Problem, Rule
    from .run.config import ConfigError
    from .runtime.clean import assert_clean
    from .runtime.fixed import ModelFix, fixed, fixes_of
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
    "ModelFix",
    "Options",
    "Origin",
    "Place",
    "Problem",
    "Program",
    "Recalibration",
    "Related",
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
    "fix_source",
    "fixed",
    "fixes_of",
    "recalibrate",
]

sys.meta_path.append(Finder)

_HOMES = {
    "run.config": ("ConfigError",),
    "doors.live.training": ("Training",),
    "api": ("check_model", "check_paths", "check_source", "draw", "fix_source"),
    "findings": ("Certificate", "Edit", "Failure", "Finding", "Fix", "Place", "Related", "Severity"),
    "graph": ("Origin", "Program"),
    "runtime.clean": ("assert_clean",),
    "runtime.fixed": ("ModelFix", "fixed", "fixes_of"),
    "runtime.recalibrate": ("Recalibration", "recalibrate"),
    "runtime.watch": ("Watch",),
    "reporters.card": ("explain",),
    "reporters.report": ("FindingsError", "Report"),
    "rulebook.rule": ("Options", "Problem", "Rule"),
}


def __getattr__(name: str) -> object:
    if name in NAMES:
        told(f"{__name__}.{name}", f"{__name__}.{NAMES[name]}")
        name = NAMES[name]
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value: object = getattr(import_module(f"{__name__}.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
