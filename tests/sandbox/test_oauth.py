"""Snowflake OAuth: who may get a token, for which role, and what ends it."""

from __future__ import annotations

import json
import socket
from http.client import HTTPException
from typing import Any

import pytest

from sandbox.client import Client
from sandbox.flow import App
from skipass.sandbox.testing import RunningSandbox


@pytest.fixture
def root(fresh: RunningSandbox) -> Client:
    return Client.of(fresh, "ADMIN")


def done(client: Client, *statements: str) -> None:
    for text in statements:
        reply = client.sql(text)
        assert reply.status == 200, reply.body


def integration(root: Client, **options: str) -> None:
    for name, value in options.items():
        done(root, f"alter security integration skipass_oauth set {name} = {value}")


def test_token_acts_for_the_person_with_the_consented_role(fresh: RunningSandbox) -> None:
    """A token from the browser runs statements as its person, its role and as an agent, and no other role."""
    app = App.of(fresh)
    caller = app.caller(app.tokens()["access_token"])
    asked = "select current_user(), current_role(), sys_context('SNOWFLAKE$CURRENT', 'IS_AGENT_ACTIVATED')"
    assert caller.sql(asked).rows == [["DANA", "AGENT_ROLE", "TRUE"]]
    assert caller.sql("select 1", role="PUBLIC").code == "390186"


def test_consent_is_asked_once(fresh: RunningSandbox) -> None:
    """A second request of the same person, role and client is answered without asking again."""
    app = App.of(fresh)
    page = app.person.sign_in(app.person.get(app.target()))
    assert "work as DANA with role AGENT_ROLE" in page.text
    app.person.fill(page, decision="allow")
    assert app.person.sign_in(app.person.get(app.target())).answer["code"]


def test_wrong_password_gives_no_code(fresh: RunningSandbox) -> None:
    """A wrong password shows the form again, and a service user has none at all."""
    app = App.of(fresh)
    page = app.person.get(app.target())
    assert app.person.fill(page, username="DANA@EXAMPLE.COM", password="guess").status == 401
    assert app.person.fill(page, username="SKIPASS_SVC", password="").status == 401


def test_sign_in_page_belongs_to_one_browser(fresh: RunningSandbox) -> None:
    """A form that another browser posts goes nowhere."""
    app, other = App.of(fresh), App.of(fresh)
    page = app.person.get(app.target())
    assert "Invalid consent request" in other.person.sign_in(page).text


@pytest.mark.parametrize("role", ["ACCOUNTADMIN", "SYSADMIN"])
def test_blocked_roles_get_no_consent(fresh: RunningSandbox, root: Client, role: str) -> None:
    """A privileged role, and one outside the allowed list, are refused after sign-in."""
    done(root, f"grant role {role} to user dana")
    page = App.of(fresh).consented(scope=f"session:role:{role}")
    assert page.status == 400
    assert "Invalid consent request" in page.text


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"scope": "session:role:A session:role:B"}, "390308"),
        ({"scope": "openid"}, "390308"),
        ({"code_challenge": "", "code_challenge_method": ""}, "390311"),
        ({"redirect_uri": "http://127.0.0.1:8787/oauth/callback/"}, "390307"),
        ({"client_id": ""}, "390306"),
    ],
)
def test_bad_requests_stay_in_the_browser(fresh: RunningSandbox, changes: dict[str, str], number: str) -> None:
    """A request that is wrong shows the number and never redirects."""
    page = App.of(fresh).person.get(App.of(fresh).target(**changes))
    assert (page.status, page.location) == (400, None)
    assert number in page.text


@pytest.mark.parametrize(
    "form",
    [{"code_verifier": "x" * 43}, {"code_verifier": ""}, {"redirect_uri": "http://127.0.0.1:8787/other"}],
)
def test_code_is_bound(fresh: RunningSandbox, form: dict[str, str]) -> None:
    """A code is worth nothing with another verifier or redirect address, and is spent by the try."""
    app = App.of(fresh)
    code = app.code()
    assert app.exchange(code, **form).body["error"] == "invalid_grant"
    assert app.exchange(code).body["error"] == "invalid_grant"


