"""Every point that the documentation leaves open can be read the other way, by a switch."""

from __future__ import annotations

import http.client
import time
from typing import Any

import pytest

from sandbox.client import Client, load_key, sign
from sandbox.flow import App
from skipass.sandbox.testing import RunningSandbox


def signed(sandbox: RunningSandbox, **changes: Any) -> Client:
    file = sandbox.user("SKIPASS_SVC")
    key = load_key(file.private_key_path)
    return Client(sandbox.host, sign(key, sandbox.account.identifier, file.login_name, **changes))


@pytest.mark.parametrize("code", ["333334", "333333"])
def test_code_of_a_running_statement(fresh: RunningSandbox, code: str) -> None:
    """A 202 carries either code, at submit and at poll."""
    fresh.control.switches(running_code=code)
    agent = Client.of(fresh, "SKIPASS_SVC")
    reply = agent.sql("select system$wait(60)", "&async=true")
    assert (reply.status, reply.code) == (202, code)
    assert agent.status(reply.body["statementHandle"]).code == code
    agent.cancel(reply.body["statementHandle"])


@pytest.mark.parametrize(("code", "state"), [("000604", "57014"), ("0", "")])
def test_code_of_a_cancel(fresh: RunningSandbox, code: str, state: str) -> None:
    """A cancel that worked is told in either of the two spellings."""
    fresh.control.switches(cancel_code=code)
    agent = Client.of(fresh, "SKIPASS_SVC")
    reply = agent.cancel(agent.submit("select system$wait(60)"))
    assert (reply.status, reply.code, reply.body["sqlState"]) == (200, code, state)


@pytest.mark.parametrize("status", ["422", "404"])
def test_status_of_an_unknown_handle(fresh: RunningSandbox, status: str) -> None:
    """A handle that nobody knows has either status, and its code in both."""
    fresh.control.switches(unknown_handle_status=status)
    reply = Client.of(fresh, "SKIPASS_SVC").status("01b00000-0000-0000-0000-000000000000")
    assert (reply.status, reply.code) == (int(status), "000709")


@pytest.mark.parametrize("status", ["408", "422"])
def test_status_of_a_timeout(fresh: RunningSandbox, status: str) -> None:
    """A statement beyond its timeout has either status."""
    fresh.control.switches(timeout_status=status)
    reply = Client.of(fresh, "SKIPASS_SVC").sql("select system$wait(60)", timeout=1)
    assert (reply.status, reply.code) == (int(status), "000630")


@pytest.mark.parametrize("status", ["401", "403", "422"])
def test_status_of_a_refused_role(fresh: RunningSandbox, status: str) -> None:
    """A role that the user does not have is refused with the status that is set."""
    fresh.control.switches(role_refusal_status=status)
    reply = Client.of(fresh, "SKIPASS_SVC").sql("select 1", role="SYSADMIN")
    assert (reply.status, reply.code) == (int(status), "390186")


@pytest.mark.parametrize("status", ["403", "401"])
def test_status_of_a_blocked_address(fresh: RunningSandbox, status: str) -> None:
    """An address outside the network policy is refused with the status that is set."""
    root = Client.of(fresh, "ADMIN")
    root.sql("create network policy office allowed_ip_list = ('10.0.0.0/8')")
    root.sql("alter user skipass_svc set network_policy = office")
    fresh.control.switches(network_policy_status=status)
    reply = Client.of(fresh, "SKIPASS_SVC").sql("select 1")
    assert (reply.status, reply.code) == (int(status), "390422")


def test_kind_of_a_token_without_one(fresh: RunningSandbox) -> None:
    """A key-pair token of no named type is known for what it is, or taken for OAuth and refused."""
    plain = Client(fresh.host, Client.of(fresh, "SKIPASS_SVC").token, kind=None)
    assert plain.sql("select 1").status == 200
    fresh.control.switches(token_kind="OAUTH")
    assert plain.sql("select 1").code == "390303"


def test_age_of_a_key_pair_token(fresh: RunningSandbox) -> None:
    """A token may be an hour old, or a minute."""
    old = signed(fresh, iat=int(time.time()) - 300)
    assert old.sql("select 1").status == 200
    fresh.control.switches(jwt_age="minute")
    assert old.sql("select 1").code == "390144"
    assert signed(fresh).sql("select 1").status == 200


def test_code_of_a_refused_key_pair_token(fresh: RunningSandbox) -> None:
    """A refused token is told by the general code or by the detailed one."""
    expired = signed(fresh, exp=1)
    assert expired.sql("select 1").code == "390144"
    fresh.control.switches(jwt_code="detail")
    assert expired.sql("select 1").code == "394303"


@pytest.mark.parametrize("code", ["390303", "390302"])
def test_code_of_a_withdrawn_consent(fresh: RunningSandbox, code: str) -> None:
    """A token whose consent was withdrawn has either code, and one that never was has the first."""
    fresh.control.switches(withdrawn_code=code)
    app = App.of(fresh)
    caller = app.caller(app.tokens()["access_token"])
    text = "alter user dana remove delegated authorizations from security integration skipass_oauth"
    assert Client.of(fresh, "ADMIN").sql(text).status == 200
    assert caller.sql("select 1").code == code
    assert app.caller("ver:1-hint:nothing").sql("select 1").code == "390303"


@pytest.mark.parametrize(("switch", "status"), [("accepted", 200), ("refused", 400)])
def test_refresh_after_the_role_was_lost(fresh: RunningSandbox, switch: str, status: int) -> None:
    """A refresh for a role that was revoked gives a token that no call takes, or none."""
    fresh.control.switches(refresh_without_role=switch)
    app = App.of(fresh)
    token = app.tokens()["refresh_token"]
    assert Client.of(fresh, "ADMIN").sql("revoke role agent_role from user dana").status == 200
    reply = app.refresh(token)
    assert reply.status == status
    if status == 200:
        assert app.caller(reply.body["access_token"]).sql("select 1").code == "390186"


