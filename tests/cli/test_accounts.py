"""Connections by OAuth and connected accounts, as an admin and a person type them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def as_admin(run: Any, sandboxed: dict[str, Any]) -> Any:
    """Run a command as the sandbox's admin."""
    environment = {"SKIPASS_URL": sandboxed["url"], "SKIPASS_API_KEY": sandboxed["admin"]["api_key"]}

    def as_admin(*arguments: object, **more: str) -> Any:
        return run(*arguments, **environment, **more)

    return as_admin


def account(sandboxed: dict[str, Any]) -> list[str]:
    said = sandboxed["sandbox"]
    return ["--account", said["account"], "--host", said["account_url"], "--role", "AGENT_ROLE"]


def user(sandboxed: dict[str, Any], name: str) -> dict[str, str]:
    found: dict[str, str] = next(one for one in sandboxed["sandbox"]["users"] if one["name"] == name)
    return found


def test_a_person_hands_in_a_key_and_takes_it_back(as_admin: Any, sandboxed: dict[str, Any]) -> None:
    """The account is ACTIVE once the key worked, DISCONNECTED when given up, and gone when deleted."""
    assert as_admin("connection", "add", "own-keys", "--per-user", *account(sandboxed)).status == 0
    dana = user(sandboxed, "DANA")
    key = ["--private-key", dana["private_key_path"], "--login", dana["login_name"]]
    linked = as_admin("account", "link", "own-keys", *key, "--format", "json")
    assert (linked.status, linked.json["status"]) == (0, "ACTIVE"), linked.err
    listed = as_admin("account", "list", "--connection", "own-keys", "--format", "json")
    assert [one["id"] for one in listed.lines] == [linked.json["id"]]
    ended = as_admin("account", "disconnect", linked.json["id"], "--format", "json")
    assert (ended.json["status"], ended.json["roles"]) == ("DISCONNECTED", [])
    assert as_admin("account", "delete", linked.json["id"]).status == 0
    gone = as_admin("account", "show", linked.json["id"])
    assert (gone.status, gone.err.startswith("not_found")) == (1, True)


def test_a_connection_by_oauth_prints_its_redirect_uri(as_admin: Any, sandboxed: dict[str, Any]) -> None:
    """It is made before there is a client, which is set later; a link is printed for the user by name."""
    made = as_admin("connection", "add", "by-oauth", "--auth", "snowflake_oauth", *account(sandboxed))
    assert made.status == 0, made.err
    (line,) = [one for one in made.out.splitlines() if one.startswith("Redirect URI: ")]
    assert f"{sandboxed['url']}/oauth/upstream-callback/reg_" in line
    early = as_admin("account", "link", "by-oauth", "--for", "sam")
    client = ["--client-id", "abc=", "--client-secret-env", "S3CRET"]
    set_ = as_admin("connection", "client", "by-oauth", *client, "--format", "json", S3CRET="s3cr3t/+=")
    assert (set_.status, set_.json["client_id"]) == (0, "abc="), set_.err
    assert (early.status, "connection client by-oauth" in early.err) == (1, True)
    assert "s3cr3t" not in set_.out + made.out + early.out
    link = as_admin("account", "link", "by-oauth", "--for", "sam")
    assert link.status == 0, link.err
    assert link.out.startswith(f"{sandboxed['url']}/connect#")
    missing = as_admin("connection", "client", "by-oauth", "--client-secret-env", "NOT_SET")
    assert missing.status == 2


