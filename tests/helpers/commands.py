"""The command line in this process, which costs no start of Python and of the models."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import unittest.mock
from collections.abc import Mapping, Sequence

from assistant.cli import run


def in_process(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What a command prints, and its status, as if it had run by itself."""
    out, err = io.StringIO(), io.StringIO()
    with (
        unittest.mock.patch.dict(os.environ, environment),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = run(arguments)
    return subprocess.CompletedProcess(list(arguments), status, out.getvalue(), err.getvalue())
