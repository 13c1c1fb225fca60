"""Parquet files of a few hundred bytes that expand to hundreds of megabytes, and the cost of reading them.

Less than 100 MB of memory above the same read of a small table. The command to test is named
by HEADGATE_BIN.
"""

import json
import os
import subprocess
import sys

import duckdb
import pytest

HEADGATE = os.environ["HEADGATE_BIN"]
MB = 1 << 20
SPREAD = ", COMPRESSION zstd, DICTIONARY_SIZE_LIMIT 100000, STRING_DICTIONARY_PAGE_SIZE_LIMIT 1000000000"


def write(path, query, options=SPREAD):
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet{options})")


class Lake:
    """A lake with one table of one column `a`, whose log is written by hand."""

    def __init__(self, folder, kind):
        self.folder = folder
        self.table = folder / "lake/events/e"
        self.log = self.table / "_delta_log"
        self.log.mkdir(parents=True)
        self.file = self.table / "a.parquet"
        field = {"name": "a", "type": kind, "nullable": True, "metadata": {}}
        self.metadata = {
            "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9", "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps({"type": "struct", "fields": [field]}), "partitionColumns": [], "configuration": {},
        }
        self.actions = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, {"metaData": self.metadata}]

    def commit(self):
        add = {"path": self.file.name, "partitionValues": {}, "size": self.file.stat().st_size, "modificationTime": 0, "dataChange": True}
        lines = [json.dumps(action) for action in [*self.actions, {"add": add}]]
        (self.log / "00000000000000000000.json").write_text("\n".join(lines))

    def show(self, *command):
        """The answer and the peak of memory in bytes."""
        out = self.folder / "out.json"
        # A process of its own between, since a peak is known of all children together.
        watch = (
            "import resource, subprocess, sys\n"
            "code = subprocess.run(sys.argv[2:], stdout=open(sys.argv[1], 'wb'), stderr=subprocess.DEVNULL).returncode\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        )
        arguments = command or ("tables", "show", "events.e")
        done = subprocess.run(
            [sys.executable, "-c", watch, out, HEADGATE, *arguments, "--lake", self.folder / "lake", "--json"],
            env=os.environ | {"HEADGATE_DATA": str(self.folder / "data")}, capture_output=True, timeout=60, check=True,
        )
        return json.loads(out.read_text()), int(done.stdout) * 1024


LIST = {"type": "array", "elementType": "string", "containsNull": True}
MAP = {"type": "map", "keyType": "string", "valueType": "string", "valueContainsNull": True}
STRUCT = {"type": "struct", "fields": [{"name": f"f{n}", "type": "string", "nullable": True, "metadata": {}} for n in range(8)]}
LONG = "repeat('v', 10000000)"
FIELDS = ", ".join(f"'f{n}': {LONG}" for n in range(8))

# What is shown of a value that is long: its beginning.
SHOWN = {
    "text": ("string", f"SELECT {LONG} AS a FROM range(16)"),
    "bytes": ("binary", f"SELECT {LONG}::BLOB AS a FROM range(16)"),
    "structs": (STRUCT, f"SELECT {{{FIELDS.replace('10000000', '1000000')}}} AS a FROM range(64)"),
    "lists": (LIST, f"SELECT [{LONG.replace('10000000', '1000000')} FOR i IN range(16)] AS a FROM range(16)"),
}
# What is not read at all.
REFUSED = {
    "texts that are long on their own": ("string", "SELECT repeat(chr(65 + i::INT), 100000000) AS a FROM range(2) AS t(i)"),
    "structs": (STRUCT, f"SELECT {{{FIELDS}}} AS a FROM range(64)"),
    # A value that comes again within a row.
    "a list": (LIST, f"SELECT [{LONG} FOR i IN range(16)] AS a"),
    "a long list": (LIST, "SELECT [repeat('v', 500000) FOR i IN range(1000)] AS a"),
    "a long list among short": (LIST, "SELECT [repeat('v', 500000) FOR i IN range(CASE WHEN r = 15 THEN 1000 ELSE 1 END)] AS a FROM range(16) AS t(r)"),
    "a map": (MAP, "SELECT map_from_entries([{k: i::TEXT, v: repeat('v', 500000)} FOR i IN range(1000)]) AS a"),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("base"), "string")
    write(lake.file, "SELECT 'v' AS a")
    lake.commit()
    answer, peak = lake.show()
    assert answer["sample"] == [{"a": "v"}]
    return peak


@pytest.mark.parametrize("what", SHOWN)
def test_a_small_file_of_large_values_is_shown(tmp_path, base, what):
    kind, query = SHOWN[what]
    lake = Lake(tmp_path, kind)
    write(lake.file, query)
    lake.commit()
    answer, peak = lake.show()
    print(f"{what}: {lake.file.stat().st_size} bytes, {(peak - base) // MB} MB more")
    assert answer.get("cut") is True, answer
    assert all(len(row["a"]) <= 4097 for row in answer["sample"])
    assert peak - base < 100 * MB


@pytest.mark.parametrize("what", REFUSED)
def test_a_small_file_that_expands_too_far_is_not_read(tmp_path, base, what):
    kind, query = REFUSED[what]
    lake = Lake(tmp_path, kind)
    write(lake.file, query)
    lake.commit()
    answer, peak = lake.show()
    print(f"{what}: {lake.file.stat().st_size} bytes, {(peak - base) // MB} MB more")
    assert answer["error"]["code"] == "file_expands_too_far", answer
    assert peak - base < 100 * MB


CHECKPOINTS = {
    "a path in many actions": "{'path': repeat('v', 4194304), 'partitionValues': MAP {}, 'size': 1, 'modificationTime': 0, 'dataChange': true}",
    "statistics in many actions": "{'path': 'a.parquet', 'partitionValues': MAP {}, 'size': 1, 'modificationTime': 0, 'dataChange': true, 'stats': repeat('v', 4194304)}",
}


@pytest.mark.parametrize("rows", [100, 400])
@pytest.mark.parametrize("what", CHECKPOINTS)
def test_a_small_checkpoint_of_long_values_is_not_read(tmp_path, base, what, rows):
    lake = Lake(tmp_path, "string")
    write(lake.file, "SELECT 'v' AS a")
    lake.commit()
    checkpoint = lake.log / "00000000000000000000.checkpoint.parquet"
    write(checkpoint, f"SELECT {CHECKPOINTS[what]} AS add FROM range({rows})")
    answer, peak = lake.show()
    print(f"{what}, {rows}: {checkpoint.stat().st_size} bytes, {(peak - base) // MB} MB more")
    # A path this long is none of a file in the table.
    assert answer["error"]["code"] == ("foreign_files" if "path" in what else "file_expands_too_far"), answer
    assert peak - base < 100 * MB


def test_a_table_that_is_much_smaller_than_its_rows_is_shown(tmp_path, base):
    """Rows that are much alike, as many as make an honest file small."""
    lake = Lake(tmp_path, "string")
    (tmp_path / "in").mkdir()
    with open(tmp_path / "in/a.ndjson", "w") as lines:
        for number in range(30_000):
            body = f"The order {number} was paid and will be sent to you in a day. " * 25
            lines.write(json.dumps({"type": "track", "messageId": f"m{number}", "event": "Big", "properties": {"body": body}}) + "\n")
    environment = os.environ | {"HEADGATE_DATA": str(tmp_path / "data")}
    subprocess.run([HEADGATE, "sync", "run", "--from", tmp_path / "in", "--to", tmp_path / "lake", "--json"], env=environment, check=True, capture_output=True)
    answer, peak = lake.show("tables", "show", "events.big")
    assert len(answer["sample"]) == 20, answer
    assert peak - base < 100 * MB
