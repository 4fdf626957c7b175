"""A test of a model: it is clean, or the test fails with the report."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..findings import Severity
from ..run.engine import check_model

if TYPE_CHECKING:
    from ..doors.live.training import Training


def assert_clean(
    model: Any,
    data: Any = None,
    *,
    fail_on: Severity | str = Severity.WARNING,
    training: Training | None = None,
    select: Iterable[str] | None = None,
    extend_select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    target: str | None = None,
    config: str | os.PathLike[str] | Mapping[str, object] | None = None,
    rules: Iterable[str | os.PathLike[str]] = (),
) -> None:
    """Raise an AssertionError that says what is found in a model, at or above `fail_on`; for the tests of a project.

    fail_on: "error", "warning" or "advice". The other arguments, and what they raise, are those of `check_model`.

    >>> def test_model():
    ...     assert_clean(build_model(), ignore=["redundant-bias"])
    """
    __tracebackhide__ = True
    report = check_model(
        model,
        data,
        training=training,
        select=select,
        extend_select=extend_select,
        ignore=ignore,
        target=target,
        config=config,
        rules=rules,
    )
    report.raise_for(fail_on)
