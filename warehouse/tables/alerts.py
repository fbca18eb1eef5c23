"""The Parquet schema of alerts, and the views over them. What makes one is in `warehouse.detections`.

Promise: an alert keeps its id for ever. When later events join it, it is stored again as its next version, with
all of its events; `alerts` shows the newest version of each, `alert_versions` has them all.
"""

import pyarrow as pa

TABLE = "alerts"
_TIME = pa.timestamp("us", "UTC")

ALERTS = pa.schema(
    [
        pa.field("alert_id", pa.string()),
        pa.field("rule_id", pa.string()),
        pa.field("rule_version", pa.string()),
        pa.field("title", pa.string()),
        pa.field("severity", pa.string()),
        pa.field("first_at", _TIME),
        pa.field("last_at", _TIME),
        pa.field("event_ids", pa.list_(pa.string())),
        pa.field("commit_seqs", pa.list_(pa.int64())),
        pa.field("events", pa.int64()),
        pa.field("entities", pa.string()),
        pa.field("dedup_key", pa.string()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("runbook", pa.string()),
        pa.field("detected_at", _TIME),
        pa.field("through_seq", pa.int64()),
        pa.field("version", pa.int32()),
        pa.field("fold", pa.string()),
    ]
)

CURRENT = """
select v.* from {versions} as v
left join (
  select alert_id, version - 1 as previous from {versions} where version > 1
) as newer on newer.alert_id = v.alert_id and newer.previous = v.version
where newer.alert_id is null
"""
