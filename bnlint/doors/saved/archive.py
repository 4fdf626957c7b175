"""What is taken from a file that anybody may have made: members of a zip and JSON, up to limits, nothing unpacked."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, Any

from ...inputs.gate import Refused

MAX_JSON = 16 << 20
"""Bytes of a configuration; a hundred times that of ResNet152."""
MAX_BRACKETS = 1_000_000
MAX_DEPTH = 100
MAX_DIRECTORY = 4 << 20
MAX_RATIO = 100
MAX_UNPACKED = 2 << 30

_END = b"PK\5\6"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Archive:
    """A zip's members by name. Raises Refused for a file that is no zip, or one made to do harm."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        self._check_directory()
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise Refused(f"not a readable zip file: {error}") from None
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            path = PurePosixPath(info.filename.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or ":" in path.parts[:1]:
                raise Refused(f"has a member outside itself: {info.filename[:100]!r}")
            if info.filename in self._members:
                raise Refused(f"has two members {info.filename[:100]!r}")
            self._members[info.filename] = info

    def _check_directory(self) -> None:
        self._file.seek(max(0, self._size - 65_557))
        tail = self._file.read()
        at = tail.rfind(_END)
        if at < 0 or len(tail) < at + 22:
            raise Refused("not a zip file, or not all of one")
        (size,) = struct.unpack("<I", tail[at + 12 : at + 16])
        if size > MAX_DIRECTORY:
            raise Refused(f"its directory is too large: {size:,} bytes", kind="limit")

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def json(self, name: str) -> Any:
        """A member as JSON. Raises Refused where it is missing, too large, damaged, or not JSON."""
        info = self._member(name)
        if info.file_size > MAX_JSON:
            raise Refused(f"its {name} is too large: {info.file_size:,} bytes", kind="limit")
        return parse(self._read(info), name)

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise Refused(f"has no {name}")
        info = self._members[name]
        if info.compress_type not in _METHODS or info.flag_bits & 1:
            raise Refused(f"its {name} is encrypted, or compressed as Keras does not")
        return info

    def _read(self, info: zipfile.ZipInfo) -> bytes:
        try:
            with self._zip.open(info) as member:
                data = member.read(MAX_JSON + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
            raise Refused(f"its {info.filename} is damaged: {error}") from None
        if len(data) > MAX_JSON:
            raise Refused(f"its {info.filename} is larger than it says")
        return data

    def file(self, name: str) -> IO[bytes]:
        """A member as a file to be read here and there; what is compressed is unpacked to a file without a name."""
        info = self._member(name)
        if info.compress_type == zipfile.ZIP_STORED:
            return io.BufferedReader(Section(self._file, self._start(info), info.file_size))
        if info.file_size > min(MAX_UNPACKED, MAX_RATIO * info.compress_size):
            times = info.file_size // max(1, info.compress_size)
            said = f"its {name} grows to {times:,} times its size when unpacked: {info.file_size:,} bytes"
            raise Refused(said, kind="limit")
        return self._unpacked(info)

    def _start(self, info: zipfile.ZipInfo) -> int:
        self._file.seek(info.header_offset)
        header = self._file.read(30)
        if len(header) < 30 or not header.startswith(b"PK\3\4"):
            raise Refused(f"its {info.filename} is not where its directory says")
        name, extra = struct.unpack("<HH", header[26:30])
        start = info.header_offset + 30 + int(name) + int(extra)
        if start + info.file_size > self._size or info.file_size != info.compress_size:
            raise Refused(f"its {info.filename} is cut off")
        return start

    def _unpacked(self, info: zipfile.ZipInfo) -> IO[bytes]:
        import tempfile

        target = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            with self._zip.open(info) as member:
                while piece := member.read(1 << 20):
                    target.write(piece)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
            target.close()
            raise Refused(f"its {info.filename} is damaged: {error}") from None
        target.seek(0)
        return target


class Section(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = max(0, min(len(buffer), self._size - self._at))
        self._file.seek(self._start + self._at)
        data = self._file.read(count)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def parse(data: bytes | str, name: str) -> Any:
    """JSON up to a size, a number of elements and a depth; Refused beyond."""
    if len(data) > MAX_JSON:
        raise Refused(f"its {name} is too large: {len(data):,} bytes", kind="limit")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        raise Refused(f"its {name} is not UTF-8") from None
    if text.count("{") + text.count("[") > MAX_BRACKETS:
        raise Refused(f"its {name} has over {MAX_BRACKETS:,} lists and mappings", kind="limit")
    try:
        value = json.loads(text)
    except RecursionError:
        raise Refused(f"its {name} is too deeply nested", kind="limit") from None
    except ValueError as error:
        raise Refused(f"its {name} is not JSON: {error}") from None
    _check_depth(value, name)
    return value


def _check_depth(value: object, name: str) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = (
            [
                item
                for holder in level
                for item in (holder.values() if isinstance(holder, dict) else holder)
                if isinstance(item, (dict, list))
            ]
            if level and isinstance(level[0], (dict, list))
            else []
        )
    if level:
        raise Refused(f"its {name} is too deeply nested", kind="limit")
