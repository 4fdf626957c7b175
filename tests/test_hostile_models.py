"""Model files made to do harm, or broken: one clear line each, little memory, nothing executed, nothing written."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlint.api import check_paths
from bnlint.doors.saved import door as saved
from bnlint.doors.saved.weights import declared_length
from bnlint.inputs.gate import Refused

h5py = pytest.importorskip("h5py")
np = pytest.importorskip("numpy")

CHECKOUT = Path(__file__).parents[1]
MEGABYTES = 500


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    """A layer's configuration."""
    values = {"name": name, "trainable": True, **config}
    return {"module": "keras.layers", "class_name": kind, "config": values, "name": name}


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    """A model of these layers behind an input of four channels."""
    first = layer("InputLayer", "input", batch_shape=[None, 4])
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "net", "layers": [first, *layers]}}


NORM = layer("BatchNormalization", "norm", axis=-1, momentum=0.99, epsilon=0.001, center=True, scale=True)
PLAIN = sequential(NORM)
VERSION = {"keras_version": "3.10.0"}


def functional(*nodes: tuple[str, list[str]]) -> dict[str, Any]:
    """A functional model of Dense layers, each with the layers that feed it."""
    layers = [{**layer("InputLayer", "input", batch_shape=[None, 4]), "inbound_nodes": []}]
    for name, feeds in nodes:
        given = [{"class_name": "__keras_tensor__", "config": {"keras_history": [feed, 0, 0]}} for feed in feeds]
        layers.append({**layer("Dense", name, units=4), "inbound_nodes": [{"args": given, "kwargs": {}}]})
    config = {"name": "net", "layers": layers, "input_layers": ["input", 0, 0], "output_layers": ["last", 0, 0]}
    return {"module": "keras", "class_name": "Functional", "config": config}


def weights(fill: Callable[[Any], None] | None = None, **arrays: Any) -> bytes:
    """A weights file with one batch normalization of four channels; `fill` gets its group of variables."""
    target = io.BytesIO()
    usual = {"0": np.ones(4), "1": np.zeros(4), "2": np.full(4, 0.5), "3": np.full(4, 2.0)}
    with h5py.File(target, "w") as file:
        group = file.create_group("layers/batch_normalization/vars")
        if fill is not None:
            fill(group)
        for name, array in {**usual, **arrays}.items():
            if name not in group:
                group[name] = np.asarray(array, np.float32)
    return target.getvalue()


def keras(path: Path, config: Any = None, weight: bytes | None = None, compressed: bool = False, **more: bytes) -> None:
    """A .keras file."""
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as file:
        warnings.simplefilter("ignore")
        file.writestr("metadata.json", json.dumps(VERSION))
        file.writestr("config.json", config if isinstance(config, (str, bytes)) else json.dumps(config or PLAIN))
        file.writestr("model.weights.h5", weights() if weight is None else weight)
        for name, data in more.items():
            file.writestr(name.replace("__", "/"), data)


def hdf5(path: Path, text: Any = None, attribute: Callable[[Any], None] | None = None) -> None:
    """An .h5 file."""
    with h5py.File(path, "w") as file:
        if attribute is not None:
            attribute(file)
        else:
            file.attrs["model_config"] = json.dumps(text or PLAIN)


