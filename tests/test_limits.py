"""What one file may cost: fuel and graphs are bounded, work grows as the text does, and running out says so.

Nothing is timed here: work is counted in calls of functions. tests/benchmarks/bench_limits.py measures seconds.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostile import FAMILIES, HEAD, MODEL, SMALL

from bnlint import Report, check_source
from bnlint.doors.source import RECURSION_LIMIT, evaluate
from bnlint.doors.source.language.machine import Machine
from bnlint.doors.source.values.evaluator import MAX_STEPS
from bnlint.doors.source.values.recording import MAX_CALLS, MAX_EVENTS, MAX_MODELS
from bnlint.graph import Program
from bnlint.inputs import gate, weight

CHECKOUT = Path(__file__).parents[1]
REFUSED = "too large: parsing it would take over"


def check(text: str) -> Report:
    return check_source(HEAD + text, select=["ALL"], config={})


def counted(act: Callable[[], object]) -> int:
    """How many functions are called while something is done, those of C and steps of generators included."""
    count = 0

    def counting(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


def growth(act: Callable[[int], object], size: int = 24) -> float:
    """How much more work twice the size adds than was added from its half on: 2 for linear, 4 for quadratic growth."""
    small, middle, large = (counted(lambda size=size: act(size)) for size in (size, 2 * size, 4 * size))
    return (large - middle) / max(middle - small, 1_000)


BOUNDED = {"calls of a model", "models of models", "functional models of models"}
"""What rules compare pair by pair, of which there cannot be many."""
FUELED = {"a cycle of functions", "subclasses with super"}
"""Calls in calls."""
SIZES = {"subclasses": 160, "levels of classes": 160, "sorts": 6, "zips": 6}
"""From which size on work is counted: classes have bases up to a number; what is long already need not be many."""


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in BOUNDED | FUELED])
def test_work_grows_as_the_text_does(name: str) -> None:
    make = FAMILIES[name]
    assert not check(make(12)).failures
    assert growth(lambda size: check(make(size)), SIZES.get(name, 24)) < 3


@pytest.mark.parametrize(("power", "least", "most"), [(1, 1.9, 2.1), (2, 3.9, 4.1)])
def test_the_growth_of_what_is_known(power: int, least: float, most: float) -> None:
    assert least < growth(lambda size: [len("") for _ in range(100 * size**power)]) < most


BOMBS = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
sys.path.insert(0, {tests!r})
from hostile import HEAD, SMALL
from bnlint import check_source
for name, text in SMALL.items():
    report = check_source(HEAD + text, select=["ALL"], config={{}})
    print(name, len(report.failures), len(report.findings) > 0, sep="|")
"""


