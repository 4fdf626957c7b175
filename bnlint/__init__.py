"""A linter for batch normalization in Keras code.

`check_paths` and `check_source` run it. A rule's module imports what it needs from here: Problem, Program, Options,
Severity. Every name is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import ConfigError
    from .engine import check_model, check_paths, check_source
    from .finding import Certificate, Edit, Failure, Finding, Fix, Place, Related, Report, Severity
    from .graph import Origin, Program
    from .mend import mend_source
    from .reporters.picture import draw
    from .rule import Options, Problem, Rule

__version__ = "0.1.0"

__all__ = [
    "Certificate",
    "ConfigError",
    "Edit",
    "Failure",
    "Finding",
    "Fix",
    "Options",
    "Origin",
    "Place",
    "Problem",
    "Program",
    "Related",
    "Report",
    "Rule",
    "Severity",
    "check_model",
    "check_paths",
    "check_source",
    "draw",
    "mend_source",
]

_HOMES = {
    "config": ("ConfigError",),
    "engine": ("check_model", "check_paths", "check_source"),
    "finding": ("Certificate", "Edit", "Failure", "Finding", "Fix", "Place", "Related", "Report", "Severity"),
    "graph": ("Origin", "Program"),
    "mend": ("mend_source",),
    "reporters.picture": ("draw",),
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
