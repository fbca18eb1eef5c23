"""How a pull speaks in a Dagster run: one line per window, and one for each wait or note."""

from logging import Logger

from warehouse.wire.windows import Window


class RunLog:
    """Progress that goes to the log of a run."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._done = self._total = 0

    def start(self, windows: int) -> None:
        self._total += windows
        self._log.info(f"{windows} windows to pull" if windows else "nothing is due")

    def window_done(self, window: Window, pages: int, records: int) -> None:
        self._done += 1
        self._log.info(f"{window}: {records:,} records in {pages} pages ({self._done} of {self._total})")

    def note(self, text: str) -> None:
        self._log.info(text)
