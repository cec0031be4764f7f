"""What a test may not read or write, also where root runs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534


@contextmanager
def unprivileged(*read_only: Path) -> Iterator[None]:
    """Nothing may be written under some folders in here; and who is root is not, in here."""
    paths = [path for top in read_only for path in [top, *top.rglob("*")]]
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222 | 0o444 | (0o111 if path.is_dir() else 0))
    parents = {parent: parent.stat().st_mode for top in read_only for parent in top.parents}
    is_root = os.geteuid() == 0
    if is_root:
        for parent, mode in parents.items():
            parent.chmod(mode | 0o111)
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
            for parent, mode in parents.items():
                parent.chmod(mode)
        for path, mode in modes.items():
            path.chmod(mode)
