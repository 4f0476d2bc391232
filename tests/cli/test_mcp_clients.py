"""MCP clients and consents by their commands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

Run = Callable[..., Any]
BACK = "https://reports.example.com/callback"


@pytest.fixture
def admin(run: Run, sandboxed: dict[str, Any]) -> Run:
    """Run a command as the shared gateway's admin."""
    return partial(run, SKIPASS_URL=sandboxed["url"], SKIPASS_API_KEY=sandboxed["admin"]["api_key"])


def test_a_client_is_added_listed_and_stopped(admin: Run) -> None:
    """Its secret is shown once; it is among the clients until and after it is stopped, in its state."""
    made = admin("mcp-client", "add", "Reports", "--redirect-uri", BACK, "--format", "json")
    assert made.status == 0, made.err
    assert len(made.json["client_secret"]) == 43
    assert "this once" in made.err
    listed = admin("mcp-client", "list", "--format", "json")
    (found,) = [one for one in listed.lines if one["id"] == made.json["id"]]
    assert (found["name"], found["kind"], found["redirect_uris"]) == ("Reports", "registered", [BACK])
    assert made.json["client_secret"] not in listed.out
    stopped = admin("mcp-client", "disable", made.json["id"], "--format", "json")
    assert stopped.json["state"] == "disabled"


def test_a_public_client_has_no_secret(admin: Run) -> None:
    """What runs on people's own machines cannot keep one."""
    made = admin("mcp-client", "add", "Desk", "--redirect-uri", "http://127.0.0.1/cb", "--public", "--format", "json")
    assert (made.status, made.json["client_secret"]) == (0, None)


def test_a_dangerous_address_is_refused(admin: Run) -> None:
    """An admin cannot add what a client could not register."""
    refused = admin("mcp-client", "add", "Bad", "--redirect-uri", "javascript:alert(1)")
    assert (refused.status, "cannot be a redirect address" in refused.err) == (1, True)


def test_consents_are_listed_and_one_that_is_not_there_is_not_revoked(admin: Run) -> None:
    """The list is JSON, one object a line; an unknown id is `not_found`."""
    assert admin("consent", "list", "--format", "json").status == 0
    gone = admin("consent", "revoke", "cns_00000000000000000000000000")
    assert (gone.status, "not_found" in gone.err) == (1, True)
