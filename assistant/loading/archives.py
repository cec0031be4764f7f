"""Formats that are ZIP archives: opened only if what they unpack to is bounded."""

from __future__ import annotations

import io
import zipfile

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import MIB, Limits

# Office encrypts into a container of its own, the same that its old formats use.
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED = 0x1


def open_archive(content: bytes, limits: Limits) -> zipfile.ZipFile:
    """A ZIP archive that unpacks to no more than the limits say.

    The sizes are those that the archive declares: zipfile reads no further.

    Raises:
        UnreadableDocument: it is none, it is encrypted, or it is too large.
    """
    if content.startswith(_OLE):
        raise UnreadableDocument(
            "protected by a password, or in the format of an old Office; "
            "open it there and save it anew without one"
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableDocument("not a whole file of its kind; copy it here again") from error
    parts = archive.infolist()
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise UnreadableDocument("protected by a password; save it without one")
    size = sum(part.file_size for part in parts)
    if size > limits.unpacked_bytes or len(parts) > limits.parts:
        raise UnreadableDocument(
            f"unpacks to {size / MIB:,.0f} MiB in {len(parts):,} parts, more than "
            f"{limits.unpacked_bytes / MIB:,.0f} MiB in {limits.parts:,}; divide it"
        )
    return archive
