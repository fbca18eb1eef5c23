"""Compressed bodies."""

import gzip
import time

from warehouse.delivery.compression import gzipped


def test_what_is_packed_at_another_time_is_the_same_bytes() -> None:
    body = b'{"id":"activity_01"}\n' * 1000
    first = gzipped(body)
    time.sleep(1.1)
    assert gzipped(body) == first
    assert gzip.decompress(first) == body
    assert len(first) < len(body) / 10
