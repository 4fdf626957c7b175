"""Which door a file goes through, by its name."""

from __future__ import annotations

from ..catalog import MARKS
from . import disk

METADATA = "keras_metadata.pb"
"""The file of a SavedModel that holds the model's configuration."""

_DOCUMENTS = (".md", ".markdown", ".mdx", ".qmd", ".rmd")
CODE = (".py", ".ipynb")
MODELS = (".keras", ".h5", ".hdf5", METADATA)

HDF5 = b"\x89HDF\r\n\x1a\n"
_OF_BATCHNORM = (b"BatchNormalization", MARKS[-1].encode())


def is_model(path: str) -> bool:
    """Whether a file of this name is a saved model, or may be one."""
    return path.endswith(MODELS)


def may_hold_batchnorm(path: str) -> bool:
    """Whether a model file is worth reading: all are but an HDF5 file of something else, or of weights only.

    Raises OSError where it cannot be read.
    """
    with disk.opened(path) as file:
        if path.endswith((".keras", METADATA)) or file.read(len(HDF5)) != HDF5:
            return True
        import mmap

        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(b"model_config") >= 0 and any(data.find(name) >= 0 for name in _OF_BATCHNORM)


def in_parts(path: str) -> bool:
    """Whether only parts of such a file are Python."""
    return path.endswith(".ipynb") or is_document(path)


def is_document(path: str) -> bool:
    """Whether a file of this name is text with blocks of code in it."""
    return path.lower().endswith(_DOCUMENTS)
