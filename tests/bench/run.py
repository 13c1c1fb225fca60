"""Measures Headgate against a hand-written peer, its own stages and an empty window, and writes bench/report.md.

    BENCH_MB=200 make bench        the input's size, in MB of JSON; a thousand at most
    BENCH_RUNS=3                   how often each program runs; the report has the medians
    BENCH_BEFORE=PATH              an older `headgate` beside this one; each event may not cost more than with it
    BENCH_BATCHES, BENCH_USERS, BENCH_IDS      how old a lake is made; see aged.py

Every program runs as a whole process over the same files; wall and CPU seconds and the largest resident size are the
operating system's. Both lakes must hold the same rows and the same sum, or there is no report.
"""

import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "tests/bench"
sys.path.insert(0, str(ROOT / "tests"))
from check import venv  # noqa: E402

WORK = ROOT / "bench"
PEER = WORK / "peer-venv"


def measure(command, environment=None, before=None, runs=1):
    """Medians of wall seconds, CPU seconds and peak MB over some runs."""
    figures = []
    for _ in range(runs):
        if before:
            before()
        begun = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], env=os.environ | (environment or {}), stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status) not in (0, 3):
            sys.exit(f"{command[0]} failed")
        figures.append((time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000))
    return [statistics.median(column) for column in zip(*figures)]


def contents(lake):
    """Rows and the sum of `amount` over the event tables, and the rows of `tracks`, read by the peer's library."""
    script = (
        "import json,pathlib,sys,polars as pl\n"
        "rows=total=tracks=0\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    frame=pl.scan_delta(str(path))\n"
        "    if path.name=='tracks': tracks=frame.select(pl.len()).collect().item()\n"
        "    elif not path.name.startswith('headgate_'):\n"
        "        n,s=frame.select(pl.len(),pl.col('amount').sum()).collect().row(0); rows+=n; total+=s\n"
        "print(json.dumps([rows,total,tracks]))\n"
    )
    read = subprocess.run([PEER / "bin/python", "-c", script, lake / "bench"], capture_output=True, text=True, check=True)
    return json.loads(read.stdout)


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 1e6


