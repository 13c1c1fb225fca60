"""The real window, driven by WebKitWebDriver under Xvfb; an independent reader reads what it wrote.

The window to test is named by HEADGATE_WINDOW, the terminal command by HEADGATE_BIN.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import duckdb
import duckdb_extensions
import pytest
from flood import answers, flooded
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from selenium.webdriver.webkitgtk.service import Service

WINDOW = os.environ["HEADGATE_WINDOW"]
HEADGATE = os.environ["HEADGATE_BIN"]


@pytest.fixture(scope="module")
def display():
    """A display of this test's own."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as number:
        name = f":{number.readline().strip()}"
    yield name
    server.terminate()
    server.wait()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Opened:
    """A window that a test drives."""

    def __init__(self, folder, environment, *arguments):
        self.folder, self.data, self.environment = folder, folder / "data", environment
        # Only so does the web view take part; there is no session bus, as on many servers.
        service = Service(
            "/usr/bin/WebKitWebDriver", port=free_port(), service_args=["--host=127.0.0.1"],
            env=environment | {"TAURI_WEBVIEW_AUTOMATION": "true"},
        )
        options = webdriver.WebKitGTKOptions()
        # The name that the web view gives itself.
        options.set_capability("browserName", "wry")
        options.binary_location = WINDOW
        for argument in arguments:
            options.add_argument(argument)
        self.driver = webdriver.WebKitGTK(options=options, service=service)
        self.driver.set_script_timeout(20)
        self.service = service
        self.wait = WebDriverWait(self.driver, 20)

    def see(self, text):
        """Waits until a text is on the page."""
        self.wait.until(lambda driver: text in driver.find_element(By.TAG_NAME, "body").text)

    def press(self, name):
        """Presses a button or a link by its words."""
        path = f"//*[self::button or self::a][normalize-space()='{name}' and not(@disabled)]"
        self.wait.until(lambda driver: driver.find_elements(By.XPATH, path))[0].click()

    def settle(self):
        """Two frames, so that a picture shows what the document says."""
        self.driver.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))")

    def invoke(self, command, payload="{}"):
        """Calls a command from a script of the page, and returns what came of it."""
        return self.driver.execute_async_script(
            """const done = arguments[arguments.length - 1]
            window.__TAURI_INTERNALS__.invoke(arguments[0], JSON.parse(arguments[1]))
              .then((answer) => done({ answer }), (refused) => done({ refused: refused.message ?? String(refused) }))""",
            command, payload,
        )

    def processes(self):
        """The window's processes, by the data folder in their environment."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"HEADGATE_DATA={self.data}".encode() in (path / "environ").read_bytes().split(b"\0"):
                    if (path / "exe").resolve() == pathlib.Path(WINDOW).resolve():
                        found.append(int(path.name))
        return found

    def wait_for_end(self, seconds=30):
        """Waits until no process is left, and says which are."""
        deadline = time.monotonic() + seconds
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.processes()

    def close(self):
        with contextlib.suppress(Exception):
            self.driver.quit()
        for left in self.processes():
            with contextlib.suppress(OSError):
                os.kill(left, signal.SIGKILL)

    def log(self):
        path = self.data / "log" / "window.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class ClientMessage(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int), ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong), ("format", ctypes.c_int), ("data", ctypes.c_long * 5),
        ("room", ctypes.c_long * 12),
    ]


def x_windows(x, display):
    """The windows of a display that have a title, by their ids: there is no window manager between."""
    root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
    children = ctypes.POINTER(ctypes.c_ulong)()
    x.XQueryTree(display, x.XDefaultRootWindow(display), ctypes.byref(root), ctypes.byref(parent), ctypes.byref(children), ctypes.byref(count))
    titles = {}
    for at in range(count.value):
        name = ctypes.c_char_p()
        x.XFetchName(display, children[at], ctypes.byref(name))
        if name.value:
            titles[children[at]] = name.value.decode()
    return titles


@contextlib.contextmanager
def x_display(name):
    x = ctypes.CDLL("libX11.so.6")
    x.XOpenDisplay.restype = ctypes.c_void_p
    x.XDefaultRootWindow.restype = x.XInternAtom.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x.XOpenDisplay(name.encode()))
    yield x, display
    x.XCloseDisplay(display)


def titles(one):
    with x_display(one.environment["DISPLAY"]) as (x, display):
        return list(x_windows(x, display).values())


def press_close(one):
    """Asks the window to close, as its button of a desktop does."""
    with x_display(one.environment["DISPLAY"]) as (x, display):
        (window,) = [window for window, title in x_windows(x, display).items() if title == "Headgate"]
        atom = lambda name: x.XInternAtom(display, name, 0)  # noqa: E731
        event = ClientMessage(type=33, window=window, message_type=atom(b"WM_PROTOCOLS"), format=32)
        event.data[0] = atom(b"WM_DELETE_WINDOW")
        x.XSendEvent(display, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(event))
        x.XSync(display, 0)


@pytest.fixture
def window(tmp_path, display):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DBUS")} | {
        "DISPLAY": display, "HEADGATE_DATA": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "share"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"), "GDK_BACKEND": "x11", "LANG": "C.UTF-8",
    }
    opened = []

    def open_window(*arguments, **change):
        one = Opened(tmp_path, environment | change, *arguments)
        opened.append(one)
        return one

    yield open_window
    for one in opened:
        one.close()
    # The page may not break its policy, nor say an error; what it says is in the log.
    if opened and (opened[0].data / "log").exists():
        said = [line["fields"] for line in opened[0].log()]
        assert any(fields.get("message") == "the window opens" for fields in said)
        assert [fields for fields in said if fields.get("message") == "the page failed" and fields["text"] != "on purpose"] == []


def rows(path):
    duckdb_extensions.import_extension("delta")
    return duckdb.execute(f"SELECT count(*), count(DISTINCT id) FROM delta_scan('{path}')").fetchone()


def test_run_is_clicked_and_another_reader_reads_the_table(window):
    one = window()
    one.see("No sync yet")
    one.press("Sync the sample")
    one.see("Adds up")
    one.see("158 new events are in the lake; 2 were duplicates.")
    lake = one.data / "sample" / "lake"
    assert rows(lake / "shop" / "tracks") == (114, 114)
    # That a lake has no tables yet is no error.
    assert [line for line in one.log() if line["level"] == "ERROR"] == []
    one.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.CONTROL, "4")
    one.see("13 tables")
    one.settle()
    assert len(one.driver.get_screenshot_as_png()) > 10_000


POLICY = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::417620938841:root"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "ab-1"}}}]}"""


