"""The best of many scores are those that a sort would give."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assistant.ranking import highest


@given(st.lists(st.integers(-2, 2), max_size=40), st.integers(0, 45))
def test_highest_is_the_head_of_a_stable_sort(values: list[int], most: int) -> None:
    scores = np.array(values, dtype=np.float32)
    expected = sorted(range(len(values)), key=lambda place: -values[place])[:most]
    assert highest(scores, most).tolist() == expected
