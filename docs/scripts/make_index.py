"""Write rules/README.md, the index of the shipped rules, from their cards."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from bnlint.rulebook.folders import index, open_book, shipped_folder

if __name__ == "__main__":
    (shipped_folder() / "README.md").write_text(index(open_book()), encoding="utf-8")
