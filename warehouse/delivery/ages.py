"""How old events were when they were acknowledged, counted as they pass, so that any number fits."""

from typing import Any

import numpy as np
import pyarrow.compute as pc

from warehouse.wire import arrays

_DELIVERED = arrays.text("delivered")


class Ages:
    """Counts ages in steps of 2 %."""

    def __init__(self) -> None:
        self._bins = np.zeros(1500, np.int64)

    def add(self, receipts: Any) -> None:
        """Take in the receipts of delivered events."""
        delivered = pc.and_(pc.equal(receipts["status"], _DELIVERED), pc.is_valid(receipts["entry_seq"]))
        ages = arrays.plain(receipts["age_seconds"].filter(delivered).drop_null().combine_chunks())
        if len(ages):
            places = np.clip(np.log(np.maximum(ages, 0.001) / 0.001) / np.log(1.02), 0, 1499).astype(np.int64)
            self._bins += np.bincount(places, minlength=1500)

    def quantile(self, share: float) -> float | None:
        total = int(self._bins.sum())
        if not total:
            return None
        place = int(np.searchsorted(np.cumsum(self._bins), share * total))
        return round(0.001 * 1.02 ** (place + 1), 3)
