"""Characters that nobody sees: a document or a model may hide words or directions in them."""

from __future__ import annotations

import re

# Controls but a line's end, soft hyphens, zero widths, turns of direction, tags, no character.
INVISIBLE = re.compile(
    r"[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufffd\U000e0000-\U000e007f]"
)
