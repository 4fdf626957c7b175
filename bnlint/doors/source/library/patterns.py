"""Regular expressions on known texts, as far as it is certain that they take no time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..values.args import Args
from ..values.containers import Dict, List
from ..values.data import WithMethods
from ..values.evaluator import Evaluator
from ..values.kind import Opaque, Value
from ..values.plain import modest
from ..values.registry import method, symbol

MAX_PATTERN, MAX_SUBJECT = 60, 200
_REPEATS = re.compile(r"[*+{]|(?<![(*+?}])\?")
"""What repeats the part before it an unknown number of times."""
MAX_TRIED = 1_000_000
"""A search begins at each place of the subject, and each repeat may end at each: so many take a few milliseconds."""
_NESTED = re.compile(r"\)[*+{?]|\\\d|\(\?(?!:|P<)")
"""A repeated group, a reference to one, a look around: these may take time beyond that."""


@dataclass(eq=False, slots=True)
class Match(WithMethods):
    """What `re.match` finds."""

    groups: tuple[Value, ...]
    names: Dict

    def item(self, m: Evaluator, key: Value, spot: Any) -> Value:
        if isinstance(key, int) and 0 <= key < len(self.groups):
            return self.groups[key]
        return self.names.item(m, key, spot) if isinstance(key, str) else Opaque("a group of a match")


def _is_quick(pattern: str, subject: str) -> bool:
    short = len(pattern) <= MAX_PATTERN and len(subject) <= MAX_SUBJECT
    tried = len(subject) ** (1 + len(_REPEATS.findall(pattern)))
    return short and tried <= MAX_TRIED and not _NESTED.search(pattern)


def _made(found: Any) -> Value:
    """What the module gives as the evaluator has it."""
    if isinstance(found, re.Match):
        return Match((found.group(), *found.groups()), Dict(found.groupdict()))
    return List(map(_made, found)) if isinstance(found, list) else found


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "match": re.match,
    "search": re.search,
    "fullmatch": re.fullmatch,
    "split": re.split,
    "findall": re.findall,
    "sub": re.sub,
}


@symbol(*(f"re.{name}" for name in _FUNCTIONS))
def matched(m: Evaluator, args: Args) -> Value:
    name, texts = args.callee.rpartition(".")[2], args.positional
    count = 3 if name == "sub" else 2
    known = len(texts) == count and not args.keywords and all(isinstance(text, str) for text in texts)
    if not known or not _is_quick(str(texts[0]), str(texts[-1])) or not modest(str(texts[-1]), texts):
        m.escape_all(args)
        return Opaque(f"re.{name}", f"re.{name}")
    try:
        return _made(_FUNCTIONS[name](*texts))
    except (re.error, IndexError, RecursionError):
        return Opaque(f"re.{name}", f"re.{name}")


@method(Match, "group")
def group(m: Evaluator, match: Match, args: Args) -> Value:
    found = [match.item(m, key, args.spot) for key in args.positional or [0]]
    return found[0] if len(found) == 1 else tuple(found)


@method(Match, "groups")
def groups(m: Evaluator, match: Match, args: Args) -> Value:
    return match.groups[1:]


@method(Match, "groupdict")
def named(m: Evaluator, match: Match, args: Args) -> Value:
    return Dict(match.names)
