"""A page of the web → a file of the corpus.

An address may come from anybody, and what is behind it is anybody's: only hosts
of the public internet are asked, and what they answer is bounded.

    download.py      an address → its content    fetch(url)
    ├── guard.py     which hosts may be asked, and the connection to them
    └── content.py   what the content is: its suffix, its encoding
    saving.py        content → a file            path_for, save
"""

from assistant.fetching.content import Fetched
from assistant.fetching.download import LIMITS, Limits, fetch
from assistant.fetching.guard import Guard
from assistant.fetching.saving import path_for, save

__all__ = ["LIMITS", "Fetched", "Guard", "Limits", "fetch", "path_for", "save"]
