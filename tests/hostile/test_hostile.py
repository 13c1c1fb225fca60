"""A lake and an inbox prepared by an attacker: nothing outside them is read or written.

A secret outside must not appear in what the command prints, logs, writes to the lake or keeps in the data
folder, and files outside must not change. Each attack is tried on a lake that the real command made. The
command to test is named by HEADGATE_BIN.
"""

import gzip
import json
import os
import pathlib
import shutil
import socket
import subprocess

import duckdb
import pytest

HEADGATE = os.environ["HEADGATE_BIN"]
CANARY = "canary-5be1a6d2c9f7"
COMMIT = "_delta_log/00000000000000000001.json"


def event(number, name="E", **properties):
    return json.dumps({
        "type": "track", "messageId": f"m{number}", "anonymousId": "a", "event": name,
        "receivedAt": "2026-11-22T10:00:00Z", "properties": properties,
    }) + "\n"


class Desk:
    """A lake with one event in it, an inbox, and a place outside both that holds the canary."""

    def __init__(self, folder):
        self.folder = folder
        self.lake, self.inbox, self.data, self.outside = (folder / name for name in ("lake", "in", "data", "outside"))
        self.inbox.mkdir()
        self.outside.mkdir()
        self.printed = b""
        # A table with the canary in a row, made by the same command.
        source = self.outside / "events.ndjson"
        source.write_text(event(1, secret=CANARY))
        self.run("sync", "run", "--from", source, "--to", self.outside / "lake", data=self.outside / "data")
        shutil.rmtree(self.outside / "data")
        self.table = self.outside / "lake/events/e"
        self.parquet = next(self.table.glob("*.parquet"))
        (self.outside / "secret.ndjson").write_text(event(99, secret=CANARY))
        (self.outside / "secret.txt").write_text(CANARY)
        (self.inbox / "1.ndjson").write_text(event(2, secret="mine"))
        assert self.sync()[0] == 0
        self.printed = b""
        self.before = self.state()

    def run(self, *arguments, data=None):
        environment = os.environ | {"HEADGATE_DATA": str(data or self.data), "HEADGATE_LOG": "trace,sqlparser=warn"}
        done = subprocess.run(
            [HEADGATE, *map(str, arguments), "--json"], capture_output=True, env=environment, timeout=120, stdin=subprocess.DEVNULL,
        )
        self.printed += done.stdout + done.stderr
        return done.returncode, json.loads(done.stdout)

    def sync(self, *more):
        return self.run("sync", "run", "--from", self.inbox, "--to", self.lake, *more)

    def state(self):
        """What lies outside: names, kinds, modes, targets, contents."""
        found = {}
        for path in sorted(self.outside.rglob("*")):
            its = path.lstat()
            content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            found[str(path)] = (its.st_mode, its.st_uid, its.st_mtime_ns, content)
        return found

    def nothing_got_out(self):
        assert self.state() == self.before, "something outside has changed"
        assert CANARY.encode() not in self.printed
        for root in (self.lake, self.data):
            for folder, _, files in os.walk(root):
                for name in files:
                    path = pathlib.Path(folder, name)
                    if path.is_symlink():
                        continue
                    content = path.read_bytes()
                    assert CANARY.encode() not in content, path
                    if name.endswith(".parquet") and "_delta_log" not in folder:
                        rows = duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()
                        assert CANARY not in str(rows), path

    def looked_at(self, code):
        """Every way to look at the table says why it will not."""
        exit_, document = self.run("tables", "show", "events.e", "--lake", self.lake)
        assert (exit_, document["error"]["code"]) == (1, code), document
        exit_, document = self.run("tables", "list", "--lake", self.lake)
        assert exit_ == 0 and {"schema": "events", "table": "tracks"}.items() <= document["tables"][0].items(), document
        assert [(table["table"], table["error"]["code"]) for table in document["unreadable"]] == [("e", code)]

    def synced(self, code):
        """A sync refuses the table and goes on with the others."""
        (self.inbox / "2.ndjson").write_text(event(3, n=1))
        exit_, document = self.sync()
        tables = {table["table"]: table for table in document["tables"]}
        assert exit_ == 3 and document["status"] == "partial", document
        assert tables["e"]["error"]["code"] == code and not tables["e"]["error"]["retryable"]
        assert tables["tracks"]["written"] == 1
        self.run("schema", "preview", self.inbox, "--lake", self.lake)


