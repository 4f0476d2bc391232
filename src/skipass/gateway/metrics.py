"""What the gateway counts. Labels are closed lists: no name, text or id ever becomes one."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

STATEMENTS = Counter("skipass_statements", "Statements by kind and final state.", ["kind", "state"])
REFUSALS = Counter("skipass_refusals", "Refused calls by error code.", ["code"])
SIGN_IN_REFUSALS = Counter("skipass_auth_refusals", "Credentials that were not accepted, by error code.", ["code"])
REFRESHES = Counter("skipass_refreshes", "Refreshes of access tokens by what came of them.", ["answer"])
SESSIONS_OPEN = Gauge("skipass_sessions_open", "Access sessions that are open.")
HELD = Gauge("skipass_statements_held", "Statements that wait for a person.")
CHECKPOINTS = Counter("skipass_checkpoints", "Checkpoints written outside the database.")

METRICS = {
    "skipass_statements_total": "Statements by kind and final state.",
    "skipass_refusals_total": "Refused calls by error code.",
    "skipass_auth_refusals_total": "Credentials that were not accepted, by error code.",
    "skipass_refreshes_total": "Refreshes of access tokens by what came of them.",
    "skipass_sessions_open": "Access sessions that are open.",
    "skipass_statements_held": "Statements that wait for a person.",
    "skipass_checkpoints_total": "Checkpoints written outside the database.",
}
