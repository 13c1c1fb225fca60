"""Writes Segment-like track events: 30 kinds, 8 to 40 properties each, with a context, from a seed.

    generate.py FOLDER MEGABYTES [FILES]

The files are gzip, in Segment's layout. The same seed and size give the same bytes. The n-th kind comes 1/n as often as the
first; properties keep their type from event to event, and one in ten appears only in the second half. Prints a line of JSON
with sums that any reader of the tables can check.
"""

import gzip
import json
import pathlib
import random
import sys

SEED = 20261122
KINDS = 30
WORDS = "amber birch cedar delta ember fjord grove haven inlet jetty knoll larch mesa north ocean prairie quarry ridge shore tide".split()


def kinds(rng):
    """Each kind's name, weight and properties: name, type, and whether it comes late."""
    made = []
    for number in range(KINDS):
        properties = []
        for place in range(rng.randint(8, 40)):
            kind = rng.choices(["text", "id", "int", "double", "bool", "time"], [30, 10, 25, 15, 10, 10])[0]
            properties.append((f"{rng.choice(WORDS)}{rng.choice(WORDS).title()}{place}", kind, rng.random() < 0.1))
        made.append((f"{WORDS[number % len(WORDS)].title()} {['Viewed', 'Changed'][number // len(WORDS)]}", 1 / (number + 1), properties))
    return made


def value(rng, kind):
    if kind == "text":
        return " ".join(rng.choices(WORDS, k=rng.randint(1, 4)))
    if kind == "id":
        return f"{rng.getrandbits(64):016x}"
    if kind == "int":
        return rng.randint(0, 100_000)
    if kind == "double":
        return rng.randint(0, 1_000_000) / 100 + 0.001
    if kind == "bool":
        return rng.random() < 0.5
    return f"2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}T{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:00.000Z"


def event(rng, number, name, properties, late):
    second = number // 20
    time = f"2026-11-{1 + second // 86_400 % 28:02d}T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    own = {key: value(rng, kind) for key, kind, comes_late in properties if (late or not comes_late) and rng.random() < 0.95}
    own["amount"] = rng.randint(1, 10_000)
    return {
        "type": "track",
        "messageId": f"{rng.getrandbits(128):032x}",
        "anonymousId": f"{rng.getrandbits(48):012x}",
        "userId": f"user-{rng.randint(1, 50_000)}",
        "event": name,
        "properties": own,
        "context": {
            "ip": f"203.0.{rng.randint(0, 255)}.{rng.randint(0, 255)}",
            "locale": rng.choice(["en-GB", "pt-PT", "de-DE"]),
            "library": {"name": "analytics.js", "version": "next-1.84.3"},
            "page": {"path": f"/{rng.choice(WORDS)}", "referrer": "", "url": f"https://shop.example/{rng.choice(WORDS)}?q={rng.randint(0, 999)}"},
            "userAgent": rng.choice(["Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0", "Mozilla/5.0 (iPhone) Safari/26.1"]),
        },
        "originalTimestamp": f"{time}.152Z",
        "sentAt": f"{time}.169Z",
        "receivedAt": f"{time}.266Z",
        "timestamp": f"{time}.249Z",
    }


def main(folder, megabytes, files):
    rng = random.Random(SEED)
    made = kinds(rng)
    names, weights = [kind[0] for kind in made], [kind[1] for kind in made]
    properties = {kind[0]: kind[2] for kind in made}
    day = pathlib.Path(folder) / "segment-logs/bench/1793491200000"
    day.mkdir(parents=True, exist_ok=True)
    each, events, amount, total = megabytes * 1_000_000 // files, 0, 0, 0
    for part in range(files):
        written = 0
        with gzip.GzipFile(day / f"{part:04d}.gz", "wb", compresslevel=6, mtime=0) as out:
            block = []
            while written < each:
                name = rng.choices(names, weights)[0]
                made_event = event(rng, events, name, properties[name], part * 2 >= files)
                line = json.dumps(made_event, separators=(",", ":")).encode() + b"\n"
                block.append(line)
                written += len(line)
                events += 1
                amount += made_event["properties"]["amount"]
            out.write(b"".join(block))
        total += written
    print(json.dumps({"events": events, "bytes": total, "amount": amount, "kinds": KINDS}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else max(2, int(sys.argv[2]) // 50))
