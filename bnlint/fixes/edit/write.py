"""Files rewritten so that there is never half of one: written beside, then renamed."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress

from ...inputs import disk


class Changed(Exception):
    """The file is no longer what was read."""


def rewrite(path: str, old: bytes, new: bytes) -> None:
    """Replace a file's content, keeping its mode and, where it is a link, the link.

    Raises Changed where the file no longer holds `old`, OSError where it cannot be written.
    """
    place = os.path.realpath(path)
    with disk.opened(place) as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if file.read() != old:
            raise Changed
    if not os.access(place, os.W_OK):
        raise PermissionError(None, "is not writable", path)
    handle, beside = tempfile.mkstemp(prefix=".bnlint-", dir=os.path.dirname(place))
    try:
        with open(handle, "wb") as file:
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, mode)
        if disk.read(place) != old:
            raise Changed
        os.replace(beside, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