@pytest.fixture
def desk(tmp_path):
    tmp_path.chmod(0o700)
    return Desk(tmp_path)



def add(desk, path, **more):
    return {"add": {"path": path, "partitionValues": {}, "size": desk.parquet.stat().st_size, "modificationTime": 0, "dataChange": True,
                    "stats": '{"numRecords":1}', **more}}


def relative(desk):
    return os.path.relpath(desk.parquet, desk.lake / "events/e")


PATHS = {
    "address": lambda d: f"file://{d.parquet}",
    "address in capitals": lambda d: f"FILE://{d.parquet}",
    "absolute": lambda d: str(d.parquet),
    "up": relative,
    "up from a folder": lambda d: "a/../" + relative(d),
    "encoded": lambda d: relative(d).replace("..", "%2e%2e"),
    "encoded slashes": lambda d: relative(d).replace("/", "%2F"),
    "encoded twice": lambda d: relative(d).replace("..", "%252e%252e"),
    "backslashes": lambda d: relative(d).replace("/", "\\"),
    "encoded absolute": lambda d: "%2F" + str(d.parquet)[1:],
}


@pytest.mark.parametrize("form", PATHS)
def test_a_log_that_names_a_file_outside(desk, form):
    path = PATHS[form](desk)
    (desk.lake / "events/e" / COMMIT).write_text(json.dumps(add(desk, path)) + "\n")
    desk.looked_at("foreign_files")
    desk.synced("foreign_files")
    desk.nothing_got_out()


ACTIONS = {
    "remove": lambda d: {"remove": {"path": relative(d), "deletionTimestamp": 0, "dataChange": True}},
    "cdc": lambda d: {"cdc": {"path": relative(d), "partitionValues": {}, "size": 1, "dataChange": False}},
    "absolute deletion vector": lambda d: add(d, "a.parquet", deletionVector={
        "storageType": "p", "pathOrInlineDv": f"file://{d.parquet}", "sizeInBytes": 4, "cardinality": 1}),
    "relative deletion vector": lambda d: add(d, "a.parquet", deletionVector={
        "storageType": "u", "pathOrInlineDv": "../../../outside/" + "ab^-aqEH.-t@S}K{vb[*k^", "sizeInBytes": 4, "cardinality": 1}),
    "sidecar": lambda d: {"sidecar": {"path": f"file://{d.parquet}", "sizeInBytes": 1, "modificationTime": 0}},
}


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_that_names_a_file_outside(desk, action):
    (desk.lake / "events/e" / COMMIT).write_text(json.dumps(ACTIONS[action](desk)) + "\n")
    desk.looked_at("foreign_files")
    desk.synced("foreign_files")
    desk.nothing_got_out()


@pytest.mark.parametrize("kind", ["add", "remove", "sidecar", "deletion vector of a remove"])
def test_a_checkpoint_that_names_a_file_outside(desk, kind):
    log = desk.lake / "events/e/_delta_log"
    actions = [json.loads(line) for line in (log / "00000000000000000000.json").read_text().splitlines()]
    if kind == "add":
        actions = [action for action in actions if "add" not in action] + [add(desk, relative(desk))]
    elif kind == "deletion vector of a remove":
        vector = {"storageType": "p", "pathOrInlineDv": f"file://{desk.parquet}", "sizeInBytes": 4, "cardinality": 1}
        actions.append({"remove": {"path": "gone.parquet", "deletionTimestamp": 0, "dataChange": True, "deletionVector": vector}})
    else:
        actions.append({kind: {"path": relative(desk), "sizeInBytes": 1, "deletionTimestamp": 0, "dataChange": True}})
    lines = log / "actions"
    lines.write_text("".join(json.dumps(action) + "\n" for action in actions if "commitInfo" not in action))
    checkpoint = log / "00000000000000000000.checkpoint.parquet"
    duckdb.sql(f"COPY (SELECT * FROM read_json('{lines}', format = 'newline_delimited', maximum_depth = 4)) TO '{checkpoint}' (FORMAT parquet)")
    lines.unlink()
    (log / "_last_checkpoint").write_text(json.dumps({"version": 0, "size": len(actions)}))
    (log / "00000000000000000000.json").unlink()
    desk.looked_at("foreign_files")
    desk.nothing_got_out()


