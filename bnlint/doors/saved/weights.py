"""What the weights file of a saved model holds for batch normalization, counted; and the optimizer's steps.

Only those arrays are read, and only where they stand in the file itself: links to other files are not followed.
"""

from __future__ import annotations

import importlib.util
import mmap
import re
import struct
from collections.abc import Iterable, Mapping
from typing import IO, Any

from ...graph import Layer, Model, State, is_batchnorm
from ...inputs.gate import Refused
from ..assembly import Assembly

MAX_CHANNELS = 1 << 20
MAX_OBJECTS = 200_000
_COLLECTION = b"GCOL\1\0\0\0"
_ERRORS = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, MemoryError)
_NAMES = ("gamma", "beta", "moving_mean", "moving_variance")


def missing() -> str:
    """Why weights cannot be read here; "" where they can."""
    if importlib.util.find_spec("h5py") is None:
        return "h5py is not installed (pip install bnlint[models])"
    return ""


class StoredWeights:
    """An HDF5 file of Keras's. Raises Refused for a damaged file and, if `required`, where h5py is not installed."""

    def __init__(self, file: IO[bytes], required: bool = False) -> None:
        why = missing()
        if why and required:
            raise Refused(f"cannot be read: {why}")
        from importlib import import_module

        h5py: Any = import_module("h5py")
        file.seek(0)
        self._raw = file
        self._h5py = h5py
        try:
            self._file = h5py.File(file, "r")
        except _ERRORS as error:
            raise Refused(f"its HDF5 data cannot be read: {_said(error)}") from None
        self._paths: list[str] | None = None

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def attribute(self, name: str, limit: int) -> str | None:
        """A text attribute of the whole file, of at most so many bytes; None where there is none."""
        try:
            if not self._h5py.h5a.exists(self._file.id, name.encode()):
                return None
            found = self._h5py.h5a.open(self._file.id, name.encode())
            kind = found.get_type()
            # HDF5 reads what it takes for pointers of anything but a text, and crashes.
            if found.shape != () or kind.get_class() != self._h5py.h5t.STRING or kind.get_size() > limit:
                raise Refused(f"its {name} is not a text")
            if kind.is_variable_str() and declared_length(self._raw, name.encode()) > limit:
                raise Refused(f"its {name} is larger than {limit:,} bytes")
            if kind.is_variable_str() and _endless(self._raw):
                raise Refused(f"its {name} cannot be read: its texts are damaged")
            value = self._file.attrs[name]
        except _ERRORS as error:
            raise Refused(f"its {name} cannot be read: {_said(error)}") from None
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if not isinstance(text, str):
            raise Refused(f"its {name} is not a text")
        if len(text) > limit:
            raise Refused(f"its {name} is too large: {len(text):,} characters", kind="limit")
        return text

    def fill(self, assembly: Assembly, model: Model) -> None:
        """Give each batch normalization of the model its state, and the model the number of its optimizer's steps."""
        try:
            groups = dict(_groups(assembly.held, model, ""))
            for layer in assembly.program.layers:
                if is_batchnorm(layer) and not isinstance(layer, Model):
                    arrays = self._arrays(layer, groups.get(layer))
                    layer.state = state_of(arrays, layer) if arrays else None
            model.iterations = self._iterations()
        except _ERRORS as error:
            raise Refused(f"its weights cannot be read: {_said(error)}") from None

    def _arrays(self, layer: Layer, group: str | None) -> dict[str, Any]:
        """A layer's arrays by name; none where the file has no such layer."""
        has = [name for name, flag in zip(_NAMES, ("scale", "center"), strict=False) if layer.arg(flag).value is True]
        names = [*has, *_NAMES[2:]]
        if group is not None and group in self._all():
            numbered = [f"{group}/{index}" for index in range(len(names))]
            if all(self._known(path) for path in numbered):
                return {name: self._read(path, layer) for name, path in zip(names, numbered, strict=True)}
            return {}
        steps = (layer.origin.place().layer or "").split("/")
        stem = f"model_weights/{steps[1]}/" if len(steps) > 1 else "model_weights/"
        for own in reversed(steps[-2:]):  # Inside a wrapper, Keras 2 gives the arrays the wrapper's name.
            paths = [self._ending(stem, (f"/{own}/{name}", f"/{own}/{name}:0")) for name in names]
            if all(paths):
                return {name: self._read(path, layer) for name, path in zip(names, paths, strict=True)}
        return {}

    def _ending(self, stem: str, ends: tuple[str, ...]) -> str:
        """The one path that starts and ends like this; "" for none, and for several."""
        paths = [path for path in self._all() if path.startswith(stem) and path.endswith(ends)]
        return paths[0] if len(paths) == 1 else ""

    def _all(self) -> Mapping[str, None]:
        """The paths of all that stands in the file; links to other files and soft links are left out."""
        if self._paths is None:
            paths: list[str] = []

            def note(path: str) -> bool | None:
                paths.append(path)
                return True if len(paths) > MAX_OBJECTS else None

            self._file.visit(note)
            self._paths = paths
            self._index = dict.fromkeys(paths)
        return self._index

    def _known(self, path: str) -> bool:
        return path in self._all()

    def _read(self, path: str, layer: Layer) -> Any:
        where = layer.origin.place().layer
        dataset = self._file[path]
        if not isinstance(dataset, self._h5py.Dataset) or dataset.dtype.kind != "f":
            raise Refused(f"{where}: {path} is no array of numbers")
        if dataset.is_virtual or dataset.external:
            raise Refused(f"{where}: {path} lies in another file")
        if len(dataset.shape) != 1 and dataset.size != max(dataset.shape, default=0):
            raise Refused(f"{where}: {path} has the shape {dataset.shape}, not one value a channel")
        if not 0 < dataset.size <= MAX_CHANNELS:
            raise Refused(f"{where}: {path} has {dataset.size:,} channels", kind="limit")
        if dataset.chunks is not None and self._chunk(dataset) > 16 * MAX_CHANNELS:
            said = f"{where}: {path} is stored in pieces of {self._chunk(dataset):,} values"
            raise Refused(said, kind="limit")
        return dataset[...].reshape(-1)

    @staticmethod
    def _chunk(dataset: Any) -> int:
        size = 1
        for length in dataset.chunks:
            size *= int(length)
        return size

    def _iterations(self) -> int | None:
        """The first variable of the optimizer, in the file's old or new form."""
        pattern = re.compile(r"optimizer/vars/0|optimizer_weights/(?:.*/)?iter(?:ation)?s?(?::0)?")
        for path in self._all():
            if pattern.fullmatch(path):
                dataset = self._file[path]
                if isinstance(dataset, self._h5py.Dataset) and dataset.shape == () and dataset.dtype.kind in "iu":
                    if dataset.is_virtual or dataset.external:
                        raise Refused(f"{path} lies in another file")
                    return int(dataset[()])
        return None


