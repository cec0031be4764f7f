"""How fast the parts are. Nothing here is a test: times depend on the machine.

A benchmark is a module with a function `measure` that returns rows: mappings
from a column's name to a text or a number; what was not measured has its name
and a `note` that says why. `report.show_rows` prints them all. What is compared
is measured in turns within one run, so that a busy moment touches all alike; the
column that counts is a ratio.
"""

from collections.abc import Mapping

Row = Mapping[str, str | float | None]
