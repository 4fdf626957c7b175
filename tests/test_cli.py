"""The command line and the Python interface: what goes in, what comes out, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bnlint
from bnlint import Failure, Finding, Place, Severity, check_paths, check_source
from bnlint.cli import console
from bnlint.cli.main import main
from bnlint.inputs.candidates import Sieve
from bnlint.rulebook.folders import open_book
from bnlint.run import engine
from bnlint.run.config import MAX_SIZE

CHECKOUT = Path(__file__).parents[1]
DISCARDED = "from keras import layers\nlayers.BatchNormalization()\n"
RIGHT = "from keras import layers\ndef f(x):\n    return layers.BatchNormalization()(x)\n"
SMALL_BATCH = """import keras
from keras import layers
dense = layers.Dense(4, use_bias=False)
model = keras.Sequential([keras.Input((4,)), dense, layers.BatchNormalization(), layers.Dense(1)])
model.compile(loss="mse")
model.fit(x, y, batch_size={size})
"""


def lint(*arguments: str | Path, **variables: str) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], env=variables)


def command(*arguments: str, cwd: Path, code: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run bnlint in a process of its own; `code` goes before."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONIOENCODING": "utf-8", **variables}
    program = [sys.executable, "-c", f"from bnlint.cli.main import main\n{code}\nmain()", *arguments]
    return subprocess.run(
        program, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: bad.py holds an error, right.py nothing, advice.py a piece of advice, warned.py a warning."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text(DISCARDED, encoding="utf-8")
    (tmp_path / "right.py").write_text(RIGHT, encoding="utf-8")
    (tmp_path / "advice.py").write_text(SMALL_BATCH.format(size=24), encoding="utf-8")
    (tmp_path / "warned.py").write_text(SMALL_BATCH.format(size=8), encoding="utf-8")
    return tmp_path


class TestCommands:
    def test_check_need_not_be_named(self, folder: Path) -> None:
        assert lint("bad.py").output == lint("check", "bad.py").output == lint("--", "bad.py").output
        assert lint("--format", "json", "bad.py").output == lint("check", "--format", "json", "bad.py").output

    def test_a_path_called_like_a_command_can_be_checked(self, folder: Path) -> None:
        (folder / "rules").mkdir()
        (folder / "rules" / "a.py").write_text(DISCARDED, encoding="utf-8")
        assert "tiny-batch" in lint("rules").output
        assert lint("check", "rules").exit_code == 1
        assert lint("./rules").exit_code == 1

    def test_version(self) -> None:
        assert lint("--version").output == f"bnlint {bnlint.__version__}\n"

    def test_help_lists_the_commands_and_the_options_of_check(self) -> None:
        for flag in ("--help", "-h"):
            output = lint(flag).output
            assert "explain" in output
            assert "--fail-on" in output

    def test_without_paths_it_helps_and_fails(self) -> None:
        assert lint().exit_code == 2
        assert lint("check").exit_code == 2

    def test_python_m(self, folder: Path) -> None:
        run = subprocess.run(
            [sys.executable, "-m", "bnlint", "bad.py"],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 1
        assert run.stdout.startswith("bad.py:2:1: error discarded-batchnorm ")

    def test_explain(self) -> None:
        result = lint("explain", "tiny-batch")
        assert result.exit_code == 0
        assert result.output.startswith("tiny-batch: warning, batch\n\n# ")

    def test_explain_an_unknown_rule(self) -> None:
        result = lint("explain", "tiny-bach")
        assert (result.exit_code, result.stderr) == (2, "Error: unknown rule 'tiny-bach': did you mean 'tiny-batch'?\n")

    def test_rules_lists_names_severities_and_summaries(self) -> None:
        lines = lint("rules").output.splitlines()
        assert [line.split()[0] for line in lines] == list(open_book())
        (line,) = [line for line in lines if line.startswith("tiny-batch ")]
        assert line.split()[1:3] == ["warning", "batch"]
        assert line.endswith(open_book()["tiny-batch"].summary)

    def test_ones_own_rules_are_listed_explained_and_run(self, folder: Path, rules_folder: Path) -> None:
        (folder / "epsilon.py").write_text(
            "import keras\nkeras.layers.BatchNormalization(epsilon=0.5)\n", encoding="utf-8"
        )
        assert "large-epsilon" in lint("rules", "--rules", rules_folder).output
        assert "# Epsilon is large" in lint("explain", "large-epsilon", "--rules", rules_folder).output
        assert "large-epsilon epsilon is 0.5" in lint("epsilon.py", "--rules", rules_folder).output
        assert "large-epsilon" not in lint("epsilon.py").output

    def test_a_rules_folder_that_cannot_be_opened(self, folder: Path) -> None:
        (folder / "own").mkdir()
        (folder / "own" / "broken_rule.py").write_text("import nothing_of_that_name", encoding="utf-8")
        for arguments in (("rules",), ("bad.py",), ("explain", "tiny-batch")):
            result = lint(*arguments, "--rules", "own")
            assert result.exit_code == 2
            assert "broken_rule.py: the rule cannot be loaded: ModuleNotFoundError" in result.stderr
            assert len(result.stderr.splitlines()) == 1
        assert lint("bad.py", "--rules", "missing").stderr == "Error: rules folder not found: missing\n"

    def test_new_rule_writes_two_files_that_work(self, folder: Path) -> None:
        result = lint("new-rule", "large-gamma")
        assert result.output == f"wrote {Path('rules/large_gamma.py')}\nwrote {Path('rules/large_gamma.md')}\n"
        assert lint("explain", "large-gamma", "--rules", "rules").exit_code == 0
        assert lint("right.py", "--rules", "rules").exit_code in (0, 1)

    @pytest.mark.parametrize("name", ["Large", "large_gamma", "batch", "../x", "", "tiny-batch"])
    def test_new_rule_refuses_what_is_no_name(self, folder: Path, name: str) -> None:
        result = lint("new-rule", name)
        assert result.exit_code == 2
        assert not (folder / "rules").exists()

    def test_new_rule_overwrites_nothing(self, folder: Path) -> None:
        assert lint("new-rule", "large-gamma").exit_code == 0
        (folder / "rules" / "large_gamma.py").write_text("mine", encoding="utf-8")
        assert lint("new-rule", "large-gamma").exit_code == 2
        assert (folder / "rules" / "large_gamma.py").read_text(encoding="utf-8") == "mine"


class TestExitCode:
    @pytest.mark.parametrize(
        ("name", "fail_on", "code"),
        [
            ("right.py", "advice", 0),
            ("advice.py", None, 0),
            ("advice.py", "advice", 1),
            ("warned.py", None, 1),
            ("warned.py", "warning", 1),
            ("warned.py", "error", 0),
            ("bad.py", None, 1),
            ("bad.py", "error", 1),
            ("bad.py", "never", 0),
            (".", None, 1),
        ],
    )
    def test_by_severity(self, folder: Path, name: str, fail_on: str | None, code: int) -> None:
        assert lint(name, *(["--fail-on", fail_on] if fail_on else [])).exit_code == code

    def test_what_cannot_be_read_is_worse_than_findings(self, folder: Path) -> None:
        assert lint("missing.py", "bad.py").exit_code == 2
        assert lint("missing.py", "bad.py", "--fail-on", "never").exit_code == 2

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--select", "tiny-bach"),
            ("--extend-select", "x"),
            ("--ignore", "x"),
            ("--select", ","),
            ("--format", "xml"),
            ("--fail-on", "x"),
            ("--target-keras", "4"),
            ("--target-keras", "3."),
            ("--jobs", "0"),
            ("--config", "missing.toml"),
            ("--extend-include", "!"),
            ("--output", "missing/report"),
            ("--output", "."),
            ("--nonsense",),
        ],
    )
    def test_usage(self, folder: Path, arguments: tuple[str, ...]) -> None:
        result = lint("bad.py", *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.splitlines()[-1].startswith("Error: ")

    def test_an_interrupt(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(engine, "run", interrupted)
        result = lint("bad.py")
        assert (result.exit_code, result.stderr) == (130, "interrupted\n")


class TestSelection:
    def rules(self, *arguments: str) -> set[str]:
        return {finding["rule"] for finding in json.loads(lint(".", "--format", "json", *arguments).stdout)["findings"]}

    def test_by_name_category_and_all(self, folder: Path) -> None:
        assert self.rules() == {"discarded-batchnorm", "tiny-batch"}
        assert self.rules("--select", "tiny-batch") == {"tiny-batch"}
        assert self.rules("--select", "construction,mode") == {"discarded-batchnorm"}
        assert self.rules("--select", "mode", "--select", "batch") == {"tiny-batch"}
        assert self.rules("--select", "mode", "--extend-select", "batch") == {"tiny-batch"}
        assert self.rules("--ignore", "batch") == {"discarded-batchnorm"}
        assert self.rules("--select", "ALL", "--ignore", "tiny-batch , mode") == {"discarded-batchnorm"}

    def test_extended_includes_are_relative_to_the_working_folder(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (folder / "pyproject.toml").write_text("[tool.bnlint]\n", encoding="utf-8")
        (folder / "sub" / "bin").mkdir(parents=True)
        (folder / "sub" / "bin" / "train").write_text(DISCARDED, encoding="utf-8")
        monkeypatch.chdir(folder / "sub")
        assert lint(".").exit_code == 0
        assert lint(".", "--extend-include", "bin/*").exit_code == 1
        assert lint(".", "--extend-include", "train").exit_code == 1


class TestOutput:
    def test_json(self, folder: Path) -> None:
        document = json.loads(lint("bad.py", "missing.py", "--format", "json").stdout)
        assert document["findings"][0]["path"] == "bad.py"
        assert document["errors"][0]["path"] == "missing.py"
        assert document["files"] == {"checked": 1, "skipped": 0}

    def test_paths_are_as_given(self, folder: Path) -> None:
        for given, shown in (
            ("./bad.py", "./bad.py"),
            (str(folder / "bad.py"), str(folder / "bad.py")),
            (".", "./bad.py"),
        ):
            (finding,) = json.loads(lint(given, "--format", "json", "--select", "discarded-batchnorm").stdout)[
                "findings"
            ]
            assert finding["path"] == shown

    def test_findings_are_in_the_order_of_their_places(self, folder: Path) -> None:
        (folder / "bad.py").write_text(DISCARDED + "\n" * 8 + DISCARDED, encoding="utf-8")
        places = [(finding.place.path, finding.place.line) for finding in check_paths([folder / "warned.py", "."])]
        assert places == sorted(places, key=lambda place: (place[0].split(os.sep), place[1]))
        assert len(places) == 4

    def test_duplicate_arguments_give_one_report(self, folder: Path) -> None:
        assert len(json.loads(lint("bad.py", "bad.py", "./bad.py", "--format", "json").stdout)["findings"]) == 1

    def test_to_a_file(self, folder: Path) -> None:
        result = lint("bad.py", "missing.py", "--format", "json", "--output", "report.json")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == "missing.py: cannot be read: no such file or directory\n"
        assert len(json.loads((folder / "report.json").read_text(encoding="utf-8"))["findings"]) == 1
        assert sorted(path.name for path in folder.iterdir() if "report" in path.name) == ["report.json"]

    def test_a_file_that_cannot_be_written_stays_as_it_was(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "report.txt").write_text("before", encoding="utf-8")

        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", refuse)
        result = lint("bad.py", "--output", "report.txt")
        assert (result.exit_code, result.stderr) == (2, "Error: --output report.txt: No space left on device\n")
        assert (folder / "report.txt").read_text(encoding="utf-8") == "before"
        assert sorted(path.name for path in folder.iterdir() if "report" in path.name) == ["report.txt"]

    def test_through_a_link_and_into_what_is_no_file(self, folder: Path) -> None:
        (folder / "real.txt").write_text("", encoding="utf-8")
        os.symlink("real.txt", "link.txt")
        assert lint("bad.py", "--output", "link.txt").exit_code == 1
        assert os.path.islink("link.txt")
        assert "discarded-batchnorm" in (folder / "real.txt").read_text(encoding="utf-8")
        assert lint("bad.py", "--output", os.devnull).exit_code == 1

    def test_statistics(self, folder: Path) -> None:
        assert "count  severity  rule\n    1  error     discarded-batchnorm\n" in lint("bad.py", "--statistics").stdout

    def test_nothing_to_check_is_said(self, folder: Path) -> None:
        (folder / "empty").mkdir()
        result = lint("empty")
        assert (result.exit_code, result.stderr) == (0, "warning: no files to check were found\n")

    def test_colors(self, folder: Path) -> None:
        assert "\x1b[" not in lint("bad.py").stdout
        colored = command("bad.py", cwd=folder, FORCE_COLOR="1")
        assert "\x1b[" in colored.stdout
        assert "\x1b[" not in command("bad.py", cwd=folder, FORCE_COLOR="1", NO_COLOR="1").stdout
        command("bad.py", "--output", "report.txt", cwd=folder, FORCE_COLOR="1")
        assert "\x1b[" not in (folder / "report.txt").read_text(encoding="utf-8")

    def test_a_terminal_that_cannot_show_the_code_gets_escapes(self, folder: Path) -> None:
        (folder / "bad.py").write_text(DISCARDED.replace("()", '(name="\u0444")'), encoding="utf-8")
        run = command("bad.py", cwd=folder, PYTHONIOENCODING="ascii")
        assert run.returncode == 1
        assert 'BatchNormalization(name="\\u0444")' in run.stdout

    def test_a_closed_pipe_is_no_traceback(self, folder: Path) -> None:
        (folder / "bad.py").write_text(DISCARDED + "layers.BatchNormalization()\n" * 2000, encoding="utf-8")
        program = f"{sys.executable} -m bnlint bad.py | head -n 1"
        run = subprocess.run(
            program,
            shell=True,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.stdout.count("\n") == 1
        assert "Traceback" not in run.stderr


class TestProgress:
    @pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
    @pytest.mark.parametrize(("slow", "shown"), [(True, True), (False, False)])
    def test_is_shown_on_a_terminal_when_a_run_takes_long(self, folder: Path, slow: bool, shown: bool) -> None:
        import pty

        passes = 0.6 if slow else 0.1  # Seconds that a file takes, of four, by the clock the bar looks at.
        code = "from bnlint.run import checker, engine\nimport time\ncall, now = checker.Checker.__call__, [0.0]\n"
        code += f"time.monotonic = lambda: now[0]\ndef late(self, path):\n    now[0] += {passes}\n"
        code += "    return call(self, path)\nchecker.Checker.__call__ = late\n"
        program = [sys.executable, "-c", f"from bnlint.cli.main import main\n{code}\nmain()", ".", "--jobs", "1"]
        master, slave = pty.openpty()
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "TERM": "xterm"}
        run = subprocess.run(program, stdout=subprocess.PIPE, stderr=slave, env=environment, check=False)
        os.close(slave)
        seen = b""
        try:
            while piece := os.read(master, 10_000):
                seen += piece
        except OSError:
            pass
        os.close(master)
        assert run.returncode == 1
        assert (b"checking" in seen) == shown
        assert b"checking" not in run.stdout

    def test_is_told_to_callers(self, folder: Path) -> None:
        calls: list[tuple[int, int]] = []
        check_paths(["."], progress=lambda done, total: calls.append((done, total)))
        assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


class TestImports:
    """Findings need both files where one builds what the other trains."""

    BUILD = "import keras\nfrom keras import layers\ndef build():\n    return keras.Sequential([keras.Input((4,)), "
    BUILD += "layers.Dense(4, use_bias=False), layers.BatchNormalization(), layers.Dense(1)])\n"
    TRAIN = "model = build()\nmodel.compile(loss='mse')\nmodel.fit(x, y, batch_size=4)\n"

    @pytest.fixture
    def project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "net").mkdir()
        (tmp_path / "net" / "__init__.py").write_text("from .model import build\n", encoding="utf-8")
        (tmp_path / "net" / "model.py").write_text(self.BUILD, encoding="utf-8")
        return tmp_path

    @pytest.mark.parametrize(
        "line",
        [
            "from net.model import build",
            "from net import (  # the net\n    build,\n)",
            "from net import model as m; build = m.build",
        ],
    )
    def test_a_file_that_only_trains_is_a_candidate(self, project: Path, line: str) -> None:
        (project / "train.py").write_text(f"{line}\n{self.TRAIN}", encoding="utf-8")
        (finding,) = check_paths(["train.py"])
        assert (finding.rule, finding.place.path) == ("tiny-batch", "train.py")
        assert len(check_paths(["."])) == 1

    def test_one_that_trains_something_else_is_not(self, project: Path) -> None:
        (project / "other.py").write_text("def build(): ...\n", encoding="utf-8")
        (project / "train.py").write_text(f"from other import build\n{self.TRAIN}", encoding="utf-8")
        assert Sieve(MAX_SIZE)(["train.py", "other.py"]).candidates == []

    def test_findings_stand_only_in_files_that_are_checked(self, project: Path) -> None:
        (project / "net" / "model.py").write_text(self.BUILD + DISCARDED, encoding="utf-8")
        (project / "train.py").write_text(f"from net.model import build\n{self.TRAIN}", encoding="utf-8")
        assert {finding.place.path for finding in check_paths(["train.py"])} == {"train.py"}
        found = [(finding.place.path, finding.rule) for finding in check_paths(["train.py", "net"])]
        assert found == [("net/model.py", "discarded-batchnorm"), ("train.py", "tiny-batch")]

    def test_a_cycle_of_imports_ends(self, project: Path) -> None:
        (project / "a.py").write_text("import b\nb.model.fit(x)\n", encoding="utf-8")
        (project / "b.py").write_text("import a\na.model.fit(x)\n", encoding="utf-8")
        assert check_paths(["a.py", "b.py"]).checked == 2


class TestJobs:
    SLOW = "from bnlint.run import engine\nengine.FORK_PAYS = engine.SPAWN_PAYS = (2, 0)\n"
    HEARS = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    """Undoes that a shell lets what it runs in the background ignore interrupts."""

    def outputs(self, folder: Path, code: str, jobs: str) -> tuple[int, str]:
        run = command(".", "--format", "json", "--jobs", jobs, cwd=folder, code=self.SLOW + code)
        assert run.stderr == ""
        return run.returncode, run.stdout

    def test_give_the_same_report(self, folder: Path) -> None:
        for number in range(40):
            text = DISCARDED if number % 3 else f"{DISCARDED}("
            (folder / f"f{number}.py").write_text(text, encoding="utf-8")
        single = self.outputs(folder, "", "1")
        assert single[0] == 2
        assert self.outputs(folder, "", "3") == single

    def test_are_started_anew_where_forking_is_not_safe(self, folder: Path) -> None:
        code = "from bnlint.run import checker\nengine._may_fork = lambda: False\n"
        code += "checker.Checker.__call__ = None  # in this process\n"
        single = self.outputs(folder, "", "1")
        assert self.outputs(folder, code, "2") == single

    def test_a_process_that_dies_costs_one_file(self, folder: Path) -> None:
        for number in range(20):
            (folder / f"f{number:02}.py").write_text(DISCARDED, encoding="utf-8")
        code = "import os, signal\nfrom bnlint.run import checker\ncheck = checker.Checker.check\n"
        code += "def dies(self, text, path, file=None):\n"
        code += "    if path.endswith(('f03.py', 'f11.py')):\n        os.kill(os.getpid(), signal.SIGSEGV)\n"
        code += "    return check(self, text, path, file)\nchecker.Checker.check = dies\n"
        returncode, output = self.outputs(folder, code, "2")
        document = json.loads(output)
        assert returncode == 2
        assert [(error["path"], "SIGSEGV" in error["message"]) for error in document["errors"]] == [
            ("./f03.py", True),
            ("./f11.py", True),
        ]
        assert {finding["path"] for finding in document["findings"]} >= {
            f"./f{n:02}.py" for n in range(20) if n not in (3, 11)
        }

    def test_where_no_process_can_be_started_this_one_does_the_work(self, folder: Path) -> None:
        code = "import os\ndef fork():\n    raise BlockingIOError(11, 'no more processes')\nos.fork = fork\n"
        assert self.outputs(folder, code, "2") == self.outputs(folder, "", "1")

    @pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
    def test_an_interrupt_ends_them_all(self, folder: Path) -> None:
        for number in range(8):
            (folder / f"f{number}.py").write_text(DISCARDED, encoding="utf-8")
        code = f"{self.SLOW}{self.HEARS}import time, os\ndef waits(self, path):\n"
        code += "    os.write(1, f'{os.getpid()}\\n'.encode())\n    time.sleep(60)\n"
        code += "from bnlint.run import checker\nchecker.Checker.__call__ = waits\n"
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        program = [sys.executable, "-c", f"from bnlint.cli.main import main\n{code}\nmain()", ".", "--jobs", "2"]
        run = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert run.stdout is not None
        children = [int(run.stdout.readline()) for _ in range(2)]
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=20)
        assert (run.returncode, errors) == (130, "interrupted\n")
        for child in children:
            with pytest.raises(ProcessLookupError):
                os.kill(child, 0)

    @pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
    def test_an_interrupt_while_one_starts_leaves_none_behind(self, folder: Path) -> None:
        for number in range(8):
            (folder / f"f{number}.py").write_text(DISCARDED, encoding="utf-8")
        code = (
            f"{self.SLOW}{self.HEARS}import os\nfrom multiprocessing.popen_fork import Popen\nlaunch = Popen._launch\n"
        )
        code += (
            "def interrupted(self, process):\n    launch(self, process)\n    os.write(1, f'{self.pid}\\n'.encode())\n"
        )
        code += "    os.kill(os.getpid(), 2)\nPopen._launch = interrupted\n"
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        program = [sys.executable, "-c", f"from bnlint.cli.main import main\n{code}\nmain()", ".", "--jobs", "2"]
        run = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=20, check=False)
        assert (run.returncode, run.stderr) == (130, "interrupted\n")
        (child,) = map(int, run.stdout.split())
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


class TestMerging:
    """Several problems at one spot are one finding."""

    def test_a_helper_used_several_times_gives_one_finding(self, tmp_path: Path) -> None:
        rule = "from bnlint import Problem, Severity\ncategory = 'mode'\nseverity = Severity.ADVICE\n"
        rule += "def check(program, options):\n    for layer in program.layers:\n"
        rule += "        if layer.kind == 'BatchNormalization':\n            found = layer.arg('momentum').value\n"
        rule += "            yield Problem(layer.origin, f'{found}', Severity.ERROR if found == 0.7 else None)\n"
        (tmp_path / "a_rule.py").write_text(rule, encoding="utf-8")
        text = "import keras\ndef f(x, m):\n    return keras.layers.BatchNormalization(momentum=m)(x)\n"
        text += "x = keras.Input((4,))\nmodel = keras.Model(x, f(f(f(x, 0.5), 0.7), 0.9))\n"
        (finding,) = check_source(text, select=["a-rule"], rules=[tmp_path])
        assert (finding.place.line, finding.severity, finding.message) == (3, Severity.ERROR, "0.7")


class TestPythonInterface:
    def test_check_paths_takes_one_path_or_many(self, folder: Path) -> None:
        for paths in ("bad.py", Path("bad.py"), ["bad.py"], (Path("bad.py"),), iter(["bad.py"])):
            report = check_paths(paths)
            assert [finding.rule for finding in report] == ["discarded-batchnorm"]
            assert report.worst() is Severity.ERROR

    def test_check_source(self) -> None:
        (finding,) = check_source(DISCARDED, "lesson.py")
        assert isinstance(finding, Finding)
        assert finding.place == Place("lesson.py", None, 2, 1, 2, 28)
        assert check_source("x = 1\n").checked == 1
        assert len(check_source(DISCARDED.replace("()", "()  # bnlint: ignore"))) == 0
        assert len(check_source("\ufeff" + DISCARDED)) == 1

    @pytest.mark.parametrize(
        ("text", "line"), [(f"{DISCARDED}(", 3), (f"{DISCARDED}\0", None), (f"x = '{chr(0xD800)}'\n{DISCARDED}", None)]
    )
    def test_a_source_that_does_not_parse_is_a_failure(self, text: str, line: int | None) -> None:
        report = check_source(text, "lesson.py")
        (failure,) = report.failures
        assert isinstance(failure, Failure)
        assert failure.path == "lesson.py"
        assert line is None or failure.line == line

    def test_select_target_and_config_mean_the_same_to_both(self, folder: Path) -> None:
        keywords = {"select": ["batch"], "target": "2", "config": {"tiny-batch": {"min-batch-size": 9}}}
        assert len(check_paths(["."], **keywords)) == 1  # type: ignore[arg-type]
        assert len(check_source(SMALL_BATCH.format(size=8), **keywords)) == 1  # type: ignore[arg-type]
        assert len(check_source(SMALL_BATCH.format(size=9), **keywords)) == 0  # type: ignore[arg-type]

    def test_every_public_name_is_there(self) -> None:
        assert set(bnlint.__all__) <= set(dir(bnlint))
        for name in bnlint.__all__:
            assert getattr(bnlint, name) is not None
        with pytest.raises(AttributeError, match="nonsense"):
            bnlint.nonsense  # noqa: B018


def test_colors_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    for variables, expected in (
        ({}, True),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ):
        for name in ("TERM", "NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert console.colors() is expected
