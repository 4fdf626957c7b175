"""Which Keras a project's requirements allow, in whatever file they stand."""

from __future__ import annotations

import ast
import codecs
import json
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from . import disk
from .gate import Refused, tree_of

_LONGEST = 1_000_000
_DEEPEST = 8
"""So many folders above a file are looked into, up to that of the repository."""
_LONG = 500
"""No requirement is longer: each of its bounds is asked of some hundred releases."""
_INCLUDED = 3
"""Requirements that include others include no more in these."""
_NAME = re.compile(r"(?:tensorflow(?:[-_](?:cpu|gpu|macos|intel|rocm))?|keras)(?![-_.\w])", re.IGNORECASE)
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_RELEASES = {
    "tensorflow": [*(f"1.{n}" for n in range(16)), *(f"2.{n}" for n in range(40))],
    "keras": [*(f"1.{n}" for n in range(3)), *(f"2.{n}" for n in range(16)), *(f"3.{n}" for n in range(40))],
}
"""The minor versions there are, and room for those to come: what a bound lets pass is asked of each."""
_LAST = 9
"""The highest third number of a version, or above it."""
_KERAS_3 = {"tensorflow": (2, 16), "keras": (3, 0)}
"""The first version of each package that is, or brings, Keras 3."""


class Pin(NamedTuple):
    """A requirement of TensorFlow or Keras. `text` as it is written; `versions` the majors of Keras that it allows.

    `apart`: others may hold in its place, as for one of several extras or environments.
    """

    text: str
    versions: frozenset[int]
    apart: bool = False


@lru_cache(maxsize=512)
def pinned(folder: pathlib.Path, depth: int = 0) -> tuple[int, str] | None:
    """Keras's major version as the nearest requirements above a folder pin it, and where; None where they do not."""
    found = [(version, f"{path.name} has {text}") for path, pins in _files(folder) for version, text in _decided(pins)]
    if found:
        return found[0] if len({version for version, _ in found}) == 1 else None
    if depth >= _DEEPEST or folder.parent == folder or (folder / ".git").exists():
        return None
    return pinned(folder.parent, depth + 1)


def decided(lines: str) -> tuple[int, str] | None:
    """The same of what a notebook installs, one or several packages a line."""
    parts = [part for line in lines.splitlines() for part in re.split(r"\s+(?=[a-zA-Z\"'])", line)]
    return next(_decided([pin for part in parts for pin in _pin(part.strip("\"'"))]), None)


def _decided(pins: list[Pin]) -> Iterator[tuple[int, str]]:
    """The one major version that all of these allow, and the requirement that says so."""
    allowed = frozenset({2, 3}).intersection(*(pin.versions for pin in pins if not pin.apart))
    others = frozenset().union(*(pin.versions for pin in pins if pin.apart))
    allowed = allowed & others if others else allowed
    if len(allowed) == 1:
        (version,) = allowed
        yield version, next((pin.text for pin in pins if pin.versions == allowed), pins[0].text)


def _files(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, list[Pin]]]:
    """The files of a folder that hold requirements, with those of TensorFlow and Keras."""
    for pattern, read in _READERS.items():
        for path in sorted(folder.glob(pattern)) if "*" in pattern else [folder / pattern]:
            text = _text(path)
            if _NAME.search(text) or (text and read is _lines):  # Those may include others.
                try:
                    yield path, list(read(text, path))
                except (Refused, ValueError, RecursionError, AttributeError, TypeError):
                    continue  # It is no such file, or broken: it says nothing.


def _text(path: pathlib.Path) -> str:
    """The text of a file as its byte order mark says; "" where it cannot be read."""
    try:
        data = disk.read(path, _LONGEST)
    except OSError:
        return ""
    encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8")
    return data.decode(encoding, "replace")


def _pin(text: str, apart: bool = False) -> Iterator[Pin]:
    """A requirement, where it is one of TensorFlow or Keras."""
    text = text.strip()
    if not _NAME.match(text) or len(text) > _LONG:
        return
    from packaging.requirements import Requirement

    try:
        wanted = Requirement(text)
        name = "keras" if wanted.name.lower() == "keras" else "tensorflow"
        majors = _majors(name, str(wanted.specifier))
    except ValueError:  # It is no requirement, or has a version that is none, as `===` may.
        return
    yield Pin(f"{wanted.name}{wanted.specifier}", majors, apart or wanted.marker is not None)


