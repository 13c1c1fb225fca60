"""Checks what the project is made of: crates, the page's packages, the tests' Python packages.

Called by `make audit` with the path of cargo-deny. It asks package registries only: what they do not
serve is not checked, and the table says why. deny.toml has the rules for crates.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Packages of the page that may run a script when they are installed, each with the reason.
INSTALL_SCRIPTS = {}
PIN = re.compile(r"[\w.-]+==[\w.+!-]+( +--hash=sha256:[0-9a-f]{64})+", re.ASCII)


class NotChecked(Exception):
    """Why a check is not possible here."""


def output(*command):
    """Runs a command that may fail; keeps its code and what it prints."""
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def deny(check):
    """Runs one check of cargo-deny. Returns its problems, and how many crates have several versions and may."""
    run = output(sys.argv[1], "--locked", "--offline", "--all-features", "--format", "json", "check", check)
    said = [json.loads(line) for line in run.stderr.splitlines() if line.startswith("{")]
    found = [each["fields"] for each in said if each["type"] == "diagnostic"]
    several = [each for each in found if each["code"] == "duplicate" and each["severity"] == "warning"]
    # A warning is about a rule or an exception that deny.toml no longer needs.
    problems = [told(each) for each in found if each["severity"] in ("error", "warning") and each not in several]
    problems += [each["fields"]["message"].strip().splitlines()[0] for each in said if each["type"] == "log"]
    if run.returncode != 0 and not problems:
        problems.append(f"cargo-deny: {run.stderr.strip()}")
    return problems, len(several)


def told(diagnostic):
    """One line: which crate, what is wrong, and the words in question."""
    crates = [f"{graph['Krate']['name']} {graph['Krate']['version']}" for graph in diagnostic.get("graphs", [])]
    words = dict.fromkeys(" and ".join(label["span"].splitlines()) for label in diagnostic["labels"] if label["message"])
    return ": ".join(filter(None, [", ".join(crates), diagnostic["message"], ", ".join(words)]))


def sources():
    return deny("sources")[0], ""


def licences():
    return deny("licenses")[0], ""


def bans():
    problems, several = deny("bans")
    return problems, f"{several} light crates have several versions"


def crate_advisories():
    problems, _ = deny("advisories")
    if any(problem.startswith(("failed to get 'FETCH_HEAD'", "repository is stale")) for problem in problems):
        raise NotChecked(f"no recent advisory database is here, and no registry has one; `{sys.argv[1]} fetch db` gets it")
    return problems, ""


def page_packages():
    """The packages that package-lock.json takes from outside, by their path."""
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    own = {"", *json.loads((ROOT / "package.json").read_text())["workspaces"]}
    return {path: entry for path, entry in lock.items() if path not in own and entry.get("resolved") not in own}


def page_lock():
    packages = page_packages()
    registry = output("npm", "config", "get", "registry").stdout.strip().rstrip("/") + "/"
    problems = [f"{path} has no SHA-512" for path, entry in packages.items() if not entry.get("integrity", "").startswith("sha512-")]
    # A package without an address comes from the registry.
    elsewhere = {path: entry["resolved"] for path, entry in packages.items() if not entry.get("resolved", registry).startswith(registry)}
    return problems + [f"{path} is not from the registry: {address}" for path, address in elsewhere.items()], f"{len(packages)} packages"


def page_scripts():
    found = {path.rpartition("node_modules/")[2] for path, entry in page_packages().items() if entry.get("hasInstallScript")}
    problems = [f"{name} runs a script when it is installed" for name in sorted(found - INSTALL_SCRIPTS.keys())]
    return problems + [f"{name} no longer needs its exception" for name in sorted(INSTALL_SCRIPTS.keys() - found)], ""


def page_advisories():
    # The page is bundled, so all its packages are for development: with --omit=dev npm would ask about none.
    run = output("npm", "audit", "--json")
    answer = json.loads(run.stdout or "{}")
    if "vulnerabilities" not in answer:
        raise NotChecked(f"npm's registry answers: {answer.get('message') or run.stderr.strip()}")
    # What only depends on a vulnerable package is named too; its cause is enough.
    causes = [cause for entry in answer["vulnerabilities"].values() for cause in entry["via"] if isinstance(cause, dict)]
    return [f"{cause['name']} {cause['range']}, {cause['severity']}: {cause['title']} ({cause['url']})" for cause in causes], ""


def python_lock():
    problems, pins = [], 0
    for file in [ROOT / "tests/requirements.txt", *ROOT.glob("tests/*/requirements.txt")]:
        lines = [line.strip() for line in file.read_text().replace("\\\n", "").splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        pins += len(lines)
        problems += [f"{file.relative_to(ROOT)}: {line.partition(' ')[0]} is not a version with its hashes" for line in lines if not PIN.fullmatch(line)]
    return problems, f"{pins} packages"


def python_advisories():
    raise NotChecked("pip does not ask for advisories; these packages run only in tests and benches")


CHECKS = {
    "crates: sources": sources,
    "crates: licences": licences,
    "crates: bans and copies": bans,
    "crates: advisories": crate_advisories,
    "page: hashes and sources": page_lock,
    "page: install scripts": page_scripts,
    "page: advisories": page_advisories,
    "Python: versions and hashes": python_lock,
    "Python: advisories": python_advisories,
}


def main():
    # Every crate of every target, so that cargo-deny needs no network. If this fails, cargo-deny says why.
    subprocess.run(["cargo", "fetch", "--locked", "--quiet"], cwd=ROOT)
    passed, failed = 0, {}
    print(f"{'check':<30}result")
    for name, check in CHECKS.items():
        try:
            problems, note = check()
            result = f"{len(problems)} problem{'s' * (len(problems) > 1)}" if problems else ", ".join(filter(None, ["clean", note]))
            passed += not problems
            if problems:
                failed[name] = problems
        except NotChecked as reason:
            result = f"not checked: {reason}"
        print(f"{name:<30}{result}", flush=True)
    for name, problems in failed.items():
        print(f"\n{name}")
        print("\n".join(f"  {problem}" for problem in problems))
    print(f"\n{passed} passed, {len(failed)} failed")
    return len(failed) > 0


if __name__ == "__main__":
    sys.exit(main())
