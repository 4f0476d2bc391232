"""Every printed script, run as pasted in the stand-in: a real sign-in then works, and without any one statement not.

`USE ROLE` is left alone: it says who owns what is made, and an account's admin may make all of it without.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from sandbox.browser import Person
from sandbox.client import Client, Reply, public_der, sign
from sandbox.flow import App
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.snowflake.auth.keypair import sign as vouch
from skipass.snowflake.auth.keys import generate_key_pair, load_private_key
from skipass.snowflake.auth.vouched import vouching_claims
from skipass.snowflake.setup_sql import (
    Access,
    ExternalOAuth,
    Integration,
    Service,
    SnowflakeOAuth,
    external_oauth_script,
    service_script,
    snowflake_oauth_script,
)

REDIRECT = "http://127.0.0.1:8787/oauth/upstream-callback/reg_1"
LOOPBACK = ("127.0.0.1",)
AUDIENCE = "https://skipass-sandbox.snowflakecomputing.com"
ISSUER = "https://skipass.example.com/issuers/con_1"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        admin = Client.of(running, "ADMIN")
        for made in ("CREATE VIEW OPS_DB.OPS.BEFORE AS SELECT 1 AS N", "DROP INTEGRATION SANDBOX_IDP"):
            assert admin.sql(made, role="ACCOUNTADMIN", warehouse="COMPUTE_WH").status == 200
        yield running


@cache
def key():
    return generate_key_pair()


@dataclass(frozen=True)
class Way:
    """One way in: its script for a number, and how somebody signs in by it; both say what failed by its code."""

    script: Callable[[RunningSandbox, int], str]
    token: Callable[[RunningSandbox, int, list[Reply]], tuple[str, str]]


class Refused(Exception):
    """What Snowflake said no with."""


def names(number: int) -> Access:
    return Access(f"R{number}", f"W{number}", (("OPS_DB", "OPS"),), users=("DANA",))


def integration(number: int) -> Integration:
    return Integration(f"SKIPASS_{number}", names(number), (f"R{number}",), LOOPBACK)


def by_key(sandbox: RunningSandbox, number: int, _: list[Reply]) -> tuple[str, str]:
    private = load_private_key(key().private_pem.reveal())
    return sign(private, sandbox.account.identifier, f"U{number}"), "KEYPAIR_JWT"


def by_token(_: RunningSandbox, number: int, replies: list[Reply]) -> tuple[str, str]:
    made = [one for one in replies if one.status == 200 and one.names == ["token_name", "token_secret"]]
    if not made:
        raise Refused("no token")
    return str(made[0].rows[0][1]), "PROGRAMMATIC_ACCESS_TOKEN"


class Registered(App):
    """The client of one script's integration, by the id and secret that the script showed."""

    shown: dict[str, str]

    @property
    def client(self) -> dict[str, str]:
        return self.shown


def by_oauth(sandbox: RunningSandbox, number: int, replies: list[Reply]) -> tuple[str, str]:
    shown = [one for one in replies if one.status == 200 and "SHOW_OAUTH_CLIENT_SECRETS" in one.names[0]]
    if not shown:
        raise Refused("no client")
    found = json.loads(str(shown[0].rows[0][0]))
    file = sandbox.user("DANA")
    app = Registered(sandbox, Person(sandbox.host, file.login_name, file.password), REDIRECT)
    app.shown = {"client_id": found["OAUTH_CLIENT_ID"], "client_secret": found["OAUTH_CLIENT_SECRET"]}
    page = app.consented(scope=f"refresh_token session:role:R{number}")
    if page.status != 302 or "code" not in page.answer:
        raise Refused(page.text[-300:] or str(page.answer))
    granted = app.exchange(page.answer["code"])
    if granted.status != 200:
        raise Refused(str(granted.body))
    return granted.body["access_token"], "OAUTH"


def by_provider(sandbox: RunningSandbox, number: int, _: list[Reply]) -> tuple[str, str]:
    asked = {"login": "dana@example.com", "scope": f"session:role:R{number}", "audience": AUDIENCE}
    return str(sandbox.control.provider("mint", **asked)["token"]), "OAUTH"


def by_our_word(_: RunningSandbox, number: int, replies: list[Reply]) -> tuple[str, str]:
    now = int(time.time())
    whom = {"login": "dana@example.com", "role": f"R{number}", "token_id": "1", "now_s": now, "ends_s": now + 60}
    claims = vouching_claims(issuer=ISSUER, audience=AUDIENCE, **whom)
    return vouch(claims, load_private_key(key().private_pem.reveal())), "OAUTH"


def service(number: int, **how: object) -> str:
    return service_script(Service(f"U{number}", names(number), **how))


def external(number: int, issuer: str, **how: object) -> str:
    return external_oauth_script(integration(number), ExternalOAuth("CUSTOM", issuer, "sub", **how))


WAYS = {
    "key_pair": Way(lambda _, n: service(n, public_key=key().public_key), by_key),
    "pat": Way(lambda _, n: service(n, token="SKIPASS", egress=LOOPBACK), by_token),
    "snowflake_oauth": Way(lambda _, n: snowflake_oauth_script(integration(n), SnowflakeOAuth(REDIRECT)), by_oauth),
    "external_oauth": Way(
        lambda s, n: external(n, s.said["idp"]["issuer"], keys_url=s.said["idp"]["issuer"] + "/v1/keys"), by_provider
    ),
    "external_oauth_issuer": Way(lambda _, n: external(n, ISSUER, keys=(key().public_key,)), by_our_word),
}


