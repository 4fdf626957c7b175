"""A dropout feeds a batch normalization, which learns a variance that inference never shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.catalog import row
from bnlint.graph import (
    DROPOUTS,
    Call,
    Layer,
    activates,
    activation_name,
    is_batchnorm,
    is_frozen,
    is_linear,
    is_pass_through,
    nearest,
    used_on,
)
from bnlint.graph.ways import alike, behind, on_to
from bnlint.rulebook.change import Change, Function, MoveCall

category = "placement"
severity = Severity.WARNING
options = {"through-linear": False}


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each dropout that reaches a learning batch normalization unmixed (or, as an option, through one linear layer)."""
    found: dict[object, list[tuple[Call, Call, str, bool]]] = {}
    for normalized in program.calls:
        layer = _inner(normalized.layer)
        if is_batchnorm(layer) and not is_frozen(layer) and normalized.training.value is not False:
            for dropout, message, unmixed in _feeding(normalized, bool(options["through-linear"])):
                found.setdefault(_inner(dropout.layer).origin.key, []).append((dropout, normalized, message, unmixed))
    for cases in found.values():
        direct = [case for case in cases if case[3]] or cases
        rates = [_inner(dropout.layer).arg("rate") for dropout, *_ in direct]
        sure = [rate.known and rate.certain for rate in rates]
        dropout, normalized, message, unmixed = direct[sure.index(True) if any(sure) else 0]
        warn = unmixed and (any(sure) or not any(rate.known for rate in rates))
        where = used_on([case[0] for case in direct], program)
        related = ((_inner(normalized.layer).origin, "this batch normalization"),)
        change = None if where else _change(dropout, normalized, program)
        yield Problem(
            _inner(dropout.layer).origin, f"{message}{where}.", None if warn else Severity.ADVICE, related, change
        )


def _inner(layer: Layer) -> Layer:
    """The layer that TimeDistributed applies to each step, which drops, or learns a variance, as it does by itself."""
    return layer.wrapped if layer.kind == "TimeDistributed" and layer.wrapped is not None else layer


def _change(dropout: Call, normalized: Call, program: Program) -> Change | None:
    """Move the dropout behind the batch normalization and its activation; None where others get its output too."""
    way = on_to(dropout, lambda call: call is normalized, lambda call: True)
    after = behind(normalized)
    if way and after is not None and activates(after) and not is_linear(after.layer):
        way = (*way, after)
    chain = (dropout, *way)
    if not way or not alike(chain, program):
        return None
    if on_to(way[-1], lambda call: _inner(call.layer).kind in DROPOUTS, lambda call: is_pass_through(call.layer)):
        return None  # There is one already.
    name = "the activation" if way[-1] is after else "BatchNormalization"
    rate = _inner(dropout.layer).arg("rate")
    effect = "" if rate.certain and rate.known else "the rate is up to the caller"
    return Change(f"Move {dropout.layer.kind} behind {name}", (MoveCall(dropout, way[-1]),), Function(chain), effect)


def _feeding(normalized: Call, through_linear: bool) -> Iterator[tuple[Call, str, bool]]:
    for given in normalized.inputs:
        ways = [dict(nearest(source, _unmixed)) for source in given.sources()]
        for call, passed in ((call, passed) for way in ways for call, passed in way.items()):
            if _inner(call.layer).kind in DROPOUTS and all(call in way or _skips(call, way) for way in ways):
                yield call, _message(call, passed), True
            elif through_linear and is_linear(call.layer):
                for dropout in (found for inner in call.inputs for found, _ in nearest(inner, _unmixed)):
                    if dropout.layer.kind in DROPOUTS:
                        feeds = f"{_named(dropout)} feeds BatchNormalization through {call.layer.kind}"
                        yield dropout, f"{feeds}: training adds to its variance", False


def _unmixed(call: Call) -> bool:
    """Whether a dropout's noise passes the call channel by channel. A dropout without effect is passed too."""
    if _inner(call.layer).kind in DROPOUTS:
        rate = _inner(call.layer).arg("rate")
        return (rate.certain and rate.known and not rate.value) or isinstance(call.training.value, bool)
    return is_pass_through(call.layer) or (activates(call) is not False and not is_linear(call.layer))


def _skips(dropout: Call, way: Iterable[Call]) -> bool:
    """Whether another branch only leaves the dropout out; of other branches none is sure to be taken."""
    before = {call for given in dropout.inputs for call, _ in nearest(given, _unmixed)}
    return all(call in before or _inner(call.layer).kind in DROPOUTS for call in way)


def _named(dropout: Call) -> str:
    rate = _inner(dropout.layer).arg("rate").value
    if isinstance(rate, (int, float)) and rate:
        return f"{dropout.layer.kind}({rate:g})"
    return dropout.layer.kind if rate else f"{dropout.layer.kind} (off by default)"


def _message(dropout: Call, passed: tuple[Call, ...]) -> str:
    way = " and ".join(call.layer.kind for call in reversed(passed) if call.layer.kind not in DROPOUTS)
    feeds = f"{_named(dropout)} feeds BatchNormalization{f' through {way}' if way else ''}"
    rate = _inner(dropout.layer).arg("rate").value
    scaled = dropout.layer.kind != "AlphaDropout" and all(map(_keeps_ratio, passed))
    if scaled and isinstance(rate, (int, float)) and 0 < rate < 1:
        return f"{feeds}: its variance in training is at least {1 / (1 - rate):.2f} x that at inference"
    return f"{feeds}: the variance it learns in training is not the one it meets at inference"


def _keeps_ratio(call: Call) -> bool:
    """Whether the call commutes with scaling each value by a number >= 0, as dropout does."""
    return row(call.layer.kind).multiplicative or activation_name(call.layer.arg("activation").value) == "relu"