def test_a_policy_is_pasted_and_typed_on_in_the_editor(window):
    one = window("/policy")
    one.see("Paste a policy")
    area = one.driver.find_element(By.TAG_NAME, "textarea")
    area.click()
    area.send_keys(POLICY)
    one.press("Look at it")
    one.see("Who may assume this role")
    one.see("ab-1")
    one.driver.find_element(By.XPATH, "//*[@role='tab'][normalize-space()='Draft']").click()
    # The editor lives in a shadow root, where alone the page's policy lets it have its styles.
    content = one.wait.until(lambda driver: driver.execute_script(
        "return [...document.querySelectorAll('.editor *')].map((one) => one.shadowRoot?.querySelector('.cm-content')).find(Boolean)"))
    assert one.driver.execute_script("return arguments[0].getRootNode().adoptedStyleSheets.length > 0", content)
    content.click()
    webdriver.ActionChains(one.driver).key_down(Keys.CONTROL).send_keys(Keys.HOME).key_up(Keys.CONTROL).send_keys("x").perform()
    one.see("Line 1")
    webdriver.ActionChains(one.driver).send_keys(Keys.BACKSPACE).perform()
    one.see("Nothing is changed.")
    one.settle()
    assert len(one.driver.get_screenshot_as_png()) > 10_000


def open_editor(one):
    """Opens the text of the policy that is shown, to type into."""
    one.see("Who may assume this role")
    one.driver.find_element(By.XPATH, "//*[@role='tab'][normalize-space()='Draft']").click()
    content = one.wait.until(lambda driver: driver.execute_script(
        "return [...document.querySelectorAll('.editor *')].map((one) => one.shadowRoot?.querySelector('.cm-content')).find(Boolean)"))
    content.click()


