"""The golden record: what bnlint finds in real code and which graphs it rebuilds, so that two versions can be compared.

    python tests/kit/golden.py take RECORD [--bnlint COMMAND] [--code NAME=FOLDER]... [--zoo LIST SITE]
    python tests/kit/golden.py compare RECORD RECORD

`take` runs a bnlint command over folders of code, over this checkout's fixtures, over each example of the rules' cards
alone (for Keras 2 and for Keras 3), and over the installed keras and tensorflow; it rebuilds the models of the
installed keras.applications and those of a LIST of `module | expression | keras` whose modules are in SITE, a folder
of installed packages. Nothing of that code is imported. `compare` prints each difference, and exits with 1 where there
is one.

A record is JSON Lines, sorted. It holds no text that is written for people: of a finding its place, rule, severity,
related places and edits; of a failure its place and kind; of a graph its nodes. It names files as NAME and the path in
the folder, so records of two machines agree. Records hold parts of other people's code: they are not committed.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from applications import CONSTRUCTORS

CHECKOUT = Path(__file__).parents[2]
INSTALLED = ("keras", "tensorflow")
FENCE = re.compile(r"^```python\b[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
KEY = {"finding": ("name", "place", "rule"), "failure": ("name", "place"), "graph": ("name", "number")}
"""What tells an entry of each sort from the others of its sort; the rest of it is compared."""

Entry = dict[str, Any]


def main() -> None:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(required=True, dest="command")
    take = commands.add_parser("take")
    take.add_argument("record", type=Path)
    take.add_argument("--bnlint", default=f"{sys.executable} -m bnlint", type=shlex.split, metavar="COMMAND")
    take.add_argument("--code", action="append", default=[], metavar="NAME=FOLDER")
    take.add_argument("--zoo", nargs=2, type=Path, metavar=("LIST", "SITE"))
    compare = commands.add_parser("compare")
    compare.add_argument("records", nargs=2, type=Path)
    given = parser.parse_args()
    if given.command == "take":
        entries = taken(given.bnlint, dict(one.split("=", 1) for one in given.code), given.zoo)
        given.record.write_text("".join(f"{line}\n" for line in sorted(map(_line, entries))), encoding="utf-8")
        return
    before, after = map(read, given.records)
    said = list(differences(before, after))
    print("".join(f"{line}\n" for line in said), end="")
    print(f"{len(before)} entries before, {len(after)} after, {len(said)} differences")
    sys.exit(bool(said))


def taken(command: list[str], code: dict[str, str], zoo: tuple[Path, Path] | None = None) -> Iterator[Entry]:
    """The entries of everything there is to record."""
    folders = {name: Path(folder) for name, folder in code.items()}
    folders |= {f"installed/{name}": installed(name) for name in INSTALLED}
    for name, folder in {**folders, "fixtures": CHECKOUT / "fixtures"}.items():
        yield from checked(command, name, folder)
    with tempfile.TemporaryDirectory() as folder:
        examples(Path(folder))
        for target in ("2", "3"):
            yield from checked(command, f"cards/{target}", Path(folder), "--select", "ALL", "--target-keras", target)
    models = [*applications(), *(of_zoo(*zoo) if zoo else ())]
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda model: graphs(command, *model), models):
            yield from found


def installed(name: str) -> Path:
    """The folder of an installed package, found without importing it. Ends the program where it is not installed."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        sys.exit(f"{name} is not installed in this environment")
    return Path(found.origin).parent


def examples(folder: Path) -> None:
    """Write each Python block of each card to a file of its own, named after the rule and the block's place in it."""
    for card in sorted((CHECKOUT / "rules").glob("[a-z]*.md")):
        (folder / card.stem).mkdir()
        for number, match in enumerate(FENCE.finditer(card.read_text(encoding="utf-8")), start=1):
            (folder / card.stem / f"{number:02}.py").write_text(match[1], encoding="utf-8")


