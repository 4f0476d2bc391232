"""A connection by Snowflake OAuth set up in two steps, as its admin does it: script first, client later."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from accounts.walk import Walk
from sandbox.client import Client
from skipass.cli.client import Gateway
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.secret import Secret
from surfaces.console.browser import Browser, Page

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
TARGET = ("--role", "NARROW", "--warehouse", "NARROW_WH", "--schema", "OPS_DB.OPS")


@dataclass(frozen=True, slots=True)
class Office:
    """A gateway that was just made, its first admin signed in, and an account that knows nothing of it."""

    url: str
    run: Run
    sandbox: RunningSandbox

    def admin(self, *words: object, **environment: str) -> Any:
        found = self.run(*words, SKIPASS_URL=self.url, **environment)
        assert found.status == 0, found.err
        return found

    def paste(self, script: str) -> dict[str, str]:
        """Run a script as the account's admin does, and return the id and the secret that it shows."""
        admin, role, shown = Client.of(self.sandbox, "ADMIN"), "ACCOUNTADMIN", "{}"
        lines = [line for line in script.splitlines() if not line.startswith("--")]
        for statement in filter(None, (one.strip() for one in "\n".join(lines).split(";"))):
            if switched := re.fullmatch(r"USE ROLE (\w+)", statement):
                role = switched[1]
                continue
            reply = admin.sql(statement, role=role)
            assert reply.status == 200, (statement, reply.body)
            shown = str(reply.rows[0][0]) if "SHOW_OAUTH" in statement else shown
        told: dict[str, str] = json.loads(shown)
        return told

    async def link(self, sign_in: str, token: str) -> Page:
        """Sign in with us, open a one-time link, sign in at Snowflake as DANA, agree, and come back."""
        stage: Any = SimpleNamespace(sandbox=self.sandbox)
        walk = Walk(self.url, stage)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            browser = Browser(self.url, http)
            await browser.sign_in(sign_in)
            back = await walk.agree(await walk.to_the_sign_in(browser, token))
            return await browser.get(back.removeprefix(self.url))


@pytest.fixture
def office(run: Run, tmp_path: Path, serving_gateway: Callable[..., Any]) -> Iterator[Office]:
    """The gateway may dial this one address on the machine itself."""
    home = str(tmp_path / "home")
    founders = run("init", "--admin", "ana", "--approver", "ben", "--format", "json").json["people"]
    with running_sandbox() as sandbox, serving_gateway(SKIPASS_HOME=home, SKIPASS_EGRESS_ALLOW=sandbox.host) as ready:
        token = founders[0]["link"].partition("#")[2]
        signed_in = run("login", stdin=f"{ready['url']}/sign-in#{token}\n", SKIPASS_URL=ready["url"])
        assert signed_in.status == 0, signed_in.err
        yield Office(ready["url"], run, sandbox)


def query(office: Office, key: str) -> dict[str, Any]:
    """Ask for a session and run one statement in it, as an agent."""
    door = Gateway(office.url, Secret(key))
    wish = {"connection": "own", "scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "a test"}
    session = door.post("/sessions", wish)
    statement = {"statement": "SELECT order_id FROM orders WHERE order_id = 1003"}
    body = {"session_id": session["id"], "connection_name": "own", "tool_input": statement}
    return door.post("/tools/snowflake_execute_query/execute", body)


def test_a_connection_is_set_up_in_two_steps(office: Office) -> None:
    """Add, paste the script, hand in the client, link by its pages: then a governed query runs as the user."""
    added = office.admin(
        *("connection", "add", "own", "--auth", "snowflake_oauth", *TARGET),
        *("--account", "SKIPASS-SANDBOX", "--host", office.sandbox.url, "--format", "json"),
    ).json
    assert added["registration"]["client_id"] == ""
    shown = office.paste(office.admin("connection", "setup-sql", "own", "--user", "DANA").out)
    secret = {"OWN_SECRET": shown["OAUTH_CLIENT_SECRET"]}
    named = ("connection", "client", "own", "--client-secret-env", "OWN_SECRET", "--format", "json")
    made = office.admin(*named, "--client-id", shown["OAUTH_CLIENT_ID"], **secret)
    assert shown["OAUTH_CLIENT_SECRET"] not in made.out + made.err
    assert made.json["redirect_uri"] == added["registration"]["redirect_uri"]

    token = office.admin("account", "link", "own", "--format", "json").json["link"].partition("#")[2]
    again = office.admin("user", "link", "ana", "--format", "json").json["url"]
    page = asyncio.run(office.link(again, token))
    assert page.status == 200, page.text
    agent = office.admin("agent", "create", "bot", "--connection", "own", "--format", "json").json
    answer = query(office, agent["api_key"])
    assert (answer["status"], answer["data"]["data"]) == ("success", [["1003"]])
    checks = office.admin("connection", "test", "own", "--format", "json").json["checks"]
    assert "DANA" in next(one for one in checks if one["name"] == "sign-in")["seen"].upper()

    renewed = office.admin(*named, OWN_SECRET=shown["OAUTH_CLIENT_SECRET_2"]).json
    assert renewed == made.json


def test_a_client_that_cannot_be_is_told(office: Office) -> None:
    """Another connection or account, a variable that is not set and a missing secret are named."""
    account = ("--account", "SKIPASS-SANDBOX", "--host", office.sandbox.url)
    office.admin("connection", "add", "own", "--auth", "snowflake_oauth", *TARGET, *account)
    for words, said in (
        (("nowhere", "--client-id", "x"), "unknown_connection"),
        (("own", "--account", "OTHER", "--client-id", "x"), "SKIPASS-SANDBOX"),
        (("own", "--client-secret-env", "UNSET_VARIABLE"), "UNSET_VARIABLE is not set"),
        (("own", "--client-id", "x"), "needs client_secret"),
    ):
        found = office.run("connection", "client", *words, SKIPASS_URL=office.url)
        assert found.status in (1, 2)
        assert said in found.err
