"""Two, then eight installations that write to one lake at the same time, some of which are killed.

HEADGATE_SOAK_SECONDS gives each a minute; else it is 12 seconds. Then one that refills a table while another syncs.
"""

import collections
import os
import random
import threading
import time

import pytest
from desk import PATIENCE, event

SECONDS = 60 if os.environ.get("HEADGATE_SOAK_SECONDS") else 12
USERS = [f"user-{number}" for number in range(5)]


class Together:
    """What all installations have brought so far."""

    def __init__(self):
        self.lock, self.events = threading.Lock(), []
        self.runs = collections.Counter()
        self.longest = 0

    def some(self, chosen):
        """New events, and some that another installation may have brought too."""
        with self.lock:
            made = []
            first = len(self.events) + 1
            for number in range(first, first + chosen.randint(1, 5)):
                if chosen.random() < 0.5:
                    made.append(event("identify", number, chosen.choice(USERS), {"plan": f"p{number}"}))
                else:
                    made.append(event("track", number, chosen.choice(["Bought", "Viewed"]), {"n": number}))
            shared = chosen.sample(self.events, min(2, len(self.events)))
            self.events += made
            return made + shared


class Installation(threading.Thread):
    """Brings file after file, and is killed now and then."""

    def __init__(self, desk, together, number, until):
        super().__init__()
        self.desk, self.together, self.until = desk, together, until
        self.name, self.random, self.problem = f"installation-{number}", random.Random(number), None

    def run(self):
        try:
            files = 0
            while time.monotonic() < self.until:
                self.desk.put(f"../{self.name}-in/{files:04}.ndjson", self.together.some(self.random))
                files += 1
                self.sync(0.25)
            self.sync(0)
        except Exception as problem:  # told by the test, with the thread's name
            self.problem = problem

    def sync(self, deaths):
        """Tries until a run has gone to its end."""
        begun = time.monotonic()
        while True:
            waited = time.monotonic() - begun
            self.together.longest = max(self.together.longest, waited)
            assert waited < PATIENCE, "it waits for ever"
            process = self.desk.start(*self.desk.syncing(f"{self.name}-in"), data=self.name)
            if self.random.random() < deaths:
                time.sleep(self.random.random() * 0.3)
                process.kill()
            run = self.desk.end(process)
            how = "killed" if run.exit < 0 else run.code or ("finished" if run.exit == 0 else "partial")
            self.together.runs[how] += 1
            if how == "finished":
                return
            assert how in ("killed", "lake_busy"), run
            assert how == "killed" or run.document["error"]["retryable"], run
            time.sleep(self.random.random() * 0.2)


@pytest.mark.parametrize("count", [2, 8])
def test_many_installations_share_a_lake(count, desk, capsys):
    together, until = Together(), time.monotonic() + SECONDS
    installations = [Installation(desk, together, number, until) for number in range(count)]
    for installation in installations:
        installation.start()
    for installation in installations:
        installation.join()
    with capsys.disabled():
        print(f"\n{count} installations, {len(together.events)} events, runs: {dict(together.runs)}, the longest wait {together.longest:.1f} s")
    for installation in installations:
        assert installation.problem is None, f"{installation.name}: {installation.problem}"
    assert together.runs["finished"] >= count

    expected, newest = collections.defaultdict(set), {}
    for one in together.events:
        if one["type"] == "identify":
            expected["identifies"].add(one["messageId"])
            newest[one["userId"]] = one["traits"]["plan"]
        else:
            expected["tracks"].add(one["messageId"])
            expected[one["event"].lower()].add(one["messageId"])
    for table, ids in expected.items():
        found = desk.ids(table)
        assert {id: times for id, times in found.items() if times > 1} == {}, f"twice in `{table}`"
        assert ids - set(found) == set(), f"not in `{table}`"
        assert set(found) - ids == set()
    assert sorted(desk.rows("SELECT id, plan FROM {users}")) == sorted(newest.items())


def filled(desk, installation, *more):
    """A table of some thousand rows, and a refill of it that has begun: its record is in the lake."""
    desk.put("a.ndjson", [event("track", number, "Bought", {"text": f"{number:0500}"}) for number in range(8_000)])
    for data in ("data", "data2"):
        assert desk.sync(data=data).exit == 0
    records = desk.path("lake/_headgate/web")
    if more:
        desk.remove("lake/web/bought")
    before = len(list(records.iterdir()))
    desk.put("z.ndjson", [event("track", number, "Bought") for number in range(9_000, 9_010)])
    refill = desk.start(*desk.syncing(), "--again", "--refill", "web.bought", data=installation)
    begun = time.monotonic()
    while len(list(records.iterdir())) <= before:
        assert time.monotonic() - begun < PATIENCE and refill.poll() is None
        time.sleep(0.005)
    return refill


@pytest.mark.parametrize("dropped", [(), ("dropped",)], ids=["whole", "dropped"])
@pytest.mark.parametrize("other", [(), ("--again", "--refill", "web.bought")], ids=["sync", "refill"])
def test_a_refill_and_another_installation_bring_each_row_once(desk, dropped, other):
    refill = filled(desk, "data2", *dropped)
    beside = desk.sync_in_turn(*other)
    assert beside.exit in (0, 3), beside
    ended = desk.end(refill)
    assert ended.exit == 0 or ended.code == "lake_busy", ended
    if ended.exit:
        assert desk.sync_in_turn("--again", "--refill", "web.bought", data="data2").exit == 0
    assert desk.sync().exit == 0
    for table in ("bought", "tracks"):
        ids = desk.ids(table)
        assert len(ids) == 8_010 and set(ids.values()) == {1}, (table, beside, ended)
