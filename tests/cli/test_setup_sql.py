"""The script for an account's admin: complete, safe to paste, and enough for the gateway's login to work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.snowflake import SnowflakeClient
from skipass.snowflake.errors import SnowflakeConfigError, SnowflakeError
from skipass.snowflake.setup_sql import Access, Service, schema_path, service_script, set_public_key, user_identifier

KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"
SETUP = Service("SKIPASS_AGENT", Access("SKIPASS_READER", "SKIPASS_WH", (("SALES_DB", "PUBLIC"),)), KEY)


def statements(script: str) -> list[str]:
    """Return the statements of a script, comments left out."""
    lines = [line for line in script.splitlines() if line and not line.startswith("--")]
    assert all(line.endswith(";") for line in lines)
    return [line.removesuffix(";") for line in lines]


def test_the_script_is_complete() -> None:
    """User, role, warehouse, key and every grant are there, each under the system role that may make it."""
    assert statements(service_script(SETUP)) == [
        "USE ROLE USERADMIN",
        'CREATE ROLE IF NOT EXISTS "SKIPASS_READER"',
        "USE ROLE SYSADMIN",
        'CREATE WAREHOUSE IF NOT EXISTS "SKIPASS_WH"'
        " WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60 INITIALLY_SUSPENDED = TRUE",
        "USE ROLE USERADMIN",
        'CREATE USER IF NOT EXISTS "SKIPASS_AGENT" TYPE = SERVICE DEFAULT_ROLE = "SKIPASS_READER"'
        ' DEFAULT_WAREHOUSE = "SKIPASS_WH" DEFAULT_SECONDARY_ROLES = ()',
        'ALTER USER "SKIPASS_AGENT" SET STATEMENT_TIMEOUT_IN_SECONDS = 3600',
        "USE ROLE SECURITYADMIN",
        'GRANT ROLE "SKIPASS_READER" TO USER "SKIPASS_AGENT"',
        'GRANT USAGE ON WAREHOUSE "SKIPASS_WH" TO ROLE "SKIPASS_READER"',
        'GRANT USAGE ON DATABASE "SALES_DB" TO ROLE "SKIPASS_READER"',
        'GRANT USAGE ON SCHEMA "SALES_DB"."PUBLIC" TO ROLE "SKIPASS_READER"',
        'GRANT SELECT ON ALL TABLES IN SCHEMA "SALES_DB"."PUBLIC" TO ROLE "SKIPASS_READER"',
        'GRANT SELECT ON FUTURE TABLES IN SCHEMA "SALES_DB"."PUBLIC" TO ROLE "SKIPASS_READER"',
        'GRANT SELECT ON ALL VIEWS IN SCHEMA "SALES_DB"."PUBLIC" TO ROLE "SKIPASS_READER"',
        'GRANT SELECT ON FUTURE VIEWS IN SCHEMA "SALES_DB"."PUBLIC" TO ROLE "SKIPASS_READER"',
        "USE ROLE USERADMIN",
        f"ALTER USER \"SKIPASS_AGENT\" SET RSA_PUBLIC_KEY = '{KEY}'",
    ]


def test_writes_are_granted_only_when_asked_for() -> None:
    """With `write` the tables, and never the views, may be changed as well; nothing more is granted."""
    changing = service_script(Service("A", Access("R", "W", (("D", "S"),), write=True), KEY))
    assert "INSERT" not in service_script(SETUP)
    for which in ("ALL", "FUTURE"):
        assert f'GRANT SELECT, INSERT, UPDATE, DELETE ON {which} TABLES IN SCHEMA "D"."S" TO ROLE "R";' in changing
        assert f'GRANT SELECT ON {which} VIEWS IN SCHEMA "D"."S" TO ROLE "R";' in changing


@pytest.mark.parametrize("write", [False, True])
def test_nothing_is_replaced_and_nothing_else_is_made(write: bool) -> None:
    """There is no OR REPLACE, no DROP or REVOKE, no stage, no ownership and no privilege over all objects."""
    whole = service_script(Service("A", Access("R", "W", (("D", "S"), ("D", "T")), write=write), KEY)).upper()
    script = "\n".join(statements(whole))
    found = re.findall(r"OR REPLACE|\bDROP\b|\bREVOKE\b|CREATE STAGE|OWNERSHIP|ALL PRIVILEGES|GRANT ALL", script)
    assert found == []
    assert script.count("GRANT USAGE ON DATABASE") == 1


def test_what_takes_ai_functions_away_is_said_and_not_run() -> None:
    """They come with PUBLIC: both statements that end that stand in comments, since they are about everybody."""
    script = service_script(SETUP)
    for text in (
        "REVOKE USE AI FUNCTIONS ON ACCOUNT FROM ROLE PUBLIC;",
        "REVOKE DATABASE ROLE SNOWFLAKE.CORTEX_USER FROM ROLE PUBLIC;",
    ):
        assert f"--   {text}\n" in script
        assert text.removesuffix(";") not in statements(script)


def test_without_key_or_warehouse_the_script_says_what_is_missing() -> None:
    """What is left out stands in a comment, and no statement names it."""
    script = service_script(Service("A", Access("R", None, (("D", "S"),))))
    assert "skipass key new" in script
    assert "No warehouse" in script
    assert not [one for one in statements(script) if "WAREHOUSE" in one or "RSA_PUBLIC_KEY" in one]


@settings(deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_no_name_breaks_out_of_its_quotes(name: str) -> None:
    """Whatever a name holds, the script is refused or has it as one quoted identifier in the same statements."""
    try:
        script = service_script(Service("U", Access(name, "W", (("D", "S"),)), KEY))
    except SnowflakeConfigError:
        assert not name.isprintable()
        return
    quoted = '"' + name.replace('"', '""') + '"'
    plain = service_script(Service("U", Access("R", "W", (("D", "S"),)), KEY)).replace('"R"', quoted)
    assert script == plain


@pytest.mark.parametrize(
    ("login", "identifier"),
    [("skipass_agent", '"SKIPASS_AGENT"'), ('"Mixed"', '"Mixed"'), ("svc@example.com", '"svc@example.com"')],
)
def test_a_login_is_a_user_name(login: str, identifier: str) -> None:
    """A plain login is folded, a quoted one kept, and one that is an address is quoted."""
    assert user_identifier(login) == identifier


@pytest.mark.parametrize(
    ("typed", "path"),
    [("sales_db.public", ("SALES_DB", "PUBLIC")), ('SALES."my ""x"" schema"', ("SALES", 'my "x" schema'))],
)
def test_a_schema_is_folded_as_snowflake_folds_it(typed: str, path: tuple[str, str]) -> None:
    """Plain parts are upper-cased, quoted ones are exact."""
    assert schema_path(typed) == path


@pytest.mark.parametrize("typed", ["", "A", "A.B.C", "A. ", "a-b.c", 'A."', "A.B; DROP TABLE X"])
def test_what_is_not_a_schema_is_refused(typed: str) -> None:
    """One part, three parts and anything that is not an identifier are refused."""
    with pytest.raises(SnowflakeConfigError):
        schema_path(typed)


def test_a_key_that_is_not_base64_is_refused() -> None:
    """No text but base 64 comes to stand between the quotes of a key."""
    with pytest.raises(SnowflakeConfigError):
        set_public_key("A", "'; DROP USER X; --")


OPTIONS = ("--login", "svc", "--role", "reader", "--warehouse", "wh", "--schema", "OPS_DB.OPS")


def test_the_command_needs_no_connection(run, tmp_path: Path) -> None:
    """From options alone the script is the one that the names give, key included."""
    key = run("key", "new", "--out", tmp_path / "k.p8", "--format", "json").json
    found = run("connection", "setup-sql", *OPTIONS, "--private-key", tmp_path / "k.p8", "--write")
    assert found.status == 0
    setup = Service("svc", Access("READER", "WH", (("OPS_DB", "OPS"),), write=True), key["public_key"])
    assert found.out == service_script(setup)


@pytest.mark.parametrize("left_out", [0, 2, 6])
def test_the_command_says_what_it_needs(run, left_out: int) -> None:
    """Without login, role or schema it is wrong usage, naming the option."""
    found = run("connection", "setup-sql", *OPTIONS[:left_out], *OPTIONS[left_out + 2 :])
    assert found.status == 2
    assert OPTIONS[left_out] in found.err


@pytest.fixture(scope="module")
def sandbox() -> RunningSandbox:
    """A stand-in for Snowflake with the demo's data."""
    with running_sandbox() as running:
        yield running