@pytest.mark.parametrize("how", ["closed", "ended"])
def test_what_was_typed_last_is_kept_when_the_window_goes_away_at_once(window, how):
    one = window("/policy")
    one.see("Paste a policy")
    area = one.driver.find_element(By.TAG_NAME, "textarea")
    area.click()
    area.send_keys(POLICY)
    one.press("Look at it")
    open_editor(one)
    (process,) = one.processes()
    webdriver.ActionChains(one.driver).key_down(Keys.CONTROL).send_keys(Keys.HOME).key_up(Keys.CONTROL).send_keys("typed-last").perform()
    if how == "closed":
        press_close(one)
    else:
        os.kill(process, signal.SIGTERM)
    assert one.wait_for_end() == []
    again = window("/policy")
    again.see("Line 1")
    kept = again.invoke("policy_draft", json.dumps({"call": "d", "request": {}, "channel": None}))["answer"]
    assert kept["draft"]["text"].startswith("typed-last{")


def test_a_thousand_changes_a_second_do_not_stall_the_window(window):
    one = window("/syncs")
    one.see("No sync yet")
    with flooded(one.data, 1_000) as told:
        begun = time.monotonic()
        found = answers(one.driver, 4)
        rate = told[0] / (time.monotonic() - begun)
    # Coarse, for the machine may do other work; `make bench` has the figures.
    assert rate > 500, f"the window took {rate:.0f} a second"
    assert found["clicks"] > 5 and found["slowest"] < 2_000, found
    # What was told last is heard too: the page shows what another process does now.
    events = one.folder / "events.ndjson"
    events.write_text('{"type":"track","event":"A","messageId":"1"}\n')
    command = [HEADGATE, "sync", "run", "--json", "--from", str(events), "--to", str(one.folder / "lake"), "--source", "web"]
    assert subprocess.run(command, env=one.environment, capture_output=True).returncode == 0
    one.driver.find_element(By.XPATH, "//*[contains(@class, 'rail')]//a[starts-with(normalize-space(), 'Syncs')]").click()
    one.see("web")


def test_only_the_table_of_commands_is_answered(window):
    one = window()
    one.see("No sync yet")
    ask = json.dumps({"call": "t", "request": {}, "channel": None})
    page = json.dumps({"call": "j", "request": {"open": True, "before": None, "limit": None}, "channel": None})
    assert "answer" in one.invoke("jobs_list", page)
    for command in ["files_delete", "plugin:window|close", "plugin:fs|read_text_file", "plugin:dialog|open", "plugin:clipboard-manager|read_text"]:
        assert "refused" in one.invoke(command, ask), command
    assert one.driver.execute_script("return Object.isFrozen(Object.prototype)")
    assert one.driver.execute_script("return window.__TAURI__ === undefined")
    # Nothing is fetched from anywhere; the attempt alone would be written into the log.
    said = one.driver.execute_async_script(
        "const done = arguments[0]; new Promise((r) => { addEventListener('securitypolicyviolation', (e) => "
        "{ e.stopImmediatePropagation(); r(e.violatedDirective) }, { capture: true, once: true }); "
        "fetch('http://127.0.0.1:9/').catch(() => {}) }).then(done)"
    )
    assert said == "connect-src"


def test_an_error_of_the_page_and_a_refusal_are_in_the_log(window):
    one = window()
    one.see("No sync yet")
    one.driver.execute_script("console.error('on purpose')")
    one.invoke("runs_show", json.dumps({"call": "find-me", "request": {"run": "77"}, "channel": None}))
    one.wait.until(lambda driver: any(line["fields"].get("text") == "on purpose" for line in one.log()))
    (line,) = [line for line in one.log() if line["fields"].get("trace") == "find-me"]
    assert line["fields"]["code"] == "run_not_found"


