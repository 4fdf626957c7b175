"""Text from bytes: bnlint reads what Python reads, refuses the rest in a line, and mends no byte but those of a fix."""

from __future__ import annotations

import codecs
import encodings
import encodings.aliases
import pkgutil
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

from bnlint import check_paths, fix_source
from bnlint.cli.main import main
from bnlint.findings import Edit
from bnlint.fixes.edit import tree
from bnlint.fixes.edit.splice import obstacle, spliced
from bnlint.inputs.decoding import Refused, decoded
from bnlint.inputs.reading import encoding_of, read_code, text_of

CODECS = sorted(
    {
        *encodings.aliases.aliases,
        *encodings.aliases.aliases.values(),
        *(module.name for module in pkgutil.iter_modules(encodings.__path__)),
        *("klingon", "x" * 5000, "utf-8-sig", "u8", "latin-1", "utf8-unix", "iso-latin-1-mac"),
    }
)
"""Every codec that Python knows, under all its names, and some that it does not."""
PROGRAM = """import keras
model = keras.Sequential([
    keras.layers.Conv2D(8, 3, input_shape=(8, 8, 3)),
    keras.layers.BatchNormalization(axis=1),
])
"""
BIASED = """from keras import layers
x = inputs = layers.Input((8,))
x = layers.Dense(16)(x)
x = layers.BatchNormalization()(x)
"""
UNBIASED = BIASED.replace("(16)", "(16, use_bias=False)")


def declaring(codec: str, text: str = PROGRAM) -> bytes:
    return f"# -*- coding: {codec} -*-\n{text}".encode()


def python_reads(data: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(data, "program.py", "exec")
        except (SyntaxError, ValueError):
            return False
    return True


def read(data: bytes) -> str | None:
    """The text that bnlint reads; None where it refuses in one line of some length."""
    try:
        return read_code("program.py", data).text
    except Refused as refusal:
        assert refusal.message and "\n" not in refusal.message and len(refusal.message) < 300
        return None


def test_a_program_is_read_where_python_reads_it() -> None:
    for codec in CODECS:
        data = declaring(codec)
        text = read(data)
        assert (text is not None) == python_reads(data), codec
        assert text is None or text == data.decode("ascii")


def test_some_are_read_and_some_are_not() -> None:
    told = {codec: read(declaring(codec)) is not None for codec in CODECS}
    assert not any(
        told[codec] for codec in ("hex", "base64", "zip", "bz2", "rot13", "uu", "quopri", "punycode", "cp037")
    )
    assert not any(told[codec] for codec in ("undefined", "utf_16", "klingon", "aliases"))
    assert all(told[codec] for codec in ("utf_7", "unicode_escape", "iso2022_jp", "latin_1", "koi8_r", "utf8"))


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF8 * 2])
@pytest.mark.parametrize(
    "extra",
    [
        "# ü Ж ア \\ud800 \\x00 +2AA- ~{<:~} -".encode(),
        b"# \x1b$B8l\x1b(B \xff\xfe\x80",
        b"x = '\\N{DASH}'",
        b"-\xc3\n",
    ],
)
def test_letters_and_marks_end_no_run(mark: bytes, extra: bytes) -> None:
    for codec in CODECS:
        data = mark + declaring(codec) + extra
        assert read(data) is None or python_reads(data), codec


@pytest.mark.parametrize(
    ("data", "reads"),
    [
        (b"# a\r# coding: hex\rx = 1\r", False),
        (b"# a\rx = '''# coding: hex'''\r", True),
        (b"# a\r\r# coding: hex\r", True),
        (b"x = 1\n# coding: hex\n", True),
        (b"\n# coding: hex\n", False),
        (b"\f# coding: hex\n", False),
        (b"\xef\xbb\xbf# coding: utf-8\nx = 1\n", True),
        (b"\xef\xbb\xbf# coding: latin-1\nx = 1\n", False),
        (b"", True),
    ],
)
def test_a_declaration_counts_where_python_looks_for_it(data: bytes, reads: bool) -> None:
    assert (read(data) is not None) == reads == python_reads(data)


def spot(text: str, part: str) -> tuple[int, int]:
    line = text[: text.index(part)].count("\n") + 1
    return line, text.split("\n")[line - 1].index(part) + 1


