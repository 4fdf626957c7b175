"""Patterns of .gitignore: git itself says what they match."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from bnlint.inputs.patterns import Patterns, lines_of
from bnlint.run.config import ConfigError, parse

PATHS = """a b ab a/a a/b a/b/a a/b/b/ab ab/a ab/ab/b a] a/[ - a-b a\\b a# é d/é a/.b * d/* ba [a a/** !a #b A a/B aé
ab/[z-a] a/b/c/d/e c/d/e aab aabb x/aab b] a[ a!b ^ a.py""".split()
PARTS = [
    *r"""a b c ab * ** ? / [ab] [!a] [^b] [a-c] [z-a] [ ] [!] []] []a] [a \ \a \* \[ [\]] [a\-c] [[:alpha:]]""".split(),
    *"""[[:digit:] [[:punct:]] [[:x:]] [[:alpha] [a-] [-a] [--a] ! # é **/ /** /**/ [/] [!/] . [[:] [a-b-c]""".split(),
    *r"[\ [a-\] **a a** *** [[: \/ a/ b/".split(),
    *(" ", "\\ ", "\t", "\r", "\0"),
]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of all files and folders in a repository, those of folders ending in a slash."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    for path in sorted(PATHS, key=lambda path: -path.count("/")):
        if not os.path.lexists(path):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text("", encoding="utf-8")
    found = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if ".git" not in path.parts]
    return [f"{path.as_posix()}{'/' * path.is_dir()}" for path in found]


def ignored_by_git(paths: list[str]) -> set[str]:
    given = "\0".join(path.rstrip("/") for path in paths)
    command = ["git", "-c", "core.ignorecase=false", "check-ignore", "--no-index", "-z", "--stdin"]
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return set(done.stdout.decode().split("\0")) - {""}


def ignored(paths: list[str], data: bytes) -> set[str]:
    """Those that a pattern matches, or that lie in a folder which one matches."""
    patterns = Patterns(lines_of(data))

    def lies_in_one(path: str) -> bool:
        ends = [at for at, char in enumerate(path) if char == "/"] or [len(path)]
        steps = [path[: end + 1] for end in ends] + [path]
        return any(patterns.verdict(step) for step in steps)

    return {path.rstrip("/") for path in paths if lies_in_one(path)}


@pytest.mark.parametrize("seed", range(4))
def test_what_git_ignores_is_ignored(seed: int, repository: list[str]) -> None:
    choose = random.Random(seed)
    some = 0
    for _ in range(100):
        lines = ["".join(choose.choices(PARTS, k=choose.randint(1, 4))) for _ in range(choose.choice([1, 1, 1, 2, 3]))]
        data = choose.choice(["\n", "\n", "\r\n"]).join([*lines, ""]).encode()
        data = choose.choice([b"", b"", b"\xef\xbb\xbf"]) + data
        Path(".gitignore").write_bytes(data)
        wanted = ignored_by_git(repository)
        some += bool(wanted)
        assert ignored(repository, data) == wanted, data
    assert some > 20


@pytest.mark.parametrize(
    ("lines", "path", "verdict"),
    [
        (["*.py", "!a.py"], "x/a.py", False),
        (["*.py", "!a.py"], "b.py", True),
        (["src/"], "src/a.py", True),
        (["src/", "!src/a.py"], "src/a.py", False),
        (["src/**"], "src/x/a.py", True),
        (["/a"], "x/a", None),
        (["a/"], "a", None),
        (["x/"], "y/x/z/a.py", True),
    ],
)
def test_the_last_that_matches_decides_also_of_the_folders_above(
    lines: list[str], path: str, verdict: bool | None
) -> None:
    assert Patterns(line.encode() for line in lines).verdict(path, above=True) is verdict


STEPS = 5_000


@pytest.mark.parametrize(
    "pattern", ["*a" * 200 + "b", "**/a" * 200 + "/b", "[!b]*" * 200 + "b", "*?" * 200, "a**" * 300]
)
def test_many_stars_take_no_more_steps_than_they_are_long(pattern: str) -> None:
    """Each byte of the name is looked at once; with a search that goes back, this would not end."""
    assert Patterns([pattern.encode()]).verdict("a" * 250) in (None, True)
    assert Patterns([pattern.encode()]).verdict("a/" * 120 + "a") in (None, True)


def test_a_hundred_thousand_patterns_are_looked_up() -> None:
    patterns = Patterns([b"name%d" % number for number in range(100_000)])
    assert all(patterns.verdict(f"x/name{number}") for number in range(1_000))
    assert patterns.verdict("x/name") is None


@pytest.mark.parametrize("key", ["include", "extend-include", "exclude", "extend-exclude"])
@pytest.mark.parametrize("pattern", ["!", "/", "[", "[!]", "a\\", "[[:x:]]", "a["])
def test_what_matches_nothing_is_an_error_of_the_configuration(key: str, pattern: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse({key: ["a", pattern]})
    assert str(error.value) == f"configuration: not a pattern: {pattern!r}"


@pytest.mark.parametrize("pattern", ["[z-a]", "**", "a**b", "[]]", "\\#", "#", "", "é", "a b ", "***/**"])
def test_what_git_takes_is_none(pattern: str) -> None:
    assert parse({"exclude": [pattern]}).exclude == (pattern,)
