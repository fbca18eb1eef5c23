"""How work speaks in a Dagster run: one line per window or file, and one for each wait or note."""

from logging import Logger

from warehouse.wire.windows import Window


class RunLog:
    """Progress that goes to the log of a run; `unit` is what is counted."""

    def __init__(self, log: Logger, unit: str = "windows") -> None:
        self._log = log
        self._unit = unit
        self._done = self._total = 0

    def start(self, windows: int) -> None:
        self._total += windows
        self._log.info(f"{windows} {self._unit} to read" if windows else f"no {self._unit} to read")

    def window_done(self, window: Window | str, pages: int = 0, records: int = 0) -> None:
        self._done += 1
        size = f"{records:,} records" + (f" in {pages} pages" if pages else "")
        self._log.info(f"{window}: {size} ({self._done} of {self._total})")

    def note(self, text: str) -> None:
        self._log.info(text)