def declared_length(file: IO[bytes], name: bytes) -> int:
    """How long a text of variable length says to be that is an attribute of this name: HDF5 makes room for so much.

    It is the number behind the attribute's name, its type and its shape, whose sizes stand in front of the name, in the
    form of old files (rounded up to eight) or of new ones. The largest counts of those that may be meant.
    """
    longest = 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(name + b"\0")
        while at >= 0:
            for front in (8, 9):
                head = data[max(0, at - front) : at]
                if len(head) == front and (head[0] == 3) == (front == 9) and head[0] in (1, 2, 3):
                    sizes = struct.unpack("<HHH", head[2:8])
                    end = at + sum(size + (-size % 8 if head[0] == 1 else 0) for size in sizes)
                    if sizes[0] == len(name) + 1 and end + 4 <= len(data):
                        longest = max(longest, *struct.unpack("<I", data[end : end + 4]))
            at = data.find(name + b"\0", at + 1)
    return longest


def _endless(file: IO[bytes]) -> bool:
    """Whether a collection of texts holds free space of no size, at which HDF5 goes round for ever."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(_COLLECTION)
        while at >= 0:
            place, end = at + 16, min(len(data), at + int.from_bytes(data[at + 8 : at + 16], "little"))
            while place + 16 <= end:
                index, size = struct.unpack("<H6xQ", data[place : place + 16])
                if index == 0 == size:
                    return True
                place += 16 + size + -size % 8 if index else size
            at = data.find(_COLLECTION, at + 1)
    return False


def state_of(arrays: Mapping[str, Any], layer: Layer) -> State:
    """What a layer's arrays hold, counted. Raises Refused where they do not fit together."""
    import numpy as np

    shapes = {array.shape for array in arrays.values()}
    if len(shapes) != 1:
        said = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise Refused(f"{layer.origin.place().layer}: its weights are of different shapes: {said}")
    mean, variance = (np.asarray(arrays[name], np.float64) for name in _NAMES[2:])
    moved = None
    if "gamma" in arrays or "beta" in arrays:
        gamma, beta = arrays.get("gamma"), arrays.get("beta")
        moved = bool((gamma is not None and (gamma != 1).any()) or (beta is not None and (beta != 0).any()))
    return State(
        channels=len(mean),
        initial=int(((mean == 0) & (variance == 1)).sum()),
        broken_mean=int((~np.isfinite(mean)).sum()),
        broken_variance=int((~np.isfinite(variance)).sum()),
        negative=int((variance < 0).sum()),
        constant=int((variance == 0).sum()),
        moved=moved,
    )


def _groups(held: Mapping[Model, list[Layer]], model: Model, prefix: str) -> Iterable[tuple[Layer, str]]:
    """Where a .weights.h5 keeps each layer's arrays: by the names of classes, counted in each model."""
    counts: dict[str, int] = {}
    for layer in held.get(model, []):
        if layer.op:
            continue
        name = _snake(layer.cls)
        number = counts.get(name, -1) + 1
        counts[name] = number
        path = f"{prefix}layers/{name}_{number}" if number else f"{prefix}layers/{name}"
        yield layer, f"{path}/vars"
        if isinstance(layer, Model):
            yield from _groups(held, layer, f"{path}/")
        elif layer.wrapped is not None:
            yield layer.wrapped, f"{path}/layer/vars"


def _snake(name: str) -> str:
    """A class's name as Keras writes it in a weights file."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
