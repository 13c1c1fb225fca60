"""Tables after merges, refills, checkpoints and a hundred commits, read by DuckDB, polars, PyArrow and Sail; in `make
soak` by Spark too.

Each filters every column by existing values and by none; filters use statistics, so they must find the same rows
as a full read. HEADGATE_SOAK_SECONDS makes it a thousand commits.
"""

import datetime
import json
import os
import resource
import statistics
import subprocess

import deltalake
import polars
import pyarrow
import pyarrow.dataset
import pytest
from desk import Desk, duck, event

RUNS = 1_000 if os.environ.get("HEADGATE_SOAK_SECONDS") else 110
USERS = [f"user-{number:02}" for number in range(12)]
TABLES = ["aliases", "bought", "groups", "headgate_discards", "identifies", "pages", "screens", "tracks", "users", "viewed"]


def of_a_core():
    """Seconds that all that ended so far had of a core."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Grown:
    """A lake that many runs wrote: users changed often, columns came late, one table was dropped and filled again."""

    def __init__(self, folder):
        self.desk, self.took, self.exits = Desk(folder), [], []
        for number in range(RUNS):
            self.desk.put("a.ndjson", self.events(number))
            before = of_a_core()
            self.exits.append(self.desk.sync(file="in/a.ndjson").exit)
            self.took.append(of_a_core() - before)
            if number == RUNS // 2:
                self.fill_again(number)

    def fill_again(self, last):
        """Half of the commits come after it, and with them a checkpoint."""
        self.desk.put("all.ndjson", [event for number in range(last + 1) for event in self.events(number)])
        self.desk.remove("lake/web/viewed")
        self.behind = self.desk.sync(file="in/a.ndjson")
        self.refilled = self.desk.sync("--again", "--refill", "web.viewed", file="in/all.ndjson")

    @staticmethod
    def events(number):
        first = number * 8 + 1
        late = {"late": f"l{number % 3}"} if number > RUNS // 2 else {}
        return [
            event("identify", first, USERS[number * 7 % 12], {"plan": f"p{number % 4}", "age": number, **late}),
            event("identify", first + 1, USERS[number * 5 % 12], {"city": "Rome"} if number % 2 else {"plan": None}),
            event("track", first + 2, "Bought", {"total": number / 4, "id": "reserved", **late}, sentAt="2026-03-01T09:00:00Z" if number % 3 else None),
            event("track", first + 3, "Viewed", {"first": number % 2 == 0}, anonymousId=f"a{number % 5}"),
            event("group", first + 4, f"g{number % 3}", late),
            event("page", first + 5, f"Page {number % 3}", {"url": f"/{number}", **late}),
            event("screen", first + 6, f"Screen {number % 2}", late),
            event("alias", first + 7, USERS[number % 12], previousId=f"a{number}"),
        ]


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    return Grown(tmp_path_factory.mktemp("grown"))


def test_every_run_succeeds_and_a_dropped_table_is_told_and_filled_again(grown):
    assert set(grown.exits) == {0}
    assert grown.behind.exit == 3 and grown.behind.errors == {"viewed": "table_behind"}, grown.behind
    assert grown.refilled.exit == 0, grown.refilled
    assert set(TABLES) <= set(grown.desk.tables())
    for table in ("bought", "viewed"):
        assert sorted(grown.desk.ids(table).values()) == [1] * RUNS, table


def test_the_last_run_takes_no_longer_than_the_tenth(grown):
    early, late = statistics.median(grown.took[5:15]), statistics.median(grown.took[-10:])
    assert late <= 2 * early, f"{early:.3f} s of a core at first, {late:.3f} s at last"


def test_checkpoints_are_written_and_records_are_folded(grown):
    for table in ("bought", "tracks", "users", "viewed"):
        assert (grown.desk.table(table) / "_delta_log/_last_checkpoint").is_file(), table
    records = [path.name for path in grown.desk.path("lake/_headgate/web").iterdir()]
    assert any("-" in name for name in records), records


def test_nobody_needs_the_data_folder_to_go_on(grown):
    grown.desk.put("again.ndjson", [event("track", 9_000, "Other"), *Grown.events(3), *Grown.events(RUNS - 1)])
    run = grown.desk.sync(file="in/again.ndjson", data="fresh")
    assert (run.exit, run.events) == (0, [17, 1, 16, 0]), run


def seen_whole(path):
    """Puts all rows into a table of DuckDB's own, where no filter reaches the files; returns its columns."""
    duck.execute(f"CREATE OR REPLACE TEMP TABLE whole AS SELECT * FROM delta_scan('{path}')")
    return [name for name, *_ in duck.sql("DESCRIBE whole").fetchall()]


