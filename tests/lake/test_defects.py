"""Defects that a review of the engine found; each test is named after the correct behaviour.

Those that steps and checks can express are in `cases/`: column mapping and constraints (rules_of_owners), moved
archives (files), data folders that are lost (data_folder_behind), names that differ in case (names_without_case).
"""

import concurrent.futures
import gzip
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import deltalake
import duckdb
import pytest
from desk import HEADGATE, PATIENCE, Desk, event, lines

MB = 1 << 20


def track(number, name="Bought", **values):
    return event("track", number, name, values)


def identify(number, user, **traits):
    return event("identify", number, user, traits)


def unknown_files(desk):
    """Parquet files of tables that no log names: those of a batch that waits."""
    for table in desk.tables() or [path.name for path in desk.path("lake/web").iterdir()]:
        named = {action["add"]["path"] for actions in desk.log(table).values() for action in actions if "add" in action}
        yield from (path for path in desk.table(table).glob("*.parquet") if path.name not in named)


def costs(desk, **how):
    """A sync, its seconds of a core and its peak of memory in MB."""
    process = desk.start(*desk.syncing(), **how)
    out = process.stdout.read()
    err = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 3), err[-500:]
    return json.loads(out), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


# A batch that was recorded lands, or the run says what does not.

def test_a_batch_whose_staged_files_were_vacuumed_is_made_again(desk):
    desk.put("a.ndjson", [track(1)])
    desk.sync()
    desk.put("b.ndjson", [track(2), identify(3, "ann")])
    assert desk.sync(crash="planned").exit < 0
    gone = list(unknown_files(desk))
    assert gone
    for path in gone:
        path.unlink()
    run = desk.sync()
    assert run.exit == 0, run
    desk.put("c.ndjson", [track(4)])
    assert desk.sync("--again").exit == 0
    assert desk.ids("bought") == {"t-1": 1, "t-2": 1, "t-4": 1}
    assert desk.ids("tracks") == {"t-1": 1, "t-2": 1, "t-4": 1}
    assert (desk.ids("identifies"), desk.ids("users")) == ({"i-3": 1}, {"ann": 1})


@pytest.mark.parametrize("of", ["bought", "tracks", "identifies"])
def test_one_lost_file_holds_neither_the_other_tables_nor_later_batches(desk, of):
    desk.put("a.ndjson", [track(1), identify(2, "ann", plan="a")])
    desk.sync()
    desk.put("b.ndjson", [track(3), identify(4, "ann", plan="b")])
    desk.sync(crash="planned")
    for path in unknown_files(desk):
        if path.parent.name == of:
            path.unlink()
    desk.sync()
    desk.put("c.ndjson", [track(5), identify(6, "ann", plan="c")])
    assert desk.sync().exit == 0
    assert desk.ids("bought") == desk.ids("tracks") == {"t-1": 1, "t-3": 1, "t-5": 1}
    assert desk.ids("identifies") == {"i-2": 1, "i-4": 1, "i-6": 1}
    assert desk.rows("SELECT id, plan FROM {users}") == [("ann", "c")]


def test_what_can_be_made_from_nothing_any_more_is_not_called_written(desk):
    desk.put("a.ndjson", [track(1)])
    desk.sync()
    desk.put("b.ndjson", [track(2)])
    desk.sync(crash="planned")
    for path in unknown_files(desk):
        path.unlink()
    desk.remove("in/b.ndjson")
    run = desk.sync()
    assert desk.ids("bought")["t-2"] == 0
    assert run.exit != 0 and (run.code or run.errors), run
    assert run.events[1] == 0, run
    # Nothing waits for ever: the same event, if it comes again, lands.
    desk.put("c.ndjson", [track(2), track(3)])
    desk.sync()
    assert desk.sync("--again").exit == 0
    assert desk.ids("bought") == desk.ids("tracks") == {"t-1": 1, "t-2": 1, "t-3": 1}


def test_a_table_that_failed_in_one_batch_is_not_reported_as_fine_after_the_next(desk):
    desk.put("a.ndjson", [track(1, total=5)])
    desk.sync()
    desk.delta("bought").alter.add_constraint({"rule": "total > 0"})
    # The last batch brings only what came before.
    desk.put("b.ndjson", [track(2, total=-1), *(track(n, "Other") for n in range(3, 30)), track(2, total=-1)])
    run = desk.sync("--batch-bytes", "500")
    assert run.document["batches"] > 2, run
    assert (run.exit, run.document["status"], set(run.errors)) == (3, "partial", {"bought"}), run
    assert desk.ids("bought") == {"t-1": 1}