def main():
    megabytes, runs = int(os.environ.get("BENCH_MB", "200")), int(os.environ.get("BENCH_RUNS", "3"))
    if not 1 <= megabytes <= 1000:
        sys.exit("BENCH_MB is 1 to 1000")
    WORK.mkdir(exist_ok=True)
    venv(PEER, HERE / "requirements.txt")
    target = pathlib.Path(os.environ["CARGO_TARGET_DIR"])
    print("Building with optimisations; the first time this takes about half an hour on two cores.", flush=True)
    subprocess.run(["cargo", "build", "--release", "--locked", "--bin", "headgate", "--bin", "headgate-desktop", "--example", "stages", "--example", "policy", "--example", "empty", "--example", "ids", "--example", "dispatch"], cwd=ROOT, check=True)
    source = WORK / f"events-{megabytes}"
    shutil.rmtree(source, ignore_errors=True)
    print(f"Generating {megabytes} MB of events.", flush=True)
    made = subprocess.run([sys.executable, HERE / "generate.py", source, str(megabytes)], capture_output=True, text=True, check=True)
    made = json.loads(made.stdout)
    json_mb = made["bytes"] / 1e6

    lake, peer_lake, data = WORK / "lake", WORK / "peer-lake", WORK / "data"
    fresh = lambda *folders: lambda: [shutil.rmtree(folder, ignore_errors=True) for folder in folders]
    print("Running Headgate and the peer.", flush=True)
    syncing = lambda binary, runs: measure([binary, "sync", "run", "--json", "--from", source, "--to", lake],
                                           {"HEADGATE_DATA": str(data)}, fresh(lake, data), runs)
    older = None
    if before := os.environ.get("BENCH_BEFORE"):
        # In turns, so that both meet the same machine; the lake that stays is ours.
        pairs = [(syncing(before, 1), syncing(target / "release/headgate", 1)) for _ in range(max(runs, 5))]
        older, ours = ([statistics.median(column) for column in zip(*figures)] for figures in zip(*pairs))
    else:
        ours = syncing(target / "release/headgate", runs)
    peer = measure([PEER / "bin/python", HERE / "peer.py", source, peer_lake], None, fresh(peer_lake), runs)
    expected = [made["events"], made["amount"], made["events"]]
    for name, folder in (("headgate", lake), ("the peer", peer_lake)):
        if (found := contents(folder)) != expected:
            sys.exit(f"{name} has {found} instead of {expected}")
    tiny = WORK / "events-1"
    subprocess.run([sys.executable, HERE / "generate.py", tiny, "1"], capture_output=True, check=True)
    start = measure([PEER / "bin/python", HERE / "peer.py", tiny, WORK / "tiny"], None, fresh(WORK / "tiny"), runs)
    stages = subprocess.run([target / "release/examples/stages", source], capture_output=True, text=True, check=True)
    stages = json.loads(stages.stdout)

    rate = lambda figures: json_mb / figures[1]
    each = lambda figures: figures[1] * 1e6 / made["events"]
    row = lambda name, figures, folder: (
        f"| {name} | {figures[0]:.2f} | {figures[1]:.2f} | {rate(figures):.0f} | {each(figures):.2f} | {figures[2]:.0f} | {size(folder):.1f} |")
    report = f"""# Bench

{made['events']:,} events, {json_mb:.0f} MB of JSON in gzip, {made['kinds']} kinds into {made['kinds']} tables and `tracks`; medians of {runs}.
{platform.platform()}, {os.cpu_count()} cores, {platform.machine()}; Python {platform.python_version()}, {subprocess.run(['rustc', '--version'], capture_output=True, text=True).stdout.strip()}.

| program | wall s | CPU s | MB of JSON per CPU s | µs of a core per event | peak MB | Parquet MB |
|---|---:|---:|---:|---:|---:|---:|
{row('headgate, exactly once, zstd 1', ours, lake)}
{row('polars 2.1.0 + deltalake 1.6.6 script, zstd 1', peer, peer_lake)}

**{rate(ours) / rate(peer):.2f} times** the script per CPU second, {peer[0] / ours[0]:.2f} times as fast by the clock, with {ours[2] / peer[2]:.2f} of its memory.
{f"An event costs **{each(ours) / each(older):.3f}** of what it costs with `{before}` ({each(older):.2f} µs of a core), in turns." if older else ""}
Both lakes hold {made['events']:,} rows and the same sum. The script's start takes {start[1]:.2f} CPU s of its time.

| stage alone, one core | MB of JSON per CPU s | share of Headgate's CPU time |
|---|---:|---:|
""" + "".join(
        f"| {name} | {json_mb / seconds:.0f} | {seconds / ours[1]:.2f} |\n" for name, seconds in stages.items()
    )
    policy = subprocess.run([target / "release/examples/policy"], capture_output=True, text=True, check=True)
    policy = json.loads(policy.stdout)
    report += f"""
| trust policy | ms | of the budget |
|---|---:|---:|
| the guide's policy: read, lint, matrix, plan | {policy['guide_ms']:.2f} | {policy['guide_ms'] / 5:.2f} |
| a matrix of {policy['cells']:,} cells | {policy['matrix_ms']:.1f} | {policy['matrix_ms'] / 50:.2f} |
"""
    dispatch = subprocess.run([target / "release/examples/dispatch"], capture_output=True, text=True, check=True)
    nothing, *calls = json.loads(dispatch.stdout).items()
    if nothing[1] > 50:
        sys.exit(f"a call through the dispatch takes {nothing[1]:.0f} µs instead of 50")
    report += f"""
| through the dispatch | µs a call | of the budget |
|---|---:|---:|
| {nothing[0]} | {nothing[1]:.1f} | {nothing[1] / 50:.2f} |
""" + "".join(f"| {name} | {micros:.0f} | |\n" for name, micros in calls)
    print("Making old lakes, a table of many users and a store of many ids; about twenty minutes.", flush=True)
    aged = subprocess.run([sys.executable, HERE / "aged.py", target / "release", WORK / "aged"], stdout=subprocess.PIPE, text=True, check=True)
    report += f"\n{aged.stdout}"
    print("Opening the window and an empty one.", flush=True)
    venv(ROOT / ".venv", ROOT / "tests/requirements.txt")
    window = [ROOT / ".venv/bin/python", HERE / "window.py"]
    report += subprocess.run(window, capture_output=True, text=True, check=True).stdout
    (WORK / "report.md").write_text(report)
    print(report)


if __name__ == "__main__":
    main()
