"""What Headgate does to a role's trust policy, read by another client of AWS.

moto simulates IAM and STS; boto3 reads the roles, and changes them as a colleague would. moto does not evaluate
policies; the policy crate has tests of that. The command is named by HEADGATE_BIN.
"""

import contextlib
import datetime
import json
import logging
import os
import pathlib
import socket
import ssl
import subprocess
import threading
import urllib.request

ACCOUNT = "098765432109"
os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto.server import ThreadedMotoServer

HEADGATE = os.environ["HEADGATE_BIN"]
CATALOG = "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL"
SEGMENT = "arn:aws:iam::595280932656:role/segment-storage-destinations-production-access"
CREDENTIAL = "8a3c7f16-2d55-4a05-b0a8-9d1b8e3f7c21"
# A plus is a letter of external ids, and a blank to those who decode a policy as a form.
WORKSPACE = "w2qp+mT8xY=vKd/4n:Sc@,-."
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7HEADGAT", "AWS_SECRET_ACCESS_KEY": "secret-of-the-admin"}


def arn(role):
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


def of_databricks(role):
    """The two statements that Databricks' own tools write."""
    confined = {"StringEquals": {"sts:ExternalId": CREDENTIAL}}
    return {"Version": "2012-10-17", "Statement": [
        {"Sid": "UnityCatalogAssumeRole", "Effect": "Allow", "Principal": {"AWS": CATALOG}, "Action": "sts:AssumeRole", "Condition": confined},
        {"Sid": "ExplicitSelfRoleAssumption", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole",
         "Condition": confined | {"ArnLike": {"aws:PrincipalArn": arn(role)}}},
    ]}


