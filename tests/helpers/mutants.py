"""Two hundred documents with something wrong, from fixed seeds."""

from __future__ import annotations

import io
import random
import zipfile

from files import FILES, archive, samples

ZIPPED = (".docx", ".pptx", ".xlsx", ".epub")


def mutants(count: int, seed: int = 6) -> dict[str, bytes]:
    """Broken files by name: each of one kind of damage to one format."""
    whole, chance = samples(), random.Random(seed)
    suffixes = sorted(whole)
    made = {}
    for number in range(count):
        suffix = suffixes[number % len(suffixes)]
        made[f"{number:03}{suffix}"] = _broken(whole[suffix], suffix in ZIPPED, chance)
    return made | {
        "bomb.docx": archive({"word/document.xml": bytes(401 << 20)}),
        "locked.pdf": (FILES / "locked.pdf").read_bytes(),
        "scan.pdf": (FILES / "scan.pdf").read_bytes(),
        "latin.txt": "Owls wake in the café.".encode("latin-1"),
        "nothing.txt": b"",
    }


def _broken(content: bytes, zipped: bool, chance: random.Random) -> bytes:
    kind = chance.choice(["flip", "flip", "cut", "encoding", *["inside"] * 3 * zipped])
    if kind == "flip":
        return _flipped(content, chance)
    if kind == "cut":
        return content[: chance.randrange(len(content))]
    if kind == "encoding":
        place = chance.randrange(len(content))
        return content[:place] + b"\xe9\xff\xc3" + content[place:]
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        inside = {name: parts.read(name) for name in parts.namelist()}
    name = chance.choice([name for name, part in inside.items() if part])
    return archive({**inside, name: _flipped(inside[name], chance)})


def _flipped(content: bytes, chance: random.Random) -> bytes:
    broken = bytearray(content)
    for _ in range(chance.choice([1, 5, 50])):
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
    return bytes(broken)
