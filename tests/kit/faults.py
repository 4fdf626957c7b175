"""Faults to plant into the evaluator: each is a mistake that somebody may make in it, done by a patch.

Where the evaluator's modules move, what `kit.abstract` imports of them changes, and nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import libcst as cst
from kit.abstract import (
    ABSENT,
    Dict,
    Frame,
    Instance,
    List,
    Super,
    bound,
    branches,
    calling,
    containers,
    expressions,
    journal,
    loops,
    parameters,
    plain,
    registry,
    statements,
    targets,
)
from pytest import MonkeyPatch

Fault = Callable[[MonkeyPatch], None]


def join_forgets_the_else_side(patch: MonkeyPatch) -> None:
    _merging(patch, lambda then, other: (then, {}))


def join_forgets_the_then_side(patch: MonkeyPatch) -> None:
    _merging(patch, lambda then, other: ({}, other))


def join_keeps_the_then_side_only(patch: MonkeyPatch) -> None:
    _merging(patch, lambda then, other: (then, then))


def _merging(patch: MonkeyPatch, sides: Callable[[Any, Any], tuple[Any, Any]]) -> None:
    """Branches are joined as if they had left this behind."""
    merged = journal.merged

    def changed(condition: Any, then: Any, other: Any) -> Any:
        return merged(condition, *sides(then, other))

    patch.setattr(journal, "merged", changed)
    patch.setattr(branches, "merged", changed)


def append_in_a_branch_is_not_taken_back(patch: MonkeyPatch) -> None:
    touch = journal.Journal.touch
    patch.setattr(journal.Journal, "touch", lambda self, one: None if isinstance(one, List) else touch(self, one))


def facts_outlive_their_branch(patch: MonkeyPatch) -> None:
    def leave(self: Any, *rest: object) -> None:
        self._state.optional -= 1

    patch.setattr(branches.Assuming, "__exit__", leave)


def loop_runs_once(patch: MonkeyPatch) -> None:
    run = loops._run
    patch.setattr(
        loops, "_run", lambda m, node, frame, items, *rest, **more: run(m, node, frame, items[:1], *rest, **more)
    )


def break_is_passed_over(patch: MonkeyPatch) -> None:
    patch.setitem(statements.STATEMENTS, cst.Break, lambda m, node, frame: None)


def continue_leaves_the_loop(patch: MonkeyPatch) -> None:
    patch.setitem(statements.STATEMENTS, cst.Continue, statements.STATEMENTS[cst.Break])


def else_of_a_loop_never_runs(patch: MonkeyPatch) -> None:
    _changed(patch, statements.STATEMENTS, cst.For, orelse=None)


def while_loop_runs_once(patch: MonkeyPatch) -> None:
    patch.setattr(loops, "UNROLL", 1)


def elif_is_passed_over(patch: MonkeyPatch) -> None:
    run = statements.STATEMENTS[cst.If]

    def without(m: Any, node: cst.If, frame: Frame) -> Any:
        return run(m, node.with_changes(orelse=None) if isinstance(node.orelse, cst.If) else node, frame)

    patch.setitem(statements.STATEMENTS, cst.If, without)


def handler_never_runs(patch: MonkeyPatch) -> None:
    patch.setattr(statements, "_handle", lambda m, handler, completion, frame: None)


def finally_is_skipped(patch: MonkeyPatch) -> None:
    _changed(patch, statements.STATEMENTS, cst.Try, finalbody=None)


def default_is_bound_late(patch: MonkeyPatch) -> None:
    call = calling.call_function

    def late(m: Any, func: Any, *rest: Any) -> Any:
        func.defaults = parameters.defaults(m, func.node.params, func.frame)
        return call(m, func, *rest)

    patch.setattr(calling, "call_function", late)


def closure_is_bound_early(patch: MonkeyPatch) -> None:
    make = expressions.EXPRESSIONS[cst.Lambda]

    def early(m: Any, node: cst.Lambda, frame: Frame) -> Any:
        func = make(m, node, frame)
        func.frame = replace(frame, variables=Dict(frame.variables))
        return func

    patch.setitem(expressions.EXPRESSIONS, cst.Lambda, early)


def nonlocal_writes_locally(patch: MonkeyPatch) -> None:
    patch.setattr(targets, "_outer", lambda frame, name: frame)


def keywords_are_positional(patch: MonkeyPatch) -> None:
    bind = calling.bind

    def bound(func: Any, args: Any, *rest: Any) -> None:
        bind(func, replace(args, positional=args.values, keywords={}), *rest)

    patch.setattr(calling, "bind", bound)


def instances_share_their_attributes(patch: MonkeyPatch) -> None:
    patch.setattr(Instance, "set_attribute", lambda self, *rest: self.cls.set_attribute(*rest))


def super_does_not_initialize(patch: MonkeyPatch) -> None:
    find = Super._find
    patch.setattr(Super, "_find", lambda self, name: ABSENT if name == "__init__" else find(self, name))


def comprehension_variable_leaks(patch: MonkeyPatch) -> None:
    patch.setattr(expressions, "Frame", lambda module, variables, parent, *rest, **more: parent)


def condition_of_a_comprehension_is_passed_over(patch: MonkeyPatch) -> None:
    run = expressions._comp_for
    patch.setattr(expressions, "_comp_for", lambda m, clause, *rest: run(m, clause.with_changes(ifs=()), *rest))


def assignment_copies_a_list(patch: MonkeyPatch) -> None:
    assign = statements.assign

    def copying(m: Any, target: Any, value: Any, frame: Frame) -> None:
        assign(m, target, List(value, open=value.open) if isinstance(value, List) else value, frame)

    patch.setattr(statements, "assign", copying)


def augmented_assignment_makes_a_new_list(patch: MonkeyPatch) -> None:
    def new(m: Any, items: List, more: Any) -> None:
        pass

    patch.setattr(statements, "extend", new)


def and_and_or_give_booleans(patch: MonkeyPatch) -> None:
    run = expressions.EXPRESSIONS[cst.BooleanOperation]

    def boolean(m: Any, node: Any, frame: Frame) -> Any:
        return m.truth(run(m, node, frame))

    patch.setitem(expressions.EXPRESSIONS, cst.BooleanOperation, boolean)


def range_never_counts_down(patch: MonkeyPatch) -> None:
    make = registry.SYMBOLS["builtins.range"]

    def upwards(m: Any, args: Any) -> Any:
        made = make(m, args)
        return range(made.start, made.stop, abs(made.step)) if isinstance(made, range) else made

    patch.setitem(registry.SYMBOLS, "builtins.range", upwards)
    patch.setattr(bound, "symbol_handler", registry.symbol_handler.__wrapped__)  # The cache outlives the patch.


def star_takes_one(patch: MonkeyPatch) -> None:
    spread = plain.spread

    def short(*given: Any) -> list[Any]:
        return [List(one[:1]) if isinstance(one, List) else one for one in spread(*given)]

    for module in (plain, containers):  # Of tuples, and of lists.
        patch.setattr(module, "spread", short)


def comparison_looks_at_its_first_part_only(patch: MonkeyPatch) -> None:
    run = expressions.EXPRESSIONS[cst.Comparison]

    def first(m: Any, node: cst.Comparison, frame: Frame) -> Any:
        return run(m, node.with_changes(comparisons=node.comparisons[:1]), frame)

    patch.setitem(expressions.EXPRESSIONS, cst.Comparison, first)


def _changed(patch: MonkeyPatch, table: dict[Any, Any], kind: type, **changes: Any) -> None:
    """Statements of a kind are run as if they were changed so."""
    run = table[kind]
    patch.setitem(table, kind, lambda m, node, frame: run(m, node.with_changes(**changes), frame))


FAULTS: list[Fault] = [
    value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__module__", "") == __name__ and name[0] != "_"
]
