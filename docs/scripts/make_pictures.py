"""Make the README's pictures, from its own example: python docs/scripts/make_pictures.py [FOLDER]

With the same versions of rich and matplotlib they are the same bytes.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

import bnlint
from bnlint.reporters import render
from bnlint.reporters.plot import draw
from bnlint.rulebook.card import fences
from bnlint.rulebook.experiments import experiments
from bnlint.rulebook.folders import open_book

CHECKOUT = Path(__file__).parents[2]
COLUMNS = 110

FRAME = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<title>bnlint's output</title>
<style>
.{unique_id}-matrix{{font:{char_height}px "DejaVu Sans Mono",Menlo,Consolas,monospace}}
{styles}
</style>
<rect width="100%" height="100%" rx="8" fill="#16181b"/>
<defs>{lines}</defs>
<g transform="translate(12 8)" class="{unique_id}-matrix">{backgrounds}
{matrix}
</g>
</svg>
"""

THEME = TerminalTheme(
    (22, 24, 27),
    (232, 232, 232),
    [
        (22, 24, 27),
        (255, 138, 148),
        (150, 210, 150),
        (255, 184, 102),
        (124, 196, 240),
        (210, 160, 240),
        (110, 210, 220),
        (232, 232, 232),
    ],
)


def example() -> str:
    """The README's `train.py`."""
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    (code,) = (fence.code for fence in fences(text) if fence.code.startswith("# train.py\n"))
    return code


def output(report: bnlint.Report) -> str:
    """What `bnlint train.py` writes into a terminal, as SVG."""
    written = Text.from_ansi(f"$ bnlint train.py\n{render('text', report, color=True)}")
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    console.print(written, end="")
    svg = console.export_svg(code_format=FRAME, theme=THEME, unique_id="bnlint", title="")
    height = max(float(y) for y in re.findall(r'<text [^>]* y="([\d.]+)"', svg)) + 28
    svg = re.sub(r'(height="|viewBox="0 0 \d+ )[\d.]+', rf"\g<1>{height:g}", svg, count=2)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def main(folder: Path) -> None:
    """Write the pictures into the folder."""
    folder.mkdir(exist_ok=True)
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)  # So that the paths shown are as short as a reader's.
        try:
            Path("train.py").write_text(example(), encoding="utf-8")
            report = bnlint.check_paths("train.py", config={})
            (folder / "output.svg").write_text(output(report), encoding="utf-8")
            (folder / "model.svg").write_text(bnlint.draw("train.py", config={}), encoding="utf-8")
        finally:
            os.chdir(here)
    first = experiments([open_book()["tiny-batch"]])[0]
    draw([(first.title, first.run())], str(folder / "evidence.svg"))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else CHECKOUT / "docs" / "pictures")