def client(sandbox: RunningSandbox, user: str, key: Path) -> SnowflakeClient:
    """Return a client of the sandbox that signs in by key."""
    return SnowflakeClient(account="SKIPASS-SANDBOX", user=user, private_key_path=key, host=sandbox.url)


def test_the_script_as_pasted_lets_the_login_read_and_nothing_more(
    run, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """Run by an account admin, twice, it lets the new login read its schema, neither write nor look elsewhere."""
    path = tmp_path / "k.p8"
    run("key", "new", "--out", path)
    script = run("connection", "setup-sql", *OPTIONS, "--private-key", path).out
    admin = sandbox.users[0]
    with client(sandbox, admin.login_name, admin.private_key_path) as account_admin:
        for _ in range(2):
            account_admin.query(script, parameters={"MULTI_STATEMENT_COUNT": "0"}, role="ACCOUNTADMIN")
    with client(sandbox, "SVC", path) as agent:
        context = {"role": "READER", "warehouse": "WH"}
        result = agent.query("SELECT COUNT(*) FROM OPS_DB.OPS.ORDERS", **context)
        assert result.rows()[0][0] > 0
        for refused in ("DELETE FROM OPS_DB.OPS.ORDERS", "SELECT 1 FROM FINANCE_DB.HR.SALARIES", "CREATE ROLE X"):
            with pytest.raises(SnowflakeError):
                agent.query(refused, **context)
