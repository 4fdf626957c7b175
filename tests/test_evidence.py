"""The experiments on the cards: each one's table is what its code gives; the command that runs them, and its plots."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from functools import cache
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from asked import asked
from click.testing import CliRunner, Result

from bnlint.cli.main import main
from bnlint.reference.experiment import Table, spread
from bnlint.reporters import plot
from bnlint.reporters.evidence import show_table
from bnlint.rulebook.experiments import Experiment, Failed, experiments
from bnlint.rulebook.folders import open_book, read_folders

CHECKOUT = Path(__file__).parents[1]
EXPERIMENTS = experiments(open_book().values())

BLOCK = """```python evidence
# Epsilon against a unit variance
from bnlint.reference.batchnorm import BatchNorm
from bnlint.reference.experiment import Table, spread

table = Table({"epsilon": "g", "deviation": ".2f"})
for epsilon in table.over([0.001, 0.5]):
    table.row(epsilon, BatchNorm(epsilon=epsilon)([[-1.0], [1.0]], training=True).std())
table.draw("epsilon", {"deviation": ["deviation"]}, log="x")
```

| epsilon | deviation |
| --- | --- |
| 0.001 | 1.00 |
| 0.5 | 0.82 |
"""


def bnlint(*arguments: str | Path) -> Result:
    """The command line, in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def card(rules_folder: Path) -> Path:
    """The card of a user's rule, with an experiment."""
    path = rules_folder / "large_epsilon.md"
    path.write_text(path.read_text(encoding="utf-8").replace("## References", f"{BLOCK}\n## References"), "utf-8")
    return path


def change(card: Path, old: str, new: str) -> None:
    """Replace what is on the card."""
    text = card.read_text(encoding="utf-8")
    assert old in text
    card.write_text(text.replace(old, new), encoding="utf-8")


@cache
def run(name: str) -> tuple[Table, list[tuple[int, int]]]:
    """What the experiment of this name gives, and the steps done, of all, that it told of."""
    (experiment,) = (one for one in EXPERIMENTS if str(one) == name)
    seen: list[tuple[int, int]] = []
    return experiment.run(lambda done, total: seen.append((done, total))), seen


@pytest.mark.slow
@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=str)
def test_the_card_shows_what_its_code_gives(experiment: Experiment) -> None:
    table, seen = run(str(experiment))
    assert str(table) == experiment.shown
    assert len(table.rows) > 1
    assert seen, "no progress"
    assert all(before < after for (before, _), (after, _) in pairwise(seen))
    assert seen[-1][0] == seen[-1][1]
    if table.drawing:
        texts_inside(table)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=str)
def test_the_code_is_short_and_stands_under_evidence(experiment: Experiment) -> None:
    lines = experiment.rule.card.split("\n")
    heading = [line for line in lines[: experiment.line] if line.startswith("## ")][-1]
    assert heading == "## Evidence"
    assert experiment.code.count("\n") < 70
    assert len(experiment.title) <= 62
    assert max(map(len, experiment.code.split("\n"))) <= 120
    assert not re.search(r"^\s*(import|from) (tensorflow|keras|tf_keras)\b", experiment.code, re.MULTILINE)


def test_what_issue_and_seeds_ask_for_is_there() -> None:
    names = {experiment.rule.name for experiment in EXPERIMENTS}
    assert names >= {
        "tiny-batch",
        "batch-of-one",
        "dropout-before-batchnorm",
        "redundant-bias",
        "pytorch-momentum",
        "unconverged-moving-average",
        "unfrozen-batchnorm",
        "high-learning-rate",
        "discarded-batchnorm",
        "batchnorm-in-lambda",
        "batchnorm-on-sequence",
        "call-without-training",
        "learning-phase",
        "missing-training-false",
        "missing-update-ops",
        "trainable-after-compile",
        "training-flag-ignored",
        "untouched-statistics",
    }


def test_the_command_prints_the_card_s_table() -> None:
    done = bnlint("evidence", "train-inference-gap")
    (experiment,) = (one for one in EXPERIMENTS if one.rule.name == "train-inference-gap")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{experiment.title}\n\n{experiment.shown}\n"


def test_the_list_names_all_and_runs_none(card: Path) -> None:
    change(card, "table = Table(", "raise SystemExit(3)\ntable = Table(")
    done = bnlint("evidence", "--list", "--rules", card.parent)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"{one.rule.name}: {one.title}" for one in experiments(open_book(card.parent).values())
    ]
    assert "large-epsilon: Epsilon against a unit variance" in done.stdout


