"""The environment of a test: lakes, data folders and files in one folder, the real command, and independent readers.

DuckDB counts rows through delta-kernel; deltalake is used only as another writer.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import deltalake
import duckdb
import duckdb_extensions
import polars
import pyarrow.compute

HEADGATE = os.environ.get("HEADGATE_BIN", "headgate")
SCHEMA = "web"
# Long enough for a loaded machine: what takes longer waits for ever.
PATIENCE = 120

duck = duckdb.connect(config={"autoinstall_known_extensions": False})
duckdb_extensions.import_extension("delta", con=duck)
duck.execute("LOAD delta; SET TimeZone = 'UTC'")


def moment(second):
    """A time in the sample hour, as events bring it."""
    return f"2026-03-01T{10 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000Z"


def event(kind, number, called, values=None, **more):
    """An event whose id is its kind's first letter and its number, received that many seconds after ten."""
    made = {"type": kind, "messageId": f"{kind[0]}-{number}", "receivedAt": moment(number)}
    if kind in ("track", "page", "screen"):
        key = "event" if kind == "track" else "name"
        made |= {key: called, "userId": f"u-{number}", "properties": values or {}}
    elif kind == "group":
        made |= {"groupId": called, "userId": f"u-{number}", "traits": values or {}}
    else:
        made |= {"userId": called, "traits": values or {}}
    return made | more


def lines(events):
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)


class Run:
    """What the command printed, and how it ended."""

    def __init__(self, command, exit, out, err):
        self.command, self.exit, self.err = command, exit, err
        self.document = json.loads(out) if out.strip() else {}

    @property
    def events(self):
        """Received, written, duplicate, rejected; none when there was no run."""
        events = self.document.get("events")
        return events and [events[key] for key in ("received", "written", "duplicate", "rejected")]

    @property
    def code(self):
        return (self.document.get("error") or {}).get("code")

    @property
    def errors(self):
        """The code of each table that failed."""
        return {part["table"]: part["error"]["code"] for part in self.document.get("tables", []) if part.get("error")}

    def error(self, table):
        return next(part["error"] for part in self.document["tables"] if part["table"] == table and part.get("error"))

    @property
    def notices(self):
        return [f"{notice['code']}: {notice['message']}" for notice in self.document.get("notices", [])]

    @property
    def discards(self):
        return {discard["reason"]: discard["count"] for discard in self.document.get("discards", [])}

    def __repr__(self):
        said = json.dumps(self.document)
        return f"exit {self.exit}, {said[:1500]}{'…' if len(said) > 1500 else ''} {self.err[-500:]}"