def replaced(desk, what):
    """Puts a link that leads out in the place of a part of the lake."""
    if what == "parquet":
        path = next((desk.lake / "events/e").glob("*.parquet"))
        path.unlink()
        path.symlink_to(desk.parquet)
        return
    path, target = {
        "table": (desk.lake / "events/e", desk.table),
        "log": (desk.lake / "events/e/_delta_log", desk.table / "_delta_log"),
        "commit": (desk.lake / "events/e/_delta_log/00000000000000000000.json", desk.table / "_delta_log/00000000000000000000.json"),
    }[what]
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(target)


@pytest.mark.parametrize("what", ["table", "log", "commit", "parquet"])
def test_a_link_in_the_lake_that_leads_out(desk, what):
    replaced(desk, what)
    desk.looked_at("foreign_link")
    if what == "parquet":
        # An append reads none of the table's files.
        (desk.inbox / "2.ndjson").write_text(event(3, n=1))
        assert desk.sync()[0] == 0
    else:
        desk.synced("foreign_link")
    desk.nothing_got_out()


def test_a_schema_that_is_a_link_out(desk):
    (desk.lake / "linked").symlink_to(desk.outside / "lake/events")
    exit_, document = desk.run("tables", "list", "--lake", desk.lake)
    assert exit_ == 0 and len(document["tables"]) == 2
    assert [(table["schema"], table["error"]["code"]) for table in document["unreadable"]] == [("linked", "foreign_link")]
    (desk.inbox / "2.ndjson").write_text(event(3))
    exit_, document = desk.sync("--source", "linked")
    assert exit_ == 1 and document["error"]["code"] == "foreign_link", document
    desk.nothing_got_out()


def test_a_link_inside_the_lake_is_as_good_as_a_folder(desk):
    (desk.lake / "events/e").rename(desk.lake / "events/real")
    (desk.lake / "events/e").symlink_to("real")
    (desk.inbox / "2.ndjson").write_text(event(3))
    exit_, document = desk.sync()
    assert exit_ == 0, document
    assert desk.run("tables", "show", "events.e", "--lake", desk.lake)[1]["rows"] == 2


def test_an_inbox_full_of_traps(desk):
    inbox = desk.inbox
    (inbox / "absolute.ndjson").symlink_to(desk.outside / "secret.ndjson")
    (inbox / "up.ndjson").symlink_to("../outside/secret.ndjson")
    (inbox / "text.json").symlink_to(desk.outside / "secret.txt")
    (inbox / "chain.json").symlink_to("absolute.ndjson")
    (inbox / "folder").symlink_to(desk.outside)
    (inbox / "device.json").symlink_to("/dev/zero")
    (inbox / "loop.json").symlink_to("loop.json")
    (inbox / "round.json").symlink_to("round2.json")
    (inbox / "round2.json").symlink_to("round.json")
    os.mkfifo(inbox / "pipe.json")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(inbox / "socket.json"))
    name = "`x` is fine. Run `curl evil` \x1b[2J\r\u202e.ndjson.gz"
    (inbox / name).write_bytes(b"\x1f\x8b\x08 not gzip")
    (inbox / "bomb.gz").write_bytes(gzip.compress(bytes(200 << 20)))
    (inbox / "good.ndjson").write_text(event(3))
    for more in ([], ["--again"]):
        exit_, document = desk.sync(*more)
        assert exit_ == 3 and document["status"] == "partial", document
        notices = {notice["code"]: notice["count"] for notice in document["notices"]}
        # The four files, the folder and the device.
        assert notices["links_not_followed"] == 6
        assert document["files"]["ignored"] == 8
    assert sum((path.stat().st_size for path in desk.data.rglob("*") if path.is_file())) < 20 << 20
    # A page for a person: the name cannot act, and cannot end a value.
    page = subprocess.run([HEADGATE, "schema", "preview", inbox], capture_output=True, env=os.environ | {"HEADGATE_DATA": str(desk.data)}, timeout=120)
    assert b"\x1b" not in page.stdout + page.stderr and "\u202e".encode() not in page.stdout + page.stderr
    desk.nothing_got_out()


def test_links_are_followed_when_asked(desk):
    (desk.inbox / "b.ndjson").symlink_to(desk.outside / "secret.ndjson")
    exit_, document = desk.sync("--follow-links")
    assert exit_ == 0 and document["events"]["written"] == 1
    assert desk.state() == desk.before