def test_a_signal_in_the_middle_of_a_run_loses_nothing(window, tmp_path):
    events, lake = many_events(tmp_path / "events.ndjson", 200_000), tmp_path / "lake"
    # The address names paths that nobody chose; the user allows them.
    one = window(f"/syncs/new?from={events}&lake={lake}&source=web", HEADGATE_CONFIRM="yes")
    command = [HEADGATE, "settings", "set", "batch_mb", "1", "--json"]
    subprocess.run(command, env=one.environment, check=True, capture_output=True)
    run = one.wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "[data-key=run]:not([disabled])"))
    run[0].click()
    one.see("Rows so far")
    (process,) = one.processes()
    os.kill(process, signal.SIGTERM)
    assert one.wait_for_end() == []
    (run,) = runs(one)
    assert run["status"] == "cancelled"
    assert 0 < run["events"]["written"] < 200_000
    assert rows(lake / "web" / "a") == (run["events"]["written"],) * 2
    command = [HEADGATE, "sync", "run", "--json", "--from", str(events), "--to", str(lake), "--source", "web"]
    assert subprocess.run(command, env=one.environment, capture_output=True).returncode == 0
    assert rows(lake / "web" / "a") == (200_000, 200_000)


def many_events(path, count):
    path.write_text("".join(f'{{"type":"track","event":"A","messageId":"{at}","properties":{{"n":{at}}}}}\n' for at in range(count)))
    return path


def runs(one):
    listed = subprocess.run([HEADGATE, "runs", "list", "--json"], env=one.environment, capture_output=True, text=True)
    return json.loads(listed.stdout)["runs"]


@contextlib.contextmanager
def heard_bus(file):
    """A session bus, by its address; what is said over it goes into a file."""
    bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    address = bus.stdout.readline().strip()
    with file.open("w") as said:
        monitor = subprocess.Popen(["dbus-monitor", "--address", address, "interface='org.freedesktop.Notifications'"], stdout=said, stderr=subprocess.DEVNULL)
        yield address
        for process in (monitor, bus):
            process.terminate()
            process.wait()


def test_a_run_goes_on_when_the_window_is_closed_and_the_next_start_shows_it(window, tmp_path):
    events, lake = many_events(tmp_path / "events.ndjson", 400_000), tmp_path / "lake"
    with heard_bus(tmp_path / "bus") as bus:
        one = window(f"/syncs/new?from={events}&lake={lake}&source=web", HEADGATE_CONFIRM="yes", DBUS_SESSION_BUS_ADDRESS=bus)
        subprocess.run([HEADGATE, "settings", "set", "batch_mb", "1", "--json"], env=one.environment, check=True, capture_output=True)
        one.wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "[data-key=run]:not([disabled])"))[0].click()
        one.see("Rows so far")
        (process,) = one.processes()
        press_close(one)
        one.wait.until(lambda _: "Headgate" not in titles(one))
        assert one.processes() == [process], "it stays while the run goes on"
        # Notified over the bus, though nobody there shows it.
        one.wait.until(lambda _: "The sync of web goes on" in (tmp_path / "bus").read_text())
        second = subprocess.run([WINDOW, "/syncs"], env=one.environment, timeout=20)
        assert second.returncode == 0 and one.processes() == [process]
        one.wait.until(lambda _: "Headgate" in titles(one))
        one.driver.switch_to.window(one.driver.window_handles[-1])
        one.see("Running")
        one.settle()
        assert len(one.driver.get_screenshot_as_png()) > 10_000
        press_close(one)
        assert one.wait_for_end(120) == [], "it ends by itself after the run"
        (run,) = runs(one)
        assert (run["status"], run["events"]["written"]) == ("succeeded", 400_000)
        assert rows(lake / "web" / "a") == (400_000, 400_000)


def test_keys_change_the_size_of_the_page_and_the_next_start_has_it(window):
    one = window("/settings")
    one.see("Text size")
    width = "return innerWidth"
    whole = one.driver.execute_script(width)

    def shows(driver, percent):
        return abs(driver.execute_script(width) - whole * 100 / percent) <= 1

    def press(opened, *keys):
        opened.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.CONTROL, *keys)

    for percent in (110, 125, 150, 175, 200):
        press(one, "=")
        one.wait.until(lambda driver, percent=percent: shows(driver, percent))
    one.settle()
    assert one.driver.execute_script("return matchMedia('(max-width: 899px)').matches"), "it is laid out for the room that is left"
    press(one, "-")
    one.wait.until(lambda driver: shows(driver, 175))
    press_close(one)
    assert one.wait_for_end() == []
    again = window("/settings")
    again.see("Text size")
    again.wait.until(lambda driver: shows(driver, 175))
    press(again, "0")
    again.wait.until(lambda driver: shows(driver, 100))