def test_a_rule_of_one_s_own_has_evidence(card: Path) -> None:
    (experiment,) = experiments(read_folders(card.parent).values())
    assert str(experiment.run()) == experiment.shown
    done = bnlint("evidence", "large-epsilon", "--rules", card.parent)
    assert "| 0.5 | 0.82 |" in done.stdout


def test_a_terminal_gets_a_drawn_table(card: Path) -> None:
    (experiment,) = experiments(read_folders(card.parent).values())
    out = StringIO()
    show_table(experiment.title, experiment.run(), out, terminal=True, color=False)
    assert "|" not in out.getvalue()
    assert re.search(r"^ +0\.5 +0\.82 *$", out.getvalue(), re.MULTILINE)


@pytest.mark.parametrize("command", ["rules", "explain", "check"])
def test_only_the_command_runs_the_code(card: Path, command: str) -> None:
    change(card, "table = Table(", "raise SystemExit(3)\ntable = Table(")
    target = {"rules": (), "explain": ("large-epsilon",), "check": (str(card.parent),)}[command]
    assert bnlint(command, *target, "--rules", card.parent).exit_code in (0, 1)


def test_a_lint_and_the_list_load_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from keras import layers\nlayers.BatchNormalization()\n", encoding="utf-8")
    heavy = {"numpy", "matplotlib", "sklearn", "bnlint.reference.experiment", "bnlint.reporters.plot"}
    for arguments, more in ((["a.py"], {"bnlint.rulebook.experiments"}), (["evidence", "--list"], set())):
        report = "import sys, atexit\natexit.register(lambda: print('loaded:', *sys.modules))\n"
        code = f"{report}from bnlint.cli.main import main\nmain({arguments})"
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        loaded = set(done.stdout.splitlines()[-1].split())
        assert "bnlint.cli.main" in loaded and not loaded & (heavy | more)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("evidence",), "give a RULE or --list"),
        (("evidence", "tiny-batch", "--list"), "give a RULE or --list"),
        (("evidence", "tiny-bach"), "did you mean 'tiny-batch'"),
        (("evidence", "removed-api"), "removed-api has no experiment"),
        (("evidence", "tiny-batch", "--plot", "x.pdf"), "--plot x.pdf: expected a name that ends in .png or .svg"),
        (("evidence", "tiny-batch", "--plot", "nowhere/x.png"), "--plot nowhere/x.png: no folder"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], says: str) -> None:
    done = bnlint(*arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "table = Table(",
            "import no_such_package\ntable = Table(",
            "large-epsilon needs no_such_package$",
        ),
        ("epsilon=epsilon)", "epsilon=1 / 0)", r"large_epsilon.md:\d+: ZeroDivisionError: division by zero"),
        ("table.row(epsilon, ", "table.row(", "ValueError: 1 values for 2 columns"),
        ('draw("epsilon"', 'draw("gamma"', "ValueError: no column 'gamma': there are epsilon, deviation"),
        ("table = Table(", "table = None or Table(", None),
        ("table.draw(", "table = 3  # ", "the code leaves no `table`"),
        ("# Epsilon against", "Epsilon against", "expected # and the experiment's title"),
    ],
)
def test_what_fails_is_said_in_a_line(card: Path, old: str, new: str, says: str | None) -> None:
    change(card, old, new)
    done = bnlint("evidence", "large-epsilon", "--rules", card.parent)
    assert done.exit_code == (0 if says is None else 2)
    if says is not None:
        assert re.search(says, done.stderr), done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_the_failing_line_is_the_card_s(card: Path) -> None:
    change(card, "epsilon=epsilon)", "epsilon=1 / 0)")
    (experiment,) = experiments(read_folders(card.parent).values())
    with pytest.raises(Failed) as failed:
        experiment.run()
    number = int(str(failed.value).split(":")[1])
    assert "1 / 0" in card.read_text(encoding="utf-8").split("\n")[number - 1]


