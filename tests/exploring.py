"""What hypothesis draws: the same each time, or, where the slow tests are asked for, something else each time.

A session with `-m slow` takes a seed, says which, and runs every test that draws; --hypothesis-seed repeats it.
"""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from hypothesis.internal.conjecture import providers

# Else constants of the modules that happen to be loaded are drawn, so that it matters which tests run in one process.
# There is no setting for that; a Hypothesis that has no such functions fails test_exploring, and nothing else.
if hasattr(providers, "_get_local_constants") and hasattr(providers, "_local_constants"):
    providers._get_local_constants = lambda: providers._local_constants


def wants_slow(config: pytest.Config) -> bool:
    """Whether -m asks for the slow tests."""
    return re.search(r"(?<!not )\bslow\b", config.option.markexpr) is not None


def options(config: pytest.Config) -> list[str]:
    """What makes a pytest that is started here draw likewise; nothing where nothing is explored."""
    seed = config.option.hypothesis_seed
    return [] if seed is None else [f"--hypothesis-seed={seed}"]


@pytest.hookimpl(tryfirst=True)  # Before hypothesis reads its options, and pytest-xdist hands them to its processes.
def pytest_configure(config: pytest.Config) -> None:
    if not options(config) and wants_slow(config):
        config.option.hypothesis_seed = random.SystemRandom().getrandbits(32)
    settings.register_profile(
        "bnlint",
        derandomize=not options(config),
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("bnlint")


@pytest.hookimpl(tryfirst=True)  # Before -m chooses.
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if wants_slow(config) and is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("slow")


def pytest_report_header(config: pytest.Config) -> list[str]:
    return [f"examples are drawn by {option}" for option in options(config)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in pytest_report_header(config):
        terminalreporter.write_line(line)
