"""Names that users had and that are called otherwise now: they work until version 0.3, with a DeprecationWarning."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULES = {
    "bnlint.book": "bnlint.rulebook.folders",
    "bnlint.change": "bnlint.rulebook.change",
    "bnlint.trial": "bnlint.run.examples",
}
NAMES = {"mend_source": "fix_source", "Repair": "ModelFix", "repairs": "fixes_of"}
"""Of the package itself."""


def told(old: str, new: str) -> None:
    """Warn whoever uses an old name."""
    warnings.warn(f"{old} is called {new} now; the old name goes with bnlint 0.3", DeprecationWarning, stacklevel=3)


class Finder:
    """Finds modules under their old names, where there is no other of that name."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of an old module."""
        loader: Any = Loader()  # Not of importlib.abc: importing that takes longer than all of this.
        return ModuleSpec(name, loader) if name in MODULES else None


class Loader:
    """Loads a module under its old name."""

    def create_module(self, spec: ModuleSpec) -> None:
        """An empty one is made."""

    def exec_module(self, module: ModuleType) -> None:
        """Put in what the new module has."""
        new = MODULES[module.__name__]
        told(module.__name__, new)
        names = vars(import_module(new))
        vars(module).update({name: value for name, value in names.items() if not name.startswith("__")})