@lru_cache(maxsize=256)
def _majors(name: str, bounds: str) -> frozenset[int]:
    """Which major versions of Keras some release of a package has that these bounds let pass."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    wanted = SpecifierSet(bounds, prereleases=True)
    releases = [f"{minor}.{last}" for minor in _RELEASES[name] for last in (0, *range(1, _LAST + 1))]
    written = [version for version in re.findall(r"[\d.]+\w*", bounds) if version.count(".") and version[-1] != "."]
    passing = [Version(one) for one in (*releases, *written) if wanted.contains(one)]
    return frozenset(3 if one.release[:2] >= _KERAS_3[name] else 2 for one in passing)


def _lines(text: str, path: pathlib.Path | None = None, depth: int = 0) -> Iterator[Pin]:
    """Requirements as pip reads them, those of included files too."""
    for line in text.replace("\\\n", " ").replace("\\\r\n", " ").splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        option = re.match(r"(?:-r|-c|--requirement|--constraint)[ =]*(\S+)", line)
        if option and path is not None and depth < _INCLUDED:
            included = path.parent / option[1]
            yield from _lines(_text(included), included, depth + 1)
            continue
        line = re.sub(r"\s--\S+.*", "", line)
        yield from _pin(line)


def _pyproject(text: str, path: pathlib.Path) -> Iterator[Pin]:
    table = _toml(text)
    project = table.get("project", {})
    for requirement in project.get("dependencies", ()):
        yield from _pin(requirement)
    groups = [*project.get("optional-dependencies", {}).values(), *table.get("dependency-groups", {}).values()]
    for requirement in (one for group in groups for one in group if isinstance(one, str)):
        yield from _pin(requirement, apart=True)
    poetry = table.get("tool", {}).get("poetry", {})
    yield from _table(poetry.get("dependencies", {}))
    for group in (poetry, *poetry.get("group", {}).values()):
        more = group.get("dev-dependencies", {}) if group is poetry else group.get("dependencies", {})
        yield from _table(more, apart=True)


def _table(table: Mapping[str, Any], apart: bool = False) -> Iterator[Pin]:
    """Requirements as Poetry and Pipenv write them: a version for each name, or a table that has it, or several."""
    for name, given in table.items():
        for one in given if isinstance(given, list) else [given]:
            version = one.get("version", "*") if isinstance(one, dict) else one
            alone = isinstance(one, str) or not ({"markers", "python", "platform", "optional"} & one.keys())
            if isinstance(version, str):
                yield from _pin(f"{name}{_bounds(version)}", apart or not alone)


def _bounds(version: str) -> str:
    """Poetry's bounds as those of PEP 440: `^2.13`, `~2.13`, `2.13`, `2.13.*`, `*`; alternatives allow anything."""
    if "||" in version or version.strip() in ("", "*"):
        return ""
    return ",".join(_bound(part.strip()) for part in re.split(r",|\s+(?=[<>=!~^])", version) if part.strip())


def _bound(part: str) -> str:
    match = re.match(r"(\^|~(?!=)|=(?!=))?\s*(\d[\w.*]*)$", part)
    if match is None:
        return part
    sign, version = match.groups()
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    if sign == "^":
        kept = next((index for index, number in enumerate(numbers) if number), 0)
        return f">={version},<{'.'.join(map(str, [*numbers[:kept], numbers[kept] + 1]))}"
    if sign == "~":
        kept = min(1, len(numbers) - 1)
        return f">={version},<{'.'.join(map(str, [*numbers[:kept], numbers[kept] + 1]))}"
    return f"=={version}"


def _toml(text: str) -> dict[str, Any]:
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def _pipfile(text: str, path: pathlib.Path) -> Iterator[Pin]:
    table = _toml(text)
    yield from _table(table.get("packages", {}))
    yield from _table(table.get("dev-packages", {}), apart=True)


def _pipfile_lock(text: str, path: pathlib.Path) -> Iterator[Pin]:
    yield from _table(json.loads(text).get("default", {}))


def _lock(text: str, path: pathlib.Path) -> Iterator[Pin]:
    """What uv, Poetry and PDM have resolved; a name may be there once for each of several environments."""
    packages = [one for one in _toml(text).get("package", ()) if _NAME.fullmatch(one.get("name", ""))]
    names = [one["name"] for one in packages]
    for one in packages:
        if "version" in one:
            yield from _pin(f"{one['name']}=={one['version']}", apart=names.count(one["name"]) > 1)


def _setup_cfg(text: str, path: pathlib.Path) -> Iterator[Pin]:
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    yield from _lines(parser.get("options", "install_requires", fallback=""))
    if parser.has_section("options.extras_require"):
        for _, lines in parser.items("options.extras_require"):
            yield from (pin._replace(apart=True) for pin in _lines(lines))


def _setup_py(text: str, path: pathlib.Path) -> Iterator[Pin]:
    """Each string that is a requirement; those of extras and tests hold apart."""
    stack: list[tuple[ast.AST, bool]] = [(tree_of(text), False)]
    while stack:
        node, apart = stack.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _pin(node.value, apart)
        elif isinstance(node, ast.keyword):
            apart = apart or node.arg in ("extras_require", "tests_require", "setup_requires")
        inner = node.values if isinstance(node, ast.Dict) else ast.iter_child_nodes(node)  # Keys name extras.
        stack += [(child, apart) for child in inner]


def _environment(text: str, path: pathlib.Path) -> Iterator[Pin]:
    """A list of conda's packages, with pip's in it: `- tensorflow=2.13`, `- conda-forge::keras`, `- keras==2.13.1`."""
    for line in text.splitlines():
        item = re.match(r"\s*-\s*[\"']?(?:[\w-]+::)?([^\"'#]+)", line)
        if item:
            conda = re.match(r"([\w-]+)\s*=\s*(\d[\w.]*)(?:=\S+)?\s*$|([\w-]+)\s+(\d[\w.*]*)\s*$", item[1].strip())
            name, version = (conda[1] or conda[3], conda[2] or conda[4]) if conda else ("", "")
            exact = f"{name}=={version.removesuffix('.*')}.*" if conda else item[1]
            yield from _pin(exact)


_READERS: dict[str, Callable[[str, pathlib.Path], Iterator[Pin]]] = {
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    "setup.py": _setup_py,
    "requirements*.txt": _lines,
    "environment.yml": _environment,
    "environment.yaml": _environment,
    "Pipfile": _pipfile,
    "uv.lock": _lock,
    "poetry.lock": _lock,
    "pdm.lock": _lock,
    "Pipfile.lock": _pipfile_lock,
}
"""How each file is read."""