def filters(column):
    """Values of a column to look for, some that are there and none, and how many rows have each."""
    quoted = f'"{column}"'
    yield "null", None, duck.sql(f"SELECT count(*) FROM whole WHERE {quoted} IS NULL").fetchone()[0]
    values = [value for value, in duck.sql(f"SELECT DISTINCT {quoted} FROM whole WHERE {quoted} IS NOT NULL ORDER BY 1").fetchall()]
    if values:
        for how, sign, value in (("equal", "=", values[0]), ("equal", "=", values[-1]), ("least", ">=", values[len(values) // 2])):
            yield how, value, duck.execute(f"SELECT count(*) FROM whole WHERE {quoted} {sign} ?", [value]).fetchone()[0]


def by_duckdb(path):
    signs = {"null": "IS NULL", "equal": "= $1", "least": ">= $1"}
    def count(column, how, value):
        sql = f"SELECT count(*) FROM delta_scan('{path}') WHERE \"{column}\" {signs[how]}"
        return duck.execute(sql, [] if how == "null" else [value]).fetchone()[0]
    return count


def by_polars(path):
    frame = polars.scan_delta(path)
    def count(column, how, value):
        field = polars.col(column)
        chosen = {"null": field.is_null(), "equal": field == value, "least": field >= value}[how]
        return frame.filter(chosen).select(polars.len()).collect().item()
    return count


def by_pyarrow(path):
    dataset = deltalake.DeltaTable(path).to_pyarrow_dataset()
    def count(column, how, value):
        field = pyarrow.dataset.field(column)
        scalar = pyarrow.scalar(value, dataset.schema.field(column).type)
        chosen = {"null": field.is_null(), "equal": field == scalar, "least": field >= scalar}[how]
        return dataset.to_table(filter=chosen).num_rows
    return count


def by_sail(path, spark):
    from pyspark.sql import functions
    frame = spark.read.format("delta").load(path)
    def count(column, how, value):
        field = functions.col(f"`{column}`")
        if isinstance(value, datetime.datetime):
            # A literal without a zone is in the session's, which is UTC.
            value = functions.expr(f"timestamp'{value.astimezone(datetime.timezone.utc).replace(tzinfo=None)}'")
        chosen = field.isNull() if how == "null" else field == value if how == "equal" else field >= value
        return frame.filter(chosen).count()
    return count


def by_spark(path, ask):
    def count(column, how, value):
        is_time = isinstance(value, datetime.datetime)
        said = value.astimezone(datetime.timezone.utc).isoformat() if is_time else value
        return ask({"path": path, "column": column, "how": how, "value": said, "is_time": is_time})
    return count


@pytest.fixture(scope="module")
def spark_itself():
    """Asks Spark, in an environment of its own, how many rows a filter finds."""
    command = [os.environ["HEADGATE_SPARK"], os.path.join(os.path.dirname(__file__), "spark_reader.py")]
    # What Sail's client was told is not for Spark itself.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SPARK_")}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        def ask(question):
            print(json.dumps(question), file=process.stdin, flush=True)
            return json.loads(next(line for line in process.stdout if line.startswith("counted ")).removeprefix("counted "))
        yield ask
        process.stdin.close()


# The environment is made by `make soak`.
READERS = ["duckdb", "polars", "pyarrow", "sail"] + (["spark"] if "HEADGATE_SPARK" in os.environ else [])


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("table", TABLES)
def test_a_filter_finds_what_is_there(grown, table, reader, request):
    path = str(grown.desk.table(table))
    columns = seen_whole(path)
    by, fixture = {
        "duckdb": (by_duckdb, None), "polars": (by_polars, None), "pyarrow": (by_pyarrow, None),
        "sail": (by_sail, "spark"), "spark": (by_spark, "spark_itself"),
    }[reader]
    count = by(path, request.getfixturevalue(fixture)) if fixture else by(path)
    wrong = []
    for column in columns:
        for how, value, rows in filters(column):
            try:
                found = count(column, how, value)
            except Exception as problem:
                found = f"{type(problem).__name__}: {str(problem)[:100]}"
            if found != rows:
                wrong.append(f"{column} {how} {value!r}: {found} instead of {rows}")
    assert not wrong, "\n".join(wrong)
