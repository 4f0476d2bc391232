"""Requests of any shape to every address: they are refused or answered, and tell nothing that is not theirs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sandbox.client import Client, load_key, sign
from sandbox.fixture import fixture_account
from skipass.sandbox.oauth import external
from skipass.sandbox.oauth.external import BadToken
from skipass.sandbox.testing import RunningSandbox, running_sandbox

OWN = "/api/v2/databases/OPS_DB/schemas/OPS/mcp-servers/OPS_MCP"
STATEMENTS = "/api/v2/statements"
PATHS = (
    *(STATEMENTS, f"{STATEMENTS}/01b00000-0000-0000-0000-000000000000", f"{STATEMENTS}/x/cancel"),
    *(OWN, OWN.replace("OPS_DB", quote('"a b"', safe="")), f"/.well-known/oauth-protected-resource{OWN}"),
    *("/.well-known/oauth-authorization-server/oauth", "/oauth/authorize", "/oauth/token-request"),
    *(f"/oauth2/default/v1/{name}" for name in ("token", "authorize", "userinfo", "revoke", "keys", "logout")),
    *("/oauth2/default/.well-known/openid-configuration", "/oauth2/nothing/v1/token"),
    *("/control/state", "/control/tokens", "/..%2f..%2fetc/passwd", "/"),
)
GIVEN = (
    "authorization_code refresh_token client_credentials code SKIPASS_OAUTH tools/call initialize 2.0 ../../etc/passwd "
    "http://evil.example.com/cb http://127.0.0.1:8787/oauth/callback OWN_CLIENT IDP_CLIENT \x00 ä ² S256 login openid "
    "session:role:AGENT_ROLE -1 1 true"
)
WORDS = st.sampled_from([*GIVEN.split(), "", "9" * 40, "9" * 5000, "select 1", "' or 1=1 --"])
MEMBERS = (
    "grant_type code refresh_token client_id client_secret redirect_uri response_type scope state code_challenge "
    "code_challenge_method client_assertion client_assertion_type ticket username max_age prompt statement timeout "
    "bindings parameters requestId partition nullable jsonrpc id method params name arguments async retry"
)
KEYS = st.sampled_from(MEMBERS.split())
VALUES = st.recursive(
    WORDS | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
NAMES = (
    "Authorization Accept Content-Type User-Agent X-Snowflake-Authorization-Token-Type X-Snowflake-Role "
    "X-Snowflake-Warehouse Cookie Host X-Forwarded-For Content-Encoding"
)
CONTENTS = (
    "own application/json text/event-stream */* application/x-www-form-urlencoded OAUTH KEYPAIR_JWT 127.0.0.1 "
    "PROGRAMMATIC_ACCESS_TOKEN ACCOUNTADMIN myorg-myaccount.snowflakecomputing.com idp_session=x gzip"
)
HEADERS = st.dictionaries(
    st.sampled_from(NAMES.split()),
    st.sampled_from([*CONTENTS.split(), "Bearer x.y.z", "Bearer ", "Basic !!!", "Basic eDp5", '"', "a" * 5000]),
    max_size=5,
)


SIGN_IN = {
    "client_id": "IDP_CLIENT",
    "redirect_uri": "http://127.0.0.1:8787/oauth/callback",
    "response_type": "code",
    "scope": "openid",
}


@pytest.fixture(scope="module")
def served() -> Iterator[RunningSandbox]:
    with running_sandbox(more=(fixture_account(),)) as running:
        yield running


def _encoded(form: dict[str, Any], as_json: bool) -> bytes:
    if as_json:
        return json.dumps(form).encode()
    return "&".join(f"{key}={quote(str(value))}" for key, value in form.items()).encode()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD")),
    path=st.sampled_from(PATHS),
    query=st.dictionaries(KEYS, WORDS, max_size=4),
    headers=HEADERS,
    body=st.dictionaries(KEYS, VALUES, max_size=6),
    as_json=st.booleans(),
    raw=st.binary(max_size=30) | st.none(),
)
@example(
    "POST", OWN, {}, {"Authorization": "own", "Accept": "*/*"}, {"jsonrpc": "2.0", "method": "x", "id": 1.5}, True, None
)
@example("POST", "/oauth2/default/v1/token", {}, {"Authorization": "Basic eDp5"}, {"grant_type": "x"}, False, None)
@example("GET", "/oauth2/default/v1/authorize", SIGN_IN | {"max_age": "9" * 40}, {}, {}, False, None)
@example("GET", "/oauth2/default/v1/authorize", SIGN_IN | {"max_age": "²"}, {}, {}, False, None)
def test_any_request_is_answered_and_tells_nothing(
    served: RunningSandbox,
    method: str,
    path: str,
    query: dict[str, str],
    headers: dict[str, str],
    body: dict[str, Any],
    as_json: bool,
    raw: bytes | None,
) -> None:
    """No request gets a failure of the server, a file, a secret, a foreign redirect, or another account's rows."""
    one = served.account.sign_in.integrations["SKIPASS_OAUTH"]
    own = f"Bearer {Client.of(served, 'SKIPASS_SVC').token}"
    sent = {name: own if value == "own" else value for name, value in headers.items()}
    known = {"OWN_CLIENT": one.client_id, "IDP_CLIENT": served.said["idp"]["client_id"]}
    query = {key: known.get(value, value) for key, value in query.items()}
    target = path + ("?" + "&".join(f"{key}={quote(value)}" for key, value in query.items()) if query else "")
    connection = HTTPConnection(served.host, timeout=30)
    try:
        connection.request(method, target, _encoded(body, as_json) if raw is None else raw, sent)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    assert answer.status < 500
    assert "evil.example.com" not in (answer.getheader("location") or "")
    for secret in (one.secret, one.secret_2, served.control.token, served.said["idp"]["client_secret"], "root:"):
        assert secret not in text
    assert "READINGS" not in text


@pytest.mark.parametrize("moment", [10**400, float("nan"), float("inf"), -(10**400), True, "1", [], None])
@pytest.mark.parametrize("claim", ["iat", "exp"])
def test_times_that_are_none_are_refused(served: RunningSandbox, claim: str, moment: Any) -> None:
    """A claim that is no time of a sensible size is refused, in a key-pair token and in an outside one."""
    file = served.user("SKIPASS_SVC")
    token = sign(load_key(file.private_key_path), served.account.identifier, file.login_name, **{claim: moment})
    assert Client(served.host, token).sql("select 1").code == "390144"
    outside = served.control.provider("mint", login="dana@example.com", scope="session:role:AGENT_ROLE")["token"]
    head, body, signature = outside.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | {claim: moment}
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    assert Client(served.host, f"{head}.{forged}.{signature}", kind="OAUTH").sql("select 1").code == "390303"
    integration = served.account.sign_in.integrations["SANDBOX_IDP"]
    with pytest.raises(BadToken, match="INVALID_FORMAT"):
        external.identify(served.account, integration, claims)
