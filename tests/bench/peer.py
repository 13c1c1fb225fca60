"""The same work as a script that knows polars and deltalake well: gzip NDJSON to one Delta table an event, and `tracks`.

    peer.py SOURCE LAKE

It does what a careful engineer would write by hand: routes lines by their event with one look each, parses every
group with a schema inferred over the whole group, flattens structs with snake-case names, turns timestamps into
UTC, and appends with zstd level 1, adding columns as they come. It does no de-duplication, no discards and nothing
exactly once, so it does less than Headgate does.
"""

import gzip
import io
import pathlib
import re
import sys

import polars as pl
from deltalake import WriterProperties, write_deltalake

EVENT = re.compile(rb'"event":"([^"]*)"')
BATCH = 128 << 20
PROPERTIES = WriterProperties(compression="ZSTD", compression_level=1)
COMMON = {"messageId": "id", "anonymousId": "anonymous_id", "userId": "user_id", "event": "event_text", "receivedAt": "received_at",
          "sentAt": "sent_at", "timestamp": "timestamp", "originalTimestamp": "original_timestamp"}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def flatten(frame, prefix=""):
    columns = []
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.Struct):
            inner = frame.select(pl.col(name).struct.unnest())
            columns += flatten(inner, f"{prefix}{snake(name)}_")
        else:
            columns.append(frame[name].alias(f"{prefix}{snake(name)}"))
    return columns


def times(frame):
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    first = frame.select(pl.col(name).drop_nulls().first() for name in texts)
    found = [name for name in texts if (value := first[name][0]) and TIME.match(value)]
    return frame.with_columns(pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in found)


def append(lake, table, frame):
    path = lake / table
    path.mkdir(parents=True, exist_ok=True)
    write_deltalake(str(path), frame, mode="append", schema_mode="merge", writer_properties=PROPERTIES)


def land(groups, lake):
    tracks = []
    for event, lines in groups.items():
        frame = pl.read_ndjson(io.BytesIO(b"".join(lines)), infer_schema_length=None)
        slug = snake(event.decode()).replace(" ", "_")
        common = frame.select(pl.col(name).alias(column) for name, column in COMMON.items()).with_columns(event=pl.lit(slug))
        context = pl.DataFrame(flatten(frame.select(pl.col("context").struct.unnest()), "context_"))
        own = pl.DataFrame(flatten(frame.select(pl.col("properties").struct.unnest())))
        shared = times(pl.concat([common, context], how="horizontal"))
        append(lake, slug, pl.concat([shared, times(own)], how="horizontal"))
        tracks.append(shared)
    append(lake, "tracks", pl.concat(tracks, how="diagonal"))


def main(source, lake):
    groups, size = {}, 0
    for path in sorted(source.rglob("*.gz")):
        for line in gzip.decompress(path.read_bytes()).splitlines(keepends=True):
            groups.setdefault(EVENT.search(line)[1], []).append(line)
            size += len(line)
        if size >= BATCH:
            land(groups, lake)
            groups, size = {}, 0
    if groups:
        land(groups, lake)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) / "bench")
