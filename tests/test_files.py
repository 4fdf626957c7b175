"""Which files a walk finds, under which names, and what it says about the rest."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlint.inputs.files import LARGEST_IGNORES, Listing, Wanted, find

Make = Callable[..., None]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes files by name, empty or with a text, in a folder of their own, which is the working folder."""
    monkeypatch.chdir(tmp_path)

    def build(*names: str) -> None:
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text("", encoding="utf-8")

    return build


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def failures(listing: Listing) -> list[tuple[str, str]]:
    return [(failure.path, failure.message) for failure in listing.failures]


def test_a_folder_gives_its_python_files_sorted_by_their_parts(make: Make) -> None:
    make("p/b.py", "p/a/z.py", "p/a-b.py", "p/a/b/c.py", "p/read.me", "p/a.pyc", "p/.hidden/h.py")
    assert find(["p"]).files == ["p/.hidden/h.py", "p/a/b/c.py", "p/a/z.py", "p/a-b.py", "p/b.py"]


@pytest.mark.parametrize(
    ("argument", "shown"),
    [("p", "p/a.py"), ("p/", "p/a.py"), ("./p", "./p/a.py"), (".", "./p/a.py"), ("p/../p", "p/../p/a.py")],
)
def test_a_path_is_the_argument_as_given_plus_the_rest(make: Make, argument: str, shown: str) -> None:
    make("p/a.py")
    assert find([argument]).files == [shown]


def test_an_absolute_argument_gives_absolute_paths(make: Make, tmp_path: Path) -> None:
    make("p/a.py")
    assert find([str(tmp_path)]).files == [str(tmp_path / "p/a.py")]


def test_a_file_named_twice_or_below_a_named_folder_is_listed_once(make: Make) -> None:
    make("p/a.py", "p/q/b.py")
    assert find(["p/a.py", "./p/a.py", "p/q", "p", "p/", "."]).files == ["p/a.py", "p/q/b.py"]


def test_hard_links_are_files_of_their_own(make: Make) -> None:
    make("p/a.py")
    os.link("p/a.py", "p/b.py")
    assert find(["p"]).files == ["p/a.py", "p/b.py"]


def test_folders_that_hold_no_code_of_the_project_are_not_entered(make: Make) -> None:
    make("p/a.py", "p/.git/g.py", "p/.venv/v.py", "p/x/node_modules/n.py", "p/__pycache__/c.py", "p/build/b.py")
    make("p/env37/pyvenv.cfg", "p/env37/lib/e.py", "p/conda/conda-meta/history", "p/conda/lib/e.py")
    assert find(["p"]).files == ["p/a.py"]


@pytest.mark.parametrize("named", ["p/build", "p/env37", "p/.venv/lib/site-packages", "p/build/b.py"])
def test_what_is_named_is_checked_whatever_it_is_called(make: Make, named: str) -> None:
    make("p/build/b.py", "p/env37/pyvenv.cfg", "p/env37/e.py", "p/.venv/lib/site-packages/s.py")
    (name,) = find(["p", named]).files
    assert name.startswith(named)


def test_a_file_with_another_suffix_is_checked_if_named(make: Make) -> None:
    make("p/script", "p/script.txt")
    assert find(["p"]).files == []
    assert find(["p/script"]).files == ["p/script"]


