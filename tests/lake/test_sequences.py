"""The random sequences of `model.py`: seeds in order until the time is up.

HEADGATE_SOAK_SECONDS makes it as many seconds, with seeds of the day, and goes on after a failure.
"""

import collections
import datetime
import os
import re
import time

import model
import pytest

SOAK = int(os.environ.get("HEADGATE_SOAK_SECONDS", "0"))
SECONDS = SOAK or 60
FIRST = datetime.date.today().toordinal() * 1_000_000 if SOAK else 1
FEWEST = 5
MOST_WRONG = 20 if SOAK else 2


def kind(line):
    """A step without its names and numbers."""
    return re.sub(r"in/\S+", "a file", re.sub(r"`\w+`|\b(one|two)(?='s|\b)", "…", line.split(":")[0].split(" with ")[0]))


def test_nothing_is_lost_and_nothing_doubled_when_the_world_changes(tmp_path, capsys):
    begun, tried, wrong, steps = time.monotonic(), 0, [], collections.Counter()
    while time.monotonic() - begun < SECONDS and len(wrong) < MOST_WRONG:
        seed = FIRST + tried
        tried += 1
        folder = tmp_path / str(seed)
        try:
            story = model.play(seed, folder).story
            model.shutil.rmtree(folder)
        except model.Wrong as problem:
            wrong.append(f"seed {seed}, again with `python tests/lake/model.py --seed {seed}`:\n  {problem}")
            story = []
        steps.update(map(kind, story))
        if SOAK:
            with capsys.disabled():
                print(f"seed {seed}: {'wrong' if not story else f'{len(story)} lines'}", flush=True)
    with capsys.disabled():
        print(f"\n{tried} sequences from seed {FIRST} in {time.monotonic() - begun:.0f} s, {len(wrong)} wrong")
        if SOAK:
            print("\n".join(f"{count:7} {step}" for step, count in steps.most_common()), *wrong, sep="\n")
    assert not wrong, "\n\n".join(wrong)
    assert tried >= FEWEST, f"only {tried} sequences in {SECONDS} s"
