"""Groups, emergencies, reviews and automatic sessions, each through its command, against a gateway that serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import serve

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
GLASS = """version = 1
[[rule]]
name = "emergency"
outcome = "allow"
effects = ["session"]
groups = ["group:oncall"]
objects = ["OPS_DB.OPS"]
access = "write"
break_glass = true
"""
ASK = ("session", "request", "--schema", "ops_db.ops", "--reason", "double billing", "--ttl", "10m", "--format", "json")


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A gateway with its sandbox that has a notice channel, though nobody listens at its other end."""
    channel = {"SKIPASS_WEBHOOK_URL": "http://127.0.0.1:9/", "SKIPASS_WEBHOOK_SECRET": "k" * 32}
    with serve("--sandbox", "--home", tmp_path_factory.mktemp("loud") / "home", **channel) as ready:
        yield ready


@pytest.fixture
def who(run: Run, loud: dict[str, Any]) -> Callable[[str], Run]:
    """Run a command with somebody's key."""
    return lambda name: partial(run, SKIPASS_URL=loud["url"], SKIPASS_API_KEY=loud[name]["api_key"])


def test_an_agents_connections_and_keys_are_changed(who: Callable[[str], Run]) -> None:
    """A connection is given and taken, a key listed and ended, the agent disabled and enabled; others may not."""
    admin = who("admin")
    made = admin("agent", "create", "other", "--connection", "jit", "--format", "json").json
    given = admin("agent", "give", "other", "snowflake", "--format", "json").json
    taken = admin("agent", "take", "other", "jit", "--format", "json").json
    assert (len(given["connections"]), taken["connections"]) == (2, given["connections"][1:])
    (key,) = [one for one in admin("agent", "keys", "other", "--format", "json").lines if one["use"] == "agent"]
    assert (key["prefix"] in made["api_key"], key["live"], key["last_used_at"]) == (True, True, None)
    assert admin("agent", "revoke-key", "other", key["prefix"]).status == 0
    (ended,) = [one for one in admin("agent", "keys", "other", "--format", "json").lines if one["use"] == "agent"]
    assert (ended["live"], ended["revoked_at"] is None) == (False, False)
    assert admin("agent", "disable", "other", "--format", "json").json["state"] == "disabled"
    assert admin("agent", "enable", "other", "--format", "json").json["state"] == "active"
    assert who("approver")("agent", "give", "other", "jit").status == 1
    assert admin("agent", "give", "other", "nowhere").status == 1


def test_the_glass_is_broken_and_reviewed(who: Callable[[str], Run], tmp_path: Path) -> None:
    """Into the group, rule applied and tried, glass broken, review listed, shown and closed, out of the group again."""
    admin, agent, approver = who("admin"), who("agent"), who("approver")
    added = admin("user", "group", "add", "oncall", "sam", "--format", "json").json
    assert (added["group"], added["member"]) == ("oncall", "sam")
    assert admin("user", "group", "add", "oncall", "reporting-agent", "--agent").status == 0
    listed = admin("user", "group", "list", "--group", "oncall", "--format", "json").lines
    assert [one["kind"] for one in listed] == ["user", "agent"]
    file = tmp_path / "policy.toml"
    file.write_text(GLASS)
    assert admin("policy", "check", file, "--server").status == 0
    assert admin("policy", "apply", file).status == 0
    asked = ("policy", "explain", "-c", "jit", "--agent", "reporting-agent", "--schema", "OPS_DB.OPS")
    plain = (*asked, "--access", "write", "--ttl", "10m", "--format", "json")
    assert admin(*plain).json["outcome"] == "approval"
    assert admin(*plain, "--break-glass").json["outcome"] == "allow"
    opened = agent(*ASK, "-c", "jit", "--access", "write", "--break-glass")
    assert (opened.status, opened.json["state"], opened.json["break_glass"]) == (0, "open", True)
    (review,) = approver("approval", "reviews", "list", "--state", "open", "--format", "json").lines
    assert review["session_id"] == opened.json["id"]
    shown = approver("approval", "reviews", "show", review["id"])
    assert f"skipass session record {review['session_id']}" in shown.err
    closed = approver("approval", "reviews", "close", review["id"], "--comment", "it was one", "--format", "json")
    assert (closed.json["state"], closed.json["comment"]) == ("closed", "it was one")
    assert approver("approval", "reviews", "list", "--state", "open", "--format", "json").lines == []
    assert admin("user", "group", "remove", "oncall", "sam").status == 0
    assert [one["member"] for one in admin("user", "group", "list", "--format", "json").lines] == ["reporting-agent"]


def test_a_kept_token_is_shown_the_page_of_a_review(who: Callable[[str], Run], run: Run, loud: dict[str, Any]) -> None:
    """Closing with what `skipass login` keeps prints the address of the page and exits with 3."""
    admin = who("admin")
    assert admin("user", "create", "rita", "--role", "approver").status == 0
    link = admin("user", "link", "rita").out.strip()
    assert run("login", link, SKIPASS_URL=loud["url"]).status == 0
    closing = ("approval", "reviews", "close", "rvw_any", "--comment", "looked", "--format", "json")
    told = run(*closing, SKIPASS_URL=loud["url"])
    assert told.status == 3
    assert told.json["url"].endswith("/console/reviews/rvw_any")


def test_automatic_sessions_are_allowed_again(who: Callable[[str], Run]) -> None:
    """An admin says so for an agent and a connection; an agent may not."""
    wish = ("session", "allow-automatic", "--agent", "reporting-agent", "-c", "snowflake", "--format", "json")
    assert who("admin")(*wish).json["at"]
    refused = who("agent")(*wish)
    assert (refused.status, refused.err.split(":")[0]) == (1, "forbidden")


def test_waiting_for_a_session_ends_with_three_while_nobody_decides(who: Callable[[str], Run]) -> None:
    """The wait that runs out exits with 3; once it is decided the next one ends with 0."""
    agent, approver = who("agent"), who("approver")
    asked = agent(*ASK, "-c", "jit", "--access", "write", "--metadata", "account")
    assert asked.status == 3
    waiting = ("session", "wait", asked.json["id"], "--wait", "0", "--format", "json")
    assert agent(*waiting).status == 3
    assert approver("approval", "deny", asked.json["approval"]["id"]).status == 0
    ended = agent(*waiting)
    assert (ended.status, ended.json["state"]) == (0, "denied")
