"""The reading process: `python -m assistant.loading`, started by process.py and by nobody else."""

from __future__ import annotations

import contextlib
import json
import logging
import resource
import signal
import sys
from dataclasses import asdict
from multiprocessing.connection import Connection

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import Limits
from assistant.loading.formats import extract


def main() -> None:
    """Answer until nobody asks any more.

    The alarm is the operating system's: it ends this process wherever it is.
    """
    connection, limits = Connection(int(sys.argv[1])), Limits(**json.loads(sys.argv[2]))
    logging.disable()
    with contextlib.suppress(ValueError, OSError):  # not every system has this limit
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    with contextlib.suppress(EOFError, OSError):
        while True:
            suffix = connection.recv_bytes().decode()
            content = connection.recv_bytes()
            signal.alarm(limits.seconds)
            reply = _reply(suffix, content, limits)
            signal.alarm(0)
            connection.send_bytes(reply)


def _reply(suffix: str, content: bytes, limits: Limits) -> bytes:
    try:
        found = asdict(extract(suffix, content, limits))
    except UnreadableDocument as error:
        found = {"reason": error.reason}
    return json.dumps(found, default=str).encode()


if __name__ == "__main__":
    main()
