"""The pre-commit hook, for real: installed from this checkout, in a repository, on commits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).parents[1]

GOOD = """import keras
from keras import layers

model = keras.Sequential([keras.Input((8,)), layers.Dense(4), layers.BatchNormalization(), layers.ReLU()])
"""
BAD = GOOD.replace("BatchNormalization()", "BatchNormalization")


def test_the_hook_runs_the_command_on_python_files() -> None:
    (hook,) = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert (hook["id"], hook["entry"], hook["language"]) == ("bnlint", "bnlint", "python")
    assert "python" in hook["types_or"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_good_file_is_committed_and_a_bad_one_is_not(copy_checkout: Callable[[Path], Path], tmp_path: Path) -> None:
    identity = {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON"))}
    environment = {**mine, **identity, "PRE_COMMIT_HOME": str(tmp_path / "hooks"), "GIT_CONFIG_GLOBAL": os.devnull}

    def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    def git(folder: Path, *arguments: str) -> str:
        done = run(folder, "git", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    source = copy_checkout(tmp_path / "bnlint")
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "all"]):
        git(source, *command)
    user = tmp_path / "user"
    user.mkdir()
    git(user, "init", "--quiet")
    hooks = [{"repo": str(source), "rev": git(source, "rev-parse", "HEAD"), "hooks": [{"id": "bnlint"}]}]
    (user / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": hooks}), encoding="utf-8")
    done = run(user, sys.executable, "-m", "pre_commit", "install", "--install-hooks")
    assert done.returncode == 0, done.stdout + done.stderr

    (user / "good.py").write_text(GOOD, encoding="utf-8")
    git(user, "add", "good.py", ".pre-commit-config.yaml")
    git(user, "commit", "--message", "good")
    (user / "bad.py").write_text(BAD, encoding="utf-8")
    git(user, "add", "bad.py")
    done = run(user, "git", "commit", "--message", "bad")
    assert done.returncode != 0 and "bad.py:4:" in done.stdout + done.stderr, done.stdout + done.stderr
    assert "function-in-sequential" in done.stdout + done.stderr and "good.py" not in done.stdout + done.stderr
    assert git(user, "log", "--format=%s") == "good"
