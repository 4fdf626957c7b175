"""A virtual environment for what must be tried as it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path


class Environment:
    """A virtual environment that has the dependencies of the running one, but a bnlint of its own."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, symlinks=True)
        self.folder = folder
        self.bin = folder / "bin"
        (link,) = folder.glob("lib/python*/site-packages")
        self.packages = link
        (link / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")

    def install(self, *arguments: str | Path) -> None:
        """Run `pip install` with these arguments, without dependencies and without the network."""
        pip = [sys.executable, "-m", "pip", f"--python={self.bin / 'python'}", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--no-index", "--no-build-isolation", *map(str, arguments)], check=True)

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command of this environment, with nothing of the running one in the way."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        variables["PATH"] = f"{self.bin}{os.pathsep}{variables.get('PATH', '')}"
        found = shutil.which(command[0], path=variables["PATH"])
        assert found, f"{command[0]} is not installed"
        return subprocess.run([found, *command[1:]], cwd=cwd, env=variables, capture_output=True, text=True)