def test_a_planned_column_that_came_with_another_type_meanwhile_is_fitted(desk):
    desk.put("a.ndjson", [track(1)])
    desk.sync()
    desk.put("b.ndjson", [track(2, text=5, truth=7)])
    desk.sync(crash="planned")
    desk.delta("bought").alter.add_columns([deltalake.Field("text", "string"), deltalake.Field("truth", "boolean")])
    desk.put("c.ndjson", [track(3, text="six", truth=True)])
    run = desk.sync()
    assert run.exit == 0, run
    assert desk.rows("SELECT id, text, truth FROM {bought} ORDER BY 1") == [("t-1", None, None), ("t-2", "5", None), ("t-3", "six", True)]
    discards = desk.rows("SELECT table_name, row_id, column_name, column_value, reason FROM {headgate_discards}")
    assert discards == [("bought", "t-2", "truth", "7", "type_mismatch")]
    assert desk.sync("--again").events == [3, 0, 3, 0]


def test_the_other_installation_may_bring_the_column_with_another_type(desk):
    desk.put("../a/1.ndjson", [track(1)])
    desk.sync(file="a", data="one")
    desk.put("../a/2.ndjson", [track(2, x=5)])
    desk.sync(file="a", data="one", crash="planned")
    desk.put("../b/1.ndjson", [track(3, x="text")])
    desk.sync(file="b", data="two")
    assert desk.sync(file="a", data="one").exit == 0
    assert desk.sync_in_turn(file="b", data="two").exit == 0
    desk.put("../a/3.ndjson", [track(4, x=6)])
    assert desk.sync(file="a", data="one").exit == 0
    assert desk.ids("bought") == {f"t-{n}": 1 for n in range(1, 5)}
    assert set(desk.rows("SELECT id FROM {bought} WHERE x IS NULL")) <= {("t-1",), ("t-3",)}


def test_rows_kept_for_users_that_were_lost_hold_nothing_else(desk):
    desk.put("a.ndjson", [identify(1, "ann", plan="free")])
    desk.sync()
    desk.put("b.ndjson", [identify(2, "ann", plan="pro"), track(3, id="reserved")])
    desk.sync(crash="planned")
    kept = list(desk.path("lake/_headgate/kept-files").glob("*.parquet"))
    assert kept
    for path in kept:
        path.write_bytes(b"")  # as a power cut leaves a file that was never synced
    run = desk.sync()
    assert run.exit in (0, 3), run
    assert desk.ids("identifies") == {"i-1": 1, "i-2": 1}
    assert desk.ids("bought") == desk.ids("tracks") == {"t-3": 1}
    assert desk.rows("SELECT plan FROM {users}") == [("pro",)] or "users" in run.errors, run
    desk.put("c.ndjson", [identify(4, "ann", plan="max"), identify(5, "bob")])
    run = desk.sync()
    assert run.exit == 0, run
    assert sorted(desk.rows("SELECT id, plan FROM {users}")) == [("ann", "max"), ("bob", None)]


def test_a_lake_whose_mark_was_lost_is_not_taken_for_a_new_one(desk):
    desk.put("a.ndjson", [track(1)])
    desk.sync()
    (desk.path("lake/_headgate/lake.json")).write_bytes(b"")
    assert desk.sync().exit == 1
    desk.remove("lake/_headgate/lake.json")
    run = desk.sync()
    assert run.exit != 0 or desk.ids("bought") == {"t-1": 1}, run
    assert desk.ids("bought") == desk.ids("tracks") == {"t-1": 1}