class Cloud:
    """IAM as boto3 sees it."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="boto", aws_secret_access_key="boto")

    def make(self, role, policy=None):
        text = json.dumps(policy or of_databricks(role), indent=4)
        self.iam.create_role(RoleName=role, AssumeRolePolicyDocument=text)
        return arn(role)

    def policy(self, role):
        return self.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]

    def write(self, role, policy):
        self.iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(policy))

    def post(self, path, body=b""):
        request = urllib.request.Request(self.endpoint + path, data=body, headers={"Content-Type": "text/plain"})
        urllib.request.urlopen(request).read()


class Admin:
    """A person at a computer: a home with nothing in it, a data folder, and the command."""

    def __init__(self, home, **environment):
        self.home = home
        # moto answers calls that it does not know as if it had failed, and those are tried again.
        quick = {"AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true"}
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "HEADGATE_DATA": str(home / "data")} | quick | environment

    def put(self, name, content):
        path = self.home / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def goals(self, role, principal=SEGMENT, external_id=WORKSPACE):
        return self.put("goals.json", {"role": role, "allow": [{"principal": principal, "externalId": external_id}]})

    def ran(self, *words, exit=0, **environment):
        """What a command prints on standard output and on standard error."""
        ran = subprocess.run([HEADGATE, "policy", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.environment | environment, timeout=90)
        assert ran.returncode == exit, (words, ran.returncode, ran.stdout, ran.stderr)
        said = ran.stdout + ran.stderr
        assert KEYS["AWS_SECRET_ACCESS_KEY"] not in said and "246810" not in said
        return ran.stdout, ran.stderr

    def page(self, *words, exit=0, **environment):
        return "".join(self.ran(*words, exit=exit, **environment))

    def __call__(self, *words, exit=0, **environment):
        """The document of a command, or the error of one that fails."""
        said, shown = self.ran(*words, "--json", exit=exit, **environment)
        assert said.count("\n") == 1, said
        if shown:
            # What is about to be written, in a document of its own.
            assert words[0] in ("apply", "restore") and shown.count("\n") == 1, shown
            assert {"role", "after", "calls", "cells", "disagrees"} <= json.loads(shown).keys()
        document = json.loads(said)
        assert document["v"] == 1
        return document["error"] if exit == 1 else document

    def plan(self, role, out="plan.json", **environment):
        path = self.home / out
        planned = self("plan", role, "--goals", self.goals(role), "--form", "separate", "--out", str(path), **environment)
        assert not planned["satisfied"] and planned["plan"] == json.loads(path.read_text())["id"]
        assert path.stat().st_mode & 0o777 == 0o600
        return str(path)


@pytest.fixture(scope="module")
def cloud():
    # moto tells at length of each call that it does not know.
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Cloud(f"http://{host}:{port}")
    server.stop()


@pytest.fixture
def admin(cloud, tmp_path):
    return Admin(tmp_path, AWS_ENDPOINT_URL=cloud.endpoint, **KEYS)


@pytest.fixture
def colleague(cloud, tmp_path_factory):
    return Admin(tmp_path_factory.mktemp("colleague"), AWS_ENDPOINT_URL=cloud.endpoint, **KEYS)


def test_the_journey_of_a_role(cloud, admin):
    """Add Segment, write; someone else changes it meanwhile: refuse, plan again, write; put it back."""
    role = cloud.make("journey")
    begun = cloud.policy("journey")
    plan = admin.plan(role)
    assert cloud.policy("journey") == begun, "planning writes nothing"

    theirs = begun | {"Statement": begun["Statement"] + [{"Effect": "Allow", "Principal": {"AWS": arn("etl")}, "Action": "sts:AssumeRole"}]}
    cloud.write("journey", theirs)
    refused = admin("apply", plan, exit=1)
    assert refused["code"] == "role_changed" and refused["hint"] and refused["trace"]
    assert cloud.policy("journey") == theirs, "nothing was written"
    begun_id = admin("history", "--role", role)["changes"][0]["id"]
    assert admin("restore", begun_id, exit=1)["code"] == "nothing_to_change"
    assert cloud.policy("journey") == theirs, "what wrote nothing puts nothing back"

    applied = admin("apply", admin.plan(role))
    change = applied["change"]
    written = cloud.policy("journey")
    segment = {"Effect": "Allow", "Principal": {"AWS": SEGMENT}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": WORKSPACE}}}
    assert written == theirs | {"Statement": theirs["Statement"] + [segment]}
    assert change["state"] == "done" and change["request_id"] and json.loads(change["after"]) == written and json.loads(change["before"]) == theirs
    assert change["cells"] == [{"principal": SEGMENT, "externalId": WORKSPACE, "before": "implicit_deny", "after": "allow"}]
    assert applied["reads"] >= 2 and applied["now"]["arn"] == role

    restored = admin("restore", change["id"])["change"]
    assert (restored["state"], restored["restores"]) == ("done", change["id"])
    assert cloud.policy("journey") == theirs
    history = admin("history", "--role", role)["changes"]
    assert [one["state"] for one in history] == ["done", "done", "refused"]
    assert history[2]["error"]["code"] == "role_changed"
    assert admin("history", "--role", arn("another"))["changes"] == []
    page = admin.page("history")
    assert change["id"] in page and "role_changed" in page


def test_what_holds_already_is_not_written_again(cloud, admin):
    role = cloud.make("twice")
    plan = admin.plan(role)
    assert admin("apply", plan)["change"]["state"] == "done"
    # Another layout of the same meaning: whoever writes now would lose it.
    spread = cloud.policy("twice")
    spread["Statement"].reverse()
    for statement in spread["Statement"]:
        statement["Action"] = [statement["Action"]]
    cloud.write("twice", spread)
    again = admin("apply", plan)["change"]
    assert (again["state"], again["request_id"]) == ("unneeded", None)
    assert cloud.policy("twice") == spread
    satisfied = admin("plan", role, "--goals", admin.goals(role), "--form", "separate")
    assert satisfied["satisfied"] and satisfied["operations"] == []
    assert "nothing was sent" in admin.page("apply", plan)


def test_a_key_is_respelled(cloud, admin, tmp_path):
    """To AWS it means the same, so only its spelling can tell whether it was written."""
    role = cloud.make("respell")
    before, after = cloud.policy("respell"), tmp_path / "after.json"
    after.write_text(json.dumps(before).replace("sts:ExternalId", "sts:ExternalID"))
    plan = tmp_path / "respell-plan.json"
    admin("plan", role, "--to", str(after), "--out", str(plan))
    change = admin("apply", str(plan))["change"]
    assert change["state"] == "done" and change["cells"] == []
    assert cloud.policy("respell") == json.loads(after.read_text()) != before
    assert admin("apply", str(plan))["change"]["state"] == "unneeded"
    admin("restore", change["id"])
    assert cloud.policy("respell") == before


def test_another_admin_applies_the_plan(cloud, admin, colleague):
    role = cloud.make("handed")
    plan = admin.plan(role)
    applied = colleague("apply", plan)["change"]
    assert applied["state"] == "done" and len(cloud.policy("handed")["Statement"]) == 3
    assert admin("history")["changes"] == [] and colleague("history")["changes"][0]["id"] == applied["id"]
    assert admin("restore", applied["id"], exit=1)["code"] == "change_not_found"

    # A plan of another kind, or for a text that AWS would refuse, is not begun.
    for change in ({"v": 2}, {"kind": "bucket_policy"}, {"after": "{}"}, {"after": "nonsense"}):
        changed = colleague.put("changed.json", json.loads(pathlib.Path(plan).read_text()) | change)
        assert colleague("apply", changed, exit=1)["code"] == ("policy_invalid" if "after" in change else "plan_invalid")
    assert len(colleague("history")["changes"]) == 1

    # A plan that was made from a file, by someone who may not even look.
    role = cloud.make("from_a_file")
    file = admin.put("policy.json", json.dumps(cloud.policy("from_a_file")))
    out = str(admin.home / "plan.json")
    admin("plan", file, "--goals", admin.goals(role), "--out", out, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert colleague("apply", out)["change"]["state"] == "done"
    assert len(cloud.policy("from_a_file")["Statement"]) == 3

    # And a text that a person wrote.
    text = admin.put("mine.json", json.dumps(of_databricks("from_a_file")))
    admin("plan", role, "--to", text, "--out", out)
    assert colleague("apply", out)["change"]["state"] == "done"
    assert cloud.policy("from_a_file") == of_databricks("from_a_file")


def test_a_role_that_is_gone_or_another(cloud, admin):
    role = cloud.make("again")
    plan = admin.plan(role)
    change = admin("apply", plan)["change"]["id"]
    cloud.iam.delete_role(RoleName="again")
    for words in (["apply", plan], ["restore", change], ["validate", role], ["plan", role, "--goals", admin.goals(role)], ["lint", arn("never")]):
        assert admin(*words, exit=1)["code"] == "role_not_found"
    cloud.make("again")
    for words in (["apply", plan], ["restore", change]):
        assert admin(*words, exit=1)["code"] == "role_recreated"
    assert cloud.policy("again") == of_databricks("again")
    other = admin.goals(arn("other"))
    assert admin("plan", role, "--goals", other, exit=2)["error"]["code"] == "wrong_use"


def test_a_role_is_a_policy_like_a_file(cloud, admin):
    role = cloud.make("looked_at")
    assert admin("validate", role)["valid"]
    cells = admin("matrix", role, "--goals", admin.goals(role))["cells"]
    allowed = {(cell["principal"], cell["externalId"]) for cell in cells if cell["decision"] == "allow"}
    assert allowed == {(CATALOG, CREDENTIAL), (role, CREDENTIAL)}
    assert admin("explain", role, "--principal", role, "--external-id", CREDENTIAL)["decision"] == "allow"
    assert admin("lint", role, "--goals", admin.goals(role), exit=3)["findings"][0]["id"] == "TP009"

    file = admin.put("boto.json", json.dumps(cloud.policy("looked_at")))
    assert admin("diff", role, file) | {"text": ""} == {"v": 1, "text": "", "cells": [], "same": True}
    closed = cloud.policy("looked_at")
    closed["Statement"].pop(0)
    cells = admin("diff", role, admin.put("closed.json", json.dumps(closed)))["cells"]
    assert cells == [{"principal": CATALOG, "externalId": CREDENTIAL, "before": "allow", "after": "implicit_deny"}]

    exported = admin("export", role, "--to", "json")["text"]
    assert json.loads(exported) == cloud.policy("looked_at")
    command = admin.page("export", role, "--to", "cli")
    assert "--role-name looked_at" in command


def test_ids_survive_the_way_there_and_back(cloud, admin):
    """Percent-encoding is undone once, and a plus stays a plus."""
    policy = of_databricks("plus")
    for statement in policy["Statement"]:
        statement["Condition"]["StringEquals"]["sts:ExternalId"] = ["a+b c", "a%2Bb", "é+%20"]
    role = cloud.make("plus", policy)
    change = admin("apply", admin.plan(role))["change"]
    assert cloud.policy("plus")["Statement"][:2] == policy["Statement"]
    assert cloud.policy("plus")["Statement"][2]["Condition"]["StringEquals"]["sts:ExternalId"] == WORKSPACE
    admin("restore", change["id"])
    assert cloud.policy("plus") == policy


def test_the_page_says_where_and_as_whom(cloud, admin):
    role = cloud.make("shown")
    words = ["plan", role, "--goals", admin.goals(role), "--out", str(admin.home / "plan.json"), "--endpoint-url", cloud.endpoint]
    page = admin.page(*words, AWS_ENDPOINT_URL="")
    assert page.startswith("As arn:aws:") and f"account {ACCOUNT}\nIAM at {cloud.endpoint}, which is not AWS's own endpoint" in page
    assert "iam:UpdateAssumeRolePolicy" in page
    page = admin.page("apply", str(admin.home / "plan.json"))
    assert "iam:UpdateAssumeRolePolicy" in page and "`headgate policy restore " in page


def test_profiles_and_codes(cloud, admin):
    """Keys stand in a configuration file, and a code is asked of whoever needs one, never at a prompt."""
    role = cloud.make("profiles")
    config = admin.put("config", f"""
