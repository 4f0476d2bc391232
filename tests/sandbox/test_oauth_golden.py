"""The golden exchanges of OAuth and of managed MCP servers that bind the server, against the served account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from sandbox.browser import Person
from sandbox.client import Client
from sandbox.fixture import fixture_account
from sandbox.golden import Answer, Player, load, served
from skipass.sandbox.oauth.model import Code, Family, Issued, digest
from skipass.sandbox.testing import RunningSandbox, running_sandbox

TOPICS = (
    "oauth-token",
    "oauth-refresh-single-use",
    "managed-mcp-json",
    "managed-mcp-sse",
    "managed-mcp-errors",
)
CASES = [(topic, name) for topic in TOPICS for name in served(topic)]
HOST = "myorg-myaccount.snowflakecomputing.com"
REDIRECT = "https://gateway.example.com/oauth/callback"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ALTER_BOUND = "alter schema sales.public set oauth_authorization_server = idp_ext"


@pytest.fixture
def server() -> Iterator[RunningSandbox]:
    with running_sandbox(fixture_account()) as running:
        yield running


def give_grants(running: RunningSandbox) -> None:
    """Put the code and the refresh tokens of the fixture into the account."""
    account, state = running.account, running.account.sign_in
    family = Family(
        "f1", "SKIPASS_OAUTH", "JDOE", "AGENT_READER", "refresh_token session:role:AGENT_READER", offline=True
    )
    later = account.now() + timedelta(minutes=5)
    state.codes[digest("FAKE-CODE-1")] = Code(family, REDIRECT, CHALLENGE, later)
    state.families["f2"] = Family("f2", "SKIPASS_OAUTH", "JDOE", "AGENT_READER", "refresh_token", offline=True)
    state.refresh[digest("FAKE-REFRESH-1")] = Issued("f2", later)
    state.refresh[digest("FAKE-REFRESH-REVOKED")] = Issued("ended", later)


def _admin(*statements: str) -> Callable[[RunningSandbox, Player], None]:
    def act(running: RunningSandbox, _: Player) -> None:
        for text in statements:
            reply = Client.of(running, "ADMIN").sql(text)
            assert reply.status == 200, reply.body

    return act


def _client(**changes: str) -> Callable[[RunningSandbox, Player], None]:
    def act(running: RunningSandbox, _: Player) -> None:
        one = running.account.sign_in.integrations["SKIPASS_OAUTH"]
        for name, value in changes.items():
            setattr(one, name, value)

    return act


def _public(running: RunningSandbox, player: Player) -> None:
    one = running.account.sign_in.integrations["SKIPASS_OAUTH"]
    one.client_id, one.secret = "FAKE-PUBLIC-CLIENT", ""
    one.options["OAUTH_CLIENT_TYPE"] = ("PUBLIC",)


def _assertion(running: RunningSandbox, player: Player) -> None:
    key = RSAKey.generate_key(2048, private=True)
    body = "".join(key.as_pem(private=False).decode().splitlines()[1:-1])
    _admin(f"alter security integration skipass_oauth set oauth_client_rsa_public_key = '{body}'")(running, player)
    now = int(running.account.now().timestamp())
    client = running.account.sign_in.integrations["SKIPASS_OAUTH"].client_id
    claims = {"iss": client, "sub": client, "aud": f"https://{HOST}/oauth/token-request", "iat": now, "exp": now + 300}
    player.tokens["FAKE.CLIENT.ASSERTION"] = jwt.encode({"alg": "RS256"}, claims, key)


def _spent(running: RunningSandbox, player: Player) -> None:
    cases = load("oauth-token")
    assert player.send(cases["token-code-basic"]["request"]).status == 200


GIVEN: dict[str, Callable[[RunningSandbox, Player], None]] = {
    "token-code-basic-raw": _client(client_id="FAKE/client/id=", secret="FAKE/client/secret="),
    "token-code-public": _public,
    "token-code-private-key-jwt": _assertion,
    "token-invalid-grant-code-reused": _spent,
    "single-enabled-by-integration": _admin(
        "alter security integration skipass_oauth set oauth_single_use_refresh_tokens_required = true"
    ),
    "mcp-call-generic": _admin(
        "create function sales.public.add_tax(amount float) returns float as 'amount * 1.2'",
        "grant usage on function sales.public.add_tax(float) to role agent_reader",
    ),
    "mcp-resource-metadata-bound-idp": _admin(
        ALTER_BOUND, "alter schema sales.public set oauth_scopes_supported = 'session:role:AGENT_READER'"
    ),
    "mcp-resource-metadata-bound-no-scopes": _admin(ALTER_BOUND),
    "mcp-resource-metadata-bound-any-role": _admin(
        ALTER_BOUND, "alter security integration idp_ext set external_oauth_any_role_mode = 'ENABLE'"
    ),
    "mcp-resource-metadata-idp-gone": _admin(ALTER_BOUND, "alter security integration idp_ext set enabled = false"),
}
# The reading that a case shows is one of several; this is the switch that shows it.
SWITCHES: dict[str, dict[str, Any]] = {
    "mcp-as-metadata-served": {"authorization_metadata": "served"},
    "mcp-call-analyst-fenced": {"mcp_analyst_fence": True},
    "mcp-call-search-results": {"mcp_search_shape": "results"},
    "mcp-call-agent-tool-results": {"mcp_agent_results": "tool_results"},
    "mcp-trial-account": {"trial_account": True, "mcp_stream": "json"},
    "mcp-sql-fails-error": {"mcp_stream": "json"},
    "sse-tools-list-streamed": {"mcp_list_stream": "sse"},
}
# Answers to the client alone, that the server shows under a switch all the same.
SHOWN = (
    ("oauth-token", "token-invalid-client-rfc"),
    ("oauth-token", "token-invalid-grant-rfc"),
    ("managed-mcp-json", "mcp-call-sql"),
    ("managed-mcp-json", "mcp-call-analyst"),
    ("managed-mcp-json", "mcp-call-search-content"),
    ("managed-mcp-json", "mcp-call-search-results"),
    ("managed-mcp-json", "mcp-call-agent"),
    ("managed-mcp-json", "mcp-call-generic"),
    ("managed-mcp-json", "mcp-role-header"),
    ("managed-mcp-json", "mcp-initialize"),
    ("managed-mcp-errors", "mcp-as-metadata-served"),
    ("managed-mcp-errors", "mcp-token-expired-401"),
    ("managed-mcp-errors", "mcp-token-expired-200"),
    ("managed-mcp-errors", "mcp-sql-fails-error"),
    ("managed-mcp-errors", "mcp-unknown-tool"),
    ("managed-mcp-errors", "mcp-unknown-method"),
    ("managed-mcp-errors", "mcp-trial-account"),
    ("managed-mcp-errors", "mcp-get-with-token"),
    ("managed-mcp-errors", "mcp-accept-missing"),
)
EVERY = CASES + [case for case in SHOWN if case not in CASES]


@pytest.mark.parametrize(("topic", "name"), EVERY, ids=[name for _, name in EVERY])
def test_exchange(server: RunningSandbox, topic: str, name: str) -> None:
    """The server answers the golden request as the golden response says."""
    cases = load(topic)
    player = Player(server.host, {}, virtual_host=HOST)
    give_grants(server)
    GIVEN.get(name, lambda *_: None)(server, player)
    switches = {key: value for key, value in cases[name].get("switch", {}).items() if key != "refresh_mode"}
    server.control.switches(**switches | SWITCHES.get(name, {}))
    assert player.play(cases, name) == []


AUTHORIZE = [name for name in load("oauth-authorize") if name.startswith("authz-") and "-code-" not in name]


@pytest.mark.parametrize("name", AUTHORIZE)
def test_authorization(server: RunningSandbox, name: str) -> None:
    """The browser ends where the golden response says, with the state that it came with."""
    case = load("oauth-authorize")[name]
    player = Player(server.host, {}, virtual_host=HOST)
    query = {key: player._made(value) for key, value in case["request"]["query"].items()}
    target = "/oauth/authorize?" + urlencode({key: value for key, value in query.items() if isinstance(value, str)})
    person = Person(server.host, "JDOE", server.user("JDOE").password, HOST)
    page = person.through(target, "cancel" if name == "authz-refused-by-user" else "allow")
    answer = Answer(page.status, page.headers, page.text.encode())
    assert player.check(case["response"], answer) == []
    if page.location is not None:
        assert page.answer["state"] == query["state"]


@pytest.mark.parametrize("role", ["390186", "390189", "390317"])
def test_role_outside_the_token(server: RunningSandbox, role: str) -> None:
    """Each of the three codes for a role outside the token is a switch."""
    cases = load("sqlapi-errors")
    server.control.switches(role_refusal=role)
    assert Player(server.host, {}).play(cases, f"err-role-{role}") == []


def test_row_type_in_upper_case(server: RunningSandbox) -> None:
    """Types in capital letters are a switch."""
    server.control.switches(row_type_case="upper")
    case = load("sqlapi-submit")["submit-rowtype-upper-case"]
    token = Client.of(server, "JDOE").token
    player = Player(server.host, {"FAKE.KEYPAIR.JWT": f"Bearer {token}"})
    assert player.check(case["response"], player.send(case["request"])) == []
