"""The public functions: what their signatures show, and the names that they had before."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest

import bnlint
from bnlint.moved import MODULES, NAMES
from bnlint.run.plan import Keywords, Request

ASKING = [bnlint.check_paths, bnlint.check_source, bnlint.check_model, bnlint.fix_source, bnlint.draw]
ASKING += [bnlint.assert_clean, bnlint.fixed, bnlint.fixes_of, bnlint.Watch]


@pytest.mark.parametrize("function", ASKING, ids=lambda one: one.__name__)
def test_editors_and_help_show_what_may_be_asked(function: Callable[..., Any]) -> None:
    shown = inspect.signature(function).parameters
    assert list(shown)[-len(Keywords.__annotations__) :] == list(Keywords.__annotations__)
    assert all(parameter.kind != inspect.Parameter.VAR_KEYWORD for parameter in shown.values())


def test_a_request_has_what_may_be_asked() -> None:
    assert list(inspect.signature(Request).parameters) == list(Keywords.__annotations__)
    assert get_type_hints(Keywords) == get_type_hints(Request)


def test_what_nobody_can_ask_is_an_error() -> None:
    with pytest.raises(TypeError, match="selekt"):
        bnlint.check_source("", selekt=["batch"])


@pytest.mark.parametrize("old", MODULES)
def test_a_module_s_old_name_works_and_warns(old: str) -> None:
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f"{old} is called {MODULES[old]} now"):
        module = importlib.import_module(old)
    new = importlib.import_module(MODULES[old])
    public = [name for name in vars(new) if not name.startswith("_")]
    assert public and all(getattr(module, name) is getattr(new, name) for name in public)


@pytest.mark.parametrize("old", NAMES)
def test_an_old_name_works_and_warns(old: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"bnlint.{old} is called bnlint.{NAMES[old]} now"):
        assert getattr(bnlint, old) is getattr(bnlint, NAMES[old])


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        bnlint.nothing  # noqa: B018
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("bnlint.nothing")
