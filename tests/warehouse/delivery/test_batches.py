"""Frames cut to what a receiver takes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from warehouse.delivery.batches import Batcher, Items, Size, halves
from warehouse.delivery.facts import facts
from warehouse.delivery.frames import Frames, together
from warehouse.delivery.port import Limits


def items(sizes: list[int], first: int = 0) -> Items:
    numbers = list(range(first, first + len(sizes)))
    ids = [f"activity_{number}" for number in numbers]
    known = facts(ids, [1] * len(sizes), [3] * len(sizes), numbers, [None] * len(sizes))
    return Items(numbers, known, Frames.of([b"x" * n for n in sizes]))


@given(
    st.lists(st.lists(st.integers(1, 60), max_size=12), max_size=6),
    st.integers(1, 7),
    st.integers(70, 200),
    st.integers(0, 3),
)
def test_batches_keep_order_lose_nothing_and_are_within_both_limits(
    chunks: list[list[int]], events: int, raw: int, separator: int
) -> None:
    limits = Limits(events=events, raw=raw, overhead=2, separator=separator)
    batcher, made, first = Batcher(Size.of(limits)), [], 0
    for chunk in chunks:
        made += list(batcher.add(items(chunk, first)))
        first += len(chunk)
    made += list(batcher.rest())
    assert [number for batch in made for number in batch.numbers or []] == list(range(first))
    assert [frame for batch in made for frame in batch.frames] == [b"x" * n for chunk in chunks for n in chunk]
    for batch in made:
        body = 2 + sum(map(len, batch.frames)) + separator * len(batch)
        assert 1 <= len(batch) <= events
        assert body <= raw
    for one, two in pairwise(made):  # and none is smaller than it has to be
        body = 2 + sum(map(len, one.frames)) + separator * (len(one) + 1) + len(two.frames[0])
        assert len(one) == events or body > raw


def test_a_configured_limit_is_only_ever_a_smaller_one() -> None:
    limits = Limits(events=100, raw=1000, event=900, overhead=2)
    assert Size.of(limits, events=500, raw=5000) == Size.of(limits)
    assert (Size.of(limits, events=5, raw=500).events, Size.of(limits, events=5, raw=500).raw) == (5, 500)


def test_halves_are_never_empty_and_a_large_frame_stands_alone() -> None:
    one, two = halves(items([5000, 1, 1, 1]))
    assert (one.numbers, two.numbers) == ([0], [1, 2, 3])
    one, two = halves(items([1, 1]))
    assert (len(one), len(two)) == (1, 1)


def test_numbers_with_gaps_are_told_as_spans() -> None:
    assert list(items([1] * 5).runs()) == [(0, 5)]
    assert list(items([1] * 6).chosen([0, 2, 3, 5]).runs()) == [(0, 1), (2, 4), (5, 6)]


@given(st.lists(st.binary(max_size=9), max_size=9), st.data(), st.sampled_from([b"", b",", b"\r\n"]))
def test_frames_are_put_together_as_their_bytes_are(
    made: list[bytes], draw: st.DataObject, separator: bytes
) -> None:
    start = draw.draw(st.integers(0, len(made)))
    frames, plain = Frames.of([b"before", *made])[1 + start :], made[start:]
    assert list(frames) == plain
    assert frames.sizes.tolist() == list(map(len, plain))
    assert bytes(together(frames, separator)) == separator.join(plain)
    assert bytes(together(frames, separator, b"[", b"]")) == b"[" + separator.join(plain) + b"]"
    assert together(plain, separator, b"[") == b"[" + separator.join(plain)
    assert list(frames.joined(Frames.of([b"x"]))) == [*plain, b"x"]
    assert list(frames.chosen(range(len(plain)))) == plain
