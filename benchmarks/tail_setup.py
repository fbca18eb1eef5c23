"""The configured archive that tail runs work on, and the clock that both they and the tenant follow."""

import json
import os
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

TICK = timedelta(minutes=5)
LAG = timedelta(minutes=2)  # a tick's window ends so long before it
NEWEST = datetime(2026, 11, 21, tzinfo=UTC)  # the day that comes in five-minute commits
COMMITS = 158  # before the first that is measured; those that are fill the day, and none is cut at midnight
FIRST_TICK = NEWEST + (COMMITS + 1) * TICK + LAG  # the first that is measured


@dataclass
class SetClock:
    """A clock that stands until somebody sets it, here and at the tenant at once."""

    url: str
    now: datetime = field(default=NEWEST)

    def __call__(self) -> datetime:
        return self.now

    def set(self, moment: datetime) -> None:
        self.now = moment
        wish = json.dumps({"now": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}).encode()
        with urllib.request.urlopen(f"{self.url}/_sandbox/clock", wish, timeout=60) as answer:
            answer.read()


def write_config(folder: Path, url: str, start: datetime) -> Path:
    """`ledgerline.toml` in `folder`; the compliance key comes from the environment."""
    config = folder / "ledgerline.toml"
    config.write_text(
        f'[archive]\nurl = "file:{folder}/archive"\nsigning_key = "file:{folder}/signing.key"\n'
        f'cache = "{folder}/cache"\n[anthropic]\nbase_url = "{url}"\nstart = {start:%Y-%m-%d}\n'
        f'requests_per_minute.compliance = 60000\n[warehouse]\nduckdb = "{folder}/warehouse.duckdb"\n'
    )
    return config


def drop_cache(folder: Path) -> None:
    """What a machine has that was lost and came back."""
    for path in (folder / "cache").glob("*"):
        os.unlink(path)
