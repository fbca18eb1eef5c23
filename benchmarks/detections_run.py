"""All rules over a window of an archive's past, or by hand the reading that they cannot do without.

Prints what it found and how long it took after the libraries were loaded and the catalogue opened.
"""

import argparse
import json
import time
from datetime import datetime
from pathlib import Path

from assets.detecting import of_days
from warehouse.archive.archive import Archive
from warehouse.archive.store import open_store
from warehouse.detections.backtest import backtest
from warehouse.detections.rulebook import load
from warehouse.tables.catalog import connect
from warehouse.tables.masking import EVERY_TABLE
from warehouse.wire.windows import Window

_BY_HAND = """
select type, actor_id, count(*), count(distinct ip_address), min(created_at), max(created_at)
from ({events}) as held where created_at >= ? and created_at < ? and type in ({types})
group by type, actor_id"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--from", dest="start", type=datetime.fromisoformat, required=True)
    parser.add_argument("--to", dest="end", type=datetime.fromisoformat, required=True)
    parser.add_argument("--hand", action="store_true")
    parser.add_argument("--kinds", choices=("all", "each"), default="all")
    options = parser.parse_args()
    rules = [rule for rule in load() if options.kinds == "all" or rule.kind == "each"]
    window = Window(options.start, options.end)
    with (
        Archive(open_store(f"file:{options.folder}/archive", writable=False)) as archive,
        connect(archive, unmasked=EVERY_TABLE) as db,
    ):
        began = time.monotonic()
        if options.hand:
            types = sorted(set().union(*(rule.types() or () for rule in rules)))
            listed = ", ".join(f"'{kind}'" for kind in types)
            events = of_days(archive)("audit_events", window.start, window.end)
            found = db.execute(_BY_HAND.format(events=events, types=listed), [window.start, window.end]).fetchall()
            said = {"alerts": 0, "rows": len(found)}
        else:
            tests = backtest(db, rules, window, events=of_days(archive))
            said = {"alerts": sum(test.alerts for test in tests), "rows": sum(test.events for test in tests)}
        print(json.dumps(said | {"seconds": time.monotonic() - began, "rules": len(rules)}))


if __name__ == "__main__":
    main()
