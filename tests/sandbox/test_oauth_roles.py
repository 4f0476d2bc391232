"""Which roles a token of Snowflake OAuth opens: any of them, those beside the primary one, privileged ones."""

from __future__ import annotations

import pytest

from sandbox.client import Client
from sandbox.flow import App
from skipass.sandbox.testing import RunningSandbox

INTEGRATION = "security integration skipass_oauth"
ANY = "refresh_token session:role-any"


@pytest.fixture
def root(fresh: RunningSandbox) -> Client:
    """Return the administrator of an account where Dana has REPORTER too, which alone reads a table of its own."""
    client = Client.of(fresh, "ADMIN")
    done(
        client,
        "create role reporter",
        "grant role reporter to user dana",
        "grant usage on warehouse agent_wh to role reporter",
        "create table finance_db.hr.plans (a number)",
        "grant select on table finance_db.hr.plans to role reporter",
        f"alter {INTEGRATION} unset allowed_roles_list",
    )
    return client


def done(client: Client, *statements: str) -> None:
    for text in statements:
        reply = client.sql(text, warehouse="COMPUTE_WH")
        assert reply.status == 200, reply.body


def test_any_role_needs_the_privilege_where_the_integration_says_so(fresh: RunningSandbox, root: Client) -> None:
    """Without USE_ANY_ROLE on the integration the request is refused after sign-in; revoked later, one role is left."""
    done(root, f"alter {INTEGRATION} set oauth_any_role_mode = 'ENABLE_FOR_PRIVILEGE'")
    app = App.of(fresh)
    page = app.consented(scope=ANY)
    assert (page.status, "390308" in page.text) == (400, True)
    done(root, "grant use_any_role on integration skipass_oauth to role reporter")
    caller = app.caller(app.tokens(scope=ANY)["access_token"])
    assert caller.sql("select current_role()", role="REPORTER").rows == [["REPORTER"]]
    done(root, "revoke use_any_role on integration skipass_oauth from role reporter")
    assert caller.sql("select 1", role="REPORTER").code == "390186"
    assert caller.sql("select current_role()").rows == [["AGENT_ROLE"]]


def test_privilege_does_not_outlive_its_integration(fresh: RunningSandbox, root: Client) -> None:
    """An integration made again under its old name grants nobody any role."""
    made = (
        f"create or replace {INTEGRATION} type = oauth oauth_client = custom oauth_client_type = 'CONFIDENTIAL' "
        "oauth_redirect_uri = 'http://127.0.0.1:8787/oauth/callback' oauth_allow_non_tls_redirect_uri = true "
        "oauth_any_role_mode = 'ENABLE_FOR_PRIVILEGE'"
    )
    done(root, "grant use_any_role on integration skipass_oauth to role reporter", made)
    assert "390308" in App.of(fresh).consented(scope=ANY).text


@pytest.mark.parametrize(
    ("mode", "default", "status"),
    [("NONE", "('ALL')", 422), ("IMPLICIT", "('ALL')", 200), ("IMPLICIT", "()", 422)],
)
def test_secondary_roles_are_the_integrations_to_open(
    fresh: RunningSandbox, root: Client, mode: str, default: str, status: int
) -> None:
    """IMPLICIT opens the session with the user's default secondary roles; the session itself cannot ask for them."""
    done(root, f"alter {INTEGRATION} set oauth_use_secondary_roles = '{mode}'")
    done(root, f"alter user dana set default_secondary_roles = {default}")
    app = App.of(fresh)
    caller = app.caller(app.tokens()["access_token"])
    assert caller.sql("select count(*) from finance_db.hr.plans").status == status
    for word in ("ALL", "NONE"):
        text = f"use secondary roles {word}; select 1"
        assert caller.sql(text, parameters={"multi_statement_count": 2}).code == "100132"


def test_privileged_roles_are_the_accounts_to_open(fresh: RunningSandbox, root: Client) -> None:
    """Privileged roles stay blocked whatever an integration lists, until the account's parameter says otherwise."""
    done(root, "grant role securityadmin to user dana", f"alter {INTEGRATION} set blocked_roles_list = ()")
    app = App.of(fresh)
    scope = "session:role:SECURITYADMIN"
    assert "Invalid consent request" in app.consented(scope=scope).text
    name = "oauth_add_privileged_roles_to_blocked_list"
    assert root.sql(f"alter account set {name} = maybe").code == "001422"
    done(root, f"alter account set {name} = false")
    caller = app.caller(app.tokens(scope=scope)["access_token"])
    assert caller.sql("select current_role()").rows == [["SECURITYADMIN"]]
    done(root, f"alter account unset {name}")
    assert caller.sql("select 1").code == "390186"


def test_history_tells_an_agents_statements(fresh: RunningSandbox, root: Client) -> None:
    """A statement through an agentic integration has the type EXTERNAL_AGENT in the query history, others have none."""
    app = App.of(fresh)
    token = app.tokens()["access_token"]
    asked = "select query_text, agent_type from table(ops_db.information_schema.query_history()) where query_text like"
    assert app.caller(token).sql("select 'by an agent'").status == 200
    done(root, f"alter {INTEGRATION} set is_agentic = false")
    assert app.caller(token).sql("select 'by a person'").status == 200
    reply = root.sql(f"{asked} 'select ''by%' order by 1", warehouse="COMPUTE_WH")
    assert reply.rows == [["select 'by a person'", None], ["select 'by an agent'", "EXTERNAL_AGENT"]]