@pytest.mark.parametrize("status", ["400", "401"])
def test_status_of_a_client_that_is_not_known(fresh: RunningSandbox, status: str) -> None:
    """`invalid_client` has either status."""
    fresh.control.switches(invalid_client_status=status)
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "x", "client_secret": "x"}
    reply = App.of(fresh).post({"Content-Type": "application/x-www-form-urlencoded"}, form)
    assert (reply.status, reply.body["error"]) == (int(status), "invalid_client")


def test_scope_attribute_of_other_providers(fresh: RunningSandbox) -> None:
    """Another claim for scopes is for custom integrations alone, or for every one."""
    root = Client.of(fresh, "ADMIN")
    text = "alter security integration sandbox_idp set external_oauth_scope_mapping_attribute = 'scope'"
    assert root.sql(text).code == "001420"
    fresh.control.switches(scope_attribute="every")
    assert root.sql(text).status == 200


@pytest.mark.parametrize("text", ["show databases", "show warehouses", "show integrations"])
def test_columns_of_listings_grow(fresh: RunningSandbox, text: str) -> None:
    """A listing can come with a further column and in another order, its cells under their own names."""
    root = Client.of(fresh, "ADMIN")
    before = root.sql(text)
    fresh.control.switches(show_columns="more")
    after = root.sql(text)
    assert after.names == ["added_since", *reversed(before.names)]
    assert after.rows == [[None, *reversed(row)] for row in before.rows]


def test_status_of_an_accept_header(fresh: RunningSandbox) -> None:
    """A request that admits no JSON has either status, on the SQL API and on a managed server."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    headers = {"Authorization": f"Bearer {agent.token}", "Accept": "text/html", "User-Agent": "tests/1"}
    for status in ("400", "406"):
        fresh.control.switches(accept_status=status)
        for path in ("/api/v2/statements", "/api/v2/databases/OPS_DB/schemas/OPS/mcp-servers/OPS_MCP"):
            connection = http.client.HTTPConnection(fresh.host)
            connection.request("POST", path, "{}", headers)
            answer = connection.getresponse()
            assert answer.status == int(status)
            assert b"391902" in answer.read()
            connection.close()


def test_synchronous_submit_ends_with_its_window(fresh: RunningSandbox) -> None:
    """A submit that is not done within the window is answered 202, and its handle gives the rows later."""
    fresh.control.switches(sync_window_s=0.05, execution_delay_s=0.5)
    agent = Client.of(fresh, "SKIPASS_SVC")
    reply = agent.sql("select 42")
    assert (reply.status, reply.code) == (202, "333334")
    assert agent.finished(reply.body["statementHandle"]).rows == [["42"]]


def test_handles_age(fresh: RunningSandbox) -> None:
    """A result is there for the time that is set, by the account's clock, and then is unknown."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    fresh.control.switches(handle_age_s=600)
    handle = agent.sql("select 1").body["statementHandle"]
    fresh.control.switches(clock_offset_s=599)
    assert agent.status(handle).status == 200
    fresh.control.switches(clock_offset_s=601)
    assert agent.status(handle).code == "000709"


@pytest.mark.parametrize(("shape", "kind"), [("object", dict), ("array", list)])
def test_body_of_a_later_partition(fresh: RunningSandbox, shape: str, kind: type) -> None:
    """A later partition is an object with its rows, or the rows alone."""
    fresh.control.switches(partition_body=shape, partition_rows=2)
    agent = Client.of(fresh, "SKIPASS_SVC")
    first = agent.sql("select seq4() from table(generator(rowcount => 3))")
    second = agent.call("GET", f"/api/v2/statements/{first.body['statementHandle']}?partition=1").body
    assert isinstance(second, kind)
    assert (second["data"] if shape == "object" else second) == [["2"]]


def test_default_role_by_scope(fresh: RunningSandbox) -> None:
    """The scope for the default role is taken, or refused before anybody signs in."""
    app = App.of(fresh)
    target = app.target("refresh_token session:role:all")
    assert 'name="password"' in app.person.get(target).text
    fresh.control.switches(role_all_scope="refused")
    page = app.person.get(target)
    assert (page.status, "390308" in page.text) == (400, True)


def test_refresh_tokens_of_every_integration_rotate(fresh: RunningSandbox) -> None:
    """With `single` an integration that does not ask for it has refresh tokens that are good once."""
    root, app = Client.of(fresh, "ADMIN"), App.of(fresh)
    text = "alter security integration skipass_oauth set oauth_single_use_refresh_tokens_required = false"
    assert root.sql(text).status == 200
    assert "refresh_token" not in app.refresh(app.tokens()["refresh_token"]).body
    fresh.control.switches(refresh_mode="single")
    token = app.tokens()["refresh_token"]
    assert app.refresh(token).body["refresh_token"] != token
    assert app.refresh(token).body["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("shape", "members"),
    [("vendor", {"data", "message", "code", "success", "error"}), ("rfc", {"error", "error_description"})],
)
def test_shape_of_a_token_refusal(fresh: RunningSandbox, shape: str, members: set[str]) -> None:
    """A token request is refused in the vendor's shape or in the RFC's."""
    fresh.control.switches(oauth_error_shape=shape)
    reply = App.of(fresh).refresh("nothing")
    assert set(reply.body) == members
    assert reply.body["error"] == "invalid_grant"
