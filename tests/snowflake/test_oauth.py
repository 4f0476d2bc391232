"""Snowflake OAuth from the client's side, by the golden exchanges and through a real server on loopback."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from skipass.secret import Secret
from skipass.snowflake import SnowflakeConfigError, SnowflakeUnavailable, SqlApi, SubmitRequest, TokenType
from skipass.snowflake.auth import grants, oauth
from skipass.snowflake.auth.endpoint import TokenEndpoint
from skipass.snowflake.auth.fetched import FetchedTokens, token_file, workload_identity
from skipass.snowflake.auth.grants import Grant
from skipass.snowflake.sqlapi.failures import Answer
from snowflake import golden
from snowflake.server import Reply, Seen, serving

pytestmark = pytest.mark.anyio

FILES = ("oauth-authorize", "oauth-refresh-single-use", "oauth-token", "external-oauth")
CASES = {name: case for topic in FILES for name, case in golden.cases(topic).items()}
# Requests that this client never makes; their answers are played to the requests that it does make.
NEVER_SENT = {
    "token-code-basic-raw",
    "token-client-credentials",
    "token-unsupported-grant",
    "token-invalid-request",
    "token-refresh-superfluous-redirect",
    "token-code-post",
    "single-enable-at-exchange",
}
SECRET = Secret("FAKE+client/secret=")
TOKEN_CASES = [n for n, c in CASES.items() if c.get("request", {}).get("path") == "/oauth/token-request"]
WELL_FORMED = ("authz-success", "authz-role-all", "authz-refused-by-user", "authz-role-not-granted")


def form_of(case: dict[str, Any], names: golden.Names) -> dict[str, Any]:
    """The form of the case's request."""
    return golden.produce(case["request"]["body"]["$form"], names)


def call_of(name: str, names: golden.Names) -> Any:
    """The call that a program makes to send what the case shows."""
    case = CASES[name]
    form = form_of(case, names)
    secret = Secret("FAKE-WRONG") if "invalid-client" in name and "fresh" not in name else SECRET
    client = oauth.OAuthClient("FAKE+client/id=", secret)
    if name == "token-code-private-key-jwt":
        client = oauth.OAuthClient("FAKE+client/id=", assertion=Secret(form["client_assertion"]))
    elif name == "token-code-public":
        client = oauth.OAuthClient(form["client_id"])
    if form["grant_type"] == "authorization_code" and "code" in form:
        return oauth.exchange_call(
            client,
            Secret(form["code"]),
            redirect_uri=form["redirect_uri"],
            verifier=Secret(form.get("code_verifier", "v")),
        )
    return oauth.refresh_call(client, Secret(form.get("refresh_token", "FAKE-REFRESH-1")))


@pytest.mark.parametrize("name", TOKEN_CASES)
async def test_token_exchange(name: str) -> None:
    """The token endpoint is asked as the exchange says, and its tokens or its refusal are read as it says."""
    case = CASES[name]
    names: golden.Names = {"refresh1": "FAKE-R1", "refresh2": "FAKE-R2", "access1": "FAKE-A1", "access2": "FAKE-A2"}
    values: list[Any] = []
    faults: list[list[str]] = []

    def respond(seen: Seen) -> Reply:
        faults.append(differences(case, seen, dict(names)))
        answer, value = golden.reply(case, dict(names))
        values.append(value)
        return answer

    async with serving(respond) as server:
        endpoint = TokenEndpoint(server.target)
        try:
            outcome: Any = await endpoint.ask(call_of(name, dict(names)), timeout_s=5)
        except (grants.OAuthError, SnowflakeUnavailable) as error:
            outcome = error
        finally:
            await endpoint.aclose()
    if name not in NEVER_SENT:
        assert not faults[0]
    check(outcome, values[0])


def differences(case: dict[str, Any], seen: Seen, names: golden.Names) -> list[str]:
    """How the request differs from the case's; forms are compared field by field."""
    headers = {key.lower(): value for key, value in case["request"]["headers"].items()}
    faults = golden.differences(headers, seen.headers, names, "headers")
    fields = dict(parse_qsl(seen.body.decode(), keep_blank_values=True))
    return faults + golden.differences(case["request"]["body"]["$form"], fields, names, "form")


def check(outcome: Any, value: dict[str, Any] | None) -> None:
    """Compare what the client made of the answer with the answer."""
    if value is None:
        assert isinstance(outcome, SnowflakeUnavailable)
    elif "error" in value:
        kinds = {"invalid_grant": grants.InvalidGrant, "invalid_client": grants.InvalidClient}
        assert isinstance(outcome, kinds.get(value["error"], grants.OAuthError))
        assert outcome.error == value["error"]
        assert outcome.hint
        assert "FAKE" not in str(outcome)
    else:
        assert isinstance(outcome, Grant)
        assert outcome.access_token.reveal() == value["access_token"]
        assert (outcome.refresh_token.reveal() if outcome.refresh_token else None) == value.get("refresh_token")
        assert outcome.expires_in == timedelta(seconds=value["expires_in"])
        assert outcome.username == value.get("username")