def statements(script: str) -> list[str]:
    """Return the statements of a script, comments left out."""
    lines = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    return [" ".join(one.split()) for one in lines.split(";") if one.strip()]


def run(sandbox: RunningSandbox, wanted: list[str]) -> list[Reply]:
    """Run statements as a worksheet does, each in the role that the one before chose."""
    admin, role, replies = Client.of(sandbox, "ADMIN"), "ACCOUNTADMIN", []
    for one in wanted:
        if one.startswith("USE ROLE "):
            role = one.removeprefix("USE ROLE ")
            continue
        replies.append(admin.sql(one, role=role, warehouse="COMPUTE_WH"))
    return replies


def outcome(sandbox: RunningSandbox, way: Way, number: int, wanted: list[str]) -> str:
    """Return `works`, or what first stood in the way: a code of Snowflake's, or what was not shown."""
    replies = run(sandbox, wanted)
    failed = [one.code for one in replies if one.status != 200]
    try:
        token, kind = way.token(sandbox, number, replies)
    except Refused as refused:
        return str(refused)
    finally:
        later = [f"CREATE OR REPLACE TABLE OPS_DB.OPS.T{number} AS SELECT 1 AS N"]
        later += [f"CREATE OR REPLACE VIEW OPS_DB.OPS.V{number} AS SELECT 1 AS N"]
        assert all(one.status == 200 for one in run(sandbox, ["USE ROLE SYSADMIN", *later]))
    caller = Client(sandbox.host, token, kind=kind)
    for name in ("ORDERS", "BEFORE", f"T{number}", f"V{number}"):
        reply = caller.sql(f"SELECT COUNT(*) FROM OPS_DB.OPS.{name}", role=f"R{number}", warehouse=f"W{number}")
        if reply.status != 200:
            return reply.code
    return failed[0] if failed else "works"


_number = iter(range(100, 10_000))


@pytest.fixture
def number(sandbox: RunningSandbox) -> Iterator[int]:
    chosen = next(_number)
    yield chosen
    run(sandbox, [f'DROP INTEGRATION IF EXISTS "SKIPASS_{chosen}"'])


@pytest.mark.parametrize("method", WAYS)
def test_the_script_as_pasted_lets_a_sign_in_through_twice(sandbox: RunningSandbox, number: int, method: str) -> None:
    """After the whole script, and after it was run again, what is there and what comes later can be read."""
    way = WAYS[method]
    wanted = statements(way.script(sandbox, number))
    again = [one for one in wanted if "ADD PROGRAMMATIC ACCESS TOKEN" not in one]
    assert outcome(sandbox, way, number, wanted) == "works"
    assert [one.code for one in run(sandbox, again) if one.status != 200] == []
    if method != "pat":
        assert outcome(sandbox, way, number, again) == "works"


@pytest.mark.slow
@pytest.mark.parametrize("method", WAYS)
def test_no_statement_of_a_script_can_be_left_out(sandbox: RunningSandbox, method: str) -> None:
    """Without any one statement the script, the sign-in or the reading fails with a code of Snowflake's."""
    way, through = WAYS[method], {}
    whole = statements(way.script(sandbox, next(_number)))
    for index, left_out in enumerate(whole):
        number = next(_number)
        wanted = statements(way.script(sandbox, number))
        if left_out.startswith("USE ROLE ") or _only_for_a_second_run(left_out):
            continue
        found = outcome(sandbox, way, number, wanted[:index] + wanted[index + 1 :])
        if found == "works":
            through[left_out] = found
        run(sandbox, [f'DROP INTEGRATION IF EXISTS "SKIPASS_{number}"'])
    assert through == {}


def _only_for_a_second_run(statement: str) -> bool:
    """The policy's list is set where it is made; setting it again serves an address that changed."""
    return statement.startswith("ALTER NETWORK POLICY") or "STATEMENT_TIMEOUT_IN_SECONDS" in statement


def test_addresses_that_changed_are_let_in_by_running_it_again(sandbox: RunningSandbox, number: int) -> None:
    """The second run lets the new address in and the old one out; the client's id and secret stay."""
    way = WAYS["snowflake_oauth"]
    wanted = statements(way.script(sandbox, number))
    elsewhere = [one.replace("127.0.0.1'", "203.0.113.7'") if "NETWORK POLICY" in one else one for one in wanted]
    assert "invalid_client" in outcome(sandbox, way, number, elsewhere)
    before = sandbox.account.sign_in.integrations[f"SKIPASS_{number}"].client_id
    assert outcome(sandbox, way, number, wanted) == "works"
    assert sandbox.account.sign_in.integrations[f"SKIPASS_{number}"].client_id == before


def test_a_used_public_key_is_the_one_of_the_script() -> None:
    """The test's key is what the script registers, so that a sign-in proves the script and not the test."""
    private = load_private_key(key().private_pem.reveal())
    assert base64.b64encode(public_der(private)).decode() == key().public_key