def test_code_expires(fresh: RunningSandbox) -> None:
    """A code is good for ten minutes."""
    app = App.of(fresh)
    code = app.code()
    fresh.control.switches(clock_offset_s=601)
    assert app.exchange(code).body["error"] == "invalid_grant"


def test_second_use_of_a_code_ends_its_tokens(fresh: RunningSandbox) -> None:
    """A code that comes twice ends what the first exchange gave."""
    app = App.of(fresh)
    code = app.code()
    first = app.exchange(code).body
    assert app.exchange(code).body["error"] == "invalid_grant"
    assert app.caller(first["access_token"]).sql("select 1").code == "390303"
    assert app.refresh(first["refresh_token"]).body["error"] == "invalid_grant"


def test_reuse_of_a_rotated_token_ends_the_family(fresh: RunningSandbox) -> None:
    """With single-use tokens the old access token dies with the refresh, and reuse ends everything."""
    app = App.of(fresh)
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).body
    assert app.caller(first["access_token"]).sql("select 1").code == "390303"
    assert app.caller(second["access_token"]).sql("select 1").status == 200
    assert app.refresh(first["refresh_token"]).body["error"] == "invalid_grant"
    assert app.caller(second["access_token"]).sql("select 1").code == "390303"
    assert app.refresh(second["refresh_token"]).body["error"] == "invalid_grant"


def test_multi_use_token_goes_on(fresh: RunningSandbox, root: Client) -> None:
    """Without single use a refresh token works again and again and never comes back, until its own end."""
    integration(root, oauth_single_use_refresh_tokens_required="false")
    app = App.of(fresh)
    token = app.tokens()["refresh_token"]
    for _ in range(2):
        again = app.refresh(token).body
        assert "refresh_token" not in again
        assert app.caller(again["access_token"]).sql("select 1").status == 200
    fresh.control.switches(clock_offset_s=7_776_001)
    assert app.refresh(token).body["error"] == "invalid_grant"


def test_no_refresh_token_unless_asked_and_issued(fresh: RunningSandbox, root: Client) -> None:
    """A refresh token comes only when the scope asks for it and the integration issues them."""
    app = App.of(fresh)
    assert "refresh_token" not in app.tokens(scope="session:role:AGENT_ROLE")
    integration(root, oauth_issue_refresh_tokens="false")
    assert "refresh_token" not in app.tokens()


def test_access_token_expires(fresh: RunningSandbox, root: Client) -> None:
    """After its validity a token is 390318, which is another thing than a rejected one."""
    integration(root, oauth_access_token_validity="60")
    app = App.of(fresh)
    found = app.tokens()
    assert found["expires_in"] == 60
    fresh.control.switches(clock_offset_s=61)
    assert app.caller(found["access_token"]).sql("select 1").code == "390318"
    assert app.refresh(found["refresh_token"]).status == 200


ENDS = {
    "consent withdrawn": (
        "alter user dana remove delegated authorization of role agent_role from security integration skipass_oauth",
        "390303",
    ),
    "all consents withdrawn": (
        "alter user dana remove delegated authorizations from security integration skipass_oauth",
        "390303",
    ),
    "integration disabled": ("alter security integration skipass_oauth set enabled = false", "390303"),
    "integration dropped": ("drop security integration skipass_oauth", "390303"),
    "user disabled": ("alter user dana set disabled = true", "390303"),
    "role revoked": ("revoke role agent_role from user dana", "390186"),
    "role blocked": ("alter security integration skipass_oauth set blocked_roles_list = ('AGENT_ROLE')", "390186"),
}


@pytest.mark.parametrize("name", ENDS)
def test_what_ends_a_token_at_once(fresh: RunningSandbox, root: Client, name: str) -> None:
    """The next call with a living token is refused after each of these."""
    app = App.of(fresh)
    caller = app.caller(app.tokens()["access_token"])
    assert caller.sql("select 1").status == 200
    done(root, ENDS[name][0])
    assert caller.sql("select 1").code == ENDS[name][1]


