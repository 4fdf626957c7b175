"""How long bnlint takes, as ratios of runs taken in turns: `python tests/benchmarks/bench_speed.py [--rounds N]`.

Each tree is run by bnlint, by a bare process that imports libcst and parses the programs that bnlint evaluates (the
files, and the code of the notebooks, that name a batch normalization or train what others build with one), by one that
also parses the project files they import, and by ruff without its cache. A ratio is the median over the rounds of the
ratios within one round. The installed keras and tensorflow are found without being imported.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).parents[2]

PARSE = """
import os, sys, libcst
for entry in os.scandir(sys.argv[1]):
    with open(entry.path, "rb") as file:
        libcst.parse_module(file.read())
"""

PEAK = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
print(os.wait4(child, 0)[2].ru_maxrss)
"""

TEXTS = """
import os, sys
from pathlib import Path
from bnlint.inputs import candidates, files
from bnlint.run import checker, engine
from bnlint.doors.source.draft import Draft
from bnlint.run.plan import Request

named, every = map(Path, sys.argv[1:3])
plan = Request(config={}).plan()
listing = files.find(sys.argv[3:], plan.config.choice(engine.SUFFIXES))
texts, checked = {}, set()
make = Draft.__init__

def note(self, text, functions=()):
    texts.setdefault(text, len(texts))
    make(self, text, functions)

Draft.__init__ = note
check = checker.Checker.check

def note_program(self, code, path, file=None):
    checked.add(code.text)
    return check(self, code, path, file)

checker.Checker.check = note_program
one = checker.Checker(plan)
for path, _ in candidates.Sieve(plan.config.max_size)(listing.files).candidates:
    one(path)
for text, number in texts.items():
    for folder in [every, named] if text in checked else [every]:
        (folder / f"{number}.py").write_text(text, encoding="utf-8", newline="")
print(len(listing.files))
"""

Command = Sequence[str]


def folder(package: str) -> Path:
    """Where an installed package stands."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        sys.exit(f"{package} is not installed: pip install -e '.[test]'")
    return Path(spec.origin).parent


def seconds(command: Command) -> float:
    """The wall time of one run. What bnlint or ruff find, and what they cannot read, does not matter."""
    start = time.perf_counter()
    done = subprocess.run(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    elapsed = time.perf_counter() - start
    if done.returncode not in (0, 1, 2) or "Traceback" in done.stderr:
        sys.exit(f"{' '.join(command[:6])} ... ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return elapsed


def environment() -> dict[str, str]:
    """This checkout's bnlint, whatever is installed, compiled once as an installed one is."""
    own = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**own, "PYTHONPATH": str(CHECKOUT)}


def in_turns(commands: Mapping[str, Command], rounds: int) -> dict[str, list[float]]:
    """The times of each command. Every round runs all, the next one starting with another."""
    names = list(commands)
    times: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        seconds(commands[name])
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            times[name].append(seconds(commands[name]))
    return times


def ratio(times: Mapping[str, list[float]], name: str, other: str) -> float:
    """How many times as long one takes as the other."""
    return median(mine / theirs for mine, theirs in zip(times[name], times[other], strict=True))


def peak(command: Command) -> float:
    """The largest resident set of one process of the run, in MB, seen from a small parent that adds nothing to it."""
    launcher = [sys.executable, "-I", "-S", "-c", PEAK, *command]
    done = subprocess.run(launcher, env=environment(), capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024


def bnlint(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "bnlint", *map(str, arguments)]


def checked(*paths: Path, jobs: int | None = None) -> list[str]:
    """A run over these paths with bnlint's defaults."""
    report = ["--output", os.devnull, "--fail-on", "never"]
    return bnlint(*paths, *report, *(["--jobs", str(jobs)] if jobs else []))


def tree(title: str, paths: Sequence[Path], rounds: int) -> None:
    """One line: the tree, and what bnlint takes of the bare parser's and of ruff's time."""
    ruff = shutil.which("ruff", path=sysconfig.get_path("scripts")) or shutil.which("ruff")
    if ruff is None:
        sys.exit("ruff is not installed: pip install -e '.[test]'")
    with tempfile.TemporaryDirectory() as folder:
        named, every = Path(folder, "named"), Path(folder, "every")
        named.mkdir()
        every.mkdir()
        files = subprocess.check_output(
            [sys.executable, "-c", TEXTS, named, every, *paths], env=environment(), text=True
        )
        commands = {
            "bnlint": checked(*paths),
            "one process": checked(*paths, jobs=1),
            "parse": [sys.executable, "-c", PARSE, str(named)],
            "parse all": [sys.executable, "-c", PARSE, str(every)],
            "ruff": [ruff, "check", "--no-cache", "--isolated", "--quiet", "--exit-zero", *map(str, paths)],
        }
        times = in_turns(commands, rounds)
        counts = len(os.listdir(named)), len(os.listdir(every))
    pairs = [("bnlint", "parse"), ("bnlint", "ruff"), ("one process", "parse"), ("one process", "parse all")]
    cells = " ".join(f"{ratio(times, name, other):>8.2f}" for name, other in pairs)
    milliseconds = 1000 * median(times["bnlint"])
    print(f"{title:<20} {int(files):>5} {counts[0]:>4} {counts[1]:>4} {milliseconds:>7.0f} {cells}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each command is run [7]")
    parser.add_argument("trees", nargs="*", type=Path, help="further trees, such as checked-out repositories")
    given = parser.parse_args()
    rounds = given.rounds
    keras, tensorflow = folder("keras"), folder("tensorflow")
    applications = keras / "src" / "applications"

    print(f"{os.cpu_count()} processors; bnlint / other, by default and with --jobs 1 (1/)")
    print("targets: /parse 1.5; on the large tree /ruff 1.0; 1/all 2.0 on keras/applications and on further trees")
    heads = "".join(f"{name:>9}" for name in ("/parse", "/ruff", "1/parse", "1/all"))
    print(f"{'':<20} {'files':>5} {'BN':>4} {'all':>4} {'ms':>7}{heads}")
    tree("one file", [applications / "resnet.py"], rounds)
    tree("keras/applications", [applications], rounds)
    tree("keras and tensorflow", [keras, tensorflow], max(3, rounds // 2))
    for path in given.trees:
        tree(path.name, [path], 3)

    start = in_turns({"version": bnlint("--version"), "click": [sys.executable, "-c", "import click"]}, 3 * rounds)
    print(f"\nbnlint --version / import click: {ratio(start, 'version', 'click'):.2f} (target 1.5)")
    for title, jobs in (("by default", None), ("with --jobs 1", 1)):
        print(f"peak memory on keras/applications {title}: {peak(checked(applications, jobs=jobs)):.0f} MB (target 60)")


if __name__ == "__main__":
    main()