@pytest.mark.parametrize("name", WELL_FORMED)
def test_authorization_address(name: str) -> None:
    """The address carries exactly the query of the exchange, encoded, and its end is read with the state checked."""
    case = CASES[name]
    query = golden.produce(case["request"]["query"], {})
    proof = oauth.Proof(Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
    url = oauth.authorization_url(
        "https://myorg-myaccount.snowflakecomputing.com",
        client_id=query["client_id"],
        redirect_uri=query["redirect_uri"],
        scope=query["scope"],
        state=query["state"],
        challenge=proof.challenge,
    )
    parts = urlsplit(url)
    assert parts.path == "/oauth/authorize"
    assert dict(parse_qsl(parts.query)) == query
    assert "FAKE+" not in url


def test_callback() -> None:
    """A code comes back only with the state that was sent, and every refusal is one."""
    assert oauth.read_callback({"state": "s", "code": "FAKE-CODE-1"}, "s").reveal() == "FAKE-CODE-1"
    for query in ({"state": "t", "code": "c"}, {"code": "c"}, {"state": "s"}, {"state": "s", "error": "access_denied"}):
        with pytest.raises(grants.OAuthDenied):
            oauth.read_callback(query, "s")
    with pytest.raises(SnowflakeConfigError):
        oauth.authorization_url("https://x", client_id="c", redirect_uri="r", scope="", state="s" * 2049, challenge="c")


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("scope-")])
def test_scopes(name: str) -> None:
    """A role becomes the scope that the reference names, encoded where its name needs it."""
    given, wanted = CASES[name]["input"], CASES[name]["output"]["scope_set"]
    assert oauth.scope_of(given["role"], offline=given["offline"]).split() == wanted


def test_basic_encoding_and_proof() -> None:
    """Id and secret are URL-encoded before base64; the challenge is the published one; fresh proofs differ."""
    case = CASES["basic-encoding"]
    client = oauth.OAuthClient(case["input"]["client_id"], Secret(case["input"]["client_secret"]))
    assert client.headers() == case["output"]
    pkce = CASES["pkce-challenge"]
    assert oauth.Proof(Secret(pkce["input"]["code_verifier"])).challenge == pkce["output"]["code_challenge"]
    assert oauth.Proof().verifier.reveal() != oauth.Proof().verifier.reveal()
    assert "secret=" not in repr(client).replace("client_secret=Secret", "")


def test_refresh_point_and_assertion() -> None:
    """A token is refreshed a minute before its end; an assertion lives five minutes and names the endpoint."""
    case = CASES["token-refresh-point"]
    grant = grants.read_grant(Answer(200, json.dumps({"access_token": "a", **case["input"]}).encode()))
    received = datetime.fromtimestamp(case["input"]["received_at"], UTC)
    assert grant.refresh_at(received).timestamp() == case["output"]["refresh_at"]
    claims = oauth.assertion_claims("id", "https://o-a.snowflakecomputing.com/oauth/token-request", 1000)
    assert (claims["iss"], claims["sub"], claims["exp"]) == ("id", "id", 1300)


async def test_external_token_is_fetched_again_when_refused() -> None:
    """A refused outside token is replaced once by its issuer, however many requests wait, and they go again."""
    case = CASES["ext-401-on-sqlapi"]
    issued: list[str] = []

    async def fetch() -> str:
        issued.append(f"FAKE.EXT.{len(issued)}")
        return issued[-1]

    def respond(seen: Seen) -> Reply:
        if seen.headers["authorization"] == "Bearer FAKE.EXT.0":
            return golden.reply(case, {})[0]
        return Reply(202, body=b'{"statementHandle": "01b2c3d4-0000-0000-0000-000100020003", "code": "333334"}')

    async with serving(respond) as server:
        api, tokens = SqlApi(server.target), FetchedTokens(fetch)
        await asyncio.gather(*(api.submit(SubmitRequest("select 1"), tokens, timeout_s=5) for _ in range(4)))
        await api.aclose()
    assert issued == ["FAKE.EXT.0", "FAKE.EXT.1"]
    again = [seen for seen in server.seen if "retry" in seen.query]
    assert {seen.query["requestId"] for seen in again} == {seen.query["requestId"] for seen in server.seen}


async def test_workload_identity_and_token_files(tmp_path: Path) -> None:
    """An attestation goes out with its provider; a token file is read again after a refusal."""

    async def attest() -> str:
        return "FAKE.OIDC\n"

    token = await workload_identity("oidc", attest).token()
    assert (token.value.reveal(), token.type) == ("WIF.OIDC.FAKE.OIDC", TokenType.WORKLOAD_IDENTITY_FEDERATION)
    with pytest.raises(SnowflakeConfigError, match="no provider"):
        workload_identity("other", attest)
    path = tmp_path / "token"
    path.write_text("FAKE-1\n")
    source = token_file(path)
    first = await source.token()
    path.write_text("FAKE-2")
    assert await source.token() == first
    assert await source.rejected(first)
    assert (await source.token()).value.reveal() == "FAKE-2"
    with pytest.raises(SnowflakeConfigError, match="cannot be read"):
        await token_file(tmp_path / "none").token()