def test_without_work_a_window_that_is_closed_ends(window):
    one = window()
    one.see("No sync yet")
    press_close(one)
    assert one.wait_for_end() == []


def test_what_the_terminal_does_is_shown_and_ended_when_it_is_killed(window, tmp_path):
    one = window("/syncs")
    one.see("No sync yet")
    command = [HEADGATE, "sync", "run", "--json", "--from", "-", "--to", str(tmp_path / "lake"), "--source", "web"]
    terminal = subprocess.Popen(command, env=one.environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    terminal.stdin.write(b'{"type":"track","event":"A","messageId":"1"}\n')
    terminal.stdin.flush()

    def states(open_ones):
        payload = json.dumps({"call": "j", "request": {"open": open_ones, "before": None, "limit": None}, "channel": None})
        return [job["state"] for job in one.invoke("jobs_list", payload)["answer"]["jobs"]]

    one.wait.until(lambda _: states(True) == ["running"])
    one.see("Running")
    terminal.kill()
    terminal.wait()
    # A list of jobs ends none; whoever waits for the other's end does.
    one.wait.until(lambda _: states(True) == [])
    assert states(False) == ["interrupted"]


def test_the_socket_hears_processes_of_this_user_alone(window):
    one = window()
    one.see("No sync yet")
    path = one.data / "window.sock"

    def says(line):
        with socket.socket(socket.AF_UNIX) as other:
            other.settimeout(5)
            other.connect(str(path))
            other.sendall(line)
            return other.recv(100)

    assert says(b"open /settings\n") == b"taken\n"
    one.see("What is kept")
    for line in [b"quit\n", b"open " + b"/x" * 5_000 + b"\n"]:
        with contextlib.suppress(ConnectionError):
            assert says(line) == b"", line
    if os.geteuid() != 0:
        return
    # Another user, who is let as far as the socket.
    script = f"import os, socket; s = socket.socket(socket.AF_UNIX); s.connect({str(path.name)!r}); os.write(1, b'in')\n" \
        "try:\n    s.sendall(b'open /overview\\n'); os.write(1, s.recv(100))\nexcept ConnectionError: pass"
    path.chmod(0o666)
    one.data.chmod(0o711)
    heard = subprocess.run(["python3", "-c", script], cwd=one.data, user=65534, group=65534, extra_groups=[], capture_output=True, timeout=20)
    one.data.chmod(0o700)
    assert heard.stdout == b"in", heard


def test_a_second_start_comes_forward_and_the_terminal_still_runs(window, tmp_path):
    one = window()
    one.see("No sync yet")
    second = subprocess.run([WINDOW, "/settings"], env=one.environment, timeout=20)
    assert second.returncode == 0
    one.see("What is kept")
    events = tmp_path / "events.ndjson"
    events.write_text('{"type":"track","event":"A","messageId":"1"}\n')
    command = [HEADGATE, "sync", "run", "--json", "--from", str(events), "--to", str(tmp_path / "lake")]
    ran = subprocess.run(command, env=one.environment, capture_output=True, text=True)
    assert json.loads(ran.stdout)["status"] == "succeeded"


def test_an_address_is_opened_at_the_start(window):
    one = window("/settings")
    one.see("What is kept")


def test_a_signal_ends_it_and_its_size_is_remembered(window):
    one = window()
    one.see("No sync yet")
    one.driver.set_window_rect(width=1100, height=700)
    one.wait.until(lambda driver: driver.execute_script("return innerWidth") == 1100)
    (process,) = one.processes()
    os.kill(process, signal.SIGTERM)
    assert one.wait_for_end() == []
    one.close()
    again = window()
    again.see("No sync yet")
    assert again.driver.execute_script("return [innerWidth, innerHeight]") == [1100, 700]


def test_what_fails_at_the_start_is_said(window, tmp_path):
    (tmp_path / "data").write_text("not a folder")
    one = window()
    one.see("Headgate could not start")
    one.see("data_folder_unusable")


def test_without_a_display_it_says_so():
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    ran = subprocess.run([WINDOW], env=environment, capture_output=True, text=True, timeout=20)
    assert ran.returncode == 1 and "no display" in ran.stderr
