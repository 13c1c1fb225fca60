"""A real account is changed only after the user agreed to a question of the desktop or the terminal.

AWS's own addresses are reached through a proxy that stands in for them. The host of the browser tests serves the
page's calls, with a user that this test plays; it is named by HEADGATE_HOST.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import signal
import subprocess
import termios
import time
import urllib.request

from test_trust import HEADGATE, Admin, KEYS, admin, certificates, cloud, front, of_databricks, proxy  # noqa: F401

HOST = os.environ["HEADGATE_HOST"]
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Page:
    """What a page can do: call commands. And what a user can: answer the desktop's questions."""

    def __init__(self, url):
        self.url = url

    def post(self, path, document):
        request = urllib.request.Request(self.url + path, data=json.dumps(document).encode(), headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=90) as answer:
            return [json.loads(line) for line in answer.read().decode().splitlines()]

    def apply(self, plan, **more):
        access = {"profile": None, "region": None, "mfa_code": None}
        return self.post("call/role_apply", {"call": "c1", "request": {"plan": plan, "access": access} | more})[-1]

    def user(self, agrees):
        self.post("desktop", {"confirm": agrees})

    def asked(self):
        with urllib.request.urlopen(self.url + "desktop/asked", timeout=10) as answer:
            return json.load(answer)


@contextlib.contextmanager
def page(environment):
    with subprocess.Popen([HOST, str(ROOT)], env=environment, stdout=subprocess.PIPE, text=True) as host:
        try:
            yield Page(json.loads(host.stdout.readline())["url"])
        finally:
            host.kill()


def plan_of(one, role):
    return json.loads(pathlib.Path(one.plan(role)).read_text())["id"]


def test_a_real_account_is_changed_only_after_the_user_agreed(cloud, admin):
    role = cloud.make("confirmed")
    authority, certificate = certificates(admin.home)
    with front(cloud, certificate) as address, proxy(address) as (port, _):
        real = Admin(admin.home, AWS_CA_BUNDLE=authority, HTTPS_PROXY=f"http://127.0.0.1:{port}", **KEYS)
        plan = plan_of(real, role)
        with page(real.environment) as window:
            window.user(agrees=False)
            assert window.apply(plan)["failure"]["code"] == "not_confirmed"
            # No word of the request answers in the user's place.
            assert window.apply(plan, confirmed=True, restores="x", confirm="yes")["failure"]["code"] == "not_confirmed"
            assert cloud.policy("confirmed") == of_databricks("confirmed")
            assert real("history")["changes"] == [], "nothing was sent, so there is no change"
            asked = window.asked()
            assert len(asked) == 2 and all(f"`{role}`" in one and "lines added" in one and f"`arn:aws:" in one for one in asked), asked
            window.user(agrees=True)
            assert window.apply(plan)["answer"]["outcome"] == "written"
            assert len(cloud.policy("confirmed")["Statement"]) == 3

            opened = of_databricks("confirmed")
            opened["Statement"].append({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
            out = str(real.home / "open.json")
            real("plan", role, "--to", real.put("open-policy.json", json.dumps(opened)), "--out", out)
            window.user(agrees=False)
            assert window.apply(json.loads(pathlib.Path(out).read_text())["id"])["failure"]["code"] == "not_confirmed"
            assert "This opens the role to everyone with an AWS account." in window.asked()[-1]


def test_an_account_on_this_machine_is_changed_without_a_question(cloud, admin):
    role = cloud.make("practice")
    plan = plan_of(admin, role)
    with page(admin.environment) as window:
        window.user(agrees=False)
        assert window.apply(plan)["answer"]["outcome"] == "written"
        assert window.asked() == []


def at_a_terminal(one, answer, *words):
    """What a command says on standard error to a person who answers its question, and how it ends."""
    terminal, its = pty.openpty()
    ran = subprocess.Popen(
        [HEADGATE, "policy", *words], env=one.environment, stdin=its, stderr=its, stdout=subprocess.DEVNULL,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(its)
    if isinstance(answer, bytes):
        os.write(terminal, answer)
    said = b""
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 4_096):
            said += part
            if callable(answer) and b"[y/N]" in said:
                answer(terminal, ran)
                answer = None
    os.close(terminal)
    return said.decode(), ran.wait(90)


def test_a_person_at_a_terminal_is_asked_and_a_script_is_not(cloud, admin):
    role = cloud.make("asked")
    authority, certificate = certificates(admin.home)
    with front(cloud, certificate) as address, proxy(address) as (port, _):
        real = Admin(admin.home, AWS_CA_BUNDLE=authority, HTTPS_PROXY=f"http://127.0.0.1:{port}", **KEYS)
        plan = real.plan(role)
        for answer in (b"n\n", b"\n", b"\x04"):
            said, code = at_a_terminal(real, answer, "apply", plan)
            assert code == 1 and "Change the trust policy?" in said and f"`{role}`" in said and "[y/N]" in said and "not_confirmed" in said, said
        assert cloud.policy("asked") == of_databricks("asked") and real("history")["changes"] == []
        said, code = at_a_terminal(real, b"y\n", "apply", plan)
        assert code == 0, said
        (change,) = real("history")["changes"]
        assert len(cloud.policy("asked")["Statement"]) == 3
        said, code = at_a_terminal(real, b"", "restore", change["id"], "--yes")
        assert code == 0 and "[y/N]" not in said, said
        assert cloud.policy("asked") == of_databricks("asked")
        # A script names what it writes, as it always did.
        assert real("apply", real.plan(role))["outcome"] == "written"
        assert len(cloud.policy("asked")["Statement"]) == 3


def test_a_command_that_is_stopped_at_its_question_ends_at_once_and_sends_nothing(cloud, admin):
    role = cloud.make("stopped")
    authority, certificate = certificates(admin.home)
    with front(cloud, certificate) as address, proxy(address) as (port, _):
        real = Admin(admin.home, AWS_CA_BUNDLE=authority, HTTPS_PROXY=f"http://127.0.0.1:{port}", **KEYS)
        plan = real.plan(role)
        stops = {
            "Ctrl-C": lambda terminal, _: os.write(terminal, b"\x03"),
            "SIGTERM": lambda _, ran: ran.send_signal(signal.SIGTERM),
            "in the middle of a line": lambda terminal, _: os.write(terminal, b"y\x03"),
        }
        for name, stop in stops.items():
            stopped = []

            def now(terminal, ran, stop=stop):
                stopped.append(time.monotonic())
                stop(terminal, ran)

            said, code = at_a_terminal(real, now, "apply", plan)
            assert time.monotonic() - stopped[0] < 5, name
            assert code == 1 and "cancelled" in said, (name, said)
        assert cloud.policy("stopped") == of_databricks("stopped")
        assert real("history")["changes"] == [], "nothing was sent, so there is no change"
