"""Broken files of every format: each is read or reported, and soon."""

import contextlib
import io
import random
import time
import zipfile
from pathlib import Path

import pytest
from files import archive, samples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assistant.errors import UnreadableDocument
from assistant.loading import CorpusFolders
from assistant.loading.extracts import LIMITS
from assistant.loading.formats import extract

SAMPLES = samples()
SECONDS = 5
PIECES = [b"<", b">", b"\0", b"\xff\xff", b'"', b"&x;", b"-1", b"9" * 20, b"(" * 50, b"\n---\n"]


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, left out, repeated or put in; sometimes the end is missing."""
    broken = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        place = chance.randrange(len(broken) + 1)
        kind = chance.randrange(4)
        if kind == 0 and place < len(broken):
            broken[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del broken[place : place + chance.randrange(60)]
        elif kind == 2:
            start = chance.randrange(len(broken) + 1)
            broken[place:place] = broken[start : start + chance.randrange(200)]
        else:
            broken[place:place] = chance.choice(PIECES)
    return bytes(broken[: chance.randrange(len(broken) + 1)] if chance.random() < 0.15 else broken)


def damaged_inside(content: bytes, chance: random.Random) -> bytes:
    """A whole archive of which a part is damaged: what is within is read, too."""
    with zipfile.ZipFile(io.BytesIO(content)) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    name = chance.choice(sorted(parts))
    return archive({**parts, name: damaged(parts[name], chance)})


def broken(suffix: str, seed: int) -> bytes:
    chance, content = random.Random(seed), SAMPLES[suffix]
    is_archive = content.startswith(b"PK") and chance.random() < 0.7
    return damaged_inside(content, chance) if is_archive else damaged(content, chance)


def extract_or_report(suffix: str, content: bytes) -> None:
    start = time.monotonic()
    with contextlib.suppress(UnreadableDocument):
        found = extract(suffix, content, LIMITS)
        assert found.text
        assert list(found.pages) == sorted(found.pages)
        found.text.encode()
    assert time.monotonic() - start < SECONDS


@pytest.mark.parametrize("suffix", list(SAMPLES))
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
@example(seed=7)
def test_broken_file_is_read_or_reported(suffix: str, seed: int) -> None:
    extract_or_report(suffix, broken(suffix, seed))


@pytest.mark.parametrize("suffix", list(SAMPLES))
@pytest.mark.parametrize("other", [".pdf", ".docx", ".html"])
def test_file_of_another_format_is_read_or_reported(suffix: str, other: str) -> None:
    extract_or_report(suffix, SAMPLES[other])


def test_folder_of_broken_files(tmp_path: Path) -> None:
    files = [
        tmp_path / f"{seed}-{suffix[1:]}{suffix}" for suffix in sorted(SAMPLES) for seed in range(5)
    ]
    for path in files:
        seed = int(path.name.split("-")[0])
        path.write_bytes(broken(path.suffix, seed))
    found = list(CorpusFolders.open([tmp_path]).read())
    assert len(found) == len(files)
    assert any(one.document for one in found)
    for error in [one.failure for one in found if one.failure]:
        assert error.file in files
        assert "\n" not in str(error)