def test_a_provider_s_metadata_comes_from_a_file(as_admin: Any, sandboxed: dict[str, Any], tmp_path: Path) -> None:
    """What was replaced and what to add where is told, also where the object is wrapped; a broken file is refused."""
    said = sandboxed["sandbox"]["idp"]
    metadata = {name: said[name] for name in ("issuer", "client_id", "client_secret")}
    metadata |= {"scope": "session:role:AGENT_ROLE offline_access", "redirect_uri": "https://old.example.com/cb"}
    pasted, broken = tmp_path / "idp.json", tmp_path / "broken.json"
    pasted.write_text(json.dumps({"oauth_metadata": metadata}))
    broken.write_text("[1, 2")
    made = as_admin(
        "connection", "add", "by-idp", "--auth", "external_oauth", *account(sandboxed), "--oauth-metadata", pasted
    )
    assert made.status == 0, made.err
    assert "https://old.example.com/cb is not ours" in made.err
    assert said["client_secret"] not in made.out + made.err
    refused = as_admin(
        "connection", "add", "x", "--auth", "external_oauth", *account(sandboxed), "--oauth-metadata", broken
    )
    assert (refused.status, "holds no JSON object" in refused.err) == (1, True)


def test_templates_take_accounts_and_invite_customers(as_admin: Any) -> None:
    """A registration is listed with its redirect URI until it is taken out; a set-up link is printed once."""
    made = as_admin("connection", "add", "customers", "--auth", "snowflake_oauth", "--template", "--role", "AGENT_ROLE")
    assert (made.status, "connection invite customers" in made.err) == (0, True), made.err
    client = ["--account", "ACME-PROD", "--client-id", "x", "--client-secret-env", "S3CRET"]
    one = as_admin("connection", "register", "customers", *client, "--format", "json", S3CRET="y")
    assert one.status == 0, one.err
    (listed,) = as_admin("connection", "registrations", "customers", "--format", "json").lines
    assert listed["id"] == one.json["registration"]["id"]
    assert listed["redirect_uri"].endswith(f"/oauth/upstream-callback/{listed['id']}")
    gone = as_admin("connection", "unregister", listed["id"], "--format", "json")
    assert gone.json["state"] == "disabled"
    invited = as_admin("connection", "invite", "customers")
    assert "/connect/setup#" in invited.out


def test_where_people_bring_their_own_they_are_sent_to_it(as_admin: Any, sandboxed: dict[str, Any]) -> None:
    """After the connection comes each user's key or token, by a link to its page too."""
    made = as_admin("connection", "add", "brought", "--auth", "pat", "--per-user", *account(sandboxed))
    assert (made.status, "skipass account link brought" in made.err) == (0, True), made.err
    link = as_admin("account", "link", "brought", "--for", "sam")
    assert (link.status, "/connect#" in link.out) == (0, True), link.err


def test_what_is_unsafe_says_so(as_admin: Any, sandboxed: dict[str, Any]) -> None:
    """Leaving out the application's word for its end users is marked when it is set."""
    made = as_admin(
        "connection", "add", "unsafe", "--auth", "snowflake_oauth", *account(sandboxed), "--unsafe-skip-verification"
    )
    assert "UNSAFE" in made.err


def test_an_application_s_agent_links_and_verifies_by_name(as_admin: Any, run: Any, sandboxed: dict[str, Any]) -> None:
    """With the agent's key `--for` names the end user on every step; a code that nobody brought is refused."""
    client = ["--client-id", "abc=", "--client-auth", "none"]
    made = as_admin("connection", "add", "shop", "--auth", "snowflake_oauth", *client, *account(sandboxed))
    assert made.status == 0, made.err
    url = ["--end-users", "--return-url", "https://shop.example.com/linked"]
    agent = as_admin("agent", "create", "shop-bot", "--connection", "shop", *url, "--format", "json")
    assert agent.status == 0, agent.err
    assert agent.json["agent"]["acts_for"] == "end_users"
    own = {"SKIPASS_URL": sandboxed["url"], "SKIPASS_API_KEY": agent.json["api_key"]}
    link = run("account", "link", "shop", "--for", "customer-7", **own)
    assert (link.status, "/connect#" in link.out) == (0, True), link.err
    shown = run("account", "show", "shop", "--for", "customer-7", "--format", "json", **own)
    assert (shown.json["identifier"], shown.json["status"]) == ("customer-7", "PENDING_AUTH")
    refused = run("account", "verify", shown.json["id"], "guess", "--for", "customer-7", **own)
    assert (refused.status, refused.err.startswith("not_found")) == (1, True)