@pytest.mark.parametrize("package", ["matplotlib", "sklearn"])
def test_a_missing_package_is_one_clear_line(package: str, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from importlib import util\nfind = util.find_spec\n"
        f"util.find_spec = lambda name, *more: None if name == {package!r} else find(name, *more)\n"
        "from bnlint.cli.main import main\n"
        f"main(['evidence', 'discarded-batchnorm', '--plot', {str(tmp_path / 'x.png')!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "pip install 'bnlint[plots]'" in done.stderr
    assert {"matplotlib": "matplotlib", "sklearn": "scikit-learn"}[package] in done.stderr


def test_a_plot_is_a_picture_of_1200_pixels_and_always_the_same(card: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.png", "b.png", "a.svg", "b.svg")]
    for file in files:
        done = bnlint("evidence", "large-epsilon", "--rules", card.parent, "--plot", file)
        assert done.exit_code == 0, done.output
    png, again, svg, same = (file.read_bytes() for file in files)
    assert png == again and svg == same
    assert png.startswith(b"\x89PNG") and int.from_bytes(png[16:20], "big") == 1200
    assert ElementTree.fromstring(svg).tag.endswith("svg")


@pytest.mark.parametrize("kind", ["curves", "bars"])
def test_names_do_not_meet(kind: str) -> None:
    table = Table({"x": "d" if kind == "curves" else "", **dict.fromkeys(("same", "same too", "close"), ".3f")})
    for x in (1, 2, 3):
        table.row(x if kind == "curves" else f"case {x}", 0.5, [0.5, 0.51], 0.501)
    table.draw("x", {"y": ["same", "same too", "close"]})
    boxes = texts_inside(table)
    assert len(boxes) == (3 if kind == "curves" else 9)
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[n + 1 :])


def texts_inside(table: Table) -> list[Any]:
    """Draw a table, see that all of it lies inside the picture, and return where its names and numbers stand."""
    from matplotlib.figure import Figure

    drawn: list[Figure] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
        plot.draw([("title", table)], "x.png")
    (figure,) = drawn
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    box = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= -1
    return [text.get_window_extent() for axes in figure.get_axes() for text in axes.texts]


TOLERANCES = {
    ("dropout-before-batchnorm", 0): 0.1,  # other random masks
    ("redundant-bias", 0): 0.02,  # TensorFlow resizes in float32
    ("tiny-batch", 1): 0.08,  # three runs that rounding drives apart, in batches of two by 0.05
    ("high-learning-rate", 0): 0.1,
    ("unfrozen-batchnorm", 0): 0.02,
    ("mixed-placement", 0): 0.02,
    ("untrained-batchnorm", 0): 0.01,
    ("normalized-output", 0): 0.01,
    ("weight-decay-on-batchnorm", 0): 0.01,
    ("weight-decay-on-batchnorm", 1): 1e-3,  # gamma is kept to multiples of 1e-6
    ("dropout-before-batchnorm", 1): 0.1,  # other random masks
    ("high-learning-rate", 1): 0.05,
    ("call-without-training", 0): 0.02,
    ("learning-phase", 0): 0.01,
    ("missing-update-ops", 0): 0.01,
    ("pytorch-momentum", 1): 0.01,
    ("training-flag-ignored", 0): 0.01,
    ("unconverged-moving-average", 2): 0.01,
    ("untouched-statistics", 0): 0.01,
}
"""By how much a number, or the mean of several runs, may differ from real Keras; else by 1e-4."""

RANDOM = {("redundant-bias", "dropout 0.3")}
"""Rows that depend on the mask: a bias gets through in both."""


@pytest.fixture(scope="module", params=["keras", "tf_keras"])
def on_keras(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """A Keras, and the rows that it gives for each experiment, or what it raises."""
    return request.param, asked("evidence_on_keras.py", request.param)


FAILS = {("tiny-batch", 1, "tf_keras"): "TypeError"}
"""What real Keras cannot run, by rule, number and library: the renorm of tf_keras does not run in float64."""


@pytest.mark.slow
@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=str)
def test_real_keras_agrees(experiment: Experiment, on_keras: tuple[str, dict[str, Any]]) -> None:
    name = experiment.rule.name
    number = experiments([experiment.rule]).index(experiment)
    library, rows = on_keras[0], on_keras[1][str(experiment)]
    if error := FAILS.get((name, number, library)):
        assert error in rows
        return
    assert isinstance(rows, list), rows
    table, _ = run(str(experiment))
    assert len(rows) == len(table.rows)
    for ours, theirs in zip(table.rows, rows, strict=True):
        for column, value, other in zip(table.columns, ours, theirs, strict=True):
            if isinstance(value, str):
                assert value == other
            elif (name, ours[0]) in RANDOM:
                assert min(spread(value)[0], spread(other)[0]) > 1
            else:
                wanted = pytest.approx(spread(other)[0], abs=TOLERANCES.get((name, number), 1e-4), nan_ok=True)
                assert spread(value)[0] == wanted, f"{ours[0]}, {column}"


def test_a_table_writes_numbers_words_and_runs() -> None:
    table = Table({"what": "", "n": "d", "value": ".2f"})
    table.row("a", 3, -0.001)
    table.row("b", 4, [1.0, 2.0])
    assert str(table).splitlines()[2:] == ["| a | 3 | 0.00 |", "| b | 4 | 1.50 ± 0.50 |"]
    assert table.column("n") == [3, 4]