class TestGitignore:
    def test_holds_below_its_folder_and_can_be_overruled_deeper_down(self, make: Make) -> None:
        make("p/a.py", "p/gen_a.py", "p/q/gen_b.py", "p/q/gen_keep.py", "p/out/o.py", "gen_c.py")
        write("p/.gitignore", "# comment\n\ngen_*.py\nout/\n")
        write("p/q/.gitignore", "!gen_keep.py\n")
        listing = find(["."])
        assert listing.files == ["./gen_c.py", "./p/a.py", "./p/q/gen_keep.py"]
        assert listing.skipped == 2

    def test_of_the_folders_above_counts_up_to_the_repository(self, make: Make) -> None:
        make(".git/HEAD", "p/q/a.py", "p/q/b.py", "p/q/c.py", "p/q/d.py")
        write(".gitignore", "/p/q/a.py\n")
        write("p/.gitignore", "q/b.py\n")
        write(".git/info/exclude", "c.py\n")
        assert find(["p/q"]).files == ["p/q/d.py"]

    def test_above_counts_only_in_a_repository(self, make: Make) -> None:
        make("p/a.py")
        write(".gitignore", "*.py\n")
        assert find(["p"]).files == ["p/a.py"]

    @pytest.mark.parametrize("named", ["data", "data/deep", "data/deep/a.py"])
    def test_does_not_reach_what_is_named(self, make: Make, named: str) -> None:
        make(".git/HEAD", "data/deep/a.py")
        write(".gitignore", "data/\n")
        assert find([named]).files == ["data/deep/a.py"]
        assert find(["."]).files == []

    def test_with_lines_that_are_no_patterns_still_counts(self, make: Make) -> None:
        make("a.py", "b.py")
        write(".gitignore", "!\n\\\na.py\r\n")
        assert find(["."]).files == ["./b.py"]

    def test_that_is_a_folder_is_none(self, make: Make) -> None:
        make(".gitignore/a.py")
        assert find(["."]).files == ["./.gitignore/a.py"]

    def test_that_is_a_link_is_none_as_git_has_it(self, make: Make) -> None:
        make("a.py")
        write("patterns", "*.py\n")
        os.symlink("patterns", ".gitignore")
        assert find(["."]).files == ["./a.py"]

    def test_of_any_bytes_counts_where_it_can(self, make: Make) -> None:
        make("a.py", "b.py", "c.py")
        Path(".gitignore").write_bytes(b"\xef\xbb\xbfa.py\n\xff\xfe*\n[z-a]\n[\n[!]\n\\\nb.p\x00y\n**a**/**\nb.py")
        assert find(["."]).files == ["./c.py"]

    def test_beyond_a_size_is_none(self, make: Make) -> None:
        make("a.py")
        write(".gitignore", "*.py\n" + "#" * (LARGEST_IGNORES - 5))
        assert find(["."]).files == []
        write(".gitignore", "*.py\n" + "#" * LARGEST_IGNORES)
        assert find(["."]).files == ["./a.py"]


class TestLinks:
    def test_a_loop_is_reported_and_gone_round_once(self, make: Make) -> None:
        make("p/a.py", "p/q/b.py")
        os.symlink("..", "p/q/up")
        listing = find(["p"])
        assert listing.files == ["p/a.py", "p/q/b.py"]
        ((path, message),) = failures(listing)
        assert path == "p/q/up"
        assert message.startswith("directory loop")

    def test_two_folders_that_link_to_each_other_end(self, make: Make) -> None:
        make("x/a.py", "y/b.py")
        os.symlink("../y", "x/to_y")
        os.symlink("../x", "y/to_x")
        assert find(["x"]).files == ["x/a.py", "x/to_y/b.py"]
        assert find(["x", "y"]).files == ["x/a.py", "y/b.py"]

    def test_to_folders_outside_are_followed_and_real_ones_come_first(self, make: Make) -> None:
        make("out/a.py", "p/z/b.py")
        os.symlink("../out", "p/a_link")
        os.symlink("z", "p/another")
        assert find(["p"]).files == ["p/a_link/a.py", "p/z/b.py"]

    def test_to_files_are_listed_where_the_file_itself_is_not(self, make: Make) -> None:
        make("out/a.py", "p/z.py")
        os.symlink("../out/a.py", "p/a.py")
        os.symlink("z.py", "p/b.py")
        assert find(["p"]).files == ["p/a.py", "p/z.py"]

    def test_to_an_environment_are_not_entered(self, make: Make) -> None:
        make("elsewhere/pyvenv.cfg", "elsewhere/a.py", "p/b.py")
        os.symlink("../elsewhere", "p/env")
        assert find(["p"]).files == ["p/b.py"]

    def test_to_themselves_are_failures(self, make: Make) -> None:
        make("p/a.py")
        os.symlink("self", "p/self")
        listing = find(["p"])
        assert listing.files == ["p/a.py"]
        assert [path for path, _ in failures(listing)] == ["p/self"]

    def test_of_an_editor_are_no_files(self, make: Make) -> None:
        make("p/a.py")
        os.symlink("user@host.1234", "p/.#a.py")
        assert find(["p"]) == Listing(["p/a.py"])