[profile plain]
aws_access_key_id = {KEYS["AWS_ACCESS_KEY_ID"]}
aws_secret_access_key = {KEYS["AWS_SECRET_ACCESS_KEY"]}
endpoint_url = {cloud.endpoint}
[profile mfa]
aws_access_key_id = {KEYS["AWS_ACCESS_KEY_ID"]}
aws_secret_access_key = {KEYS["AWS_SECRET_ACCESS_KEY"]}
endpoint_url = {cloud.endpoint}
mfa_serial = arn:aws:iam::{ACCOUNT}:mfa/admin
""")
    bare = Admin(admin.home, AWS_CONFIG_FILE=config)
    nobody = bare("validate", role, exit=1)
    assert nobody["code"] == "aws_no_credentials" and nobody["hint"]
    unknown = bare("validate", role, "--profile", "nope", exit=1)
    assert unknown["code"] == "aws_profile_unknown" and "`plain`" in unknown["hint"]
    assert bare("validate", role, "--profile", "plain")["valid"]
    assert bare("validate", role, AWS_PROFILE="plain")["valid"]

    asked = bare("validate", role, "--profile", "mfa", exit=1)
    assert asked["code"] == "mfa_needed" and "HEADGATE_MFA_CODE" in asked["hint"]
    assert bare("validate", role, "--profile", "mfa", exit=1, HEADGATE_MFA_CODE="24681O")["code"] == "mfa_refused"
    out = str(bare.home / "plan.json")
    code = {"HEADGATE_MFA_CODE": "246810", "AWS_PROFILE": "mfa", "HEADGATE_LOG": "headgate=debug"}
    bare.page("plan", role, "--goals", bare.goals(role), "--out", out, **code)
    bare.page("apply", out, **code)
    kept = [path for path in bare.home.rglob("*") if path.is_file()]
    assert all(b"246810" not in path.read_bytes() for path in kept), "a code is kept nowhere"
    assert all(KEYS["AWS_SECRET_ACCESS_KEY"].encode() not in path.read_bytes() for path in kept if path.name != "config")


def test_no_right_to_read_or_to_write(cloud, admin):
    role = cloud.make("closed")
    cloud.iam.create_user(UserName="reader")
    keys = cloud.iam.create_access_key(UserName="reader")["AccessKey"]
    reader = Admin(admin.home, AWS_ENDPOINT_URL=cloud.endpoint, AWS_ACCESS_KEY_ID=keys["AccessKeyId"], AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"])
    plan = admin.plan(role)
    may = lambda *actions: cloud.iam.put_user_policy(UserName="reader", PolicyName="may", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}))
    may("s3:ListAllMyBuckets")
    with enforced(cloud):
        # moto wraps its refusal otherwise than IAM does, so that the code of the error is not looked at.
        blind = reader("validate", role, exit=1)
        assert "refused `iam:GetRole` on role `closed`" in blind["message"] and blind["hint"] and not blind["retryable"]
    may("iam:GetRole")
    with enforced(cloud):
        assert reader("validate", role)["valid"]
        bound = reader("apply", plan, exit=1)
        assert "refused `iam:UpdateAssumeRolePolicy` on role `closed`" in bound["message"] and bound["hint"]
    assert cloud.policy("closed") == of_databricks("closed")
    assert reader("history")["changes"][0]["state"] == "refused"


@contextlib.contextmanager
def enforced(cloud):
    """moto asks for rights from now on."""
    cloud.post("/moto-api/reset-auth", b"0")
    try:
        yield
    finally:
        cloud.post("/moto-api/reset-auth", b"1000000000")


def test_through_a_proxy_with_a_private_authority(cloud, admin):
    """No endpoint is named: AWS's own addresses are reached through a proxy that stands in for them."""
    role = cloud.make("proxied")
    authority, certificate = certificates(admin.home)
    with front(cloud, certificate) as address, proxy(address) as (port, asked):
        bare = Admin(admin.home, AWS_CA_BUNDLE=authority, HTTPS_PROXY=f"http://admin:proxy-secret@127.0.0.1:{port}", **KEYS)
        plan = bare.plan(role)
        page = bare.page("apply", plan)
        assert "has the new trust policy" in page and len(cloud.policy("proxied")["Statement"]) == 3
        assert {"iam.amazonaws.com:443", "sts.us-east-1.amazonaws.com:443"} <= {target for target, _ in asked}
        assert {allowed for _, allowed in asked} == {"Basic YWRtaW46cHJveHktc2VjcmV0"}
        strange = bare("validate", role, exit=1, AWS_CA_BUNDLE="")
        assert strange["code"] == "aws_unreachable" and "AWS_CA_BUNDLE" in strange["hint"]
        none = bare("validate", role, exit=1, AWS_CA_BUNDLE=str(bare.home / "nowhere.pem"))
        assert "nowhere.pem" in none["message"] and "AWS_CA_BUNDLE" in none["hint"]
    dead = bare("validate", role, exit=1)
    assert dead["code"] == "aws_unreachable" and "HTTPS_PROXY" in dead["hint"]
    assert f"127.0.0.1:{port}" in dead["message"] and "proxy-secret" not in json.dumps(dead)


