"""What an admin is told to do in an identity provider: letter by letter what the gateway then asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skipass.sandbox.testing import RunningSandbox, running_sandbox

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
TARGET = ("--role", "NARROW", "--warehouse", "NARROW_WH", "--schema", "OPS_DB.OPS", "--account", "SKIPASS-SANDBOX")
AUDIENCE = "https://skipass-sandbox.snowflakecomputing.com"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def admin(run: Run, tmp_path: Path, sandbox: RunningSandbox, serving_gateway: Callable[..., Any]) -> Iterator[Run]:
    """Commands of a new gateway's first admin."""
    home = str(tmp_path / "home")
    founders = run("init", "--admin", "ana", "--approver", "ben", "--format", "json").json["people"]
    with serving_gateway(SKIPASS_HOME=home, SKIPASS_EGRESS_ALLOW=sandbox.host) as ready:
        token = founders[0]["link"].partition("#")[2]
        assert run("login", stdin=f"{ready['url']}/sign-in#{token}\n", SKIPASS_URL=ready["url"]).status == 0
        yield lambda *words: run(*words, SKIPASS_URL=ready["url"])


@pytest.fixture
def callback(admin: Run, sandbox: RunningSandbox) -> str:
    """The redirect URI of a connection whose provider does not know us yet."""
    said = admin(
        *("connection", "add", "idp", "--auth", "external_oauth", *TARGET, "--host", sandbox.url, "--format", "json")
    )
    assert said.status == 0, said.err
    return str(said.json["registration"]["redirect_uri"])


def line_after(text: str, piece: str) -> str:
    """Return the line that follows the one with a piece of text."""
    lines = text.splitlines()
    return lines[next(n for n, line in enumerate(lines) if piece in line) + 1].strip()


def test_the_steps_for_okta(admin: Run, callback: str) -> None:
    """Our redirect URI, the account as the audience, the scope itself, and what shows where one of them is missing."""
    out = admin("connection", "setup-idp", "idp", "--okta").out
    assert line_after(out, "Sign-in redirect URI, exactly") == callback
    assert line_after(out, "Audience, exactly") == AUDIENCE
    assert "Add Scope, letter by letter: session:role:NARROW\n" in out
    assert 'scope is "session:role:NARROW offline_access"' in out
    assert all(told in out for told in ("One or more scopes are not configured", "390317", "asked for, and says so"))


def test_the_steps_for_entra(admin: Run, callback: str) -> None:
    """Entra's own form of the scope, the application as the audience, and what shows where one of them is missing."""
    out = admin("connection", "setup-idp", "idp", "--entra").out
    assert line_after(out, "Web redirect URI, exactly") == callback
    assert "Add a scope, letter by letter: session:scope:NARROW\n" in out
    assert 'scope is "api://<application id>/session:scope:NARROW offline_access"' in out
    assert "--idp azure --audience api://<application id>" in out
    assert all(told in out for told in ("AADSTS65001", "AADSTS70011", "390303"))


@pytest.mark.usefixtures("callback")
def test_the_steps_name_the_configured_scope(admin: Run, sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Once the provider's metadata is there, its scope is what the steps say, not one that was made up."""
    said = sandbox.said["idp"]
    metadata = {name: said[name] for name in ("issuer", "client_id", "client_secret")}
    file = tmp_path / "metadata.json"
    file.write_bytes(json.dumps({**metadata, "scope": "session:role:WIDER offline_access"}).encode())
    file.chmod(0o600)
    handed = admin("connection", "client", "idp", "--oauth-metadata", file)
    assert handed.status == 0, handed.err
    out = admin("connection", "setup-idp", "idp", "--okta").out
    assert 'scope is "session:role:WIDER offline_access"' in out
    assert "NARROW" not in out
    assert said["client_secret"] not in out + handed.out + handed.err


@pytest.mark.usefixtures("callback")
@pytest.mark.parametrize("words", [(), ("--okta", "--entra")])
def test_one_provider_at_a_time(admin: Run, words: tuple[str, ...]) -> None:
    """Neither or both is wrong usage."""
    assert admin("connection", "setup-idp", "idp", *words).status == 2
