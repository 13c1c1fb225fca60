"""Plays the tables of steps and checks in `cases/`, each in a fresh folder.

A case may say how many records `fold` into one. A step is an object with one verb; what else it holds says how, or what must be true after it. Paths lie below the
case's folder, `data` is HEADGATE_DATA where nothing else is said, and the lake's schema is `web`.

    sync       events, put into `in/<file>` and synced with all that lies in `in/`; with `expect` unless it succeeds.
               An event is "track 1 Bought", with its values behind it in an array, or an object as it is sent.
    at_once    several syncs at the same time; one that finds the lake busy tries again
    put        writes a file of `text` or `events`, as often as `times` says, and gzips it `zipped` times
    copy, move, remove, replace      folders and files
    pass_time  minutes, for all that installations said in the lake
    add_column, constrain, unconstrain, alter, retype, restore, compact, delete, make    changes by another writer
    holds      the ids of tables, each exactly once and no others
    rows       what a query returns
    found      every reader finds the rows where a column has a value
    statistics every file of a table has statistics for the same columns and holds plain strings
    command    another command, a part of its answer, and what it says anywhere in it
    letters    parts of the dead letters
"""

import gzip
import json
import pathlib
import re
import shutil
import time

import deltalake
import pyarrow
import pyarrow.parquet
import pytest
from desk import PATIENCE, event, found_by, lines

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['title']}")
    for path in sorted((pathlib.Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(path.read_text())
]


def sent(short):
    """Events as a case writes them."""
    made = []
    for one in short:
        if isinstance(one, dict):
            made.append(one)
            continue
        words, values, *more = one if isinstance(one, list) else [one, {}]
        kind, number, called = words.split(" ", 2)
        made.append(event(kind, int(number), called, values, **(more[0] if more else {})))
    return made


def within(part, whole):
    """Whether all that a case names is there; what it does not name may be."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and within(value, whole[key]) for key, value in part.items())
    if isinstance(part, str) and part.startswith("~"):
        return re.search(part[1:], str(whole), re.I) is not None
    return part == whole


class Case:
    def __init__(self, desk):
        self.desk, self.run, self.number = desk, None, 0

    def play(self, steps):
        for self.number, step in enumerate(steps):
            try:
                getattr(self, next(iter(step)))(**step)
            except Exception as problem:
                problem.add_note(f"in step {self.number}: {json.dumps(step, ensure_ascii=False)}")
                raise

    def arguments(self, sync, file=None, again=False, refill=None, source="web", data="data", lake="lake", of="in", more=(), crash=None, expect=None):
        if sync:
            self.desk.put(file or f"{self.number}.ndjson", sent(sync))
        arguments = [*(["--again"] if again else []), *(["--refill", f"web.{refill}"] if refill else []), *more]
        return arguments, {"file": of, "lake": lake, "source": source, "data": data, "crash": crash}

    def sync(self, **step):
        arguments, how = self.arguments(**step)
        self.run = self.desk.sync(*arguments, **how)
        if how["crash"]:
            assert self.run.exit < 0 and not self.run.document, f"it was to die: {self.run}"
        else:
            self.expect(**step.get("expect", {}))

    def expect(self, exit=0, code=None, message="", events=None, errors={}, says={}, notices=[], no_notices=False, discards=None, files={}, retryable=None):
        run = self.run
        assert run.exit in (exit if isinstance(exit, list) else [exit]), run
        assert within(code, run.code), run
        if message:
            assert re.search(message, run.document["error"]["message"] + run.document["error"]["hint"], re.I), run
        if events is not None:
            assert run.events == events, run
        assert errors is None or set(run.errors) == set(errors), run
        for table, wanted in (errors or {}).items():
            assert re.fullmatch(wanted, run.errors[table]), run
            assert retryable is None or run.error(table)["retryable"] == retryable, run
        for table, words in says.items():
            assert re.search(words, run.error(table)["message"] + run.error(table)["hint"], re.I), run
        for words in notices:
            assert sum(bool(re.search(words, notice, re.I)) for notice in run.notices) == 1, (words, run.notices)
        assert not (no_notices and run.notices), run
        assert discards is None or run.discards == discards, run
        assert not files or within(files, run.document.get("files")), run

    def at_once(self, at_once):
        prepared = [self.arguments(**sync) for sync in at_once]
        begun, waiting = time.monotonic(), prepared
        while waiting:
            assert time.monotonic() - begun < PATIENCE, "nobody let it in"
            started = []
            for arguments, how in waiting:
                how = dict(how)
                syncing = self.desk.syncing(how.pop("file"), how.pop("lake"), how.pop("source"))
                started.append(self.desk.start(*syncing, *arguments, **how))
            runs = [self.desk.end(process) for process in started]
            assert all(run.exit == 0 or run.code == "lake_busy" and run.document["error"]["retryable"] for run in runs), runs
            waiting = [how for how, run in zip(waiting, runs) if run.exit]

    def put(self, put, text=None, events=None, zipped=0, times=1):
        content = (lines(sent(events)) if text is None else text).encode() * times
        for _ in range(zipped):
            content = gzip.compress(content)
        path = self.desk.path(put)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def copy(self, copy):
        one, other = map(self.desk.path, copy)
        other.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(one, other) if one.is_dir() else shutil.copy(one, other)

    def move(self, move):
        one, other = map(self.desk.path, move)
        other.parent.mkdir(parents=True, exist_ok=True)
        one.rename(other)

    def remove(self, remove):
        assert list(self.desk.folder.glob(remove)), f"nothing is at {remove}"
        self.desk.remove(remove)

    def replace(self, replace):
        self.desk.replace(*replace)

    def pass_time(self, pass_time):
        self.desk.pass_time(pass_time)

    def add_column(self, add_column, type):
        table, name = add_column.split(".")
        self.desk.delta(table).alter.add_columns([deltalake.Field(name, type, nullable=True)])

    def constrain(self, constrain, rule):
        self.desk.delta(constrain).alter.add_constraint({"rule": rule})

    def unconstrain(self, unconstrain):
        self.desk.delta(unconstrain).alter.drop_constraint("rule")

    def alter(self, alter, **how):
        self.desk.alter(alter, **how)

    def retype(self, retype, type, value=None, name=None):
        """Rewrites a table with a column of another type or name."""
        table, column = retype.split(".")
        rows = self.desk.delta(table).to_pyarrow_table()
        at = rows.column_names.index(column)
        kind = pyarrow.type_for_alias(type)
        values = rows[column].cast(kind) if value is None else pyarrow.array([value] * rows.num_rows, kind)
        rows = rows.set_column(at, name or column, values)
        deltalake.write_deltalake(str(self.desk.table(table)), rows, mode="overwrite", schema_mode="overwrite")

    def restore(self, restore, to):
        self.desk.delta(restore).restore(to)

    def compact(self, compact):
        self.desk.delta(compact).optimize.compact()
        self.desk.delta(compact).vacuum(0, enforce_retention_duration=False, dry_run=False)

    def delete(self, delete, where):
        self.desk.delta(delete).delete(where)

    def make(self, make):
        """Makes a table anew, empty, with the columns it has."""
        rows = self.desk.delta(make).to_pyarrow_table()
        self.desk.remove(f"lake/web/{make}")
        deltalake.write_deltalake(str(self.desk.table(make)), rows.slice(0, 0))

    def holds(self, holds, lake="lake"):
        for table, ids in holds.items():
            wanted = {id: 1 for id in ids.split()}
            assert self.desk.ids(table, lake) == wanted, (table, self.run)

    def rows(self, rows, are, lake="lake"):
        read = [[value if value is None or isinstance(value, (bool, int, float)) else str(value) for value in row] for row in self.desk.rows(rows, lake)]
        assert read == are, self.run

    def found(self, found, rows):
        table, column, value = found
        read = found_by(self.desk.table(table), column, value)
        assert set(read.values()) == {rows}, read

    def statistics(self, statistics):
        log = [action for actions in self.desk.log(statistics).values() for action in actions]
        configured = [a["metaData"] for a in log if "metaData" in a][-1]["configuration"]["delta.dataSkippingStatsColumns"].split(",")
        added = [a["add"] for a in log if "add" in a]
        for add in added:
            kept = json.loads(add["stats"])
            assert sorted(kept["nullCount"]) == sorted(configured), add["path"]
            for bound in ("minValues", "maxValues"):
                assert set(kept[bound]) <= set(configured), add["path"]
            if (path := self.desk.table(statistics) / add["path"]).exists():
                types = {str(field.type) for field in pyarrow.parquet.read_schema(path)}
                assert types <= {"string", "int64", "double", "bool", "timestamp[us, tz=UTC]"}, (add["path"], types)

    def command(self, command, exit=0, answer={}, says="", data="data"):
        words = [word.replace("{run}", (self.run and self.run.document.get("run")) or "") for word in command.split()]
        places = {"{lake}": "lake", "{in}": "in", "{other}": "other"}
        words = [str(self.desk.path(places[word])) if word in places else word for word in words]
        ran = self.desk.run(*words, data=data)
        assert ran.exit in (exit if isinstance(exit, list) else [exit]) and within(answer, ran.document), ran
        assert re.search(says, json.dumps(ran.document)), ran

    def letters(self, letters, data="data"):
        kept = self.desk.letters(data)
        assert len(kept) == len(letters), kept
        assert all(within(part, letter) for part, letter in zip(letters, kept)), kept


@pytest.mark.parametrize("case", CASES)
def test_case(case, desk):
    for number in range(case.get("tries", 1)):
        Case(type(desk)(desk.path(str(number)), case.get("fold"))).play(case["steps"])


PAYLOADS = pathlib.Path(__file__).parent / "payloads"


@pytest.mark.parametrize("counts", json.loads((PAYLOADS / "counts.json").read_text()), ids=lambda counts: counts["file"])
def test_payloads_of_real_shapes_keep_their_counts(counts, desk):
    desk.put(counts["file"], (PAYLOADS / counts["file"]).read_bytes())
    run = desk.sync()
    assert (run.exit, run.events) == (3, counts["events"]), run
    assert run.discards == counts["discards"], run
    taken = lambda part: part["merged"] if part["received"] is None else part["received"]
    parts = {part["table"]: [taken(part), part["discarded"]] for part in run.document["tables"]}
    parts.pop("headgate_discards", None)
    assert parts == counts["tables"], run
