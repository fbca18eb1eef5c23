"""Faults in the records themselves: late, huge, or JSON that careless parsers spoil.

Which records of a day are hit follows from their ids alone, so truth and feed agree and a run repeats itself.
Whatever is done, a record still begins with its id and stays on one line.
"""

from __future__ import annotations

from bisect import bisect_left
from zlib import crc32

from sandbox.clock import parse_moment, to_us
from sandbox.faults import Fault
from sandbox.tenant.store import Segment, record_id

HUGE = 40_000_000
LATE_SECONDS = 7200.0

_ADDED = {
    "duplicate_keys": b',"source_note":"first","source_note":"second"',
    "big_integers": b',"sequence_number":123456789012345678901234567890,"offset":-98765432109876543210',
    "invalid_utf8": b',"legacy_title":"caf\xe9 \xff\xfe end"',
    "lone_surrogate": b',"legacy_title":"broken \\ud83d end"',
}


def apply(fault: Fault, segment: Segment) -> list[str]:
    """Do to one day's records what a record fault says; returns the ids it hit."""
    hit = []
    for at in _chosen(fault, segment):
        hit.append(record_id(segment.records[at]))
        if fault.kind == "late_indexing":
            seconds = LATE_SECONDS if fault.seconds is None else fault.seconds
            segment.delay(at, segment.times[at] + int(seconds * 1_000_000))
        else:
            segment.records[at] = segment.records[at][:-1] + _added(fault) + b"}"
    return hit


def _added(fault: Fault) -> bytes:
    if fault.kind == "huge_record":
        return b',"request_blob":"' + b"x" * (HUGE if fault.bytes is None else fault.bytes) + b'"'
    return _ADDED[fault.kind]


def _chosen(fault: Fault, segment: Segment) -> list[int]:
    """Positions hit: `next` of the day's records inside the fault's bounds, or each with its probability."""
    low = bisect_left(segment.times, to_us(parse_moment(fault.start))) if fault.start else 0
    high = bisect_left(segment.times, to_us(parse_moment(fault.end))) if fault.end else len(segment)
    marks = {at: crc32(fault.kind.encode() + segment.records[at][:48]) for at in range(low, high)}
    if fault.next is not None:
        return sorted(sorted(marks, key=lambda at: (marks[at], at))[: fault.next])
    return [at for at, mark in marks.items() if mark < fault.probability * 0x1_0000_0000]
