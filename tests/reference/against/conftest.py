"""Hands on to who started the checks what this platform cannot run, so that it is not drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def lacking(record_testsuite_property: Callable[[str, object], None]) -> Iterator[None]:
    """The report's property `lacking`, once all checks have asked."""
    from able import LACKING

    yield
    record_testsuite_property("lacking", ", ".join(sorted(LACKING)))