def certificates(folder):
    """An authority of its own, and a certificate for AWS's addresses with its key."""
    now = datetime.datetime.now(datetime.timezone.utc)
    def made(name, key, issuer, signer, *extensions):
        builder = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer)).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    named = lambda name: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName(name) for name in ("*.amazonaws.com", "*.us-east-1.amazonaws.com")])
    authority, certificate = folder / "authority.pem", folder / "front.pem"
    authority.write_bytes(made("authority", root, "authority", root, (x509.BasicConstraints(ca=True, path_length=None), True)))
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate.write_bytes(made("front", key, "authority", root, (names, False)) + secret)
    return str(authority), str(certificate)


@contextlib.contextmanager
def listening(talk):
    """A server that gives each connection to `talk` in a thread of its own."""
    server = socket.create_server(("127.0.0.1", 0))
    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=quietly, args=(talk, server.accept()[0]), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def quietly(talk, connection):
    with contextlib.suppress(OSError), connection:
        talk(connection)


def joined(one, other):
    """Carries bytes both ways until both sides are done."""
    def carry(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
    back = threading.Thread(target=carry, args=(other, one), daemon=True)
    back.start()
    carry(one, other)
    back.join()


@contextlib.contextmanager
def front(cloud, certificate):
    """TLS before moto."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    host, port = cloud.endpoint.removeprefix("http://").split(":")
    def talk(connection):
        with context.wrap_socket(connection, server_side=True) as secure, socket.create_connection((host, int(port))) as inner:
            joined(secure, inner)
    with listening(talk) as address:
        yield address


@contextlib.contextmanager
def proxy(address):
    """A proxy that leads every CONNECT to one address, and keeps what it was asked and by whom."""
    asked = []
    def talk(connection):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (more := connection.recv(1)):
                return
            head += more
        line, *fields = head.decode().split("\r\n")
        method, target, _ = line.split(" ")
        allowed = [field.split(": ", 1)[1] for field in fields if field.lower().startswith("proxy-authorization: ")]
        asked.append((target if method == "CONNECT" else line, "".join(allowed)))
        with socket.create_connection(address) as outer:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            joined(connection, outer)
    with listening(talk) as (_, port):
        yield port, asked
