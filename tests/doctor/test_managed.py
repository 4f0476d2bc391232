"""Who may bring tokens to a managed MCP server: what the account says of it is held to the connection."""

from __future__ import annotations

import json

import pytest

from doctor.clinic import MANAGED, VOUCH, Clinic, failures, of
from skipass.errors import SkipassError
from skipass.gateway.doctor.findings import State
from skipass.gateway.doctor.rounds import Complaint

pytestmark = pytest.mark.anyio


async def test_a_bound_integration_that_is_off_leaves_no_issuer(clinic: Clinic) -> None:
    """Where MCP is bound to an integration that is disabled, nobody may issue tokens, and that is said."""
    clinic.sql("ALTER ACCOUNT SET OAUTH_AUTHORIZATION_SERVER = SANDBOX_IDP")
    clinic.sql("ALTER SECURITY INTEGRATION SANDBOX_IDP SET ENABLED = FALSE")
    findings = await clinic.examine(managed=MANAGED)
    assert failures(findings) == [("mcp discovery", "no_authorization_server")]
    assert of(findings, "mcp tools").state is State.UNSEEN


async def test_a_server_bound_to_another_issuer_is_named(clinic: Clinic) -> None:
    """Tokens of the gateway are not taken where MCP is bound to somebody else's, and binding it mends that."""
    await clinic.add_vouching()
    assert failures(await clinic.examine(VOUCH, managed=MANAGED)) == []
    clinic.sql("ALTER ACCOUNT SET OAUTH_AUTHORIZATION_SERVER = SANDBOX_IDP")
    findings = await clinic.examine(VOUCH, managed=MANAGED)
    assert failures(findings) == [("mcp discovery", "bound_elsewhere")]
    clinic.sql(of(findings, "mcp discovery").fix.rstrip(";"))
    assert failures(await clinic.examine(VOUCH, managed=MANAGED)) == []


async def test_what_advertises_any_scope_is_said_to_count_for_nothing(clinic: Clinic) -> None:
    """The scope that a server advertises is shown, and that no sign-in takes it over."""
    found = of(await clinic.examine(managed=MANAGED), "mcp discovery")
    assert "session:role:all, which counts for nothing" in found.seen


async def test_a_slug_leads_to_its_connection(clinic: Clinic) -> None:
    """By a slug the connection behind it is examined, after the slug itself."""
    (examined,) = await clinic.at.gateway.doctor.examine(clinic.admin, Complaint(slug="jit"))
    assert (examined.connection.name, examined.findings[0].step) == ("jit", "slug")
    assert [one.step for one in examined.findings[:3]] == ["slug", "let in", "host"]


async def test_without_a_name_every_enabled_connection_is_examined(clinic: Clinic) -> None:
    """All enabled connections are looked at, each by its own findings."""
    await clinic.at.gateway.connections.disable(clinic.admin, "snowflake")
    every = await clinic.at.gateway.doctor.examine(clinic.admin, Complaint())
    assert [one.connection.name for one in every] == ["eyes", "jit"]
    assert all(one.findings for one in every)


async def test_only_admins_ask_the_doctor(clinic: Clinic) -> None:
    """An agent and an approver are refused, and nothing is asked of Snowflake for them."""
    clinic.at.sandbox.control.reset()
    for who in ("agent", "approver"):
        with pytest.raises(SkipassError) as caught:
            await clinic.at.gateway.doctor.examine(await clinic.at.principal(who), Complaint(connection="jit"))
        assert caught.value.code == "forbidden"
    assert [call for call in clinic.at.sandbox.control.calls() if call["path"].startswith("/api/")] == []


async def test_an_examination_is_on_record_before_and_after(clinic: Clinic) -> None:
    """Who looked, with whose eyes, and what was found is in the record; each statement was admitted like any other."""
    await clinic.examine(managed=MANAGED)
    (began,) = await clinic.at.recorded("connection.examined")
    (ended,) = await clinic.at.recorded("connection.tested")
    assert json.loads(began.body)["admin_connection"] == "eyes"
    checks = {one["name"]: one["ok"] for one in json.loads(ended.body)["checks"]}
    assert checks["sign-in"] is True
    sent = [call["statement"] for call in clinic.at.sandbox.control.calls() if call.get("handle")]
    admitted = await clinic.at.recorded("statement.admitted")
    assert len(admitted) == len([text for text in sent if text])


async def test_a_disabled_connection_is_said_to_be_disabled(clinic: Clinic) -> None:
    """What an admin turned off is not looked for in Snowflake."""
    await clinic.at.gateway.connections.disable(clinic.admin, "jit")
    findings = await clinic.examine("jit")
    assert failures(findings) == [("connection", "connection_disabled")]
    assert "connection enable jit" in of(findings, "connection").fix
    assert of(findings, "sign-in").state is State.UNSEEN
