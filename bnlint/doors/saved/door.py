"""The saved door: a model file in, the graph out. Neither TensorFlow nor Keras is imported, and no code unpacked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import IO, TYPE_CHECKING, Any

from ...graph import Model, Program
from ...inputs import disk
from ...inputs.gate import Refused
from ...inputs.suffixes import HDF5, METADATA
from ..assembly import Assembly, aimed, finish
from .archive import MAX_JSON, Archive, parse
from .config import read_model, settings_of

if TYPE_CHECKING:
    from .weights import StoredWeights

_VERSION = re.compile(r"(\d{1,2})\.(\d{1,3})")


def read(path: str, shown: str | None = None, target: str = "auto") -> Program:
    """The program that a saved model is: .keras, .h5, or the keras_metadata.pb of a SavedModel (or its folder).

    `shown` is the path that findings show; `target` is "auto", for the version that the file names, "2", "3" or "3.N".
    Raises Refused, with one line, for what cannot be read, and OSError where there is no such file.
    """
    program = Program(shown or path, explicit_keras=True)
    if os.path.isdir(path):
        path = os.path.join(path, METADATA)
    with disk.opened(path) as file:
        if path.endswith(METADATA):
            assembly = _saved_model(program, file, target)
        elif path.endswith(".keras"):
            assembly = _keras(program, file, target)
        else:
            assembly = _hdf5(program, file, target)
    beside = f"{os.path.splitext(path)[0]}.weights.h5"
    if all(layer.state is None for layer in program.layers) and os.path.isfile(beside):
        _weigh(assembly, program.models[-1], disk.opened(beside), os.path.basename(beside))
    return finish(program)


def _keras(program: Program, file: IO[bytes], target: str) -> Assembly:
    archive = Archive(file)
    config = _mapping(archive.json("config.json"), "config.json")
    metadata = _mapping(archive.json("metadata.json"), "metadata.json") if "metadata.json" in archive else {}
    _set_version(program, metadata.get("keras_version"), target)
    assembly, model = _build(program, config)
    if "model.weights.h5" in archive:
        _weigh(assembly, model, archive.file("model.weights.h5"), "model.weights.h5")
    return assembly


def _hdf5(program: Program, file: IO[bytes], target: str) -> Assembly:
    if file.read(len(HDF5)) != HDF5:
        raise Refused("not an HDF5 file")
    from .weights import StoredWeights

    with closing(StoredWeights(file, required=True)) as weights:
        return _model_and_weights(program, weights, target)


def _model_and_weights(program: Program, weights: StoredWeights, target: str) -> Assembly:
    text = weights.attribute("model_config", MAX_JSON)
    if text is None:
        raise Refused("an HDF5 file without a model's configuration (weights only?)")
    config = _mapping(parse(text, "model_config"), "model_config")
    _set_version(program, weights.attribute("keras_version", 100), target)
    assembly, model = _build(program, config)
    training = weights.attribute("training_config", MAX_JSON)
    if training is not None and not model.events:
        settings = parse(training, "training_config")
        spot = assembly.spot(model.origin.place().layer or "")
        assembly.compiled(model, spot, settings_of(settings, spot))
    weights.fill(assembly, model)
    return assembly


def _weigh(assembly: Assembly, model: Model, file: IO[bytes], name: str) -> None:
    """Read the batch normalizations' weights, if h5py is there, and close the file."""
    from .weights import StoredWeights, missing

    with file:
        if not any(layer.kind == "BatchNormalization" for layer in assembly.program.layers):
            return
        why = missing()
        if why:
            assembly.program.notes.append(f"{assembly.program.path}: {name} is not looked at: {why}")
            return
        with closing(StoredWeights(file)) as weights:
            weights.fill(assembly, model)


def _build(program: Program, config: Mapping[str, Any]) -> tuple[Assembly, Model]:
    assembly = Assembly(program)
    try:
        return assembly, read_model(assembly, config)
    except (AttributeError, TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise Refused(f"a configuration that is none of Keras's ({type(error).__name__}: {error})") from None


def _mapping(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"its {name} is not a mapping")
    return value


def _set_version(program: Program, version: object, target: str) -> None:
    """Which Keras the program is for: as asked, else as the file says."""
    if aimed(program, target):
        return
    match = _VERSION.match(version) if isinstance(version, str) else None
    if match is None:
        program.explicit_keras = False
        return
    major_, minor_ = int(match[1]), int(match[2])
    program.keras = 3 if major_ >= 3 else 2
    program.keras_minor = minor_ if major_ >= 2 else None
    program.keras_1 = major_ < 2
    program.keras_because = f"saved by Keras {match[0]}"


def _saved_model(program: Program, file: IO[bytes], target: str) -> Assembly:
    data = file.read(4 * MAX_JSON + 1)
    if len(data) > 4 * MAX_JSON:
        raise Refused(f"too large: over {4 * MAX_JSON:,} bytes", kind="limit")
    nodes = list(_nodes(data))
    root = next((text for path, text in nodes if path == "root"), None)
    if root is None:
        raise Refused("no metadata of a Keras model")
    metadata = _mapping(parse(root, "metadata"), "metadata")
    _set_version(program, metadata.get("keras_version", "2.0"), target)
    if not isinstance(metadata.get("class_name"), str):
        raise Refused("its metadata name no class")
    assembly, model = _build(program, metadata)
    settings = metadata.get("training_config")
    if settings and not model.events:
        spot = assembly.spot(model.origin.place().layer or "")
        assembly.compiled(model, spot, settings_of(settings, spot))
    return assembly


def _nodes(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The path and metadata of each object in a SavedMetadata message: its field 1, with the fields 3 and 5."""
    for field, node in _fields(data):
        if field == 1:
            parts = dict(_fields(node))
            yield parts.get(3, b"").decode("utf-8", "replace"), parts.get(5, b"")


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protocol buffer that hold bytes; Refused where it is damaged."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 2:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise Refused("its metadata are cut off")
            yield tag >> 3, data[at : at + size]
            at += size
        elif kind == 0:
            _, at = _varint(data, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise Refused("its metadata are no protocol buffer")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Refused("its metadata are cut off")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise Refused("its metadata are no protocol buffer")
