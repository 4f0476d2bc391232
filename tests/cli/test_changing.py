"""Changing, closing and opening a connection by its commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def admin(run: Run, sandboxed: dict[str, Any]) -> Run:
    """Run a command as the shared gateway's admin."""
    return partial(run, SKIPASS_URL=sandboxed["url"], SKIPASS_API_KEY=sandboxed["admin"]["api_key"])


@pytest.fixture
def name(admin: Run, sandboxed: dict[str, Any], request: pytest.FixtureRequest) -> str:
    """A connection of this test's own, over the shared account."""
    account = sandboxed["sandbox"]
    service, own = account["users"][-1], "c" + "".join(c for c in request.node.name if c.isalnum())[-16:].lower()
    where = ("--account", "SKIPASS-SANDBOX", "--host", account["account_url"], "--schema", "ops_db.ops")
    who = ("--login", service["login_name"], "--private-key", service["private_key_path"], "--role", "agent_role")
    assert admin("connection", "add", own, *where, *who, "--warehouse", "agent_wh").status == 0
    return own


def changed(admin: Run, *words: object) -> dict[str, Any]:
    found = admin("connection", "change", *words, "--format", "json")
    assert found.status == 0, found.err
    told: dict[str, Any] = found.json
    return told


def test_what_is_named_changes(admin: Run, name: str, tmp_path: Path) -> None:
    """Names are folded as in SQL, a schema may bring its database, a policy comes from a file, the rest stays."""
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"idle_s": 90}))
    made = changed(admin, name, "--schema", "finance_db.hr", "--allowed-role", '"own role"', "--policy", policy)
    assert (made["database"], made["schema"], made["allowed_roles"]) == ("FINANCE_DB", "HR", ["own role"])
    shown = admin("connection", "show", name, "--format", "json").json
    assert (shown["policy"]["idle_s"], shown["warehouse"], shown["role"]) == (90, "AGENT_WH", "AGENT_ROLE")


def test_what_is_cleared_is_gone(admin: Run, name: str) -> None:
    """Defaults and further roles can be taken away again, and a dry run takes nothing."""
    changed(admin, name, "--allowed-role", "PUBLIC")
    gone = ("--clear", "schema", "--clear", "allowed-roles")
    assert changed(admin, name, *gone, "--dry-run")["schema"] is None
    assert admin("connection", "show", name, "--format", "json").json["schema"] == "OPS"
    made = changed(admin, name, *gone)
    assert (made["schema"], made["database"], made["allowed_roles"]) == (None, "OPS_DB", [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what is to change"),
        (("--warehouse", "X", "--clear", "warehouse"), "given and cleared"),
        (("--login-claim", "email"), "login_claim goes with external_oauth_issuer"),
        (("--policy", "nowhere.json"), "holds no JSON object"),
        (("--role", "not a name"), "is not a SQL identifier"),
        (("--host", "127.0.0.1:8085"), "with http or https"),
        (("--host", "evil.example.com"), "is not a host of"),
    ],
)
def test_what_cannot_change_is_told(admin: Run, name: str, words: tuple[str, ...], said: str) -> None:
    """Nothing named, named twice, a setting of another method, a file that is none: said, and nothing changes."""
    found = admin("connection", "change", name, *words)
    assert found.status in (1, 2)
    assert said in " ".join(found.err.replace("│", " ").split())


def test_a_host_is_set_and_cleared(admin: Run, name: str, sandboxed: dict[str, Any]) -> None:
    """The same account by another address, and back to its own."""
    here = sandboxed["sandbox"]["account_url"].replace("127.0.0.1", "localhost")
    assert changed(admin, name, "--host", here)["host"] == here
    assert changed(admin, name, "--clear", "host")["host"] == "https://skipass-sandbox.snowflakecomputing.com"


def test_an_unsafe_setting_is_called_so(admin: Run, name: str) -> None:
    """Taking the word of an application away is said to be unsafe, each time."""
    found = admin("connection", "change", name, "--unsafe-skip-verification")
    assert (found.status, "UNSAFE" in found.err) == (0, True)
    assert "UNSAFE" not in admin("connection", "change", name, "--verify-end-users").err


def test_a_closed_connection_is_opened_again(admin: Run, name: str) -> None:
    """Disable and enable are each other's way back."""
    assert "disabled" in admin("connection", "disable", name).out
    assert "enabled" in admin("connection", "enable", name).out


def test_a_key_is_replaced_by_its_file(admin: Run, name: str, tmp_path: Path) -> None:
    """The next key's fingerprint is shown, and a variable or file that is not there changes nothing."""
    made = admin("key", "new", "--login", "X", "--out", tmp_path / "next.p8", "--format", "json").json
    given = ("connection", "credential", name)
    assert "is not set" in admin(*given, "--token-env", "UNSET_VARIABLE").err
    assert "cannot be read" in admin(*given, "--private-key", tmp_path / "nowhere.p8").err
    assert admin(*given).status == 1
    found = admin(*given, "--private-key", tmp_path / "next.p8", "--format", "json")
    assert (found.status, found.json["credential"]["fingerprint"]) == (0, made["fingerprint"])