@pytest.mark.parametrize("lost", ["checkpoint", "hint checkpoint", "24", "25", "26", "28", "25 26 27 28", "3 checkpoint hint"])
@pytest.mark.parametrize("data", ["data", "new"])
def test_a_log_that_lost_something_around_its_checkpoint_is_told_in_words_of_our_own(desk, lost, data):
    desk.put("a.ndjson", [track(n) for n in range(25)])
    desk.sync("--batch-bytes", "1")
    desk.put("b.ndjson", [track(n) for n in range(25, 29)])
    desk.sync("--batch-bytes", "1")
    log = desk.table("bought") / "_delta_log"
    assert (log / f"{24:020}.checkpoint.parquet").exists() and (log / f"{28:020}.json").exists()
    names = {"checkpoint": f"{24:020}.checkpoint.parquet", "hint": "_last_checkpoint"}
    for what in lost.split():
        (log / names.get(what, f"{int(what) if what.isdigit() else 0:020}.json")).unlink()
    desk.put("c.ndjson", [track(100)])
    run = desk.sync(data=data)
    try:
        found = desk.ids("bought")
    except duckdb.Error:
        found = {}
    assert found == {f"t-{n}": 1 for n in [*range(29), 100]} or set(run.errors) == {"bought"}, run
    for error in [run.error("bought")] if run.errors else []:
        assert error["code"] in ("table_damaged", "table_behind") and "--refill" in error["hint"], run
        assert not re.search("kernel|invalid|Expected", error["message"], re.I), run
    assert desk.ids("tracks") == {f"t-{n}": 1 for n in [*range(29), 100]}


# Two who make one table.

def test_a_table_is_made_once(desk):
    for number in range(6):
        for who in "ab":
            desk.put(f"../{who}{number}/e.ndjson", [event("track", n, "Bought", {f"only_{who}": n}, messageId=f"{who}-{n}") for n in range(20)])
        lake = f"lake{number}"
        with concurrent.futures.ThreadPoolExecutor() as both:
            list(both.map(lambda who: desk.sync_in_turn(file=f"{who}{number}", lake=lake, data=f"data{who}"), "ab"))
        for table in ("bought", "tracks"):
            actions = [action for actions in desk.log(table, lake).values() for action in actions]
            assert sum("protocol" in action for action in actions) == 1, f"`{table}` was made twice"
            assert len({action["metaData"]["id"] for action in actions if "metaData" in action}) == 1
            assert desk.ids(table, lake) == {f"{who}-{n}": 1 for who in "ab" for n in range(20)}
        assert desk.rows("SELECT count(only_a), count(only_b) FROM {bought}", lake) == [(20, 20)]


# One event costs in proportion to its size, and lands or is a dead letter.

def signs(count, alphabet, prefix=""):
    return [prefix + "".join(key) for key in itertools.islice(itertools.product(alphabet, repeat=6), count)]


