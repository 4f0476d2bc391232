"""The demo's people, integrations, identity provider and MCP server: what a person needs to try the tokens' ways in.

Made by the account's own SQL, as an administrator would make them; a bare account has the provider alone.
"""

from __future__ import annotations

import secrets

from skipass.sandbox import passwords
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import User
from skipass.sandbox.demo import run_script
from skipass.sandbox.idp.model import OPENID, Client, Directory, Person, Rule, Server
from skipass.sandbox.names import TableName

INTEGRATION, EXTERNAL = "SKIPASS_OAUTH", "SANDBOX_IDP"
REDIRECT = "http://127.0.0.1:8787/oauth/callback"
MCP_SERVER = TableName("OPS_DB", "OPS", "OPS_MCP")
SERVER = "default"
PEOPLE = (("DANA", "Dana Lund"), ("ERIK", "Erik Brandt"))

_SCRIPT = f"""
USE ROLE ACCOUNTADMIN;
CREATE USER DANA LOGIN_NAME = 'dana@example.com' EMAIL = 'dana@example.com' DEFAULT_ROLE = AGENT_ROLE
    DEFAULT_WAREHOUSE = AGENT_WH DEFAULT_NAMESPACE = OPS_DB.OPS;
CREATE USER ERIK LOGIN_NAME = 'erik@example.com' EMAIL = 'erik@example.com' DEFAULT_ROLE = AGENT_ROLE
    DEFAULT_WAREHOUSE = AGENT_WH DEFAULT_NAMESPACE = OPS_DB.OPS;
GRANT ROLE AGENT_ROLE TO USER DANA;
GRANT ROLE AGENT_ROLE TO USER ERIK;
CREATE SECURITY INTEGRATION {INTEGRATION} TYPE = OAUTH OAUTH_CLIENT = CUSTOM OAUTH_CLIENT_TYPE = 'CONFIDENTIAL'
    OAUTH_REDIRECT_URI = '{REDIRECT}' OAUTH_ALLOW_NON_TLS_REDIRECT_URI = TRUE ENABLED = TRUE
    OAUTH_ENFORCE_PKCE = TRUE OAUTH_ISSUE_REFRESH_TOKENS = TRUE OAUTH_REFRESH_TOKEN_VALIDITY = 7776000
    OAUTH_SINGLE_USE_REFRESH_TOKENS_REQUIRED = TRUE OAUTH_USE_SECONDARY_ROLES = NONE
    ALLOWED_ROLES_LIST = ('AGENT_ROLE') IS_AGENTIC = TRUE;
USE ROLE SYSADMIN;
USE WAREHOUSE COMPUTE_WH;
USE SCHEMA OPS_DB.OPS;
CREATE CORTEX SEARCH SERVICE OPS_DB.OPS.TICKET_SEARCH ON SUBJECT ATTRIBUTES PRIORITY WAREHOUSE = COMPUTE_WH
    TARGET_LAG = '1 hour' AS SELECT TICKET_ID, SUBJECT, PRIORITY FROM OPS_DB.OPS.TICKETS;
CALL SYSTEM$CREATE_SEMANTIC_VIEW_FROM_YAML('OPS_DB.OPS', $$
name: ORDERS_VIEW
description: Orders and what they are worth
tables:
  - name: orders
    base_table: {{database: OPS_DB, schema: OPS, table: ORDERS}}
    synonyms: [purchases]
    dimensions:
      - {{name: STATUS, expr: STATUS}}
      - {{name: REGION, expr: REGION}}
    measures:
      - {{name: TOTAL, expr: TOTAL, synonyms: [revenue, value]}}
  - name: customers
    base_table: {{database: OPS_DB, schema: OPS, table: CUSTOMERS}}
verified_queries:
  - name: open tickets
    question: How many tickets are open?
    sql: SELECT COUNT(*) AS OPEN_TICKETS FROM OPS_DB.OPS.TICKETS WHERE OPEN
$$);
CREATE MCP SERVER {MCP_SERVER} COMMENT = 'Operations' FROM SPECIFICATION $$
tools:
  - name: sql-exec-tool
    type: SYSTEM_EXECUTE_SQL
    title: Run SQL
    description: Runs one query on the operations data.
  - name: ticket-search
    type: CORTEX_SEARCH_SERVICE_QUERY
    identifier: OPS_DB.OPS.TICKET_SEARCH
    title: Search tickets
    description: Finds tickets by their subject.
  - name: orders-analyst
    type: CORTEX_ANALYST_MESSAGE
    identifier: OPS_DB.OPS.ORDERS_VIEW
    title: Ask about orders
    description: Writes the query that answers a question about orders. A script, not a model.
$$;
GRANT USAGE ON MCP SERVER {MCP_SERVER} TO ROLE AGENT_ROLE;
GRANT USAGE ON CORTEX SEARCH SERVICE OPS_DB.OPS.TICKET_SEARCH TO ROLE AGENT_ROLE;
GRANT SELECT ON SEMANTIC VIEW OPS_DB.OPS.ORDERS_VIEW TO ROLE AGENT_ROLE
"""


