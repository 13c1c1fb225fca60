"""How soon the window is ready and what it holds in memory, beside an empty window of the same making.

Ready is the first contentful paint, counted from the start of the process. Memory is the proportional share (PSS) of
the process and of the web view's processes below it, once the page stands still.
"""

import contextlib
import gzip
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.webkitgtk.service import Service

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/window"))
from flood import answers, flooded  # noqa: E402

# How many changes another process tells the window of in a second, and for how many seconds.
FLOOD, SECONDS = 1_000, 10
# A window's page has been painted when this is true of its document.
STANDS = {"headgate": "return document.querySelector('.choices .primary:not([disabled])') !== null", "empty": "return document.readyState === 'complete'"}


def started(process):
    """When a process began, in seconds since the epoch."""
    ticks = int(pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()[19])
    up = float(pathlib.Path("/proc/uptime").read_text().split()[0])
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


def below(process):
    """A process and all that it started, by name."""
    children = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = path.read_text().split("(", 1)[1].rsplit(") ", 1)
        except OSError:
            continue
        children.setdefault(int(rest.split()[1]), []).append((int(path.parent.name), name))
    found, left = [(process, "shell")], [process]
    while left:
        for child, name in children.get(left.pop(), []):
            found.append((child, name))
            left.append(child)
    return found


def share(process):
    """A process's proportional share of memory, in MB."""
    try:
        text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1]) / 1000


@contextlib.contextmanager
def opened(kind, binary, display):
    """A window whose page stands. Yields its driver, its service and its data folder."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("DBUS")} | {
            "DISPLAY": display, "HEADGATE_DATA": f"{folder}/data", "XDG_CONFIG_HOME": f"{folder}/config",
            "XDG_DATA_HOME": f"{folder}/share", "XDG_CACHE_HOME": f"{folder}/cache", "TAURI_WEBVIEW_AUTOMATION": "true",
        }
        service = Service("/usr/bin/WebKitWebDriver", env=environment)
        options = webdriver.WebKitGTKOptions()
        options.set_capability("browserName", "wry")
        options.binary_location = str(binary)
        driver = webdriver.WebKitGTK(options=options, service=service)
        try:
            deadline = time.monotonic() + 20
            painted = "return performance.getEntriesByName('first-contentful-paint').length > 0"
            while not (driver.execute_script(STANDS[kind]) and driver.execute_script(painted)) and time.monotonic() < deadline:
                time.sleep(0.02)
            yield driver, service, pathlib.Path(folder) / "data"
        finally:
            driver.quit()


def once(kind, binary, display):
    """Opens a window once. Returns milliseconds to the first paint, and MB of the shell and of the web view."""
    with opened(kind, binary, display) as (driver, service, _):
        paint = driver.execute_script(
            "return performance.timeOrigin + performance.getEntriesByName('first-contentful-paint')[0].startTime"
        )
        (process,) = [p for p, _ in below(service.process.pid) if os.path.realpath(f"/proc/{p}/exe") == str(binary.resolve())]
        time.sleep(1)
        parts = below(process)
        web = sum(share(p) for p, _ in parts[1:])
        return paint - started(process) * 1000, share(process), web


def under_flood(binary, display):
    """How the page answers while nothing happens, and while much does; and how many changes a second it was told of."""
    with opened("headgate", binary, display) as (driver, _, data):
        quiet = answers(driver, SECONDS)
        with flooded(data, FLOOD) as told:
            begun = time.monotonic()
            busy = answers(driver, SECONDS)
            return quiet, busy, told[0] / (time.monotonic() - begun)


def report(target, runs=7):
    """A part of the report, in Markdown."""
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"], pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    display = f":{os.fdopen(read).readline().strip()}"
    figures = {"headgate": [], "empty": []}
    try:
        # One after the other, so that whatever else the machine does meets both.
        for _ in range(runs):
            figures["headgate"].append(once("headgate", target / "headgate-desktop", display))
            figures["empty"].append(once("empty", target / "examples/empty", display))
        quiet, busy, rate = under_flood(target / "headgate-desktop", display)
    finally:
        server.terminate()
        server.wait()
    ours, empty = ([statistics.median(column) for column in zip(*figures[kind])] for kind in ("headgate", "empty"))
    scripts = {path: len(gzip.compress(path.read_bytes())) / 1000 for path in (ROOT / "ui/dist/assets").glob("*.js")}
    # Pages come when they are opened, and the editor only with a policy.
    first = sum(size for path, size in scripts.items() if not path.name.startswith("codemirror-"))
    return f"""
| window, medians of {runs} | first paint, ms | shell, MB | web view, MB |
|---|---:|---:|---:|
| headgate | {ours[0]:.0f} | {ours[1]:.0f} | {ours[2]:.0f} |
| empty, of the same making | {empty[0]:.0f} | {empty[1]:.0f} | {empty[2]:.0f} |

| the page, going from page to page for {SECONDS} s | a click shown after, ms | the slowest, ms | frames a second | longest without one, ms |
|---|---:|---:|---:|---:|
| while nothing else happens | {quiet['median']:.0f} | {quiet['slowest']:.0f} | {quiet['frames']:.0f} | {quiet['stalled']:.0f} |
| while another process tells of {rate:,.0f} changes a second | {busy['median']:.0f} | {busy['slowest']:.0f} | {busy['frames']:.0f} | {busy['stalled']:.0f} |

The window is ready in **{ours[0] / empty[0]:.2f} times** an empty one's time. The page's JavaScript is **{first:.0f} kB** in gzip before the editor is opened, {sum(scripts.values()):.0f} kB in all.
"""


if __name__ == "__main__":
    print(report(pathlib.Path(os.environ["CARGO_TARGET_DIR"]) / os.environ.get("BENCH_PROFILE", "release")))
