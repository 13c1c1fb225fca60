"""Two, then eight installations on one lake at the same time, some of which are killed now and then.

HEADGATE_SOAK_SECONDS gives each a minute; else it is 12 seconds.
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
