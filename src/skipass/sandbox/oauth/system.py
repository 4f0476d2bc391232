"""SYSTEM$ functions about sign-in: client secrets, token checks, login failures; and what a session tells of agents.

Every function takes text literals and gives text or NULL.
Source: https://docs.snowflake.com/en/sql-reference/functions/system_show_oauth_client_secrets,
.../system_verify_ext_oauth_token and .../system_get_login_failure_details.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from skipass.sandbox import failures
from skipass.sandbox.account import Account
from skipass.sandbox.oauth import external, integrations, pats
from skipass.sandbox.oauth.external import BadToken
from skipass.sandbox.oauth.model import SNOWFLAKE
from skipass.sandbox.session import Session

System = Callable[[list[str]], str | None]


def functions(account: Account, session: Session) -> Mapping[str, System]:
    """Return the functions of this room by name, as this session may use them."""
    return {
        "SYSTEM$SHOW_OAUTH_CLIENT_SECRETS": lambda given: _secrets(account, session, _one(given)),
        "SYSTEM$VERIFY_EXTERNAL_OAUTH_TOKEN": lambda given: _verify(account, _one(given)),
        "SYSTEM$GET_LOGIN_FAILURE_DETAILS": lambda given: _failure(account, session, _one(given)),
        "SYSTEM$DECODE_PAT": lambda given: pats.decoded(account, _one(given)),
        "SYS_CONTEXT": lambda given: _context(session, given),
        "IS_AGENT_ACTIVATED": lambda _: str(session.agentic).upper(),
    }


def _one(given: list[str]) -> str:
    if len(given) != 1:
        raise failures.compilation("001044", "42601", "Invalid argument types for function")
    return given[0]


def _secrets(account: Account, session: Session, name: str) -> str:
    one = integrations.found(account, session.rights(account.catalog), name)
    if one.kind != SNOWFLAKE or not session.rights(account.catalog).owns(one.owner):
        raise failures.insufficient("integration", name)
    return json.dumps(
        {
            "OAUTH_CLIENT_SECRET_2": one.secret_2,
            "OAUTH_CLIENT_SECRET": one.secret,
            "OAUTH_CLIENT_ID": one.client_id,
        }
    )


def _verify(account: Account, token: str) -> str:
    try:
        one, claims = external.verified(account, token)
        identity = external.identify(account, one, claims)
    except BadToken as bad:
        return "Token Validation finished." + json.dumps({"Validation Result": "Failed", "Failure Reason": bad.name})
    found = {"Validation Result": "Passed", "Issuer": str(claims["iss"]), "User": identity.user.login_name}
    return "Token Validation finished." + json.dumps(found)


def _failure(account: Account, session: Session, failure_id: str) -> str | None:
    """Only who may MONITOR the account learns why a sign-in failed; for everybody else there is no such id."""
    rights = session.rights(account.catalog)
    if rights.owns("ACCOUNTADMIN") or rights.on_account("MONITOR"):
        return account.login_failures.get(failure_id)
    return None


def _context(session: Session, given: list[str]) -> str | None:
    asked = [text.upper() for text in given]
    return str(session.agentic).upper() if asked == ["SNOWFLAKE$CURRENT", "IS_AGENT_ACTIVATED"] else None