AROUND = (
    b"",
    "# é\n".encode(),
    "# é\n".encode("latin-1"),
    b"# \x1b$B8l\x1b(B\n",
    b"# \x1b$B8l\n",
    b"# \\x41 +AEE- ~~ \\u0041\n",
    b"# +AOk-\n",
)
"""What stands before and behind an edit."""


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_only_the_bytes_of_an_edit_change(mark: bytes, around: bytes) -> None:
    """Else nothing is written."""
    written = 0
    for codec in CODECS:
        before, after = declaring(codec, "import keras\n") + around + b"keras.layers.", b"(axis=1)\n" + around
        data = mark + before + b"BatchNormalization" + after
        text = read(data)
        if text is None:
            continue
        start = spot(text, "BatchNormalization")
        edit = Edit("a.py", None, start, (start[0], start[1] + 18), "Dropout")
        try:
            new = spliced("a.py", data, [edit])
        except tree.NotFixed as refusal:
            assert encoding_of("a.py", data) in str(refusal)
        else:
            written += 1
            assert new == mark + before + b"Dropout" + after
            assert not obstacle("a.py", data)
    assert written or (mark and not around.isascii())


ESCAPES = "unicode_escape"
"""Writes line ends as escapes, so that no file is mended."""
UNFAITHFUL = {
    ESCAPES: rb"x = '\x41'",
    "raw_unicode_escape": rb"x = '\u0041'",
    "utf_7": b"x = '+AEE-'",
    "iso2022_jp": b"x = '\x1b(J\x1b(B'",
    "hz": b"x = '~{~}'",
}


@pytest.mark.parametrize("codec", UNFAITHFUL)
def test_what_its_encoding_writes_otherwise_is_not_mended(
    codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says so, the other file is mended, and a file of that encoding without such bytes, too."""
    monkeypatch.chdir(tmp_path)
    Path("bad.py").write_bytes(data := declaring(codec, BIASED) + UNFAITHFUL[codec])
    Path("good.py").write_bytes(declaring(codec, BIASED))
    assert text_of("bad.py", data) == decoded(data)
    for arguments in (["--diff"], ["--fix"]):
        result = CliRunner().invoke(main, [".", "--select", "redundant-bias", "--unsafe-fixes", *arguments])
        assert result.exit_code == 2, result.output
        lines = [line for line in result.output.splitlines() if "not fixed" in line]
        assert [line.partition(":")[0] for line in lines] == ["./bad.py", "./good.py"][: 1 + (codec == ESCAPES)]
        assert all(encoding_of("bad.py", data) in line for line in lines)
    assert Path("bad.py").read_bytes() == data
    assert Path("good.py").read_bytes() == declaring(codec, BIASED if codec == ESCAPES else UNBIASED)


def test_a_script_without_a_suffix_is_mended_in_its_own_encoding() -> None:
    data = "# coding: latin-1\nimport keras  # é\n".encode("latin-1")
    edit = Edit("script", None, (2, 8), (2, 13), "tensorflow")
    assert spliced("script", data, [edit]) == data.replace(b"keras", b"tensorflow")


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_text_that_declares_an_encoding_is_mended_as_a_text(mark: str) -> None:
    declaration = "utf-8" if mark else "latin-1"
    program = f"{mark}# coding: {declaration}\n{BIASED.replace('(8,)', '(8,), name=chr(1) + str(é)')}"
    mended = fix_source(program, unsafe=True, select=["redundant-bias"])
    assert mended == program.replace("(16)", "(16, use_bias=False)") != program
    with pytest.raises(ValueError, match=r"hex|utf-8"):
        fix_source(program.replace(declaration, "hex"), select=["redundant-bias"])


def test_a_run_goes_on_behind_a_file_whose_encoding_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(declaring("hex"))
    (tmp_path / "b.py").write_text("import keras\nkeras.layers.BatchNormalization()\n", encoding="utf-8")
    report = check_paths([tmp_path], config={})
    assert [failure.message for failure in report.failures] == [
        "declares the encoding hex, in which Python reads no source text"
    ]
    assert [finding.rule for finding in report] == ["discarded-batchnorm"]
