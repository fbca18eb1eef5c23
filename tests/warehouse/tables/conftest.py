"""An archive on disk with a clock that moves only when told, and pulls committed without any network."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.archive.archive import Archive, ServedPage
from warehouse.archive.entry import Draft, Entry
from warehouse.archive.signing import create_key, load_key
from warehouse.archive.store import open_store
from warehouse.tables import catalog
from warehouse.tables.activities import Parser
from warehouse.tables.fold import batches_of, fold
from warehouse.tables.folded import Folded
from warehouse.taxonomy import load
from warehouse.wire.times import rfc3339
from warehouse.wire.windows import Window

DAY = datetime(2026, 11, 20, tzinfo=UTC)
ORG = "91012d09-e48b-438e-a489-1bebfd8fa6f9"


def event(number: int, at: datetime, **fields: Any) -> dict[str, Any]:
    """A record of the feed as the vendor writes it."""
    return {
        "id": f"activity_{number:024d}",
        "created_at": rfc3339(at),
        "organization_id": "org_01Wv6QeBcDfGhJkLmNpQrSt8",
        "organization_uuid": ORG,
        "actor": {
            "type": "user_actor",
            "email_address": "priya@example.com",
            "user_id": "user_01XyDMpzjS89pFZXqSFUBDr6",
            "ip_address": "192.0.2.34",
            "user_agent": "Mozilla/5.0",
        },
        "type": "claude_chat_created",
        "claude_chat_id": f"claude_chat_{number}",
        "claude_project_id": None,
        **fields,
    }


def verbatim(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass
class Bench:
    """An archive plus the shortest way to pull a page into it."""

    archive: Archive
    parser: Parser
    now: list[datetime] = field(default_factory=list)

    def advance(self, **delta: float) -> None:
        self.now[0] += timedelta(**delta)

    def commit(
        self, window: Window, *pages: list[bytes], complete: bool = True, error: str | None = None
    ) -> Entry:
        served = []
        for index, records in enumerate(pages, 1):
            body = b'{"data":[' + b",".join(records) + b'],"has_more":false}'
            served.append(
                self.archive.put_page(
                    "activities",
                    window,
                    ServedPage(
                        index=index,
                        body=body,
                        records=records,
                        status=200,
                        request_id=f"req_{self.archive.state.size}_{index}",
                        requested_at=self.now[0],
                        query="limit=5000",
                        headers={"request-id": "x"},
                        cursor_in=None,
                        last_id=None,
                    ),
                )
            )
        draft = Draft(
            kind="pull",
            stream="activities",
            window=window.as_text(),
            complete=complete,
            objects=served,
            audited=True,
        )
        if error:
            draft.error = error
        return self.archive.commit(draft)

    def pull(self, window: Window, *pages: list[bytes], complete: bool = True) -> Folded:
        entry = self.commit(window, *pages, complete=complete)
        folded = fold(self.archive, entry, batches_of(self.archive, entry, self.parser), self.parser)
        assert folded is not None
        return folded

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with catalog.connect(self.archive) as db:
            return db.execute(query).fetchall()

    def connect(self) -> duckdb.DuckDBPyConnection:
        return catalog.connect(self.archive)


@pytest.fixture
def make_archive(tmp_path: Path) -> Callable[[Callable[[], datetime]], Archive]:
    key = tmp_path / "signing.key"
    create_key(key)

    def make(clock: Callable[[], datetime]) -> Archive:
        return Archive(open_store(f"file:{tmp_path}/archive"), key=lambda: load_key(key), clock=clock)

    return make


@pytest.fixture
def bench(make_archive: Callable[[Callable[[], datetime]], Archive]) -> Iterator[Bench]:
    now = [DAY + timedelta(days=2)]
    with make_archive(lambda: now[0]) as archive:
        yield Bench(archive, Parser(load()), now)
