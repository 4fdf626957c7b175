"""Which code is there to test other code: unit tests train on two samples, and mean to."""

from __future__ import annotations

import os
import re

_DEFINES = re.compile(r"^[ \t]*(?:async )?def test_\w|\bTestCase\b", re.MULTILINE)
_USES = re.compile(r"^\s*(?:import|from) (?:unittest|pytest)\b|\b(?:np|numpy)\.testing\.", re.MULTILINE)


def holds_tests(path: str, text: str) -> bool:
    """Whether a file is named as a test, or lies among tests, and its code is what tests are made of.

    A script called `model_test.py` that trains for good has nothing of the kind.
    """
    *folders, name = path.replace(os.sep, "/").split("/")
    stem = name.partition(".")[0]
    if stem.startswith("test_") or stem.endswith("_test") or stem == "conftest":
        return bool(_DEFINES.search(text) or _USES.search(text))
    return any(folder in ("test", "tests", "testing") for folder in folders) and bool(_DEFINES.search(text))
