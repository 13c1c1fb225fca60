"""What a run costs on a lake that is old, and a batch of users in a table of many.

    aged.py RELEASE FOLDER         RELEASE has the binaries; prints Markdown

    BENCH_RUNS_ON_AGED=21          how many runs are measured on each
    BENCH_BATCHES=10,1000,10000    how many batches a lake has before a run is measured
    BENCH_USERS=10000000           rows of `users` before a batch of a hundredth of them comes
    BENCH_IDS=100000000            ids in the store

The earlier batches are the product's own: one run whose batches hold one event each, then as many measured runs with
one new event each as there are between two checkpoints, so that one of them writes one and the next reads it. `fresh` is a data folder that does not know the lake and reads back what it needs.
"""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

from run import measure

def track(number):
    time_of_day = f"{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}"
    return f'{{"type":"track","messageId":"m{number}","event":"Bought","userId":"u","receivedAt":"2026-11-{1 + number // 86_400:02d}T{time_of_day}Z","properties":{{"n":{number}}}}}\n'


def identify(number, user, plan):
    return f'{{"type":"identify","messageId":"i{number}","userId":"user-{user:08d}","receivedAt":"2026-11-22T10:00:00Z","traits":{{"plan":"{plan}","visits":{number},"city":"City {user % 997}"}}}}\n'


class Bench:
    def __init__(self, release, folder):
        self.headgate, self.folder = release / "headgate", folder
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "in").mkdir(parents=True)

    def put(self, lines):
        path = self.folder / "in/events.ndjson"
        with path.open("w") as file:
            file.writelines(lines)
        return path

    def sync(self, data="data", *more):
        """Seconds by the clock and of a core, and MB at most."""
        command = [self.headgate, "sync", "run", "--json", "--from", self.folder / "in/events.ndjson", "--to", self.folder / "lake", "--source", "bench", *more]
        return measure(command, {"HEADGATE_DATA": str(self.folder / data)})

    def rows(self, table):
        listed = subprocess.run([self.headgate, "tables", "list", "--lake", self.folder / "lake", "--json"], capture_output=True, text=True, check=True)
        return next(part for part in json.loads(listed.stdout)["tables"] if part["table"] == table)

    def newest(self, table):
        history = subprocess.run([self.headgate, "tables", "history", f"bench.{table}", "--lake", self.folder / "lake", "--json"], capture_output=True, text=True, check=True)
        return json.loads(history.stdout)["commits"][0]


def batches(release, folder, counts, runs):
    """A run with one new event, on a lake with so many batches before it."""
    print("| earlier batches | wall ms | CPU ms | of the first line's | on average | at most | peak MB | fresh: wall ms | CPU ms |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    first = None
    for count in counts:
        bench = Bench(release, folder)
        bench.put(track(number) for number in range(count))
        bench.sync("data", "--batch-bytes", "1")
        number, figures = count, []
        for _ in range(runs):
            bench.put([track(number)])
            number += 1
            figures.append(bench.sync())
        wall, cpu, peak = map(sorted, zip(*figures))
        bench.put([track(number)])
        fresh = bench.sync("fresh")
        if bench.rows("tracks")["rows"] != number + 1:
            sys.exit(f"{number + 1} events came, and the lake has {bench.rows('tracks')['rows']}")
        middle, mean = runs // 2, sum(cpu) / runs
        first = first or (cpu[middle], mean)
        print(f"| {count:,} | {wall[middle] * 1000:.0f} | {cpu[middle] * 1000:.0f} | {cpu[middle] / first[0]:.2f} | {mean / first[1]:.2f} | {cpu[-1] * 1000:.0f} ms | {peak[middle]:.0f} | {fresh[0] * 1000:.0f} | {fresh[1] * 1000:.0f} |", flush=True)


def users(release, folder, count):
    """A batch of users that are there, near each other and all over the table."""
    bench, batch = Bench(release, folder), count // 100
    begun = time.monotonic()
    # In parts: a file of all of them would only wait for the disk.
    for start in range(0, count, 1_000_000):
        bench.put(identify(number, number, "free") for number in range(start, min(count, start + 1_000_000)))
        bench.sync()
    table = bench.rows("users")
    if table["rows"] != count:
        sys.exit(f"`users` has {table['rows']} rows instead of {count}")
    print(f"\n`users` of {count:,} rows in {table['files']} files, {table['bytes'] / 1e6:.0f} MB, made in {time.monotonic() - begun:.0f} s; then a batch of {batch:,}.\n")
    print("| the batch's users | wall s | CPU s | peak MB | files rewritten |\n|---|---:|---:|---:|---:|")
    chosen = random.Random(20261127)
    kinds = {"the newest": range(count - batch, count), "all over": sorted(chosen.sample(range(count), batch)), "new ones": range(count, count + batch)}
    for turn, (name, them) in enumerate(kinds.items(), 1):
        bench.put(identify(count * 2 * turn + user, user, f"plan {turn}") for user in them)
        before = bench.rows("users")["files"]
        wall, cpu, peak = bench.sync()
        if peak > 512:
            sys.exit(f"a batch of {batch:,} users took {peak:.0f} MB")
        print(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak:.0f} | {bench.newest('users')['files_removed']} of {before} |", flush=True)


def ids(release, folder, count):
    """Look-ups among many ids, as the store's own example measures them."""
    shutil.rmtree(folder, ignore_errors=True)
    said = subprocess.run([release / "examples/ids", folder, str(count)], capture_output=True, text=True, check=True).stdout
    print("\n" + "\n".join(f"- {line}" for line in said.splitlines()))
    if count >= 100_000_000 and int(re.search(r"asked: VmHWM:\s*(\d+)", said)[1]) > 200_000:
        sys.exit("the store took more than 200 MB")


def main():
    release, folder = map(pathlib.Path, sys.argv[1:])
    number = lambda name, otherwise: int(os.environ.get(name, otherwise))
    counts = [int(count) for count in os.environ.get("BENCH_BATCHES", "10,1000,10000").split(",")]
    batches(release, folder, counts, number("BENCH_RUNS_ON_AGED", 21))
    users(release, folder, number("BENCH_USERS", 10_000_000))
    ids(release, folder, number("BENCH_IDS", 100_000_000))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
