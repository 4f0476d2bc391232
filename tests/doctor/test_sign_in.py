"""What is wrong between the credential and the rows: each test breaks one setting, and the doctor names that one."""

from __future__ import annotations

import pytest

from doctor.clinic import MANAGED, Clinic, failures, of
from sandbox.client import Client
from skipass.gateway.doctor.findings import State
from skipass.nouns.connection import AuthMethod
from skipass.secret import Secret

pytestmark = pytest.mark.anyio


async def test_a_healthy_connection_is_well(clinic: Clinic) -> None:
    """Nothing fails on the demo's own connection, from the host to a tool call."""
    findings = await clinic.examine(managed=MANAGED)
    assert failures(findings) == []
    steps = [one.step for one in findings if one.state is State.OK]
    assert steps == [
        *("host", "dns", "tls", "account", "clock", "credential", "sign-in", "user", "role", "warehouse"),
        *("privileges", "mcp discovery", "mcp tools", "mcp call"),
    ], findings


BROKEN_BY_SQL = {
    "role revoked": (["REVOKE ROLE AGENT_ROLE FROM USER SKIPASS_SVC"], "sign-in", "role", 'GRANT ROLE "AGENT_ROLE"'),
    "user disabled": (["ALTER USER SKIPASS_SVC SET DISABLED = TRUE"], "sign-in", "user_disabled", "DISABLED = FALSE"),
    "login renamed": (
        ["ALTER USER SKIPASS_SVC SET LOGIN_NAME = 'else'"],
        "sign-in",
        "user_mapping",
        "SET LOGIN_NAME = '",
    ),
    "key unset": (["ALTER USER SKIPASS_SVC UNSET RSA_PUBLIC_KEY"], "sign-in", "public_key", "SET RSA_PUBLIC_KEY"),
    "network policy": (
        [
            "CREATE NETWORK POLICY FAR ALLOWED_IP_LIST = ('192.0.2.0/24')",
            "ALTER USER SKIPASS_SVC SET NETWORK_POLICY = FAR",
        ],
        "sign-in",
        "network_policy",
        "ALLOWED_IP_LIST",
    ),
    "no default warehouse": (
        ["ALTER USER SKIPASS_SVC UNSET DEFAULT_WAREHOUSE"],
        "user",
        "default_warehouse",
        'SET DEFAULT_WAREHOUSE = "AGENT_WH"',
    ),
    "no default role": (["ALTER USER SKIPASS_SVC UNSET DEFAULT_ROLE"], "user", "default_role", "SET DEFAULT_ROLE ="),
    "warehouse asleep": (
        ["ALTER WAREHOUSE AGENT_WH SET AUTO_RESUME = FALSE", "ALTER WAREHOUSE AGENT_WH SUSPEND"],
        "warehouse",
        "warehouse_suspended",
        'ALTER WAREHOUSE "AGENT_WH" SET AUTO_RESUME = TRUE',
    ),
    "warehouse revoked": (
        ["REVOKE USAGE ON WAREHOUSE AGENT_WH FROM ROLE AGENT_ROLE"],
        "warehouse",
        "warehouse",
        'GRANT USAGE ON WAREHOUSE "AGENT_WH"',
    ),
    "schema revoked": (
        ["REVOKE USAGE ON SCHEMA OPS_DB.OPS FROM ROLE AGENT_ROLE"],
        "privileges",
        "privileges",
        'GRANT USAGE ON SCHEMA "OPS_DB"."OPS"',
    ),
    "MCP usage revoked": (
        [f"REVOKE USAGE ON MCP SERVER {MANAGED} FROM ROLE AGENT_ROLE"],
        "mcp tools",
        "not_authorized",
        f"GRANT USAGE ON MCP SERVER {MANAGED} TO ROLE",
    ),
}


@pytest.mark.parametrize("broken", BROKEN_BY_SQL)
async def test_one_thing_taken_away_is_the_thing_that_is_named(clinic: Clinic, broken: str) -> None:
    """The first failure is of the step that needs it, has its name, and its remedy is the statement that mends it."""
    texts, step, symptom, remedy = BROKEN_BY_SQL[broken]
    clinic.sql(*texts)
    findings = await clinic.examine(managed=MANAGED)
    assert failures(findings)[:1] == [(step, symptom)], findings
    assert remedy in of(findings, step).fix
    assert of(findings, step).cause


BLIND = {
    "role revoked": ("role", "GRANT ROLE"),
    "network policy": ("network_policy", "ALLOWED_IP_LIST"),
    "key unset": ("key_pair", "RSA_PUBLIC_KEY_FP"),
}


@pytest.mark.parametrize("broken", BLIND)
async def test_without_an_admin_s_eyes_the_refusal_s_code_still_tells(clinic: Clinic, broken: str) -> None:
    """By the gateway's own token alone the cause is the one of Snowflake's code; what needs an admin is unseen."""
    clinic.sql(*BROKEN_BY_SQL[broken][0])
    findings = await clinic.examine(admin=None)
    symptom, remedy = BLIND[broken]
    assert failures(findings) == [("sign-in", symptom)]
    assert remedy in of(findings, "sign-in").fix
    assert {of(findings, step).state for step in ("user", "role", "warehouse", "privileges")} == {State.UNSEEN}
    assert "sign-in" in of(findings, "privileges").seen


SWITCHED = {
    "trial account": ({"trial_account": True}, None, "mcp call", "trial_account"),
    "refusal in 200": (
        {"mcp_token_rejected": "200/-32603"},
        f"REVOKE USAGE ON MCP SERVER {MANAGED} FROM ROLE AGENT_ROLE",
        "mcp tools",
        "not_authorized",
    ),
}


@pytest.mark.parametrize("switched", SWITCHED)
async def test_what_an_mcp_server_refuses_is_read_from_its_body(clinic: Clinic, switched: str) -> None:
    """A refusal under HTTP status 200 is a refusal, and the status is said to tell nothing."""
    switches, text, step, symptom = SWITCHED[switched]
    clinic.at.sandbox.control.switches(**switches)
    clinic.sql(*([text] if text else []))
    findings = await clinic.examine(managed=MANAGED)
    assert failures(findings) == [(step, symptom)]
    assert "HTTP status 200" in of(findings, step).seen


async def test_a_token_without_a_network_policy_is_told_from_one_that_a_policy_refuses(clinic: Clinic) -> None:
    """A service user's programmatic access token needs a policy: with none that is the symptom, with one it is well."""
    chief = Client.of(clinic.at.sandbox, "ADMIN")
    clinic.sql("CREATE USER ROBOT TYPE = SERVICE DEFAULT_ROLE = AGENT_ROLE DEFAULT_WAREHOUSE = AGENT_WH")
    clinic.sql("GRANT ROLE AGENT_ROLE TO USER ROBOT")
    made = chief.sql("ALTER USER ROBOT ADD PAT P1 ROLE_RESTRICTION = 'AGENT_ROLE'")
    token = Secret(made.rows[0][1] or "")
    await clinic.add("robot", login="ROBOT", auth_method=AuthMethod.PAT, token=token)
    findings = await clinic.examine("robot")
    assert failures(findings) == [("sign-in", "token_without_network_policy")]
    assert 'ALTER USER "ROBOT" SET NETWORK_POLICY' in of(findings, "sign-in").fix
    clinic.sql("CREATE NETWORK POLICY NEAR ALLOWED_IP_LIST = ('127.0.0.1')")
    clinic.sql("ALTER USER ROBOT SET NETWORK_POLICY = NEAR")
    assert failures(await clinic.examine("robot")) == []
