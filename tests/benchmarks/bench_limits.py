"""What one hostile file costs: `python tests/benchmarks/bench_limits.py [WORD...]` prints seconds and peak MB of each.

bnlint runs on each program of tests/hostile.py alone, in a process of its own; those that can be of any size are as
large as `max-size` and the gate let them be. The seconds are those of the processor. The limits are 2 s and 300 MB; the
exit code is 1 where one is passed, and where a run ends with anything but a report.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests")]

from hostile import FAMILIES, HEAD, SMALL  # noqa: E402

from bnlint.inputs.gate import Refused, check_text  # noqa: E402
from bnlint.run.config import MAX_SIZE  # noqa: E402

SECONDS, MEGABYTES = 2.0, 300.0
PATIENCE = 60
"""Seconds after which a run is killed."""


def programs() -> Iterator[tuple[str, str]]:
    """Names and texts."""
    yield from SMALL.items()
    for name, make in FAMILIES.items():
        size = largest(make)
        yield f"{size:,} x {name}", make(size)


def largest(make: Callable[[int], str]) -> int:
    """The largest size, to a tenth, at which a program is not refused."""
    size = 100
    while passes(make(2 * size)):
        size *= 2
    for step in (size // 2, size // 4, size // 8, size // 16):
        if passes(make(size + step)):
            size += step
    return size


def passes(text: str) -> bool:
    """Whether a program is parsed and evaluated."""
    try:
        check_text(HEAD + text)
    except Refused:
        return False
    return len(HEAD + text) <= MAX_SIZE


def measure(text: str, folder: Path) -> tuple[float, float, str]:
    """Seconds, peak MB and what becomes of it, of bnlint on one program."""
    path = folder / "hostile.py"
    path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "bnlint", "check", "--select", "ALL", "--verbose", "--jobs", "1", path.name]
    with tempfile.TemporaryFile("w+") as output:
        variables = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = verdict(process.returncode, output.read())
    seconds = usage.ru_utime + usage.ru_stime
    return seconds, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10), said


def verdict(code: int, said: str) -> str:
    """What became of a program, in a few words."""
    if code not in (0, 1, 2) or "internal error" in said or "Traceback" in said:
        return "FAILS: " + (said.strip().splitlines() or [f"exit code {code}"])[-1][:120]
    for mark in ("not checked: ", "not followed to the end: "):
        if mark in said:
            return mark + said.partition(mark)[2].partition("\n")[0][:60]
    return said.strip().splitlines()[-1].partition(" in 1 file")[0]


def main() -> int:
    """Measure the programs whose names have one of the words in them, or all."""
    resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
    failed = 0
    print(f"{'program':40} {'seconds':>8} {'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for name, program in programs():
            if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
                continue
            seconds, megabytes, said = measure(HEAD + program, Path(folder))
            wrong = seconds > SECONDS or megabytes > MEGABYTES or said.startswith("FAILS")
            failed += wrong
            print(f"{name:40} {seconds:8.2f} {megabytes:6.0f} {'!' if wrong else ' '} {said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
