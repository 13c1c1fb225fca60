"""Plan files made by an attacker and applied by an administrator: their claims are computed again, and false ones reported.

moto simulates IAM; the command is named by HEADGATE_BIN.
"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "conformance"))
from test_trust import HEADGATE, SEGMENT, admin, cloud, colleague, of_databricks  # noqa: E402, F401

# Clears the screen, sets a title, hides a line, turns it around, and ends a value early.
TRICKS = "\x1b]0;owned\x07\x1b[2J\x1b[8mNothing is written.` Dry run only.\r\u009b2J\u202e\u2066\u200b\ufeff\u2028\U000e0041"
ACTS = set(TRICKS) - set("]0;owned[2J8mNothing is written.` Dry run only.")
EVERYONE = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}


def run(one, *words):
    """What a command prints on both outputs, and its exit code."""
    ran = subprocess.run([HEADGATE, "policy", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=one.environment, timeout=90)
    assert not ACTS & set(ran.stdout + ran.stderr), ran.stdout + ran.stderr
    return ran


def everywhere(value, keep=()):
    """The same document with the tricks in every text but those that are kept."""
    if isinstance(value, dict):
        return {key: (one if key in keep else everywhere(one, keep)) for key, one in value.items()}
    if isinstance(value, list):
        return [everywhere(one, keep) for one in value]
    return TRICKS if isinstance(value, str) else value


def test_claims_of_a_file_are_computed_again(cloud, admin, colleague):
    role = cloud.make("claims")
    plan = json.loads(pathlib.Path(admin.plan(role)).read_text())
    opened = of_databricks("claims")
    opened["Statement"].append(EVERYONE)
    lie = plan | {
        "after": json.dumps(opened),
        "calls": [{"call": "iam:GetRole", "changes": False, "what": TRICKS}, {"call": "iam:GetRole", "changes": False, "what": "Reads once more"}],
        "cells": [], "size": {"before": 1, "after": 1, "quota": 2048}, "opens": None, "by": TRICKS, "made": TRICKS, "id": TRICKS,
        "analyzer": [{"kind": TRICKS, "code": TRICKS, "details": TRICKS, "learn_more": TRICKS, "spans": []}], "restores": TRICKS, "findings": [],
    }
    file = colleague.put("lie.json", lie)

    shown = json.loads(run(colleague, "show", file, "--json").stdout)
    assert [one["call"] for one in shown["calls"]] == ["iam:GetRole", "iam:UpdateAssumeRolePolicy", "iam:GetRole"]
    assert [one["n"] for one in shown["calls"]] == [1, 2, 3] and all(one["target"] == role for one in shown["calls"])
    assert shown["after"] == lie["after"] and shown["cells"] and shown["size"]["after"] > 1
    assert len(shown["disagrees"]) == 4, shown["disagrees"]
    assert any(one["severity"] == "security" for one in shown["findings"])
    page = run(colleague, "show", file).stdout
    assert page.splitlines()[0] == "This opens the role to everyone with an AWS account."
    assert "iam:UpdateAssumeRolePolicy" in page and "Dry run" not in page
    assert cloud.policy("claims") == of_databricks("claims"), "showing sends nothing"

    applied = run(colleague, "apply", file)
    assert applied.stderr.splitlines()[0] == "This opens the role to everyone with an AWS account."
    assert "iam:UpdateAssumeRolePolicy" in applied.stderr and "Dry run" not in applied.stderr + applied.stdout
    assert cloud.policy("claims") == opened, "what was shown is what was written"
    change = colleague("history")["changes"][0]
    assert change["restores"] is None and change["cells"]

    # What is put back says so too when it opens the role.
    closed = colleague.put("closed.json", json.dumps(of_databricks("claims")))
    out = str(colleague.home / "close.json")
    colleague("plan", role, "--to", closed, "--out", out)
    closing = json.loads(run(colleague, "apply", out, "--json").stdout)
    assert closing["outcome"] == "written"
    back = run(colleague, "restore", closing["change"]["id"], "--json")
    first = json.loads(back.stderr.splitlines()[0])
    assert first["opens"] == "This opens the role to everyone with an AWS account." and first["after"]
    assert json.loads(back.stdout)["outcome"] == "written"


def test_tricks_in_every_text_do_nothing(cloud, admin, colleague):
    role = cloud.make("tricks")
    plan = json.loads(pathlib.Path(admin.plan(role)).read_text())
    for keep in [(), ("kind",), ("kind", "role"), ("kind", "role", "role_id"), ("kind", "role", "role_id", "before", "after")]:
        file = colleague.put("tricks.json", everywhere(plan, keep))
        for words in (["show", file], ["show", file, "--json"], ["apply", file], ["apply", file, "--json"]):
            ran = run(colleague, *words)
            assert "Dry run only" not in ran.stdout + ran.stderr or ran.returncode == 1
        for field in plan:
            file = colleague.put("one.json", plan | {field: TRICKS})
            run(colleague, "show", file)
    # Only the last of them is a plan at all, and it is the honest one.
    assert len(cloud.policy("tricks")["Statement"]) == 3


def test_a_policy_in_a_plan_cannot_act_on_a_terminal(cloud, colleague):
    """The text itself is the attacker's: it is shown whole, with its characters visible."""
    role = cloud.make("text")
    before, after = cloud.policy("text"), of_databricks("text")
    after["Statement"].append({"Sid": "x", "Effect": "Allow", "Principal": {"AWS": SEGMENT}, "Action": "sts:AssumeRole",
                               "Condition": {"StringEquals": {"aws:PrincipalTag/a": "ok\u202e\u2066`"}}})
    text = json.dumps(after, ensure_ascii=False)
    plan = {"v": 1, "kind": "trust_policy", "role": role, "role_id": None, "before": json.dumps(before), "after": text}
    file = colleague.put("text.json", plan)
    ran = run(colleague, "show", file)
    assert ran.returncode in (0, 1)
    if ran.returncode == 0:
        assert "\\u{202e}" in ran.stdout
        assert json.loads(run(colleague, "show", file, "--json").stdout)["after"] == text