def add_access(account: Account, redirect_uris: tuple[str, ...] = ()) -> None:
    """Make the demo's people, its integration and its MCP server; the demo's data must exist."""
    run_script(account, "ADMIN", _SCRIPT)
    if redirect_uris:
        listed = ", ".join("'" + uri.replace("'", "''") + "'" for uri in redirect_uris)
        run_script(
            account,
            "ADMIN",
            f"ALTER SECURITY INTEGRATION {INTEGRATION} SET OAUTH_ALTERNATE_REDIRECT_URIS = ({listed})",
        )


def trust(account: Account, issuer: str) -> None:
    """Make the account trust the provider at this address, or follow it to a new one; a bare account trusts nobody."""
    if "AGENT_ROLE" not in account.catalog.roles:
        return
    known = EXTERNAL in account.sign_in.integrations
    values = f"EXTERNAL_OAUTH_ISSUER = '{issuer}' EXTERNAL_OAUTH_JWS_KEYS_URL = '{issuer}/v1/keys'"
    fixed = (
        "TYPE = EXTERNAL_OAUTH ENABLED = TRUE EXTERNAL_OAUTH_TYPE = OKTA "
        "EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM = 'sub' "
        "EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE = 'LOGIN_NAME' IS_AGENTIC = TRUE"
    )
    verb = f"ALTER SECURITY INTEGRATION {EXTERNAL} SET" if known else f"CREATE SECURITY INTEGRATION {EXTERNAL} {fixed}"
    run_script(account, "ADMIN", f"{verb} {values}")


def new_directory(host: str) -> Directory:
    """Return a provider with one client and one authorization server for the account of that host.

    Its rule gives a role scope to operations people alone; everybody else's is dropped without a word.
    """
    roles = frozenset({"session:role:AGENT_ROLE", "session:role-any"})
    known = roles | {"session:role:ACCOUNTADMIN"}
    rules = (Rule(roles - {"session:role-any"}, groups=frozenset({"operations"})), Rule(OPENID))
    server = Server(SERVER, f"https://{host}", known, rules)
    client = Client("0oa" + secrets.token_hex(8), secrets.token_urlsafe(32), any_loopback=True)
    return Directory(clients={client.id: client}, servers={server.id: server})


def add_person(directory: Directory, login: str, name: str, password: str) -> None:
    """Add or renew a test user; those of the demo are operations people."""
    groups = ("operations",) if login.partition("@")[0].upper() in dict(PEOPLE) else ()
    directory.people[login] = Person(login, login, name, passwords.sealed(password), groups)


def is_person(user: User) -> bool:
    """Tell whether a user may sign in with a browser."""
    return user.options.get("TYPE", "PERSON").upper() == "PERSON"