def test_consents_are_listed_and_pre_consent_counts(fresh: RunningSandbox, root: Client) -> None:
    """An added authorization is shown and saves the question."""
    text = "add delegated authorization of role agent_role to security integration skipass_oauth"
    done(root, f"alter user dana {text}")
    listed = root.sql("show delegated authorizations by user dana").rows
    assert [row[1:] for row in listed] == [["DANA", "AGENT_ROLE", "SKIPASS_OAUTH", "ENABLED"]]
    app = App.of(fresh)
    assert app.person.sign_in(app.person.get(app.target())).status == 302


def test_any_role_needs_the_mode_and_lets_the_request_choose(fresh: RunningSandbox, root: Client) -> None:
    """With any-role mode a token takes any granted role that is not blocked."""
    integration(root, oauth_any_role_mode="ENABLE", allowed_roles_list="('AGENT_ROLE', 'REPORTER')")
    done(root, "create role reporter", "grant role reporter to user dana", "grant role sysadmin to user dana")
    app = App.of(fresh)
    caller = app.caller(app.tokens(scope="session:role-any")["access_token"])
    assert caller.sql("select current_role()", role="REPORTER").rows == [["REPORTER"]]
    assert caller.sql("select 1", role="SYSADMIN").code == "390186"


def test_network_policy_looks_like_a_wrong_secret(fresh: RunningSandbox, root: Client) -> None:
    """Behind a network policy a token request is invalid_client, and a token that exists is refused by address."""
    app = App.of(fresh)
    caller = app.caller(app.tokens()["access_token"])
    code = app.code()
    done(root, "create network policy office allowed_ip_list = ('10.0.0.0/8')")
    integration(root, network_policy="'OFFICE'")
    assert app.exchange(code).body["error"] == "invalid_client"
    refused = caller.sql("select 1")
    assert (refused.status, refused.code) == (403, "390422")
    assert root.sql("drop network policy office").code == "001492"
    done(root, "alter network policy office set allowed_ip_list = ('127.0.0.1')")
    assert caller.sql("select 1").status == 200


def test_secrets_are_shown_to_the_owner_alone_and_can_be_replaced(fresh: RunningSandbox, root: Client) -> None:
    """SYSTEM$SHOW_OAUTH_CLIENT_SECRETS tells the owner id and secrets; a refreshed secret takes the old one's place."""
    asked = "select system$show_oauth_client_secrets('SKIPASS_OAUTH')"
    shown: dict[str, Any] = json.loads(root.sql(asked).rows[0][0] or "")
    app = App.of(fresh)
    assert shown["OAUTH_CLIENT_ID"] == app.client["client_id"]
    assert Client.of(fresh, "SKIPASS_SVC").sql(asked).code == "002003"
    done(root, "alter security integration skipass_oauth refresh oauth_client_secret")
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": shown["OAUTH_CLIENT_ID"]}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert app.post(headers, form | {"client_secret": shown["OAUTH_CLIENT_SECRET"]}).body["error"] == "invalid_client"
    assert app.post(headers, form | {"client_secret": shown["OAUTH_CLIENT_SECRET_2"]}).body["error"] == "invalid_grant"


def test_describe_shows_options_and_no_secret(fresh: RunningSandbox, root: Client) -> None:
    """DESCRIBE INTEGRATION has the vendor's columns and properties, and neither secret."""
    reply = root.sql("describe security integration skipass_oauth")
    assert reply.names == ["property", "property_type", "property_value", "property_default"]
    found = {row[0]: row[2] for row in reply.rows}
    assert found["OAUTH_CLIENT_ID"] == App.of(fresh).client["client_id"]
    assert (
        found["OAUTH_ALLOWED_TOKEN_ENDPOINTS"] == "https://skipass-sandbox.snowflakecomputing.com/oauth/token-request"
    )
    assert found["OAUTH_ENFORCE_PKCE"] == "true"
    assert App.of(fresh).client["client_secret"] not in str(reply.body)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("create security integration i type = oauth oauth_client = custom", "002029"),
        (
            "create security integration i type = oauth oauth_client = custom oauth_client_type = 'PUBLIC' "
            "oauth_redirect_uri = 'http://gateway.example.com/cb' oauth_allow_non_tls_redirect_uri = true",
            "001422",
        ),
        (
            "create security integration i type = oauth oauth_client = custom oauth_client_type = 'PUBLIC' "
            "oauth_redirect_uri = 'https://gateway.example.com/cb' oauth_access_token_validity = 5",
            "001422",
        ),
        (
            "create security integration i type = oauth oauth_client = custom oauth_client_type = 'PUBLIC' "
            "oauth_redirect_uri = 'https://gateway.example.com/cb' colour = 'red'",
            "001420",
        ),
        ("create security integration skipass_oauth type = saml2", "000002"),
        ("drop security integration nothing", "002003"),
    ],
)
def test_bad_integrations_are_refused(sandbox: RunningSandbox, admin: Client, text: str, code: str) -> None:
    """A missing, unknown or unfit option has the vendor's code."""
    assert admin.sql(text).code == code