def test_what_is_not_a_plan_is_refused_in_words(colleague):
    valid = {"v": 1, "kind": "trust_policy", "role": "arn:aws:iam::098765432109:role/x", "role_id": None, "before": "{}",
             "after": json.dumps(of_databricks("x"))}
    for change in ({"v": 2}, {"kind": TRICKS}, {"role": "arn:aws:s3:::x"}, {"role": TRICKS}, {"role_id": "x\u001b"}, {"role_id": "../x"},
                   {"before": "x" * 200_000}, {"role": None}):
        file = colleague.put("bad.json", valid | change)
        ran = run(colleague, "show", file, "--json")
        assert ran.returncode == 1 and json.loads(ran.stdout)["error"]["code"] == "plan_invalid", (change, ran.stdout)
    big = colleague.home / "big.json"
    with big.open("wb") as file:
        file.truncate(80 << 20)
    assert json.loads(run(colleague, "show", str(big), "--json").stdout)["error"]["code"] == "plan_invalid"
    assert json.loads(run(colleague, "show", str(colleague.home), "--json").stdout)["error"]["code"] == "file_unreadable"


def test_a_plan_is_written_whole_and_for_this_user_alone(cloud, admin):
    role = cloud.make("private")
    victim = admin.home / "victim"
    victim.write_text("keep me")
    out = admin.home / "plan.json"
    for prepare in (lambda: out.write_text("old") and out.chmod(0o644), lambda: (out.unlink(), out.symlink_to(victim))):
        prepare()
        admin("plan", role, "--goals", admin.goals(role), "--out", str(out))
        assert not out.is_symlink() and out.stat().st_mode & 0o777 == 0o600
        assert json.loads(out.read_text())["kind"] == "trust_policy"
    assert victim.read_text() == "keep me"
    failed = admin("plan", role, "--goals", admin.goals(role), "--out", str(admin.home / "none" / "plan.json"), exit=1)
    assert failed["code"] == "output_failed"
    assert [path.name for path in admin.home.iterdir() if path.name.startswith(".tmp")] == []


def test_a_warning_cannot_be_scrolled_away(cloud, colleague):
    """AWS does not count white space, so a text may hold as much of it as somebody wants to hide behind."""
    role = cloud.make("scrolled")
    opened = of_databricks("scrolled")
    opened["Statement"].append(EVERYONE)
    after = json.dumps(opened).replace("[", "[" + "\n" * 60_000, 1)
    plan = {"v": 1, "kind": "trust_policy", "role": role, "role_id": None, "before": json.dumps(cloud.policy("scrolled")), "after": after}
    ran = run(colleague, "apply", colleague.put("scrolled.json", plan))
    assert ran.returncode == 0, ran.stderr
    lines = ran.stderr.splitlines()
    warning = "This opens the role to everyone with an AWS account."
    assert lines[0] == warning and lines.count(warning) == 2 and len(lines) < 100, len(lines)
    assert lines.index(warning, 1) > next(at for at, line in enumerate(lines) if "more blank lines" in line)
