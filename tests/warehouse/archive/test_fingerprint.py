"""The fingerprint of a checkpoint: the same everywhere, and every slip of the tongue is noticed."""

import hashlib
import itertools
import random

import pytest

from warehouse.archive.fingerprint import GROUPS, check_digit, fingerprint, in_lines, misheard
from warehouse.archive.note import Checkpoint

ONE = Checkpoint("ledgerline/0123456789abcdef", 4100, bytes(range(32)))


def test_it_is_what_the_page_says_and_stays_so() -> None:
    text = b"ledgerline/0123456789abcdef\n4100\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    digest = hashlib.sha256(text).digest()
    wanted = [f"{digest[2 * group] * 256 + digest[2 * group + 1]:05d}" for group in range(10)]
    assert [group[:5] for group in fingerprint(ONE)] == wanted
    assert in_lines(fingerprint(ONE)) == [
        "542259 528556 184783 534914 101377",
        "319915 046872 376931 503267 393093",
    ]


@pytest.mark.parametrize(
    "other",
    [
        Checkpoint("ledgerline/0123456789abcdee", 4100, bytes(range(32))),
        Checkpoint("ledgerline/0123456789abcdef", 4101, bytes(range(32))),
        Checkpoint("ledgerline/0123456789abcdef", 4100, bytes(range(31)) + b"\x20"),
    ],
    ids=["log", "size", "root"],
)
def test_another_checkpoint_has_other_digits_in_nearly_every_group(other: Checkpoint) -> None:
    same = [a for a, b in zip(fingerprint(ONE), fingerprint(other), strict=True) if a == b]
    assert len(same) <= 1


def test_the_known_example_of_the_check_digit_is_met() -> None:
    assert check_digit("572") == "4"
    assert check_digit("5724") == "0"


def test_every_single_digit_that_is_misheard_is_noticed_in_its_group() -> None:
    groups = fingerprint(ONE)
    assert misheard(groups) == []
    for number, place, digit in itertools.product(range(GROUPS), range(6), "0123456789"):
        heard = list(groups)
        heard[number] = groups[number][:place] + digit + groups[number][place + 1 :]
        assert misheard(heard) == ([] if heard == groups else [number + 1])


def test_two_neighbours_that_change_places_are_noticed() -> None:
    for seed in range(20):
        groups = fingerprint(Checkpoint("ledgerline/x", 1 + seed, random.Random(seed).randbytes(32)))
        for number, place in itertools.product(range(GROUPS), range(5)):
            group = groups[number]
            swapped = group[:place] + group[place + 1] + group[place] + group[place + 2 :]
            heard = [*groups[:number], swapped, *groups[number + 1 :]]
            assert misheard(heard) == ([] if swapped == group else [number + 1])


def test_two_groups_that_change_places_are_noticed() -> None:
    for seed in range(20):
        groups = fingerprint(Checkpoint("ledgerline/x", 1 + seed, random.Random(seed).randbytes(32)))
        for one, two in itertools.combinations(range(GROUPS), 2):
            heard = list(groups)
            heard[one], heard[two] = groups[two], groups[one]
            assert misheard(heard) == ([] if heard == groups else [one + 1, two + 1])


def test_what_is_no_group_is_noticed() -> None:
    groups = fingerprint(ONE)
    for odd in ("", "12345", "1234567", "12a456", "\u0661" * 6):
        assert misheard([odd, *groups[1:]]) == [1]