def bomb(path: Path, name: str) -> None:
    """A .keras file of which one member is 700 MB of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for other, data in (("metadata.json", VERSION), ("config.json", PLAIN)):
            if other != name:
                file.writestr(other, json.dumps(data))
        with file.open(name, "w", force_zip64=True) as member:
            for _ in range(700):
                member.write(bytes(1 << 20))


def truncated(path: Path) -> None:
    keras(path)
    path.write_bytes(path.read_bytes()[:-200])


def two_configurations(path: Path) -> None:
    keras(path)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as file:
        warnings.simplefilter("ignore")
        file.writestr("config.json", "{}")


def longer_than_declared(path: Path) -> None:
    """The directory says 100 bytes, the member is a bomb of 100 MB."""
    keras(path, b" " * (100 << 20), compressed=True)
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = data.find(mark)
        while start >= 0:
            if int.from_bytes(data[start + at : start + at + 4], "little") == 100 << 20:
                data[start + at : start + at + 4] = struct.pack("<I", 100)
            start = data.find(mark, start + 4)
    path.write_bytes(bytes(data))


def many_members(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for number in range(60_000):
            file.writestr(f"{'x' * 60}{number}", b"")


def a_link_to(secret: str) -> Callable[[Any], None]:
    def fill(group: Any) -> None:
        group["3"] = h5py.ExternalLink(secret, "/layers/batch_normalization/vars/3")

    return fill


def a_view_of(secret: str) -> Callable[[Any], None]:
    def fill(group: Any) -> None:
        layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
        layout[:] = h5py.VirtualSource(secret, "layers/batch_normalization/vars/3", shape=(4,), dtype="f4")
        group.create_virtual_dataset("3", layout)

    return fill


def bytes_of(secret: str) -> Callable[[Any], None]:
    def fill(group: Any) -> None:
        group.create_dataset("3", shape=(4,), dtype="f4", external=[(secret, 0, 16)])

    return fill


def huge(group: Any) -> None:
    group.create_dataset("3", shape=(1 << 40,), dtype="f4", chunks=(1 << 20,), compression="gzip")


def one_huge_chunk(group: Any) -> None:
    group.create_dataset("3", shape=(4,), dtype="f4", chunks=(1 << 28,), maxshape=(None,), compression="gzip")


def a_soft_link(group: Any) -> None:
    group["3"] = h5py.SoftLink("/layers/batch_normalization/vars/3")


def an_array_of_texts(file: Any) -> None:
    file.attrs["model_config"] = ["BatchNormalization"] * 1000


def a_number(file: Any) -> None:
    file.attrs["model_config"] = 7
    file.attrs["note"] = "BatchNormalization"


def patched(path: Path, latest: bool, behind: int, data: bytes) -> None:
    """An .h5 file with other bytes behind its configuration's name: 0 is its type's first, 1 its value's.

    The parts are as long as their sizes in front say, in the form of old files rounded up to eight.
    """
    with h5py.File(path, "w", libver="latest" if latest else "earliest") as file:
        file.attrs["model_config"] = json.dumps(PLAIN)
    content = bytearray(path.read_bytes())
    at = content.find(b"model_config\0")
    name, kind, shape = struct.unpack("<HHH", content[at - 7 : at - 1] if latest else content[at - 6 : at])
    sizes = [name, kind, shape] if latest else [size + -size % 8 for size in (name, kind, shape)]
    start = at + sum(sizes[: 1 + 2 * behind])
    content[start : start + len(data)] = data
    path.write_bytes(bytes(content))


NEITHER = b"\x19\x5d"
"""The type of something of any length that is neither a text nor a row; HDF5 would take it for pointers, and crash."""


def free_space_of_no_size(path: Path) -> None:
    """An .h5 file whose first text has lost its number and its size."""
    hdf5(path)
    content = bytearray(path.read_bytes())
    start = content.find(b"GCOL") + 16
    content[start : start + 16] = bytes(16)
    path.write_bytes(bytes(content))


TWO_GB = struct.pack("<I", 7 << 28)


@pytest.mark.parametrize("latest", [False, True])
def test_how_long_a_text_says_to_be_is_known_without_reading_it(latest: bool, tmp_path: Path) -> None:
    patched(tmp_path / "m.h5", latest, 1, b"")
    with open(tmp_path / "m.h5", "rb") as file:
        assert declared_length(file, b"model_config") == len(json.dumps(PLAIN))
        assert declared_length(file, b"keras_version") == 0
    patched(tmp_path / "m.h5", latest, 1, TWO_GB)
    with open(tmp_path / "m.h5", "rb") as file:
        assert declared_length(file, b"model_config") == 7 << 28


def saved_model(path: Path) -> None:
    path.write_bytes(b"\x0a\xff\xff\xff\xff\x0f\x1a\x04root")


DEEP = '{"class_name":"Sequential","config":{"layers":[' * 20_000
DEEPER_THAN_KERAS = '{"class_name": "Sequential", "config": ' + "[" * 200 + "]" * 200 + "}"
MANY = json.dumps(sequential(*[{}] * 1_000))[:-3] + ",{}" * 1_000_000 + "]}}"

SECRET = "SECRET"
HOSTILE: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "not a zip": (".keras", lambda path: path.write_bytes(b"hello"), "not a zip file"),
    "empty": (".keras", lambda path: path.write_bytes(b""), "not a zip file"),
    "truncated": (".keras", truncated, "not a zip file, or not all of one"),
    "no configuration": (".keras", lambda path: zipfile.ZipFile(path, "w").close(), "has no config.json"),
    "a member outside": (".keras", lambda path: keras(path, **{"..__..__evil.py": b"x"}), "a member outside itself"),
    "two configurations": (".keras", two_configurations, "has two members"),
    "many members": (".keras", many_members, "its directory is too large"),
    "a bomb": (".keras", lambda path: bomb(path, "config.json"), "config.json is too large"),
    "a bomb in disguise": (".keras", longer_than_declared, "is damaged|larger than it says|is not JSON"),
    "a bomb of weights": (
        ".keras",
        lambda path: bomb(path, "model.weights.h5"),
        "times its size when unpacked",
    ),
    "not JSON": (".keras", lambda path: keras(path, "{'class_name': 1}"), "not JSON"),
    "not UTF-8": (".keras", lambda path: keras(path, b"\xff\xfe{}"), "not UTF-8"),
    "deep JSON": (".keras", lambda path: keras(path, DEEP), "too deeply nested"),
    "deeper than a model": (".keras", lambda path: keras(path, DEEPER_THAN_KERAS), "too deeply nested"),
    "a million layers": (".keras", lambda path: keras(path, MANY), "lists and mappings"),
    "no model": (".keras", lambda path: keras(path, NORM), "not of a model"),
    "a list": (".keras", lambda path: keras(path, "[1, 2]"), "is not a mapping"),
    "a circle": (
        ".keras",
        lambda path: keras(path, functional(("a", ["last"]), ("last", ["a"]))),
        "takes its input from itself",
    ),
    "a missing layer": (".keras", lambda path: keras(path, functional(("last", ["gone"]))), "gone, which gives none"),
    "wrong shapes": (".keras", lambda path: keras(path, weight=weights(**{"2": np.zeros(3)})), "different shapes"),
    "a matrix": (".keras", lambda path: keras(path, weight=weights(**{"2": np.zeros((4, 4))})), "one value a channel"),
    "huge weights": (".keras", lambda path: keras(path, weight=weights(huge)), "channels"),
    "a huge chunk": (".keras", lambda path: keras(path, weight=weights(one_huge_chunk)), "pieces of"),
    "no weights file": (".keras", lambda path: keras(path, weight=b"\x89HDF\r\n\x1a\nnothing"), "cannot be read"),
    "a virtual array": (".keras", lambda path: keras(path, weight=weights(a_view_of(SECRET))), "in another file"),
    "an external array": (".keras", lambda path: keras(path, weight=weights(bytes_of(SECRET))), "in another file"),
    "no HDF5": (".h5", lambda path: path.write_bytes(b"hello world"), "not an HDF5 file"),
    "a damaged HDF5": (
        ".h5",
        lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + b"model_configBatchNormalization" * 9),
        "cannot be read",
    ),
    "texts for a configuration": (".h5", lambda path: hdf5(path, attribute=an_array_of_texts), "is not a text"),
    "a number for it": (".h5", lambda path: hdf5(path, attribute=a_number), "is not a text"),
    "neither text nor row": (".h5", lambda path: patched(path, False, 0, NEITHER), "model_config is not a text"),
    "a text of 2 GB": (".h5", lambda path: patched(path, False, 1, TWO_GB), "is larger than 16,777,216 bytes"),
    "free space of no size": (".h5", free_space_of_no_size, "its texts are damaged"),
    "a cut-off message": ("keras_metadata.pb", saved_model, "cut off"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_is_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / SECRET).write_bytes(weights())
    suffix, make, says = HOSTILE[name]
    path = tmp_path / f"model{suffix}"
    make(path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Refused, match=says) as refusal:
        saved.read(str(path))
    assert "\n" not in refusal.value.message and len(refusal.value.message) < 400
    report = check_paths([path], config={})
    assert [failure.message for failure in report.failures] == [refusal.value.message]
    assert sorted(tmp_path.iterdir()) == before


def read_with_little_memory(folder: Path) -> None:
    """Read every file of a folder; print the most memory that took, in MB (ru_maxrss knows that of the parent, too)."""
    for path in sorted(folder.iterdir()):
        if path.name != SECRET:
            report = check_paths([path], config={}, jobs=1)
            assert len(report.failures) == 1, path
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(int(status.split("VmHWM:")[1].split()[0]) // 1024)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs Linux's account of memory")
def test_together_they_take_little_memory(tmp_path: Path) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / SECRET).write_bytes(weights())
    for number, (suffix, make, _) in enumerate(HOSTILE.values()):
        make(folder / f"{number}{suffix}")
    code = f"from test_hostile_models import *; read_with_little_memory(Path({str(folder)!r}))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(Path(__file__).parent)])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < MEGABYTES


class Evil:
    """Unpickling one writes a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch executed",))


