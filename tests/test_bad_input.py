"""Input that cannot be linted: one clear line each, exit code 2, and the rest of the run goes on."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bnlint import check_source
from bnlint.cli.main import main
from bnlint.run import engine

CHECKOUT = Path(__file__).parents[1]
GOOD = "from keras import layers\nlayers.BatchNormalization()\n"
"""Reads well, and holds one finding, which shows that the run went on."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("z_good.py").write_text(GOOD, encoding="utf-8")
    return tmp_path


def lint(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def refused(*paths: str) -> tuple[str, int | None, str]:
    """Lint these paths and z_good.py: the one error's path, line and message, in JSON as in the line of text."""
    result = lint("--format", "json", *paths, "z_good.py")
    document = json.loads(result.stdout)
    assert result.exit_code == 2
    assert [finding["path"] for finding in document["findings"]] == [
        os.path.join(*paths, "z_good.py") if paths == (".",) else "z_good.py"
    ]
    (error,) = document["errors"]
    text = lint(*paths, "z_good.py")
    assert text.exit_code == 2
    (line,) = [line for line in text.stdout.splitlines() if "not checked: " in line]
    assert error["message"] in line
    assert "Traceback" not in text.output
    return error["path"], error["line"], error["message"]


def refused_bytes(data: bytes) -> tuple[int | None, str]:
    Path("bad.py").write_bytes(data)
    path, line, message = refused("bad.py")
    assert path == "bad.py"
    return line, message


class TestText:
    def test_a_syntax_error_has_its_line(self) -> None:
        line, message = refused_bytes(b"from keras.layers import BatchNormalization\n\nx = = 1\n")
        assert line == 3
        assert message.startswith("syntax error: ")

    def test_python_2_is_recognized(self) -> None:
        line, message = refused_bytes(b"from keras.layers import BatchNormalization\nprint 'epoch', 1\n")
        assert line == 2
        assert "Python 2" in message

    def test_null_bytes(self) -> None:
        assert refused_bytes(b"# BatchNormalization\nx = 1\n\0\n") == (3, "contains null bytes")

    def test_bytes_that_are_not_utf_8(self) -> None:
        line, message = refused_bytes(b"# BatchNormalization\nx = 1\n# caf\xe9\n")
        assert line == 3
        assert "utf-8" in message
        assert "0xe9" in message
        assert "encoding" in refused_bytes(b"# caf\xe9 BatchNormalization\n")[1]

    def test_a_declared_encoding_that_there_is_not(self) -> None:
        line, message = refused_bytes(b"# -*- coding: klingon -*-\n# BatchNormalization\n")
        assert line == 1
        assert "klingon" in message

    def test_a_declared_encoding_that_the_bytes_are_not_in(self) -> None:
        line, message = refused_bytes(b"# coding: ascii\n# BatchNormalization\nx = '\xe9'\n")
        assert line == 3
        assert "ascii" in message

    @pytest.mark.parametrize("encoding", ["latin-1", "cp1251", "utf-8-sig", "koi8-r", "shift_jis"])
    def test_other_encodings_are_decoded_as_python_does(self, encoding: str) -> None:
        letter = {"latin-1": "é", "shift_jis": "ア"}.get(encoding, "Ж")
        text = f'{GOOD[:-2]}name="{letter}"); layers.BatchNormalization()\n'
        declaration = "" if encoding == "utf-8-sig" else f"# coding: {encoding}\n"
        Path("bad.py").write_bytes(f"{declaration}{text}".encode(encoding))
        _, finding = json.loads(lint("--format", "json", "bad.py").stdout)["findings"]
        assert finding["line"] == (2 if encoding == "utf-8-sig" else 3)
        assert (finding["column"], finding["end_column"]) == (38, 65)

    def test_a_file_that_names_no_batch_normalization_may_be_anything(self) -> None:
        for number, data in enumerate((b"", b"x = = 1", b"\0\0", b"\xff\xfe", b"print 'x'", b"# coding: klingon\n")):
            Path(f"bad{number}.py").write_bytes(data)
        result = lint(*(f"bad{number}.py" for number in range(6)))
        assert result.exit_code == 0
        assert result.stdout == "No findings in 6 files\n"

    def test_an_empty_file_and_one_of_comments_are_fine(self) -> None:
        Path("empty.py").write_bytes(b"")
        Path("comment.py").write_bytes(b"# BatchNormalization")
        assert lint("empty.py", "comment.py").exit_code == 0


class TestDepth:
    @pytest.mark.parametrize(
        "nested",
        [
            "x" + ".y()" * 5000,
            "(" * 5000 + ")" * 5000,
            "[" * 5000 + "]" * 5000,
            "-" * 5000 + "1",
            " + ".join(["a"] * 5000),
            "not " * 5000 + "x",
            "f(" * 5000 + ")" * 5000,
            "x" + "[0]" * 5000,
            "lambda: " * 5000 + "0",
            "x if y else " * 5000 + "z",
            "f'{" * 5000 + "}'" * 5000,
        ],
        ids=[
            "chain",
            "parentheses",
            "lists",
            "minus",
            "sum",
            "not",
            "calls",
            "subscripts",
            "lambdas",
            "ternaries",
            "strings",
        ],
    )
    def test_expressions_5000_deep(self, nested: str) -> None:
        line, message = refused_bytes(f"import keras\nb = keras.layers.BatchNormalization\nx = {nested}\n".encode())
        assert line in (3, None)
        assert "nested" in message or "syntax error" in message

    def test_blocks_and_branches(self) -> None:
        blocks = "".join(f"{' ' * depth}if x:\n" for depth in range(5000))
        refused_bytes(f"# BatchNormalization\n{blocks}{' ' * 5000}pass\n".encode())
        branches = "if x: pass\n" + "elif x: pass\n" * 5000
        refused_bytes(f"# BatchNormalization\n{branches}".encode())

    def test_a_source_given_as_text(self) -> None:
        (failure,) = check_source(f"# BatchNormalization\nx{'.y()' * 5000}").failures
        assert "nested" in failure.message

    @pytest.mark.parametrize("depth", [50, 80])
    def test_what_is_only_fairly_deep_is_checked(self, depth: int) -> None:
        report = check_source(f"{GOOD}x = y{'.z()' * depth}\n")
        assert (len(report.failures), len(report)) == (0, 1)


class TestSize:
    def test_a_file_of_50_mb(self) -> None:
        with open("bad.py", "wb") as file:
            file.write(b"# BatchNormalization\n" + b"x = 1\n" * 8_500_000)
        path, line, message = refused("bad.py")
        assert (path, line) == ("bad.py", None)
        assert message == "too large: 51,000,021 bytes, over max-size (1,500,000)"

    def test_one_that_names_no_batch_normalization_is_only_looked_through(self) -> None:
        with open("large.py", "wb") as file:
            file.write(b"x = 1\n" * 8_500_000)
        assert lint("large.py").stdout == "No findings in 1 file\n"

    def test_many_small_statements(self) -> None:
        _, message = refused_bytes(b"# BatchNormalization\n" + b"x=1\n" * 60_000)
        assert "too large" in message

    def test_a_source_given_as_text(self) -> None:
        (failure,) = check_source(f"# BatchNormalization\n{'x = 1;' * 300_000}").failures
        assert "too large" in failure.message


class TestPath:
    def test_a_missing_path(self) -> None:
        assert refused("nowhere.py") == ("nowhere.py", None, "cannot be read: no such file or directory")

    def test_a_name_that_is_too_long(self) -> None:
        assert "too long" in refused("n" * 5000)[2]

    def test_a_link_to_nowhere(self) -> None:
        os.symlink("nowhere", "bad.py")
        assert refused(".") == ("./bad.py", None, "cannot be read: no such file or directory")

    def test_a_directory_loop(self) -> None:
        os.mkdir("sub")
        os.symlink("..", "sub/up")
        path, _, message = refused(".")
        assert path == "./sub/up"
        assert message.startswith("directory loop")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
    def test_a_pipe(self) -> None:
        os.mkfifo("bad.py")
        assert refused(".") == ("./bad.py", None, "cannot be read: is not a regular file")

    @pytest.mark.parametrize("when", [1, 2])
    def test_a_file_that_may_not_be_read_or_vanishes(self, when: int, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("bad.py").write_text(GOOD, encoding="utf-8")
        opened: list[str] = []

        def refusing(file: object, *arguments: object, **keywords: object) -> object:
            if file == "bad.py":
                opened.append("bad.py")
                if len(opened) % when == 0:
                    raise PermissionError(13, "Permission denied", file)
            return io.open(file, *arguments, **keywords)  # type: ignore[call-overload]  # noqa: UP020

        monkeypatch.setattr("builtins.open", refusing)
        assert refused("bad.py") == ("bad.py", None, "cannot be read: permission denied")

    @pytest.mark.parametrize(("suffix", "form"), [(".keras", "a zip"), (".h5", "an HDF5")])
    def test_what_is_no_model_is_not_passed_as_clean(self, suffix: str, form: str) -> None:
        Path(f"model{suffix}").write_bytes(b"BatchNormalization")
        assert refused(f"model{suffix}")[2].startswith(f"not {form} file")


def test_the_process_survives_all_of_them_at_once(folder: Path) -> None:
    """In a process of its own, whose memory must not grow by the 50 MB of the large one."""
    for number, text in enumerate(
        ("x" + ".y()" * 5000, "(" * 5000 + ")" * 5000, "+".join("a" * 5000), "x = = 1", "'\0'")
    ):
        Path(f"bad{number}.py").write_text(f"# BatchNormalization\n{text}\n", encoding="utf-8")
    with open("large.py", "wb") as file:
        file.write(b"# BatchNormalization\n" + b"x = 1\n" * 8_500_000)
    program = "import sys\nfrom bnlint.cli.main import main\ntry:\n    main(['.', '--format', 'json'])\nfinally:\n"
    program += "    if sys.platform == 'linux':\n        sys.stderr.write(open('/proc/self/status').read())"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    document = json.loads(run.stdout)
    assert len(document["errors"]) == 6
    assert len(document["findings"]) == 1
    assert document["files"] == {"checked": 6, "skipped": 1}
    if sys.platform == "linux":
        (peak,) = [int(line.split()[1]) for line in run.stderr.splitlines() if line.startswith("VmHWM:")]
        assert peak < 100_000  # kB


def test_processes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine.processors() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert engine.processors() == (os.cpu_count() or 1)