def test_a_hostile_event_stops_nothing_behind_it(desk):
    keys = ["é" + chr(0x4E00 + n % 20_000) + chr(0x4E00 + n // 20_000) for n in range(25_000)]
    values = {f"-{n % 7 * '*'}{sign}": 1 for n, sign in enumerate(signs(25_000, "+*/-"))}
    desk.put("a.ndjson", [
        event("track", 1, "Bought", {key: 1 for key in keys}, messageId="m" * 100_000),
        event("track", 2, "Bought", values, messageId="n" * 100_000),
    ])
    desk.put("b.ndjson", [track(3, "Other")])
    run, seconds, megabytes = costs(desk)
    assert (run["events"]["received"], run["events"]["written"] + run["events"]["rejected"]) == (3, 3)
    assert desk.ids("other") == {"t-3": 1}
    assert megabytes < 400, f"{megabytes:.0f} MB"
    assert seconds < 30, f"{seconds:.1f} s"


def test_keys_that_make_one_column_cost_in_proportion(desk):
    took = {}
    for count in (29_250, 58_500, 117_000):
        desk.put("a.ndjson", [event("track", count, "Bought", dict.fromkeys(signs(count, "-.,:;!?", "a"), 1))])
        run, took[count], _ = costs(desk)
        assert run["events"]["written"] == 1
    # Three times as many more take three times as long; five times would be quadratic.
    assert took[117_000] - took[29_250] < 4 * max(took[58_500] - took[29_250], 0.5), took


def test_a_line_of_new_keys_lands_in_bounded_memory(desk):
    made = {f"k{n:07}": 1 for n in range(MB)}  # fifteen bytes each, as written
    desk.put("a.ndjson", [event("track", 1, "Bought", made)])
    desk.put("b.ndjson", [track(2, "Other")])
    run, _, megabytes = costs(desk)
    assert run["events"]["written"] == 2, run["events"]
    assert desk.ids("bought") == {"t-1": 1} and desk.ids("other") == {"t-2": 1}
    assert megabytes < 1_000, f"{megabytes:.0f} MB"


def test_many_event_names_cost_in_proportion(desk):
    took = {}
    for count in (60, 240):
        desk.put("a.ndjson", [event("track", 1000 + n, f"{count} of {n}") for n in range(count)])
        run, took[count], _ = costs(desk)
        assert run["events"]["written"] + run["events"]["duplicate"] == count
    assert took[240] < 8 * max(took[60], 0.5), took


# What a gzip file says of its own length.

def test_the_length_of_a_file_is_measured_not_believed(desk):
    # Two members: the last four bytes speak of the second alone.
    first, second = lines(track(n) for n in range(1, 9)).encode(), lines([track(9)]).encode()
    desk.put("a.ndjson.gz", gzip.compress(first) + gzip.compress(second))
    desk.put("b.ndjson", [track(10), track(11)])
    run = desk.sync("--batch-bytes", str(len(first) + len(second) + 50))
    assert (run.exit, run.events, run.document["batches"]) == (0, [11, 11, 0, 0], 2), run


def test_a_damaged_file_splits_no_batch(desk):
    whole = gzip.compress(lines(track(n) for n in range(10, 2_000)).encode())
    desk.put("a.ndjson", [track(1)])
    desk.put("b.ndjson.gz", whole[: len(whole) // 2] + b"\xff\xff\xff\x7f")
    desk.put("c.ndjson", [track(2)])
    run = desk.sync()
    assert (run.exit, run.document["batches"]) == (3, 1), run
    assert [damaged["path"].endswith("b.ndjson.gz") for damaged in run.document["files"]["damaged"]] == [True]
    assert desk.ids("bought")["t-1"] == desk.ids("bought")["t-2"] == 1


@pytest.mark.skipif(not os.environ.get("HEADGATE_SOAK_SECONDS"), reason="reads a gigabyte; in make soak")
def test_a_file_that_inflates_too_far_is_damaged_from_there_on(desk):
    # Long lines: a thousand million empty ones would take a debug build minutes.
    blanks = gzip.compress((b" " * 1023 + b"\n") * (16 * 1024), 9)
    desk.put("a.ndjson.gz", gzip.compress(lines([track(1)]).encode()) + blanks * 70 + gzip.compress(lines([track(2)]).encode()))
    desk.put("b.ndjson", [track(3)])
    run = desk.sync()
    assert run.exit == 3 and len(run.document["files"]["damaged"]) == 1, run
    assert desk.ids("bought") == {"t-1": 1, "t-3": 1}
    assert desk.sync().events == [0, 0, 0, 0]


# A lake that goes away under a run.

EVENTS = 1_200


def twelve_batches(desk):
    desk.put("a.ndjson", [track(n, text="x" * 60_000) for n in range(1, EVENTS + 1)])
    return desk.start(*desk.syncing(), "--batch-bytes", "6100000")


def stopped_after(desk, process, version, later=0):
    """Waits until `tracks` has a version, and stops the run so many milliseconds later."""
    path = desk.table("tracks") / f"_delta_log/{version:020}.json"
    begun = time.monotonic()
    while not path.exists():
        assert process.poll() is None and time.monotonic() - begun < PATIENCE, "it never came so far"
        time.sleep(0.001)
    time.sleep(later / 1000)
    if process.poll() is not None:
        pytest.skip("the run had ended by then")
    process.send_signal(signal.SIGSTOP)
    try:
        os.waitpid(process.pid, os.WUNTRACED)
    except ChildProcessError:
        pytest.skip("the run had ended by then")


# Within a commit, between two, and while the next batch is read or staged.
MOMENTS = [*(("lake", later) for later in (0, 40, 80, 120, 160)), ("lake/web", 80), ("lake/web/tracks", 80), ("lake/_headgate", 80)]


@pytest.mark.parametrize(("what", "later"), MOMENTS)
def test_a_run_whose_lake_was_removed_does_not_succeed(desk, what, later):
    process = twelve_batches(desk)
    stopped_after(desk, process, 2, later)
    desk.remove(what)
    process.send_signal(signal.SIGCONT)
    run = desk.end(process)
    received, written, duplicate, rejected = run.events
    assert run.exit in (1, 3) and run.document["status"] != "succeeded", run
    assert run.code or run.errors, run
    assert received >= written + duplicate + rejected and received > 0, run
    # What it left is told again or mended, and never doubled.
    again = desk.sync()
    for table in ("bought", "tracks"):
        try:
            found = desk.ids(table)
        except duckdb.Error:
            found = {}  # a commit landed in the log while that was taken away
        assert all(times == 1 for times in found.values()), f"{table} after {again}"
        assert len(found) == EVENTS or again.exit != 0, f"`{table}` has {len(found)} after {again}"


def test_a_lake_that_was_replaced_under_a_run_is_not_written(desk):
    desk.put("../far/a.ndjson", [track(9_000)])
    desk.sync(file="far", lake="other", data="far-data")
    process = twelve_batches(desk)
    stopped_after(desk, process, 2, 80)
    desk.replace("other", "lake")
    process.send_signal(signal.SIGCONT)
    run = desk.end(process)
    assert run.exit in (1, 3) and (run.code or run.errors), run
    assert desk.ids("tracks") == {"t-9000": 1}, "another lake was written"


@pytest.mark.parametrize("later", [0, 20, 40, 60, 80, 100, 120, 140, 160, 180])
def test_a_lake_that_an_older_copy_of_itself_replaced_under_a_run_has_no_gap(desk, later):
    desk.put("../first/a.ndjson", [track(9_000)])
    desk.sync(file="first")
    desk.copy("lake", "older")
    process = twelve_batches(desk)
    stopped_after(desk, process, 3, later)
    desk.replace("older", "lake")
    process.send_signal(signal.SIGCONT)
    run = desk.end(process)
    assert run.exit in (1, 3) and (run.code or run.errors), run
    for table in desk.tables():
        assert list(desk.log(table)) == list(range(len(desk.log(table)))), (table, run)
    again = desk.sync()
    for table in ("bought", "tracks"):
        found = desk.ids(table)
        assert all(times == 1 for times in found.values()), f"{table} after {again}"
        assert len(found) == EVENTS + 1 or table in again.errors, f"`{table}` has {len(found)} after {again}"


def test_a_table_restored_under_a_run_is_named(desk):
    process = twelve_batches(desk)
    stopped_after(desk, process, 2, 80)
    before = max(desk.log("tracks"))
    desk.delta("tracks").restore(1)
    process.send_signal(signal.SIGCONT)
    run = desk.end(process)
    assert run.exit == 3 and "tracks" in run.errors, (before, run)


# Others.

@pytest.mark.parametrize("later", [0, 40, 80, 120])
def test_an_installation_that_slept_writes_nothing_that_another_has_finished(desk, later):
    process = twelve_batches(desk)
    stopped_after(desk, process, 1, later)
    desk.pass_time()
    other = desk.sync(data="other")
    assert (other.exit, other.events[3]) == (0, 0), other
    assert desk.ids("bought") == desk.ids("tracks") == {f"t-{n}": 1 for n in range(1, EVENTS + 1)}
    process.send_signal(signal.SIGCONT)
    woken = desk.end(process)
    for data in ("data", "other"):
        assert desk.sync(data=data).exit == 0, woken
    assert desk.ids("bought") == desk.ids("tracks") == {f"t-{n}": 1 for n in range(1, EVENTS + 1)}, woken


def test_records_that_were_folded_say_the_same(desk):
    desk.put("a.ndjson", [track(1)])
    desk.sync()
    desk.copy("data", "restored")
    desk.put("b.ndjson", [track(n) if n % 10 else identify(n, f"user-{n % 7}", plan=f"p{n}") for n in range(2, 142)])
    assert desk.sync("--batch-bytes", "1").document["batches"] == 140
    records = [path.name for path in desk.path("lake/_headgate/web").iterdir()]
    assert len(records) < 140, records
    desk.copy("lake", "aside")
    newest = {f"user-{n % 7}": f"p{n}" for n in range(10, 142, 10)}
    # Nothing is asked of the data folder that wrote them.
    for data in ("restored", "never-there"):
        desk.replace("aside", "lake")
        desk.replace("restored", "data") if data == "restored" else desk.remove("data")
        desk.put("c.ndjson", [track(1), track(3), track(139), track(200), identify(10, "user-3", plan="p10")])
        run = desk.sync()
        assert (run.exit, run.events, run.document["files"]["unchanged"]) == (0, [5, 1, 4, 0], 2), run
        assert set(desk.ids("tracks").values()) == set(desk.ids("identifies").values()) == {1}
        assert dict(desk.rows("SELECT id, plan FROM {users}")) == newest


def test_whoever_was_faster_is_named_when_nothing_could_be_recorded(desk):
    desk.put("../far/a.ndjson", [track(1)])
    desk.sync(file="far", data="other")
    desk.put("a.ndjson", [track(n, f"Name {n}") for n in range(2, 30)])
    record = json.loads(desk.path("lake/_headgate/web/1.json").read_text())
    record |= {"tables": [], "routes": [], "extents": [], "once": None}
    record["installation"] = {"id": "of-another", "name": "faster (12345678)"}
    process, seen = desk.start(*desk.syncing()), set(desk.path("lake/web").glob("*/*.parquet"))
    while process.poll() is None:
        # Each time that its first files are written, another batch is recorded before its own is.
        if new := set(desk.path("lake/web").glob("name_*/*.parquet")) - seen:
            seen |= new
            record["number"] += 1
            record["planned"] += 1
            path = desk.path("lake/_headgate/web") / f"{record['number']}.json"
            path.with_suffix(".new").write_text(json.dumps(record))
            path.with_suffix(".new").rename(path)
            while set(desk.path("lake/web").glob("name_*/*.parquet")) and process.poll() is None:
                time.sleep(0.001)
    run = desk.end(process)
    if run.exit == 0:
        pytest.skip("a record of its own came first")
    assert run.code == "lake_busy" and run.document["error"]["retryable"], run
    assert "faster (12345678) wrote" in run.document["error"]["message"], run


# Lines of standard input.

def test_lines_that_a_dead_run_had_read_are_told_until_they_are_taken(desk):
    lake = desk.path("a lake")
    arguments = ["sync", "run", "--from", "-", "--to", lake, "--source", "My Web"]
    process = desk.start(*arguments, stdin=subprocess.PIPE)
    process.stdin.write(lines(track(n) for n in range(1, 20_001)))
    process.stdin.flush()
    spool = lambda: sum(path.stat().st_size for path in desk.path("data/spool").glob("*.ndjson"))
    begun = time.monotonic()
    while not spool():
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.01)
    process.kill()
    process.wait()
    died = desk.run("runs", "list").document["runs"][0]
    assert (died["error"]["code"], "< /dev/null` takes them" in died["error"]["hint"]) == ("interrupted", True), died
    desk.put("a.ndjson", [track(30_001)])
    for _ in range(2):
        other = desk.sync()
        told = [notice for notice in other.notices if notice.startswith("lines_wait")]
        assert len(told) == 1 and died["run"] in told[0], other
    assert desk.run("runs", "show", died["run"]).document["error"]["hint"] == died["error"]["hint"]
    command = told[0].split("`")[1].replace("headgate", f"{HEADGATE} --json", 1)
    environment = os.environ | {"HEADGATE_DATA": str(desk.path("data"))}
    taken = subprocess.run(command, shell=True, env=environment, text=True, capture_output=True, timeout=PATIENCE)
    assert taken.returncode == 0, taken
    found = desk.ids("bought", lake, "my_web")
    assert len(found) > 1_000 and set(found) == {f"t-{n}" for n in range(1, len(found) + 1)}
    assert not any("lines_wait" in notice for notice in [*desk.sync().notices, taken.stdout])
    assert "wait" not in desk.run("runs", "show", died["run"]).document["error"]["hint"]


# What this user may not read or write.

@pytest.fixture
def lowly():
    """A desk of a user who is not let everywhere, as root is."""
    root = os.geteuid() == 0
    folder = tempfile.mkdtemp(prefix="headgate-lowly-")
    if root:
        os.chown(folder, 65534, 65534)
    desk = Desk(folder, user=65534 if root else None)
    if root:
        # The command may lie where this user is not let in.
        desk.command = shutil.copy(desk.command, folder)
    yield desk
    shutil.rmtree(folder)


def test_a_database_that_is_read_only_is_named_until_it_is_not(lowly):
    lowly.put("a.ndjson", [track(1)])
    assert lowly.sync().exit == 0
    path = lowly.path("data/headgate.db")
    path.chmod(0o400)
    run = lowly.sync()
    assert (run.exit, run.code) == (1, "permission_denied"), run
    assert "data/headgate.db` is read-only" in run.document["error"]["message"], run
    path.chmod(0o600)
    lowly.put("b.ndjson", [track(2)])
    assert lowly.sync().exit == 0
    assert lowly.ids("bought") == {"t-1": 1, "t-2": 1}


def test_files_beside_the_database_that_are_read_only_stop_nothing(lowly):
    lowly.put("a.ndjson", [track(1)])
    assert lowly.sync(crash="planned").exit < 0
    for path in lowly.path("data").glob("headgate.db-*"):
        path.chmod(0o400)
    assert len(list(lowly.path("data").glob("headgate.db-*"))) == 2
    assert lowly.sync().exit == 0
    assert lowly.ids("bought") == {"t-1": 1}


@pytest.mark.parametrize("of", ["bought", "bought/_delta_log"])
def test_a_table_that_cannot_be_read_fails_alone_for_one_who_knows_nothing_yet(lowly, of):
    lowly.put("a.ndjson", [track(1), track(2, "Viewed")])
    lowly.sync()
    lowly.table(of).chmod(0)
    lowly.remove("data")
    lowly.put("b.ndjson", [track(3), track(4, "Viewed")])
    run = lowly.sync()
    lowly.table(of).chmod(0o700)
    assert (run.exit, set(run.errors)) == (3, {"bought"}), run
    assert lowly.ids("viewed") == {"t-2": 1, "t-4": 1}
    assert lowly.sync().exit == 0
    assert lowly.ids("bought") == {"t-1": 1, "t-3": 1}
    assert lowly.ids("tracks") == {"t-1": 1, "t-2": 1, "t-3": 1, "t-4": 1}


def test_a_schema_that_cannot_be_listed_is_not_taken_for_one_without_events(lowly):
    lowly.put("a.ndjson", [track(1), track(2, "Viewed")])
    lowly.sync()
    lowly.path("lake/web").chmod(0)
    lowly.remove("data")
    lowly.put("b.ndjson", [track(1), track(3)])
    run = lowly.sync()
    lowly.path("lake/web").chmod(0o700)
    assert run.exit == 1, run
    assert lowly.sync().exit == 0
    assert lowly.ids("bought") == {"t-1": 1, "t-3": 1}
    assert lowly.ids("tracks") == {"t-1": 1, "t-2": 1, "t-3": 1}


def test_a_folder_of_rejected_lines_that_is_removed_stops_nothing(desk):
    desk.put("a.ndjson", lines([track(1)]) + "no event\n")
    assert desk.sync(crash="planned").exit < 0
    desk.remove("data/dead_letters")
    run = desk.sync()
    assert (run.exit, run.events) == (3, [2, 1, 0, 1]), run
    process = desk.start("sync", "run", "--from", "-", "--to", desk.path("lake"), "--source", "web", stdin=subprocess.PIPE)
    begun = time.monotonic()
    while not list(desk.path("data/spool").glob("*")) and time.monotonic() - begun < 1:
        time.sleep(0.01)
    desk.remove("data/dead_letters")
    process.stdin.write(lines([track(2)]) + "no event either\n")
    run = desk.end(process)
    assert (run.exit, run.events) == (3, [2, 1, 0, 1]), run
    assert [letter["raw"] for letter in desk.letters()] == ["no event either"]


# What is visible.

def test_history_tells_which_installation_wrote_what(desk):
    desk.put("../a/1.ndjson", [track(1)])
    desk.sync(file="a", data="one")
    desk.put("../b/1.ndjson", [track(2)])
    desk.sync(file="b", data="two")
    commits = desk.run("tables", "history", "web.bought", "--lake", desk.path("lake")).document["commits"]
    heard = {path.stem: json.loads(path.read_text())["name"] for path in desk.path("lake/_headgate/heard-installations").glob("*.json")}
    wrote = [commit["installation"] for commit in commits]
    assert len(set(wrote)) == 2 and set(wrote) <= {*heard, *heard.values()}, (wrote, heard)


def test_a_preview_shows_what_a_run_would_refuse(desk):
    desk.put("a.ndjson", [track(1, total=5), track(2, "Other")])
    desk.sync()
    desk.delta("bought").alter.add_constraint({"rule": "total > 0"})
    desk.put("a.ndjson", [track(3, total=-5), track(4, "Other")])
    shown = desk.run("schema", "preview", desk.path("in"), "--lake", desk.path("lake"), "--source", "web")
    assert shown.exit in (0, 3), shown
    tables = {table["table"]: json.dumps(table) for table in shown.document["tables"]}
    assert "unsupported_table" in tables["bought"] and "unsupported_table" not in tables["other"], tables


def test_a_preview_spells_a_column_as_the_table_does(desk):
    desk.put("a.ndjson", [track(1)])
    desk.sync()
    desk.alter("bought", added=["Total"])
    desk.put("a.ndjson", [track(2, total=1), track(3, total="many")])
    shown = desk.run("schema", "preview", desk.path("in"), "--lake", desk.path("lake"), "--source", "web").document
    bought = next(table for table in shown["tables"] if table["table"] == "bought")
    total, = [column for column in bought["columns"] if column["name"].lower() == "total"]
    assert (total["name"], total["state"], total["discarded"]) == ("Total", "conflict", 1)


def test_a_lake_by_way_of_a_folder_that_is_not_there_works_or_is_refused_plainly(desk):
    desk.put("a.ndjson", [track(1)])
    run = desk.sync(lake=desk.path("x") / ".." / "lake")
    if run.exit == 0:
        assert desk.ids("bought") == {"t-1": 1}
    else:
        assert run.exit in (1, 2) and run.document["error"]["field"] == "to", run
        assert not desk.path("lake").exists()


def test_records_of_batches_lie_in_the_lake_and_never_change(desk):
    seen = {}
    for number in range(1, 4):
        desk.put(f"{number}.ndjson", [track(number)])
        assert desk.sync().exit == 0
        records = {path.name: path.read_bytes() for path in desk.path("lake/_headgate/web").glob("*.json")}
        assert f"{number}.json" in records
        assert {name: records[name] for name in seen} == seen
        seen = records


def over_two_months(count=600):
    """Events far apart, so that most left the window of seven days when the last has come."""
    day = lambda number: 1 + number * 58 // count
    received = lambda number: f"2026-{1 + day(number) // 28:02d}-{1 + day(number) % 28:02d}T10:00:{number % 60:02d}Z"
    return [event("track", number, "Bought", receivedAt=received(number)) for number in range(count)]


def in_turn(desk, *data):
    """Several installations read one folder at once; one that finds the lake busy tries again."""
    waiting = list(data)
    while waiting:
        runs = {name: desk.start(*desk.syncing(), "--batch-bytes", "20000", data=name) for name in waiting}
        ended = {name: desk.end(process) for name, process in runs.items()}
        assert all(run.exit == 0 or run.code == "lake_busy" for run in ended.values()), ended
        waiting = [name for name, run in ended.items() if run.exit]


@pytest.mark.parametrize("attempt", range(3))
def test_a_file_that_two_installations_read_at_once_lands_once_however_old_its_events_are(desk, attempt):
    events = over_two_months()
    desk.put("a.ndjson", events[:200])
    desk.put("b.ndjson", events[200:])
    in_turn(desk, "one", "two")
    assert desk.ids("bought") == desk.ids("tracks") == {event["messageId"]: 1 for event in events}


def test_a_copy_that_comes_in_a_later_batch_of_the_run_lands_once_however_old_its_events_are(desk):
    events = over_two_months()
    desk.put("a.ndjson", events)
    desk.put("b.ndjson", events)
    run = desk.sync("--batch-bytes", "20000")
    assert run.exit == 0 and run.events == [1200, 600, 600, 0], run
    assert desk.ids("bought") == {event["messageId"]: 1 for event in events}


def test_a_file_that_was_renamed_after_a_part_of_it_landed_lands_once_however_old_its_events_are(desk):
    events = over_two_months()
    desk.put("a.ndjson", events)
    desk.sync("--batch-bytes", "60000", crash="committed")
    assert 0 < len(desk.ids("bought")) < 600
    (desk.path("in/a.ndjson")).rename(desk.path("in/z.ndjson"))
    assert desk.sync().exit == 0
    assert desk.ids("bought") == desk.ids("tracks") == {event["messageId"]: 1 for event in events}


def test_a_file_that_was_changed_between_its_ends_is_read_again(desk):
    events = [track(number, note="x" * 200) for number in range(1000)]
    size = desk.put("a.ndjson", events).stat().st_size
    assert desk.sync().exit == 0
    events[500]["messageId"] = "u-500"
    assert desk.put("a.ndjson", events).stat().st_size == size
    run = desk.sync()
    assert run.exit == 0 and run.events == [1000, 1, 999, 0], run
    assert desk.ids("bought")["u-500"] == 1 and len(desk.ids("bought")) == 1001


def test_a_batch_that_another_installation_has_in_the_works_does_not_hold_other_schemas(desk):
    desk.put("../app/a.ndjson", [track(1)])
    desk.put("../web/a.ndjson", [track(2)])
    desk.sync(file="app", source="app", data="one")
    desk.sync(file="web", source="web", data="two")
    desk.put("../app/b.ndjson", [track(3)])
    desk.sync(file="app", source="app", data="one", crash="planned")
    assert desk.sync(file="app", source="app", data="two").code == "lake_busy"
    desk.put("../web/b.ndjson", [track(4)])
    run = desk.sync(file="web", source="web", data="two")
    assert run.exit == 0 and run.events == [1, 1, 0, 0], run