class Desk:
    def __init__(self, folder, fold=None, user=None):
        """`fold` is how many records become one, where it is not the product's own number; `user` runs the command."""
        self.folder, self.fold, self.user, self.command = pathlib.Path(folder), fold, user, HEADGATE

    def path(self, name):
        return self.folder / name

    def put(self, name, content):
        """Writes a file below `in/`: events, text or bytes."""
        path = self.path("in") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, (str, bytes)):
            content = lines(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def start(self, *arguments, data="data", crash=None, stdin=subprocess.DEVNULL):
        """Starts the command, which dies at `crash` in a debug build."""
        environment = {key: value for key, value in os.environ.items() if key != "HEADGATE_CRASH"}
        environment |= {"HEADGATE_DATA": str(self.path(data))} | ({"HEADGATE_CRASH": crash} if crash else {})
        environment |= {"HEADGATE_FOLD": str(self.fold)} if self.fold else {}
        command = [self.command, *map(str, arguments), "--json"]
        other = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        return subprocess.Popen(command, env=environment, text=True, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **other)

    def end(self, process):
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"it did not end within {PATIENCE} s: {process.args}") from None
        return Run(process.args, process.returncode, out, err)

    def run(self, *arguments, **how):
        return self.end(self.start(*arguments, **how))

    def syncing(self, file="in", lake="lake", source=SCHEMA):
        """The arguments of a sync of `in/`, or of what lies elsewhere."""
        to = self.path(lake) if isinstance(lake, str) else lake
        return ["sync", "run", "--from", self.path(file), "--to", to, "--source", source]

    def sync(self, *more, file="in", lake="lake", source=SCHEMA, **how):
        return self.run(*self.syncing(file, lake, source), *more, **how)

    def sync_in_turn(self, *more, **how):
        """A sync that waits for another installation to finish, as `lake_busy` asks."""
        begun = time.monotonic()
        while (run := self.sync(*more, **how)).code == "lake_busy":
            assert run.exit == 1 and run.document["error"]["retryable"], run
            assert time.monotonic() - begun < PATIENCE, f"nobody let it in: {run}"
            time.sleep(0.1)
        return run

    def table(self, table, lake="lake", schema=SCHEMA):
        return self.path(lake) / schema / table

    def tables(self, lake="lake", schema=SCHEMA):
        folder = self.path(lake) / schema
        return sorted(path.name for path in folder.glob("*") if (path / "_delta_log").is_dir())

    def rows(self, sql, lake="lake", schema=SCHEMA):
        """Rows by DuckDB; `{bought}` is the table of that name."""
        scan = lambda found: f"delta_scan('{self.table(found[1], lake, schema)}')"
        return duck.sql(re.sub(r"\{(\w+)\}", scan, sql)).fetchall()

    def ids(self, table, lake="lake", schema=SCHEMA, column="id"):
        """How often each id is in a table; nothing when there is no table."""
        if not any(self.table(table, lake, schema).glob("_delta_log/*")):
            return collections.Counter()
        return collections.Counter(id for id, in self.rows(f"SELECT {column} FROM {{{table}}}", lake, schema))

    def delta(self, table, lake="lake"):
        return deltalake.DeltaTable(str(self.table(table, lake)))

    def log(self, table, lake="lake"):
        """The actions of every commit that is still a file of its own, by version."""
        files = sorted(path for path in self.table(table, lake).glob("_delta_log/*.json") if path.stem.isdigit())
        return {int(path.stem): [json.loads(line) for line in path.read_text().splitlines() if line] for path in files}

    def commit(self, table, *actions, lake="lake"):
        """Another writer's commit, written by hand."""
        version = max(self.log(table, lake)) + 1
        head = {"commitInfo": {"timestamp": int(time.time() * 1000), "operation": "SET TBLPROPERTIES"}}
        path = self.table(table, lake) / f"_delta_log/{version:020}.json"
        path.write_text("".join(json.dumps(action) + "\n" for action in [head, *actions]))

    def alter(self, table, fields=None, added=(), configuration=None, protocol=None, mapping=False):
        """Changes what a table asks of its writers, as its owner would."""
        metadata = [a["metaData"] for actions in self.log(table).values() for a in actions if "metaData" in a][-1]
        schema = json.loads(metadata["schemaString"])
        for name in added:
            schema["fields"].append({"name": name, "type": "long", "nullable": True, "metadata": {}})
        for number, field in enumerate(schema["fields"], 1):
            field |= (fields or {}).get(field["name"], {})
            if mapping:
                physical = f"col-{number}" if field["name"] in added else field["name"]
                field["metadata"] = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": physical}
        metadata["schemaString"] = json.dumps(schema)
        metadata["configuration"] |= configuration or {}
        if mapping:
            metadata["configuration"] |= {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": str(len(schema["fields"]))}
        self.commit(table, *([{"protocol": protocol}] if protocol else []), {"metaData": metadata})

    def pass_time(self, minutes=11, lake="lake"):
        """Makes all that installations said in a lake so much older."""
        for path in self.path(lake).glob("_headgate/**/*"):
            then = path.stat().st_mtime - 60 * minutes
            os.utime(path, (then, then))

    def letters(self, data="data"):
        found = self.path(data).glob("dead_letters/*.ndjson")
        return [json.loads(line) for path in sorted(found) for line in path.read_text().splitlines()]

    def copy(self, one, other):
        shutil.copytree(self.path(one), self.path(other), symlinks=True)

    def remove(self, name):
        for path in self.folder.glob(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def replace(self, one, other):
        self.remove(other)
        self.copy(one, other)


def found_by(path, column, value):
    """How many rows each reader finds where a column has a value, or none."""
    path, field = str(path), pyarrow.compute.field(column)
    literal = "IS NULL" if value is None else f"= '{value}'"
    column_is = polars.col(column).is_null() if value is None else polars.col(column) == value
    arrow = lambda: deltalake.DeltaTable(path).to_pyarrow_dataset().to_table(filter=field.is_null() if value is None else field == value)
    return {
        "duckdb": len(duck.sql(f"SELECT 1 FROM delta_scan('{path}') WHERE \"{column}\" {literal}").fetchall()),
        "polars": polars.scan_delta(path).filter(column_is).collect().height,
        "pyarrow": arrow().num_rows,
    }
