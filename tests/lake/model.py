"""Random sequences of what happens to a lake and its installations, and a model that knows what must be there.

    python tests/lake/model.py --seed 17        repeats one sequence, step by step; --keep leaves its folder

The model records which events a run reported as written: it read their file to the end and did not fail. After
each run every one of them is in each of its tables exactly once, or the run named the table that lacks it and did
not succeed. At the end every reported table is refilled, and no event is missing anywhere.
"""

import argparse
import collections
import random
import shutil
import tempfile
import time

import deltalake.exceptions
from desk import SCHEMA, Desk, event

USERS = ["ann", "bob", "cid", "dea", "eve"]
POINTS = ["read", "claimed", "staged", "planned", "landed:bought", "landed:users", "landed:tracks", "committed"]
# Named when the lake as a whole is not what it was; the run wrote nothing.
LAKE_CODES = {"lake_copied", "lake_gone", "lake_damaged"}
BEHIND = {"table_behind", "table_waits", "foreign_table", "staged_file_missing"}
RULED = {"unsupported_table", "table_waits"}


class Wrong(AssertionError):
    """The product broke a rule."""


class World:
    """A lake, two installations and the files that both read."""

    def __init__(self, seed, folder, say=lambda line: None):
        self.random, self.say = random.Random(seed), say
        # Records fold soon, so that a short sequence folds some again.
        self.desk = Desk(folder, fold=self.random.choice([2, 3, None]))
        self.story = []
        self.numbers = list(range(1, 2000))
        self.made = 0  # how many files came
        self.files = {}  # by path below in/: its events
        self.identified = []  # every identify that was made
        self.aside = {}  # files that were taken away once their events were called written
        self.called = {}  # what a run called written: event by id
        self.harmed = set()  # tables that somebody took rows from
        self.ruled = set()  # tables whose owner asks what Headgate does not do
        self.swept = set()  # tables that somebody took files from which a batch waits for
        self.lake_harmed = False  # the lake as a whole is an older one
        self.named = {}  # the tables that the last run named
        self.backups = collections.defaultdict(list)  # copies of data folders
        self.lakes = []  # copies of the lake
        self.dead = set()  # installations whose batch may be open
        self.busy = self.refused = False  # how the last run ended

    def tell(self, line):
        self.story.append(line)
        self.say(line)

    # What comes in.

    def an_event(self):
        # Numbers are times too, so some events come late.
        number = self.numbers.pop(self.random.choice([0, 0, 0, 0, self.random.randrange(20)]))
        kind = self.random.choice(["Bought", "Bought", "Viewed", "Odd", "user", "user"])
        if kind == "user":
            self.identified.append(event("identify", number, self.random.choice(USERS), {"plan": f"p{number}", "n": number}))
            return self.identified[-1]
        return event("track", number, kind, {"id": "reserved"} if kind == "Odd" else {"n": number})

    def some_events(self):
        known = [event for events in self.files.values() for event in events]
        again = self.random.sample(known, min(len(known), self.random.choice([0, 0, 1, 3])))
        made = [self.an_event() for _ in range(self.random.randint(1, 6))] + again
        self.random.shuffle(made)
        return made

    def write(self, path, events):
        self.files[path] = events
        self.desk.put(path, events)

    def new_file(self):
        path = f"{self.made:03}.ndjson"
        self.made += 1
        self.write(path, self.some_events())
        self.tell(f"in/{path} comes with {[e['messageId'] for e in self.files[path]]}")

    def changed_file(self):
        path, more = self.random.choice(list(self.files)), self.some_events()
        old = self.files[path]
        self.write(path, more + old if self.random.random() < 0.5 else old + more)
        self.tell(f"in/{path} changes to {[e['messageId'] for e in self.files[path]]}")

    def moved_file(self):
        path = self.random.choice(list(self.files))
        to = f"moved/{len(self.story):03}-{path.rsplit('/', 1)[-1]}"
        self.desk.path("in/moved").mkdir(exist_ok=True)
        self.desk.path(f"in/{path}").rename(self.desk.path(f"in/{to}"))
        self.files[to] = self.files.pop(path)
        self.tell(f"in/{path} moves to in/{to}")

    # Runs.

    def an_installation(self):
        return self.random.choice(["one", "one", "one", "two"])

    def sync(self, *more, data=None, crash=None, taken=True):
        data = data or self.an_installation()
        self.let_time_pass({data})
        run = self.desk.sync(*more, data=data, crash=crash)
        if run.exit < 0:
            self.dead.add(data)
        self.judge(run, f"{data} syncs{''.join(f' {word}' for word in more)}{f', to die at {crash}' if crash else ''}", crash, taken=taken)
        return run

    def new_sync(self):
        self.new_file()
        self.sync()

    def dying_sync(self):
        self.new_file()
        self.sync(crash=self.random.choice(POINTS))

    def let_time_pass(self, alive):
        """A batch that is left open is mostly not looked at by others before it may be taken over."""
        if self.dead - alive and self.random.random() < 0.85:
            self.desk.pass_time()
            self.tell("eleven minutes pass")

    def forget_owner(self, data):
        """What an installation left open is nobody's when its data folder is another."""
        if data in self.dead:
            self.dead = self.dead - {data} | {"nobody"}

    def two_at_once(self):
        self.new_file()
        self.let_time_pass(set())
        started = [(data, self.desk.start(*self.desk.syncing(), data=data)) for data in ("one", "two")]
        ended = [(data, self.desk.end(process)) for data, process in started]
        # Both are judged when both are done: what one writes last, the other may not have seen.
        for data, run in ended:
            self.judge(run, f"{data} syncs while the other does", compare=False)
        if all(run.exit == 0 for _, run in ended):
            self.compare({})

    def refill(self):
        table = self.random.choice(sorted(self.named))
        self.fill_again(table)

    def fill_again(self, table):
        self.free(table)
        if self.named.get(table) == "foreign_table" or not self.ours(table):
            self.desk.remove(f"lake/{SCHEMA}/{table}")
            self.tell(f"somebody else's `{table}` is taken away")
        # It fills from files that were synced, and takes none: nothing else is called written by it.
        self.sync("--again", "--refill", f"{SCHEMA}.{table}", data="one", taken=False)
        # Files that were taken away can bring nothing; the table stays named until they are back.
        if not self.busy and not self.refused and not (self.aside and table in self.named):
            self.harmed.discard(table)
            self.swept.discard(table)
            self.named.pop(table, None)
            self.compare(self.named)

    def judge(self, run, what, crash=None, compare=True, taken=True):
        said = run.code or run.errors or ""
        self.tell(f"{what}: exit {run.exit} {run.events or ''} {said}")
        self.busy = run.code == "lake_busy"
        self.refused = run.code in LAKE_CODES
        if crash and run.exit < 0:
            return
        if self.busy:
            self.check(run.exit == 1 and run.document["error"]["retryable"], "a lake that is busy is to be tried again", run)
            return
        if self.refused:
            self.check(self.lake_harmed and run.exit == 1, f"`{run.code}`, though the lake is what it was", run)
            return
        # A run that wrote nothing and found a table that refuses has failed.
        is_ruled = run.exit == 1 and run.code in RULED | {"foreign_table"} and run.events[1] == 0
        self.check(run.exit in (0, 3) or is_ruled, "it failed", run)
        received, written, duplicate, rejected = run.events
        elsewhere = run.document["events"]["waiting"] + run.document["events"]["lost"]
        self.check(received == written + duplicate + rejected + elsewhere and not rejected, "its numbers do not add up", run)
        self.check((run.exit != 0) == bool(run.errors), "its exit code does not say whether a table failed", run)
        may = lambda table: (BEHIND if table in self.harmed else set()) | (RULED if table in self.ruled else set())
        wrong = {table for table, code in run.errors.items() if table not in self.swept and code not in may(table)}
        self.check(not wrong, f"it names {wrong}, which nobody harmed", run)
        self.dead.clear()
        self.named = dict(run.errors)
        if taken and not is_ruled:
            self.called |= {event["messageId"]: event for events in self.files.values() for event in events}
        if compare:
            self.compare(run.errors)

    # What happens to installations.

    def backup_of_data(self):
        data = self.an_installation()
        if self.desk.path(data).exists():
            kept = f"backup-{len(self.story)}"
            self.desk.copy(data, kept)
            self.backups[data].append(kept)
            self.tell(f"{data} is copied")

    def restored_data(self):
        data = self.random.choice(sorted(self.backups))
        self.forget_owner(data)
        self.desk.replace(self.random.choice(self.backups[data]), data)
        self.tell(f"{data} comes back from a copy")

    def deleted_data(self):
        data = self.an_installation()
        self.forget_owner(data)
        self.desk.remove(data)
        self.tell(f"{data} is deleted")

    def deleted_database(self):
        data = self.an_installation()
        self.desk.remove(f"{data}/headgate.db*")
        self.tell(f"{data}'s database is deleted")

    def copied_data(self):
        if self.desk.path("one").exists():
            self.forget_owner("two")
            self.desk.replace("one", "two")
            self.tell("two becomes a copy of one")

    # What happens to the lake.

    def a_table(self):
        return self.random.choice([table for table in self.desk.tables() if table != "headgate_discards"])

    def ours(self, table):
        """Whether a table's log has a transaction of Headgate's, or there is none."""
        log = self.desk.log(table).values()
        return not log or any("txn" in action for actions in log for action in actions)

    def dropped_table(self):
        table = self.a_table()
        self.desk.remove(f"lake/{SCHEMA}/{table}")
        self.harm(table, "is dropped")

    def remade_table(self):
        table = self.a_table()
        columns = self.desk.delta(table).schema()
        self.desk.remove(f"lake/{SCHEMA}/{table}")
        deltalake.DeltaTable.create(str(self.desk.table(table)), columns)
        self.harm(table, "is dropped, and made anew by somebody else")

    def restored_table(self):
        table = self.a_table()
        delta = self.desk.delta(table)
        if delta.version() > 0:
            version = self.random.randrange(delta.version())
            try:
                delta.restore(version)
            except deltalake.exceptions.DeltaError:
                return  # its files were vacuumed
            self.harm(table, f"is restored to version {version}")

    def rolled_back_table(self):
        table = self.a_table()
        log = self.desk.log(table)
        # Another writer's commit is left: what it replaced may be vacuumed.
        ours = any("txn" in action for action in log[max(log)])
        if ours and len(log) > 1 and not any(self.desk.table(table).glob("_delta_log/*checkpoint*")):
            (self.desk.table(table) / f"_delta_log/{max(log):020}.json").unlink()
            self.harm(table, "loses its last commit")

    def ruled_table(self):
        table = self.a_table()
        if self.ours(table):
            self.desk.delta(table).alter.add_constraint({"rule": "id IS NOT NULL"})
            self.ruled.add(table)
            self.tell(f"`{table}` gets a rule")

    def freed_table(self):
        self.free(self.random.choice(sorted(self.ruled)))

    def free(self, table):
        if table not in self.ruled:
            return
        # It may be gone, or put back to what it was before the rule.
        if self.desk.log(table) and "delta.constraints.rule" in self.desk.delta(table).metadata().configuration:
            self.desk.delta(table).alter.drop_constraint("rule")
        self.ruled.discard(table)
        self.tell(f"`{table}` has no rule any more")

    def gone_file(self):
        path = self.random.choice(list(self.files))
        if {event["messageId"] for event in self.files[path]} <= set(self.called):
            self.aside[path] = self.files.pop(path)
            self.desk.path("aside").mkdir(exist_ok=True)
            self.desk.path(f"in/{path}").rename(self.desk.path(f"aside/{path.replace('/', '-')}"))
            self.tell(f"in/{path} is taken away")

    def harm(self, table, what):
        self.harmed.add(table)
        self.tell(f"`{table}` {what}")

    def compacted_table(self):
        table, everything = self.a_table(), self.random.random() < 0.5
        self.desk.delta(table).optimize.compact()
        self.desk.delta(table).vacuum(0, enforce_retention_duration=False, dry_run=False, full=everything)
        if everything and self.dead:
            self.swept.add(table)
        self.tell(f"`{table}` is compacted and vacuumed{' of files its log does not know' if everything else ''}")

    def backup_of_lake(self):
        kept = f"backup-{len(self.story)}"
        self.desk.copy("lake", kept)
        self.lakes.append(kept)
        self.tell("the lake is copied away")

    def restored_lake(self):
        self.desk.replace(self.random.choice(self.lakes), "lake")
        self.harmed |= {table for event in self.called.values() for table in tables(event)}
        self.lake_harmed = True
        self.tell("the lake comes back from a copy")

    def copied_lake(self):
        self.desk.replace("lake", "other")
        self.desk.pass_time(lake="other")
        contents = lambda: {table: self.desk.ids(table, "other", column=key(table)) for table in self.desk.tables("other")}
        before = contents()
        data = self.an_installation()
        run = self.desk.sync(lake="other", data=data)
        self.tell(f"{data} syncs into a copy of the lake: exit {run.exit} {run.events or ''} {run.code or run.errors or ''}")
        if run.exit == 1:
            self.check(contents() == before, "it failed and wrote all the same", run)
        else:
            doubled = {table for table, ids in contents().items() if any(times > 1 for times in ids.values())}
            self.check(not doubled, f"it doubled rows of {doubled}", run)
        self.desk.remove("other")

    # What must be true.

    def check(self, true, what, run=None):
        if not true:
            raise Wrong("\n  ".join([f"{what}{f': {run}' if run else ''}", *self.story]))

    def compare(self, named):
        """Every event that was called written is in its tables once, or the table is among those named."""
        expected = collections.defaultdict(set)
        for event in self.called.values():
            for table in tables(event):
                expected[table].add(event["userId"] if table == "users" else event["messageId"])
        for table in {*expected, *self.desk.tables()}:
            found = self.desk.ids(table, column=key(table))
            doubled = sorted(id for id, times in found.items() if times > 1)
            self.check(not doubled, f"`{table}` has more than once: {doubled}")
            missing = sorted(expected[table] - set(found))
            # What was set aside of rows that wait, waits with them.
            is_named = table in named or table == "headgate_discards" and "odd" in named
            self.check(not missing or is_named, f"`{table}` lacks {missing} and nobody says so")
        if "users" not in named and expected["users"]:
            newest = {}
            for one in sorted((e for e in self.called.values() if e["type"] == "identify"), key=lambda e: e["receivedAt"]):
                newest[one["userId"]] = one
            found = dict(self.desk.rows("SELECT id, plan FROM {users}"))
            # What a run left that died may have landed, and is called written by the next that reads its file.
            may = {id: {one["traits"]["plan"] for one in self.identified if one["userId"] == id and one["receivedAt"] >= last["receivedAt"]} for id, last in newest.items()}
            wrong = {id: found.get(id) for id, plans in may.items() if found.get(id) not in plans}
            self.check(not wrong, f"`users` has {wrong}, the newest are {may}")

    def end(self):
        """A last run by each installation, then every table that lacks something is filled again."""
        for path, events in self.aside.items():
            self.write(path, events)
            self.tell(f"in/{path} is back")
        for table in sorted(self.ruled):
            self.free(table)
        self.new_file()
        for data in ("one", "two", "one"):
            self.sync_in_turn(data)
        if self.refused:
            return self.tell("it ends with a lake that is refused")
        for table in sorted(self.named):
            self.fill_again(table)
        run = self.sync(data="one")
        self.check(run.exit == 0, "all that was named was filled again, and it does not succeed", run)

    def sync_in_turn(self, data):
        """A sync that waits until what another left open may be taken over."""
        self.sync(data=data)
        if self.busy:
            self.desk.pass_time()
            self.tell("eleven minutes pass")
            self.sync(data=data)
            self.check(not self.busy, "the lake stays busy though nobody was heard for ten minutes")


