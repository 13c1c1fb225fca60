"""Runs every check of the project, one after the other, and adds up what passed and failed; `check.py soak` runs one for long.

A check without a count of its own (formatting, lints) counts as one. Nothing stops at the first failure.
"""

import hashlib
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SPARK = ROOT / ".venv-spark"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
COUNTS = {
    "cargo": re.compile(r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed", re.M),
    "vitest": re.compile(r"^\s*Tests\s+(?:(?P<failed>\d+) failed \| )?(?:(?P<passed>\d+) passed)?", re.M),
    "playwright": re.compile(r"^\s+(?P<failed>\d+) failed$|^\s+(?P<passed>\d+) passed", re.M),
    "pytest": re.compile(r"^(?:(?P<failed>\d+) failed,? ?)?(?:(?P<passed>\d+) passed)?.* in [\d.]+s", re.M),
}


def venv(folder, requirements):
    """A virtual environment, created again when its requirements have changed."""
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = folder / "made-of"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing {requirements.relative_to(ROOT)}, about a minute.", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    subprocess.run([folder / "bin/pip", "install", "-q", "--no-deps", "--require-hashes", "-r", requirements], check=True)
    stamp.write_text(wanted)


def check(name, command, runner=None, environment=None):
    """Runs one check, showing what it prints. Returns how many passed and failed."""
    print(f"\n== {name}", flush=True)
    begun = time.monotonic()
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | (environment or {}), text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    printed = []
    for line in process.stdout:
        print(line, end="", flush=True)
        printed.append(COLOUR.sub("", line))
    code = process.wait()
    passed = failed = 0
    if runner:
        for found in COUNTS[runner].finditer("".join(printed)):
            passed += int(found["passed"] or 0)
            failed += int(found["failed"] or 0)
        # A runner that broke off before it could count has failed all the same.
        failed = max(failed, int(code != 0), int(passed + failed == 0))
    else:
        passed, failed = int(code == 0), int(code != 0)
    print(f"-- {name}: {passed} passed, {failed} failed, {time.monotonic() - begun:.0f} s", flush=True)
    return passed, failed


def main(asked):
    target = pathlib.Path(os.environ["CARGO_TARGET_DIR"])
    environment = {
        "HEADGATE_BIN": str(target / "debug/headgate"),
        "HEADGATE_WINDOW": str(target / "debug/headgate-desktop"),
        "HEADGATE_HOST": str(target / "debug/examples/host"),
    }
    pytest = [VENV / "bin/python", "-m", "pytest", "-q", "-W", "ignore", "-p", "no:cacheprovider"]
    if asked == ["soak"]:
        venv(VENV, ROOT / "tests/requirements.txt")
        venv(SPARK, ROOT / "tests/lake/spark.txt")
        environment["HEADGATE_SPARK"] = str(SPARK / "bin/python")
        environment["HEADGATE_SOAK_SECONDS"] = os.environ.get("HEADGATE_SOAK_SECONDS", "3600")
        _, failed = check("the lake in a changing world, for long", [*pytest, "tests/lake"], "pytest", environment)
        return failed > 0
    print("A cold run takes about half an hour on two cores, a warm one a few minutes.", flush=True)
    venv(VENV, ROOT / "tests/requirements.txt")
    # The window has the page in it, so the page is built before anything of Rust.
    results = [
        check("the page is formatted", ["npm", "run", "-s", "format:check"]),
        check("the page's types", ["npm", "run", "-s", "-w", "ui", "check"]),
        check("the page's words", ["npm", "run", "-s", "-w", "ui", "test"], "vitest"),
        check("formatting", ["cargo", "fmt", "--all", "--check"]),
        check("lints", ["cargo", "clippy", "--locked", "--workspace", "--all-targets", "-q", "--", "-D", "warnings"]),
        check("unit tests, properties, journeys, architecture", ["cargo", "test", "--locked", "--workspace", "--no-fail-fast"], "cargo"),
        check("an independent simulator", ["npm", "run", "-s", "-w", "tests/differential", "test"], None, environment),
        check("independent readers", [*pytest, "tests/conformance"], "pytest", environment),
        check("the lake in a changing world", [*pytest, "tests/lake"], "pytest", environment),
        check("attacks by plan files, lakes and inboxes", [*pytest, "tests/hostile"], "pytest", environment),
        check("the page in a browser", ["npm", "run", "-s", "-w", "tests/browser", "test"], "playwright", environment),
        check("the real window", [*pytest, "tests/window"], "pytest", environment),
    ]
    passed, failed = (sum(column) for column in zip(*results))
    print(f"\n{passed} passed, {failed} failed", flush=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