def test_the_code_of_a_lambda_stays_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    payload = pickle.dumps(Evil()).hex()
    code = {"class_name": "__lambda__", "config": {"code": payload, "defaults": None, "closure": None}}
    other = {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"}
    layers = [layer("Lambda", "a", function=code), layer("Lambda", "b", function=other), NORM]
    keras(tmp_path / "model.keras", sequential(*layers))
    program = saved.read("model.keras")
    assert [entry.layer.kind for entry in program.models[0].entries if entry.layer] == [
        "Lambda",
        "Lambda",
        "BatchNormalization",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.keras"]


@pytest.mark.parametrize("fill", [a_link_to, lambda secret: a_soft_link], ids=["external", "soft"])
def test_a_link_is_not_followed(fill: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / SECRET).write_bytes(weights(**{"3": [-1] * 4}))
    keras(tmp_path / "model.keras", weight=weights(fill(SECRET)))
    program = saved.read("model.keras")
    assert {layer.kind: layer.state for layer in program.layers}["BatchNormalization"] is None


def test_broken_numbers_are_findings(tmp_path: Path) -> None:
    keras(tmp_path / "model.keras", weight=weights(**{"2": [np.nan, 0, 0, 0], "3": [1, -1, np.inf, 0]}))
    (finding,) = check_paths([tmp_path / "model.keras"], select=["broken-statistics"], config={}).findings
    assert finding.place.layer == "net/norm" and "NaN" in finding.message and "negative" in finding.message
    keras(tmp_path / "model.keras")
    assert not check_paths([tmp_path / "model.keras"], select=["broken-statistics"], config={}).findings
    assert saved.read(str(tmp_path / "model.keras")).layers[-1].state is not None


def test_compressed_weights_are_read(tmp_path: Path) -> None:
    keras(tmp_path / "model.keras", compressed=True)
    state = saved.read(str(tmp_path / "model.keras")).layers[-1].state
    assert state is not None and (state.channels, state.initial) == (4, 0)


def test_data_in_hdf5_is_no_model(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = np.zeros(10)
    report = check_paths([tmp_path], config={})
    assert (report.checked, report.failures, report.findings) == (1, [], [])
