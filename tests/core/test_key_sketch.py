"""Rows that differ under one key are found, in bounded room."""

from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting.wire.key_sketch import KeySketch


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([b"x", b"y"])), max_size=20))
def test_keys_with_rows_that_differ_are_counted(rows: list[tuple[int, bytes]]) -> None:
    """The same row twice is one row; a small stream is counted exactly."""
    sketch = KeySketch()

    sketch.add(((key,) for key, _ in rows), (row for _, row in rows))

    of = {key: {row for other, row in rows if other == key} for key, _ in rows}
    assert sketch.shared == sum(len(found) > 1 for found in of.values())


def test_large_stream_is_judged_by_a_sample_of_its_keys() -> None:
    """A tenth of 20,000 keys is shared: as many are told, give or take a third, from 5,000."""
    sketch = KeySketch(most=5_000)

    keys = [(number, "x") for number in range(20_000)]
    sketch.add(keys, [b"first"] * len(keys))
    sketch.add(keys, [b"second" if number % 10 == 0 else b"first" for number, _ in keys])

    assert 1_300 < sketch.shared < 2_700
    assert sketch.size <= 5_000


def test_key_of_any_values_is_taken() -> None:
    """A dynamic column may be among them."""
    sketch = KeySketch()

    sketch.add([({"a": [1]}, None)] * 2, [b"x", b"y"])

    assert sketch.shared == 1
