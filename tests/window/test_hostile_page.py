"""The real window with a page that an attacker controls: every command of the table is called as the attacker would.

The user of these windows agrees to nothing. The commands are read from what the guard is made of.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from test_window import HEADGATE, display, window  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GUARD = (ROOT / "src-tauri/isolation/commands.js").read_text()
COMMANDS = json.loads(GUARD[GUARD.index("["):])
ROLE = "arn:aws:iam::417620938841:role/lake"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7HEADGAT", "AWS_SECRET_ACCESS_KEY": "s", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1"}


def asks(one, command, request):
    """The answer, or the code of the refusal."""
    payload = json.dumps({"call": f"attack-{command}", "request": request, "channel": None})
    return one.driver.execute_async_script(
        """const done = arguments[arguments.length - 1]
        window.__TAURI_INTERNALS__.invoke(arguments[0], JSON.parse(arguments[1]))
          .then((answer) => done({ answer }), (refused) => done({ code: refused.code ?? String(refused) }))""",
        command, payload,
    )


def attacks(path, endpoint):
    """For each command that takes more than an id: the worst requests there are."""
    access = {"profile": None, "region": None, "mfa_code": None, "endpoint": endpoint}
    table = {"lake": path, "table": "x.y"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
    return {
        "schema_preview": ({"from": path, "lake": path, "source": None}, "path_not_allowed"),
        "sync_start": ({"from": path, "to": path + "-stolen", "source": None, "again": True}, "path_not_allowed"),
        "lakes_remember": ({"lake": path}, "path_not_allowed"),
        "tables_list": ({"lake": path}, "path_not_allowed"),
        "tables_show": (table, "path_not_allowed"),
        "tables_history": (table, "path_not_allowed"),
        "tables_rows": (table, "path_not_allowed"),
        "tables_files": (table, "path_not_allowed"),
        "runs_show": ({"run": "../../etc/passwd"}, "run_not_found"),
        "runs_rejected_lines": ({"run": "../../etc/passwd", "reason": None, "from": 0}, "run_not_found"),
        "runs_discards": ({"run": "../../etc/passwd", "from": 0}, "run_not_found"),
        "role_read": ({"role": ROLE, "access": access}, "aws_unreachable"),
        "role_plan": ({"role": ROLE, "role_id": "AROAEXAMPLEEXAMPLEEX", "before": "{}", "after": policy, "goals": [], "access": access,
                       "restores": "x", "quota": 1 << 30}, "aws_unreachable"),
        "role_apply": ({"plan": "../x", "access": access}, "plan_gone"),
        "role_restore": ({"change": "../x", "access": access}, "change_not_found"),
        "settings_change": ({"theme": "red"}, "wrong_request"),
    }


def test_a_page_that_was_taken_over_reads_sends_and_changes_nothing(window, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "a.ndjson").write_text('{"type":"track","event":"CANARY-7431","messageId":"1"}\n')
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    # A dead proxy stands for a network without AWS: whatever is sent goes there.
    one = window(HEADGATE_CONFIRM="no", HTTPS_PROXY="http://127.0.0.1:9", AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null", **KEYS)
    one.see("No sync yet")
    worst = attacks(str(secret), endpoint)
    answers = {}
    for command in COMMANDS:
        if command in ("events_follow", "host_choose"):
            continue  # the one listens, the other opens a dialog that only the user answers
        request, code = worst.get(command, ({}, None))
        answers[command] = asks(one, command, request)
        if code:
            assert answers[command] == {"code": code}, (command, answers[command])
    assert "CANARY-7431" not in json.dumps(answers)
    with pytest.raises(TimeoutError):
        listener.accept()
    assert [path.name for path in tmp_path.glob("*stolen*")] == [] and sorted(path.name for path in secret.iterdir()) == ["a.ndjson"]
    # The size limit of the guard, and what is in Tauri's own table and not in ours.
    assert "code" in asks(one, "policy_analyze", {"text": "x" * 1_100_000, "base": None, "facts": {}})
    # A page that reports without end does not fill the disk.
    for _ in range(120):
        one.invoke("page_log_error", json.dumps({"call": "p", "request": {"kind": "error", "text": "on purpose"}, "channel": None}))
    assert sum(line["fields"].get("text") == "on purpose" for line in one.log()) <= 60


def test_the_page_cannot_leave(window):
    one = window()
    one.see("No sync yet")
    for address in ("http://127.0.0.1:9/", "https://tauri.localhost/", "file:///etc/passwd", "data:text/html,gone"):
        one.driver.execute_script("try { location.href = arguments[0] } catch {}", address)
        time.sleep(0.3)
        assert one.driver.execute_script("return location.origin") == "tauri://localhost", address
    one.see("No sync yet")


class Slow(ThreadingHTTPServer):
    """An IAM whose answer to a write takes its time."""

    daemon_threads = True

    def __init__(self, policy, seconds):
        super().__init__(("127.0.0.1", 0), Answer)
        self.policy, self.seconds, self.writing = policy, seconds, threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
        action, inner = asked["Action"], ""
        if action == "UpdateAssumeRolePolicy":
            self.server.writing.set()
            time.sleep(self.server.seconds)
            self.server.policy = asked["PolicyDocument"]
        elif action == "GetCallerIdentity":
            inner = "<Arn>arn:aws:iam::417620938841:user/ann</Arn><UserId>AIDAEXAMPLE</UserId><Account>417620938841</Account>"
        elif action == "GetRole":
            document = urllib.parse.quote(self.server.policy)
            inner = f"<Role><Path>/</Path><RoleName>lake</RoleName><RoleId>AROAEXAMPLEEXAMPLEEX</RoleId><Arn>{ROLE}</Arn>" \
                f"<CreateDate>2026-01-02T03:04:05Z</CreateDate><AssumeRolePolicyDocument>{document}</AssumeRolePolicyDocument></Role>"
        else:
            self.send_response(400)
            self.end_headers()
            return
        body = f"<{action}Response><{action}Result>{inner}</{action}Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{action}Response>".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


BEFORE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::417620938841:root"}, "Action": "sts:AssumeRole"}]}


def test_a_closing_window_waits_for_a_change_that_was_sent(window, tmp_path):
    iam = Slow(json.dumps(BEFORE), seconds=4)
    one = window("/policy", AWS_ENDPOINT_URL=f"http://127.0.0.1:{iam.server_port}", **KEYS)
    one.see("Paste a policy")
    after = tmp_path / "after.json"
    after.write_text(json.dumps(BEFORE | {"Id": "new", "Statement": [BEFORE["Statement"][0] | {"Sid": "A", "Condition": {"StringEquals": {"sts:ExternalId": "ab-1"}}}]}))
    out = tmp_path / "plan.json"
    planned = subprocess.run([HEADGATE, "policy", "plan", ROLE, "--to", str(after), "--out", str(out), "--json"], env=one.environment, capture_output=True, text=True)
    assert planned.returncode == 0, planned.stdout
    request = {"plan": json.loads(out.read_text())["id"], "access": {"profile": None, "region": None, "mfa_code": None}}
    one.driver.execute_script(
        "window.__TAURI_INTERNALS__.invoke('role_apply', JSON.parse(arguments[0])).catch(() => {})",
        json.dumps({"call": "change", "request": request, "channel": None}),
    )
    assert iam.writing.wait(20)
    (process,) = one.processes()
    os.kill(process, signal.SIGTERM)
    one.see("Finishing a change")
    deadline = time.monotonic() + 30
    while one.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert one.processes() == [], "it ends once the change has"
    assert json.loads(iam.policy) == json.loads(after.read_text())
    history = subprocess.run([HEADGATE, "policy", "history", "--json"], env=one.environment, capture_output=True, text=True)
    (change,) = json.loads(history.stdout)["changes"]
    assert change["state"] == "done"
