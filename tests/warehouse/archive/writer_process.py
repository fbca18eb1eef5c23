"""A writer as a process of its own: `python -m tests.warehouse.archive.writer_process FOLDER NAME COUNT`.

Appends COUNT pulls with a page each to the archive in FOLDER, and prints the numbers that they were given.
"""

import sys
from pathlib import Path

from tests.warehouse.archive.rig import KEY, STREAM, hour, page_of, record
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft
from warehouse.archive.store import open_store


def main(folder: str, name: str, count: int) -> None:
    path = Path(folder)
    with Archive(open_store(f"file:{path}/archive"), key=lambda: KEY, cache=path / f"{name}.state") as archive:
        for number in range(count):
            page = archive.put_page(STREAM, hour(0), page_of(archive, [record(f"{name}-{number}")]))
            draft = Draft(kind="pull", stream=STREAM, objects=[page], counts={f"{name}-{number}": 1})
            print(archive.commit(draft).seq, flush=True)
        archive.settle()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