def applications() -> Iterator[tuple[str, Path, str, str]]:
    """The constructors of the installed keras.applications: name, file, expression, version of Keras."""
    for file in sorted((installed("keras") / "src" / "applications").glob("*.py")):
        for node in ast.parse(file.read_bytes()).body:
            if isinstance(node, ast.FunctionDef) and node.name in CONSTRUCTORS:
                yield f"applications/{node.name}", file, f"{node.name}(weights=None)", "3"


def of_zoo(listed: Path, site: Path) -> Iterator[tuple[str, Path, str, str]]:
    """The same of the constructors in a list."""
    for line in listed.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            module, entry, keras = (part.strip() for part in line.split("|"))
            stem = site.joinpath(*module.split("."))
            file = stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")
            yield f"zoo/{module} {entry}", file, entry, keras


def checked(command: list[str], name: str, folder: Path, *options: str) -> Iterator[Entry]:
    """What `bnlint check` says of a folder."""
    line = [*command, "check", ".", "--format", "json", "--fail-on", "never", *options]
    said = json.loads(subprocess.run(line, cwd=folder, capture_output=True, check=False).stdout)
    for finding in said["findings"]:
        fix = finding.get("fix")
        yield {
            "sort": "finding",
            "name": name,
            "place": _place(finding, "end_line", "end_column"),
            "rule": finding["rule"],
            "severity": finding["severity"],
            "related": [_place(related) for related in finding["related"]],
            "safe": None if fix is None else fix["safe"],
            "edits": None if fix is None else fix["edits"],
        }
    for failure in said["errors"]:
        yield {"sort": "failure", "name": name, "place": _place(failure), "kind": failure.get("kind")}


def graphs(command: list[str], name: str, file: Path, entry: str, keras: str) -> Iterator[Entry]:
    """The graphs that `bnlint graph` rebuilds from a file and an expression; one entry without nodes for none."""
    line = [*command, "graph", str(file), "--entry", entry, "--target-keras", keras, "--format", "json"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    models = json.loads(done.stdout)["models"] if done.returncode == 0 else []
    for number, model in enumerate(models or [{"style": None, "nodes": [], "outputs": []}]):
        kept = {key: model[key] for key in ("style", "nodes", "outputs")}
        yield {"sort": "graph", "name": name, "number": number, **kept}


def _place(said: Entry, *more: str) -> list[Any]:
    return [said.get(key) for key in ("path", "cell", "line", "column", *more, "layer")]


def _line(entry: Entry) -> str:
    return json.dumps(entry, sort_keys=True)


def read(record: Path) -> list[Entry]:
    """The entries of a record."""
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]


def differences(before: Iterable[Entry], after: Iterable[Entry]) -> Iterator[str]:
    """A line for each entry that is gone (-), new (+), or has changed (~, with the names of what has)."""
    old, new = _by_key(before), _by_key(after)
    for key in sorted(old.keys() | new.keys()):
        sort, *rest = json.loads(key)
        shown = f"{sort} {' '.join(map(_shown, rest))}"
        if key not in new or key not in old:
            entry = old.get(key) or new[key]
            yield f"{'-' if key in old else '+'} {shown}{' ' + entry['severity'] if 'severity' in entry else ''}"
        elif changed := [name for name in old[key] if _differ(name, old[key], new[key])]:
            yield f"~ {shown}: {', '.join(_change(name, old[key][name], new[key].get(name)) for name in changed)}"


def _differ(name: str, old: Entry, new: Entry) -> bool:
    """Whether entries differ in one field; records of before failures had kinds have none to compare."""
    return old[name] != new.get(name) and not (name == "kind" and None in (old[name], new.get(name)))


def _by_key(entries: Iterable[Entry]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        key = [entry["sort"], *(entry[name] for name in KEY[entry["sort"]])]
        again = 0
        while (line := json.dumps([*key, *([again] if again else [])])) in found:  # Two failures at one place.
            again += 1
        found[line] = entry
    return found


def _shown(part: object) -> str:
    return ":".join(str(one) for one in part if one is not None) if isinstance(part, list) else str(part)


def _change(name: str, old: object, new: object) -> str:
    short = all(isinstance(value, (str, bool, int, type(None))) for value in (old, new))
    return f"{name} {old} → {new}" if short else name


if __name__ == "__main__":
    main()