def tables(event):
    """The tables that an event has a row in."""
    if event["type"] == "identify":
        return ["identifies", "users"]
    name = event["event"].lower()
    return [name, "tracks"] + (["headgate_discards"] if name == "odd" else [])


def key(table):
    return "row_id" if table == "headgate_discards" else "id"


# How often each happens, and what must be there for it.
STEPS = [
    (12, World.new_sync, None),
    (5, World.dying_sync, None),
    (4, World.two_at_once, None),
    (2, World.changed_file, lambda world: world.files),
    (2, World.moved_file, lambda world: world.files),
    (2, World.backup_of_data, None),
    (4, World.restored_data, lambda world: world.backups),
    (2, World.deleted_data, None),
    (2, World.deleted_database, None),
    (2, World.copied_data, None),
    (2, World.dropped_table, lambda world: world.desk.tables()),
    (1, World.remade_table, lambda world: world.desk.tables()),
    (2, World.restored_table, lambda world: world.desk.tables()),
    (1, World.rolled_back_table, lambda world: world.desk.tables()),
    (3, World.compacted_table, lambda world: world.desk.tables()),
    (2, World.ruled_table, lambda world: world.desk.tables()),
    (2, World.freed_table, lambda world: world.ruled),
    (1, World.gone_file, lambda world: len(world.files) > 1),
    (4, World.refill, lambda world: world.named),
    (1, World.backup_of_lake, lambda world: world.desk.tables()),
    (2, World.restored_lake, lambda world: world.lakes),
    (1, World.copied_lake, lambda world: world.desk.tables()),
]


def play(seed, folder, say=lambda line: None):
    """Plays the sequence of a seed in an empty folder; raises `Wrong` with the whole story."""
    world = World(seed, folder, say)
    try:
        world.new_sync()
        for _ in range(world.random.randint(5, 12)):
            possible = [(weight, step) for weight, step, when in STEPS if when is None or when(world)]
            step, = world.random.choices([step for _, step in possible], [weight for weight, _ in possible])
            step(world)
        world.end()
    except Wrong:
        raise
    except Exception as problem:
        raise Wrong("\n  ".join([f"{type(problem).__name__}: {problem}", *world.story])) from problem
    return world


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    asked = parser.parse_args()
    folder = tempfile.mkdtemp(prefix=f"headgate-{asked.seed}-")
    try:
        play(asked.seed, folder, say=lambda line: print(line, flush=True))
        print("all is as it must be")
    except Wrong as wrong:
        raise SystemExit(f"WRONG: {str(wrong).splitlines()[0]}") from None
    finally:
        if asked.keep:
            print(folder)
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
