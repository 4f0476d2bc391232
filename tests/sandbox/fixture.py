"""The account that the golden exchanges are written for, built from tests/wire/fixture-account.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sandbox.golden import WIRE
from skipass.sandbox.account import Account, Token
from skipass.sandbox.catalog import User
from skipass.sandbox.demo import add_administrator, run_script


def fixture_account() -> Account:
    """Return the account of tests/wire/fixture-account.json."""
    fixture: dict[str, Any] = json.loads((WIRE / "fixture-account.json").read_text())["fixture"]
    account = Account(fixture["organization"], fixture["account"], fixture["locator"], fixture["region"])
    add_administrator(account)
    run_script(account, "ADMIN", "; ".join(_script(fixture)))
    for one in fixture["users"]:
        user = User(one["login_name"], one["login_name"], datetime.now(UTC), roles=set(one["roles"]))
        user.options = {name.upper(): one[name] for name in one if name.startswith("default_") and one[name]}
        account.catalog.users[user.name] = user
    for one in fixture["tokens"]:
        if one.get("state") != "unknown to the account" and one["kind"] != "KEYPAIR_JWT":
            login, expired = one.get("user", "JDOE"), one.get("state") == "expired"
            account.tokens[one["text"]] = Token(one["kind"], login, one.get("role"), expired)
    run_script(account, "ADMIN", "; ".join(_offers()))
    client = fixture["oauth_integration"]
    integration = account.sign_in.integrations[client["name"]]
    integration.client_id, integration.secret = client["client_id"], client["client_secret"]
    account.engine.seal()
    return account


def _script(fixture: dict[str, Any]) -> Iterator[str]:
    for name in fixture["warehouses"]:
        yield f"CREATE WAREHOUSE {name}"
    yield "CREATE DATABASE SALES"
    yield "USE WAREHOUSE AGENT_WH"
    for table in fixture["tables"]:
        columns = ", ".join(f"{name} {kind} {null}" for name, kind, null in table["columns"])
        yield f"CREATE TABLE {table['name']} ({columns})"
        rows = ", ".join("(" + ", ".join(_literal(cell) for cell in row) + ")" for row in table["rows"])
        yield f"INSERT INTO {table['name']} VALUES {rows}"
    for role in fixture["roles"]:
        yield f"CREATE ROLE {role}"
    for role, grants in fixture["roles"].items():
        for grant in grants:
            if grant.startswith("everything "):
                yield f"GRANT ROLE {grant.split()[1]} TO ROLE {role}"
            elif "MCP SERVER" not in grant:
                yield f"GRANT {grant} TO ROLE {role}"


def _offers() -> Iterator[str]:
    """The integrations and the MCP server, with what its tools stand on."""
    yield from _INTEGRATIONS.split(";")
    yield "USE WAREHOUSE AGENT_WH"
    yield "CREATE TABLE SALES.PUBLIC.PRODUCTS (TITLE VARCHAR, KIND VARCHAR)"
    yield "INSERT INTO SALES.PUBLIC.PRODUCTS VALUES ('Small tent', 'camp'), ('Large tent', 'camp'), ('Lamp', 'home')"
    yield "USE SCHEMA SALES.PUBLIC"
    yield from _SERVER.split(";")


_INTEGRATIONS = """
CREATE SECURITY INTEGRATION SKIPASS_OAUTH TYPE = OAUTH OAUTH_CLIENT = CUSTOM OAUTH_CLIENT_TYPE = 'CONFIDENTIAL'
    OAUTH_REDIRECT_URI = 'https://gateway.example.com/oauth/callback' ALLOWED_ROLES_LIST = ('AGENT_READER');
CREATE SECURITY INTEGRATION IDP_EXT TYPE = EXTERNAL_OAUTH ENABLED = TRUE EXTERNAL_OAUTH_TYPE = CUSTOM
    EXTERNAL_OAUTH_ISSUER = 'https://idp.example.com' EXTERNAL_OAUTH_JWS_KEYS_URL = 'http://127.0.0.1:1/keys'
    EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM = 'sub' EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE = 'LOGIN_NAME'
"""
_SERVER = """
CREATE CORTEX SEARCH SERVICE PRODUCT_SEARCH ON TITLE WAREHOUSE = AGENT_WH TARGET_LAG = '1 hour'
    AS SELECT TITLE, KIND FROM SALES.PUBLIC.PRODUCTS;
CALL SYSTEM$CREATE_SEMANTIC_VIEW_FROM_YAML('SALES.PUBLIC', $$
name: REVENUE
tables:
  - name: customers
    base_table: {database: SALES, schema: PUBLIC, table: CUSTOMERS}
$$);
CREATE AGENT SALES_AGENT FROM SPECIFICATION $$
answers: {"Which customer is first?": "Ada."}
$$;
CREATE MCP SERVER SALES_MCP FROM SPECIFICATION $$
tools:
  - {name: product-search, type: CORTEX_SEARCH_SERVICE_QUERY, title: Products, description: Finds products.,
     identifier: SALES.PUBLIC.PRODUCT_SEARCH}
  - {name: revenue-analyst, type: CORTEX_ANALYST_MESSAGE, title: Revenue, description: Answers questions.,
     identifier: SALES.PUBLIC.REVENUE}
  - {name: sales-agent, type: CORTEX_AGENT_RUN, title: Agent, description: Does things.,
     identifier: SALES.PUBLIC.SALES_AGENT}
  - {name: sql-exec-tool, type: SYSTEM_EXECUTE_SQL, title: SQL, description: Runs a query.}
  - name: add-tax
    type: GENERIC
    title: Tax
    description: Adds tax.
    identifier: SALES.PUBLIC.ADD_TAX
    config: {type: function, warehouse: AGENT_WH,
             input_schema: {type: object, properties: {amount: {type: number}}, required: [amount]}}
$$;
GRANT USAGE ON MCP SERVER SALES.PUBLIC.SALES_MCP TO ROLE AGENT_READER;
GRANT USAGE ON CORTEX SEARCH SERVICE SALES.PUBLIC.PRODUCT_SEARCH TO ROLE AGENT_READER;
GRANT SELECT ON SEMANTIC VIEW SALES.PUBLIC.REVENUE TO ROLE AGENT_READER;
GRANT USAGE ON AGENT SALES.PUBLIC.SALES_AGENT TO ROLE AGENT_READER
"""


def _literal(cell: str | None) -> str:
    return "NULL" if cell is None else f"'{cell}'"
