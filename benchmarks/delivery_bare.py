"""Contender: the least that a program can do to send documents. Prints one JSON line.

One loop, one thread: orjson writes each document, a batch of 5,000 is joined, gzipped (ISA-L's deflate, as ours)
and posted with httpx. The documents are those of the destination, ready in memory as Python objects. Not done: no
archive is read, no record parsed, nothing mapped, no limit of the receiver kept, no answer read, no receipt.
"""

import gc
import json
import time

import httpx
import orjson
from isal import igzip

from benchmarks.delivery_receiver import Sink
from benchmarks.delivery_setup import BATCH, documents, options


def main() -> None:
    told = options(__doc__).parse_args()
    to = Sink(told.http, told.syslog)
    ready = documents(told.folder, told.type, to)
    batches = [ready[start : start + BATCH] for start in range(0, len(ready), BATCH)]
    gc.disable()  # nothing here makes cycles, and the collector would walk all documents
    headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
    sent = size = 0
    with httpx.Client(base_url=to.url, headers=headers, trust_env=False) as http:
        wall, cpu = time.perf_counter(), time.process_time()
        while sent < told.events:
            batch = batches[sent // BATCH % len(batches)][: told.events - sent]
            body = b"\n".join(map(orjson.dumps, batch))
            http.post("/bare", content=igzip.compress(body, 1)).raise_for_status()
            sent, size = sent + len(batch), size + len(body)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"events": sent, "wall": wall, "cpu": cpu, "size": size / sent}))


if __name__ == "__main__":
    main()
