"""The policy through its commands: checked without a gateway, then with one, explained, applied and shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
FAULTY = 'version = 1\n[[rule]]\nname = "a"\ncolor = 1\nopens_for = "0s"\n[[rule]]\noutcome = "maybe"\n'
LONG = 'version = 1\n[[rule]]\nname = "long"\nlongest = "2h"\nagents = ["nobody"]\n'
DENY = 'version = 1\n[[rule]]\nname = "no hr"\noutcome = "deny"\nobjects = ["FINANCE_DB.HR"]\nagents = ["none"]\n'


@pytest.fixture
def admin(run: Run, sandboxed: dict[str, Any]) -> Run:
    """Run a command with the admin's key."""
    return partial(run, SKIPASS_URL=sandboxed["url"], SKIPASS_API_KEY=sandboxed["admin"]["api_key"])


def write(path: Path, text: str) -> Path:
    file = path / "policy.toml"
    file.write_text(text)
    return file


def test_a_file_is_checked_without_a_gateway(run: Run, tmp_path: Path) -> None:
    """Every fault is a row, and the exit status is 1; a warning alone is 0; a file that is not there is an error."""
    faulty = run("policy", "check", write(tmp_path, FAULTY), "--format", "json")
    assert faulty.status == 1
    assert [row["level"] for row in faulty.lines] == ["fault"] * 4
    warned = run("policy", "check", write(tmp_path, LONG), "--format", "json")
    assert warned.status == 0
    assert warned.lines == [{"level": "warning", "message": "rule 'long': longest is a window of over an hour"}]
    missing = run("policy", "check", tmp_path / "none.toml")
    assert (missing.status, missing.err.split(":")[0]) == (1, "invalid_policy")


def test_names_are_looked_up_in_a_gateway(admin: Run, tmp_path: Path) -> None:
    """With --server a rule about an agent that does not exist is a fault, and cannot be applied."""
    file = write(tmp_path, LONG)
    found = admin("policy", "check", file, "--server", "--format", "json")
    assert found.status == 1
    assert {"level": "fault", "message": "rule 'long': there is no agent 'nobody'"} in found.lines
    refused = admin("policy", "apply", file)
    assert (refused.status, refused.err.split(":")[0]) == (1, "invalid_policy")


def test_a_policy_is_tried_applied_and_shown(admin: Run, sandboxed: dict[str, Any], tmp_path: Path) -> None:
    """Explained from a file it holds for nobody yet; applied it is listed, shown as it was written, and in force."""
    explain = ("policy", "explain", "-c", "jit", "--agent", "reporting-agent", "--format", "json")
    file = write(tmp_path, DENY.replace('\nagents = ["none"]', '\nagents = ["reporting-agent"]'))
    hr = ("--schema", "FINANCE_DB.HR", "--ttl", "5m")
    assert admin(*explain, *hr).json["outcome"] == "allow"
    tried = admin(*explain, *hr, "--file", file).json
    assert (tried["outcome"], tried["version"]) == ("deny", None)
    applied = admin("policy", "apply", file, "--format", "json").json
    try:
        met = admin(*explain, *hr).json
        assert (met["outcome"], met["rules"], met["version"]) == ("deny", ["no hr"], applied["id"])
        assert admin("policy", "show").out == file.read_text()
        assert admin("policy", "list", "--format", "json").lines[0]["hash"] == applied["hash"]
        read = admin(*explain, "SELECT * FROM ops.orders").json
        assert (read["outcome"], read["understood"]) == ("allow", "Reads OPS_DB.OPS.ORDERS; changes nothing.")
        stale = admin("policy", "apply", write(tmp_path, "version = 1\n"), "--based-on", str(applied["number"] - 1))
        assert (stale.status, stale.err.split(":")[0]) == (1, "conflict")
    finally:
        assert admin("policy", "apply", write(tmp_path, "version = 1\n")).status == 0


def test_a_session_is_extended_from_the_command_line(run: Run, sandboxed: dict[str, Any]) -> None:
    """The successor is shown; more time than opens by itself waits for a person and exits with 3."""
    agent = partial(run, SKIPASS_URL=sandboxed["url"], SKIPASS_API_KEY=sandboxed["agent"]["api_key"])
    ask = ("session", "request", "-c", "jit", "--schema", "ops_db.ops", "--reason", "to test", "--ttl", "1m")
    first = agent(*ask, "--format", "json").json
    more = ("--reason", "not done", "--format", "json")
    second = agent("session", "extend", first["id"], "--ttl", "5m", *more)
    assert (second.status, second.json["predecessor_id"]) == (0, first["id"])
    third = agent("session", "extend", second.json["id"], "--ttl", "2h", *more)
    assert (third.status, third.json["state"]) == (3, "requested")
    for session in (third.json["id"], second.json["id"]):
        agent("session", "close", session)