def test_integrations_belong_to_administrators(sandbox: RunningSandbox, agent: Client) -> None:
    """A role without the privilege neither sees nor makes nor changes an integration."""
    made = "create security integration i type = oauth oauth_client = custom oauth_client_type = 'PUBLIC' "
    assert agent.sql(made + "oauth_redirect_uri = 'https://a.example.com/cb'").code == "003001"
    assert agent.sql("describe integration skipass_oauth").code == "002003"
    assert agent.sql("alter security integration skipass_oauth set enabled = false").code == "002003"
    assert agent.sql("show integrations").rows == []


def test_control_expires_and_revokes(fresh: RunningSandbox) -> None:
    """The control endpoint ends the time of access tokens, or revokes everything, now."""
    app = App.of(fresh)
    found = app.tokens()
    assert fresh.control.tokens("expire", user="DANA") == 1
    assert app.caller(found["access_token"]).sql("select 1").code == "390318"
    renewed = app.refresh(found["refresh_token"]).body
    assert fresh.control.tokens("revoke") == 1
    assert app.caller(renewed["access_token"]).sql("select 1").code == "390303"


@pytest.mark.parametrize("kind", ["invalid_client", "invalid_grant"])
def test_token_requests_meet_faults(fresh: RunningSandbox, kind: str) -> None:
    """A refusal on demand answers one token request; the record has its grant type and no secret."""
    app = App.of(fresh)
    token = app.tokens()["refresh_token"]
    fresh.control.faults({"kind": kind, "path": "/oauth/token-request"})
    assert app.refresh(token).body["error"] == kind
    assert app.refresh(token).status == 200
    call = fresh.control.calls()[-1]
    assert (call["grant_type"], call["integration"], call["user"]) == ("refresh_token", "SKIPASS_OAUTH", "DANA")
    assert token not in str(fresh.control.calls())


def test_work_done_twice_is_a_reuse(fresh: RunningSandbox) -> None:
    """A refresh that reaches the account twice, as a retrying proxy would send it, ends the family."""
    app = App.of(fresh)
    fresh.control.faults({"kind": "twice", "path": "/oauth/token-request"})
    code = app.code()
    assert app.exchange(code).body["error"] == "invalid_grant"


def test_refresh_that_is_cut_after_the_work_is_lost(fresh: RunningSandbox) -> None:
    """When the answer is cut off the token was rotated all the same: the old one ends the family."""
    app = App.of(fresh)
    token = app.tokens()["refresh_token"]
    fresh.control.faults({"kind": "cut_after", "path": "/oauth/token-request"})
    with pytest.raises((HTTPException, ConnectionError)):
        app.refresh(token)
    assert app.refresh(token).body["error"] == "invalid_grant"


def test_hostile_forms_are_refused(fresh: RunningSandbox) -> None:
    """Forms that are no forms, repeated fields and large bodies are 400 and never a failure of the server."""
    app = App.of(fresh)
    headers = {"Content-Type": "application/json"}
    assert app.post(headers, {"grant_type": "refresh_token"}).body["error"] == "invalid_request"
    with socket.create_connection(tuple(fresh.host.split(":"))) as raw:  # type: ignore[arg-type]
        body = b"grant_type=refresh_token&grant_type=refresh_token"
        head = "POST /oauth/token-request HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: "
        kind = "Content-Type: application/x-www-form-urlencoded"
        raw.sendall(f"{head}{len(body)}\r\n{kind}\r\n\r\n".encode() + body)
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
