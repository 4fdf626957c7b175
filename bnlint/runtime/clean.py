"""A test of a model: it is clean, or the test fails with the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..findings import Severity
from ..reporters.report import Report
from ..run.engine import run_model
from ..run.plan import Keywords, Request, asks

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..doors.live.training import Training


@asks
def assert_clean(
    model: Any,
    data: Any = None,
    *,
    fail_on: Severity | str = Severity.WARNING,
    training: Training | None = None,
    **asked: Unpack[Keywords],
) -> None:
    """Raise an AssertionError that says what is found in a model, at or above `fail_on`; for the tests of a project.

    fail_on: "error", "warning" or "advice". The other arguments, and what they raise, are those of `check_model`.

    >>> def test_model():
    ...     assert_clean(build_model(), ignore=["redundant-bias"])
    """
    __tracebackhide__ = True
    Report.of(run_model(Request(**asked).plan(), model, data, training)).raise_for(fail_on)
