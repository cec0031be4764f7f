"""A process of its own for the parsing of files that may be broken, or made to do harm.

A parser may crash, hang or eat all memory over one file. Here that ends the
process, within its limits, and costs that one file.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import LIMITS, Extract, Limits

_ROOT = Path(__file__).resolve().parents[2]  # where `assistant` is imported from


class ReadingProcess:
    """Extracts the text of one file after another; started with the first, and anew after a crash.

    >>> with ReadingProcess() as process:
    ...     process.extract(".txt", b"Owls wake.").text
    'Owls wake.'
    """

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> ReadingProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
        self._stop()

    def extract(self, suffix: str, content: bytes) -> Extract:
        """The text of a file's bytes.

        Raises:
            UnreadableDocument: why there is none.
        """
        connection = self._connection or self._start()
        try:
            connection.send_bytes(suffix.encode())
            connection.send_bytes(content)
            reply: dict[str, Any] = json.loads(connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise UnreadableDocument(self._how_it_ended()) from error
        if "reason" in reply:
            raise UnreadableDocument(reply["reason"])
        return Extract(reply["text"], tuple(reply["pages"]), reply["declared"])

    def _start(self) -> Connection:
        self._connection, theirs = Pipe()
        command = [sys.executable, "-m", "assistant.loading", str(theirs.fileno())]
        self._process = subprocess.Popen(
            [*command, json.dumps(asdict(self._limits))],
            cwd=_ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # each would reserve memory
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        return self._connection

    def _how_it_ended(self) -> str:
        status = self._stop()
        if status == -signal.SIGALRM:
            return f"not read within {self._limits.seconds} seconds; divide it, or save it anew"
        return "its parser crashed over it; see that it opens in its own program, and save it anew"

    def _stop(self) -> int | None:
        """Wait for its end, and say how it ended."""
        if self._connection is not None:
            self._connection.close()
        status = None if self._process is None else self._process.wait()
        self._connection = self._process = None
        return status
