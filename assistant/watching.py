"""Waiting for a folder to change, and to be quiet again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from watchfiles import Change, DefaultFilter, watch

_PAUSE = 500  # milliseconds without a change before the first build


class _Documents(DefaultFilter):
    """Changes of what may be a document: nothing in hidden files or folders."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __call__(self, change: Change, path: str) -> bool:
        try:
            parts = Path(path).relative_to(self._folder).parts
        except ValueError:
            return False
        return not any(part.startswith(".") for part in parts)


def changes_of(folder: Path, quiet: float) -> Iterator[None]:
    """Once at the beginning, and once after each burst of changes; it ends with Ctrl-C.

    A burst is over when nothing has changed for `quiet` seconds. What changes
    while the caller is busy comes with the next burst.
    """
    folder = folder.resolve()
    began = False
    for changes in watch(
        folder,
        watch_filter=_Documents(folder),
        debounce=int(quiet * 60_000),  # a burst may go on for long
        step=int(quiet * 1000),
        rust_timeout=_PAUSE,
        yield_on_timeout=True,
    ):
        if changes or not began:
            began = True
            yield