@pytest.mark.slow
def test_small_programs_that_ask_for_much() -> None:
    """A gigabyte is enough, nothing fails, and the Dropout in front of a batch normalization is found in each."""
    code = BOMBS.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert done.stdout.splitlines() == [f"{name}|0|True" for name in SMALL]


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The steps that each evaluation takes."""
    steps: list[int] = []
    dissolve = Machine.dissolve

    def noted(machine: Machine) -> None:
        steps.append(machine.steps)
        dissolve(machine)

    monkeypatch.setattr(Machine, "dissolve", noted)
    yield steps


def run(text: str) -> Program:
    return evaluate(HEAD + text, "program.py")


EXHAUSTING = [
    ("a ladder of 60 functions", "the graph grew too large"),
    ("60 functions that call all", "too many steps"),
    ("comprehensions in comprehensions", "too many steps"),
    ("a ladder of 38 closures", "the graph grew too large"),
    ("9 nested loops", "the graph grew too large"),
]


@pytest.mark.parametrize(("name", "reason"), EXHAUSTING)
def test_running_out_of_fuel_is_said_and_bounded(machines: list[int], name: str, reason: str) -> None:
    program = run(SMALL[name])
    assert program.notes == [f"program.py: not followed to the end: {reason}"]
    assert machines[0] <= 1.5 * MAX_STEPS
    assert len(program.calls) <= MAX_CALLS + 100
    assert len(program.models) <= MAX_MODELS + 1 and len(program.events) <= MAX_EVENTS + 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (FAMILIES["models of models"](300), "the graph grew too large"),
        (FAMILIES["fits"](600), "the graph grew too large"),
        (FAMILIES["calls of a model"](400), "a layer is called too often"),
        (FAMILIES["partials"](RECURSION_LIMIT + 200), "too deep"),
    ],
    ids=["models", "events", "uses", "depth"],
)
def test_other_limits_are_said_too(text: str, reason: str) -> None:
    (note,) = check(text).notes
    assert note.startswith("<string>: not followed to the end: ") and reason in note


def test_what_was_not_followed_to_the_end_is_not_known_to_the_end() -> None:
    """The training is never reached: that there is none cannot be said."""
    endless = SMALL["a ladder of 60 functions"].removeprefix(MODEL)
    told = "m.compile('sgd', 'mse')\nm.evaluate(x, y)\n"
    whole = check_source(HEAD + MODEL + told, select=["untrained-batchnorm"], config={})
    cut = check_source(
        HEAD + MODEL + told + "m.fit(x, y)\n" + endless + "f0(keras.Input((4,)))\n", select=["ALL"], config={}
    )
    assert cut.notes and "untrained-batchnorm" not in {finding.rule for finding in cut}
    program = run(MODEL + endless + "f0(keras.Input((4,)))\n")
    assert all(layer.escaped and layer.held for layer in program.layers)
    assert not any(model.complete for model in program.models)
    assert not whole.notes


def test_twenty_alternatives_are_kept_apart_and_hundreds_are_not() -> None:
    few, many = (run(FAMILIES["unknown ifs"](count)) for count in (20, 200))
    assert max(len(given.sources()) for call in few.calls for given in call.inputs) == 20
    assert max(len(given.sources()) for call in many.calls for given in call.inputs) <= 24
    assert len(many.calls) == 203


DENSE = {
    "names": "x = (" + "a, " * 100_000 + ")",
    "names on lines": "a\n" * 100_000,
    "rows": "x = [" + "[1, 2, 3],\n" * 20_000 + "]",
    "negative numbers": "x = [" + "-1," * 40_000 + "]",
    "calls": "f(x)\n" * 30_000,
    "brackets in brackets": "x = " + "f(" * 80 + ")" * 80 + "\n",
    "parentheses": ("x = " + "(" * 90 + "1" + ")" * 90 + "\n") * 200,
    "keywords in calls": ("x = " + "f(a=" * 60 + "1" + ")" * 60 + "\n") * 40,
    "comprehensions": ("x = " + "[" * 40 + "1" + " for a in b]" * 40 + "\n") * 40,
    "lambdas": ("x = " + "lambda: " * 90 + "1\n") * 200,
    "formatted strings": "x = f'" + "{a}" * 60_000 + "'\n",
    "blank lines": "\n" * 1_000_000,
}


@pytest.mark.parametrize("name", DENSE)
def test_what_libcst_would_need_too_much_for_is_refused(name: str) -> None:
    text = DENSE[name] * (40 if name == "brackets in brackets" else 1)
    with pytest.raises(gate.Refused, match=REFUSED):
        gate.check_text(f"BatchNormalization()\n{text}")


def test_code_as_it_is_written_is_not() -> None:
    """The heaviest of these files, and ten of them in one."""
    files = sorted((CHECKOUT / "bnlint").rglob("*.py"), key=lambda path: -path.stat().st_size)
    texts = [path.read_text(encoding="utf-8") for path in files]
    assert 2 < max(weight.megabytes(text, 1_000) for text in texts) < 20
    gate.check_text("\n".join(text.replace("from __future__", "from future") for text in texts[:10]))


def test_long_texts_and_long_comments_weigh_little() -> None:
    assert weight.megabytes("x = '" + "a b c " * 200_000 + "'\n", 1_000) < 1
    assert weight.megabytes('"""' + "(a, b)\n" * 200_000 + '"""\n', 1_000) < 1
    assert weight.megabytes("# (a, b)\n" * 20_000, 1_000) < 50


def test_a_syntax_error_behind_a_million_lines(machines: list[int]) -> None:
    """Looking whether it is Python 2 must not look at each blank line from each of the others."""
    with pytest.raises(gate.Refused, match="syntax error"):
        gate.check_text("\n" * 100_000 + "x = = BatchNormalization()\n")


def test_what_was_guarded_when_the_fuel_ran_out_guards_nothing_after_it() -> None:
    """`learning_phase` behind a try that was not followed to its end is as wrong as anywhere."""
    endless = "".join(f" for {name} in range(90)]" for name in "abcde")
    heavy = f"def heavy(x):\n    try:\n        x = [[[[[a{endless}\n    except ImportError:\n        pass\n"
    heavy += "    return keras.layers.BatchNormalization()(x)\n"
    plain = (
        "import keras\nfrom keras import backend as K\nmodel = keras.Sequential([keras.layers.BatchNormalization()])\n"
    )
    after = "def zz(x):\n    K.set_learning_phase(1)\n    return keras.layers.BatchNormalization()(x)\n"
    found = check_source(plain + heavy + after, select=["learning-phase"], config={})
    assert found.notes and [finding.rule for finding in found] == ["learning-phase"]
