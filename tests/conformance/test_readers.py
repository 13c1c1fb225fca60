"""Tables that Headgate wrote, read by independent programs.

DuckDB reads Delta through delta-kernel, Sail with an implementation of its own. Each fixture is synced by the
real command, a batch a run, and every table must hold the rows of the expected files beside the fixture.
The command to test is named by HEADGATE_BIN.
"""

import json
import os
import pathlib
import subprocess
import uuid
from datetime import datetime, timezone

import duckdb
import pytest

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures" / "events"
HEADGATE = os.environ["HEADGATE_BIN"]
CASES = sorted(case.name for case in FIXTURES.iterdir())
TYPES = {"BIGINT": "BIGINT", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN", "STRING": "VARCHAR", "TIMESTAMP": "TIMESTAMP WITH TIME ZONE"}
DELTA = {"BIGINT": "long", "DOUBLE": "double", "BOOLEAN": "boolean", "STRING": "string", "TIMESTAMP": "timestamp"}
# Tables of a fixture that no lake takes: what names a row has another type, and two names differ in case only.
REFUSED = {"fixed_columns_of_other_types": {"groups"}, "names_regardless_of_case": {"e"}}
# Chosen types that the command refuses: of a column that the table has, and of one that every table has.
NOT_CHOSEN = {"bought.had", "bought.user_id"}
SPARK = {"BIGINT": "bigint", "DOUBLE": "double", "BOOLEAN": "boolean", "STRING": "string", "TIMESTAMP": "timestamp"}


def lay(path, columns):
    """Makes a table that Headgate once wrote to, without rows."""
    fields = [{"name": c["name"], "type": DELTA[c["type"]], "nullable": True, "metadata": {}} for c in columns]
    actions = [
        {"commitInfo": {"timestamp": 1795348800000, "operation": "CREATE TABLE"}},
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {"txn": {"appId": "headgate/laid", "version": 1}},
        {"metaData": {
            "id": str(uuid.uuid4()), "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "configuration": {},
            "schemaString": json.dumps({"type": "struct", "fields": fields}), "createdTime": 1795348800000,
        }},
    ]
    (path / "_delta_log").mkdir(parents=True)
    (path / "_delta_log/00000000000000000000.json").write_text("".join(json.dumps(action) + "\n" for action in actions))


class Lake:
    """A fixture's lake: its folder, and the tables that the expected files say it has."""

    def __init__(self, case, folder):
        self.folder = folder / "lake"
        before = FIXTURES / case / "tables.json"
        for table, columns in (json.loads(before.read_text()) if before.exists() else {}).items():
            lay(self.folder / "shop" / table, columns)
        chosen = FIXTURES / case / "chosen.json"
        chosen = json.loads(chosen.read_text()) if chosen.exists() else {}
        names = {f"{table}.{column['name']}": column["type"] for table, columns in chosen.items() for column in columns}
        choices = [word for name, kind in names.items() if name not in NOT_CHOSEN for word in ("--column", f"shop.{name}={kind}")]
        source = folder / "in" / "events.ndjson"
        source.parent.mkdir()
        self.columns, self.rows = {}, {}
        self.planned = set()
        for number in range(1, 10):
            batch = FIXTURES / case / f"{number}.ndjson"
            if not batch.exists():
                break
            source.write_bytes(batch.read_bytes())
            arguments = ["sync", "run", "--json", "--from", str(source), "--to", str(self.folder), "--source", "shop", *choices]
            if case == "too_many_columns":
                arguments += ["--max-columns", "12"]
            ran = subprocess.run([HEADGATE, *arguments], capture_output=True, text=True, env=os.environ | {"HEADGATE_DATA": str(folder / "data")})
            assert ran.returncode in (0, 3), ran.stdout + ran.stderr
            refused = {table["table"] for table in json.loads(ran.stdout)["tables"] if table["error"]}
            assert refused == REFUSED.get(case, set()), ran.stdout
            made = json.loads(batch.with_suffix(".json").read_text())
            made["(set aside)"] = [value for value in made["(set aside)"] if value[0] not in refused]
            self.expect({table: rows for table, rows in made.items() if table not in refused})
            self.planned.add(f"2026-11-2{number + 1}T12:00:00Z")

    def expect(self, batch):
        for table, made in batch.items():
            if table.startswith("("):
                continue
            self.columns[table] = made["columns"]
            if table == "users":
                self.rows[table] = made["rows"]
            else:
                self.rows.setdefault(table, []).extend(made["rows"])
        discards = [
            {"table_name": table, "row_id": row, "column_name": column, "column_value": value, "reason": reason}
            for table, row, column, reason, value in batch["(set aside)"]
        ]
        if discards:
            self.rows.setdefault("headgate_discards", []).extend(discards)

    def path(self, table):
        return str(self.folder / "shop" / table)

    def agree(self, table, read):
        """Compares rows as read, maps from column to value, with the expected ones."""
        expected = sorted(self.rows[table], key=lambda row: json.dumps(row, sort_keys=True))
        known = {key for row in expected for key in row}
        if table == "headgate_discards":
            # What depends on the run is there, and is not compared.
            assert all(row["run_id"] and row["uuid_ts"] and row["received_at"] for row in read)
        key = lambda row: (row.get("id") or "", row.get("table_name") or "", row.get("row_id") or "", row.get("column_name") or "", row.get("column_value") or "")
        expected, read = sorted(expected, key=key), sorted(read, key=key)
        assert len(read) == len(expected)
        for want, got in zip(expected, read):
            for column in known | set(got):
                if table == "headgate_discards" and column not in known:
                    continue
                value = plain(got.get(column))
                # The planned time is the fixture's here and the run's there.
                if want.get(column) in self.planned or column == "uuid_ts":
                    assert value is not None, (table, column)
                else:
                    assert value == want.get(column), (table, column, want)


def plain(value):
    if isinstance(value, datetime):
        utc = value.astimezone(timezone.utc)
        text = utc.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
        fraction = f".{utc.microsecond:06d}".rstrip("0") if utc.microsecond else ""
        return f"{text}{fraction}Z"
    return value


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    made = {}
    def lake(case):
        if case not in made:
            made[case] = Lake(case, tmp_path_factory.mktemp(case))
        return made[case]
    return lake


@pytest.fixture(scope="module")
def duck():
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    import duckdb_extensions
    duckdb_extensions.import_extension("delta", con=connection)
    connection.execute("LOAD delta; SET TimeZone = 'UTC'")
    return connection


@pytest.mark.parametrize("case", CASES)
def test_duckdb_reads_what_is_expected(case, lakes, duck):
    lake = lakes(case)
    for table in lake.rows:
        relation = duck.sql(f"SELECT * FROM delta_scan('{lake.path(table)}')")
        if table in lake.columns:
            assert dict(zip(relation.columns, map(str, relation.types))) == {c: TYPES[t] for c, t in lake.columns[table].items()}
        lake.agree(table, [dict(zip(relation.columns, row)) for row in relation.fetchall()])


@pytest.mark.parametrize("case", CASES)
def test_sail_reads_what_is_expected(case, lakes, spark):
    lake = lakes(case)
    for table in lake.rows:
        frame = spark.read.format("delta").load(lake.path(table))
        if table in lake.columns:
            assert dict(frame.dtypes) == {c: SPARK[t] for c, t in lake.columns[table].items()}
        table_of = frame.toArrow()
        lake.agree(table, table_of.to_pylist())


def test_the_sample_day_can_be_queried_as_the_readme_says(tmp_path, duck):
    made = subprocess.run([HEADGATE, "demo", "--to", str(tmp_path / "lake")], capture_output=True, text=True)
    assert made.returncode == 0
    query = next(line.strip() for line in made.stdout.splitlines() if "delta_scan" in line)
    assert len(duck.sql(query.rstrip(";")).fetchall()) == 12