def test_a_path_that_is_not_there_is_a_failure_and_the_rest_is_found(make: Make) -> None:
    make("a.py")
    listing = find(["nowhere", "", "a.py", "nul\0l"])
    assert listing.files == ["a.py"]
    assert [path for path, _ in failures(listing)] == ["nowhere", "", "nul\0l"]
    assert failures(listing)[0][1] == "cannot be read: no such file or directory"


def test_a_folder_that_cannot_be_listed_is_a_failure(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make("p/a.py", "p/locked/b.py")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = find(["p"])
    assert listing.files == ["p/a.py"]
    assert failures(listing) == [("p/locked", "cannot be read: permission denied")]


def test_names_that_are_not_unicode_are_found(make: Make) -> None:
    make("p/a.py")
    with open(b"p/caf\xe9.py", "w", encoding="utf-8"):
        pass
    assert find(["p"]).files == ["p/a.py", os.fsdecode(b"p/caf\xe9.py")]


class TestChoice:
    def test_extended_includes_are_added(self, make: Make, tmp_path: Path) -> None:
        make("a.py", "b.pyw", "scripts/run", "other/run")
        choice = Wanted(str(tmp_path), extend_include=("*.pyw", "scripts/*"))
        assert find(["."], choice).files == ["./a.py", "./b.pyw", "./scripts/run"]

    def test_includes_replace_the_suffix(self, make: Make, tmp_path: Path) -> None:
        make("a.py", "src/b.py")
        assert find(["."], Wanted(str(tmp_path), include=("src/**",))).files == ["./src/b.py"]

    def test_excludes_replace_the_usual_folders_and_extended_ones_do_not(self, make: Make, tmp_path: Path) -> None:
        make("a.py", "build/b.py", "old/c.py")
        assert find(["."], Wanted(str(tmp_path), exclude=("old/",))).files == ["./a.py", "./build/b.py"]
        assert find(["."], Wanted(str(tmp_path), extend_exclude=("old/",))).files == ["./a.py"]

    def test_patterns_are_relative_to_the_root_wherever_the_walk_starts(self, make: Make, tmp_path: Path) -> None:
        make("p/q/a.py", "p/q/r/b.py", "q/a.py")
        choice = Wanted(str(tmp_path), extend_exclude=("/p/q/a.py",))
        assert find(["p/q", "q"], choice).files == ["p/q/r/b.py", "q/a.py"]

    def test_excludes_do_not_reach_what_is_named(self, make: Make, tmp_path: Path) -> None:
        make("old/c.py", "old/d/e.py")
        choice = Wanted(str(tmp_path), extend_exclude=("old/",))
        assert find(["old"], choice).files == ["old/c.py", "old/d/e.py"]
        assert find(["old/d"], choice).files == ["old/d/e.py"]

    def test_excluded_files_are_counted(self, make: Make, tmp_path: Path) -> None:
        make("a.py", "a_pb2.py", "b_pb2.py", "c_pb2.txt")
        listing = find(["."], Wanted(str(tmp_path), extend_exclude=("*_pb2.*",)))
        assert (listing.files, listing.skipped) == (["./a.py"], 2)

    def test_a_pattern_that_is_none_is_a_value_error(self) -> None:
        with pytest.raises(ValueError, match="not a pattern: '!'"):
            find([], Wanted(extend_exclude=("!",)))
