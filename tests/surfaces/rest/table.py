"""Every route, what each sort of caller gets from it, and what must exist and be sent for that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from skipass.gateway.consents import Wish, give
from skipass.gateway.oauth_scopes import FIRST
from skipass.nouns.oauth import OAuthClient
from skipass.nouns.people import User
from skipass.nouns.principal import Principal
from surfaces.rest.house import House, fresh, new_connection, session_request

CALLERS = ("agent", "member", "auditor", "approver", "admin")
EVERYBODY = (200, 200, 200, 200, 200)
WATCHERS = (403, 403, 200, 200, 200)
ADMINS = (403, 403, 403, 403, 200)
NO_TOOL = (403, 403, 403, 403, 404)
NO_KEY = (403, 403, 403, 403, 404)
ADMINS_CREATE = (403, 403, 403, 403, 201)
SEEN = (200, 404, 200, 200, 200)
ACCOUNT_S = (404, 404, 404, 404, 200)
Made = dict[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A route, the status each of CALLERS gets, and what must exist before and be sent."""

    route: str
    expected: tuple[int, ...]
    body: Callable[[], Any] = lambda: None
    needs: Callable[[House], Awaitable[Made]] | None = None


async def a_session(at: House) -> Made:
    return {"session_id": await at.session()}


async def a_question(at: House) -> Made:
    return {"approval_id": (await at.held())[1]["approval"]["id"]}


async def a_review(at: House) -> Made:
    return {"review_id": await at.review()}


async def a_user(at: House) -> Made:
    name = fresh("user")
    await at.post("/users", {"name": name, "roles": ["member"]})
    return {"name": name}


async def a_bound_user(at: House) -> Made:
    made = await a_user(at)

    async def bind(unit: Any) -> None:
        (user,) = await unit.find(User, name=made["name"])
        await unit.change(user, subject=f"https://idp.example.com|{user.id}")

    await at.stage.gateway.deps.journal.write(bind)
    return made


async def a_member(at: House) -> Made:
    assert (await at.post("/groups/add", {"group": "known", "user": "sam"})).status == 200
    return {}


async def an_agent(at: House) -> Made:
    return {"name": await at.agent()}


async def a_connection(at: House) -> Made:
    name = fresh("con")
    assert (await at.post("/connections", new_connection(at, name))).status == 201
    return {"name": name, "slug": name}


async def a_relay(at: House) -> Made:
    slug = fresh("slug")
    url = f"{at.stage.sandbox.url}/api/v2/databases/OPS_DB/schemas/OPS/mcp-servers/OPS_MCP"
    assert (await at.post("/mcp-servers", {"slug": slug, "connection": "jit", "url": url})).status == 201
    return {"slug": slug, "tool": "no-such-tool"}


async def the_connection(at: House) -> Made:
    return {"name": "jit"}


async def a_template(at: House) -> Made:
    name = fresh("con")
    body = {"name": name, "role": "AGENT_ROLE", "auth": "snowflake_oauth", "template": True}
    assert (await at.post("/connections", body)).status == 201
    return {"name": name}


async def an_issuer(at: House) -> Made:
    name = fresh("con")
    body = {"name": name, "role": "AGENT_ROLE", "auth": "external_oauth_issuer", "account": "SKIPASS-SANDBOX"}
    assert (await at.post("/connections", {**body, "host": at.stage.sandbox.url})).status == 201
    return {"name": name}


async def a_next_key(at: House) -> Made:
    made = await an_issuer(at)
    assert (await at.post(f"/connections/{made['name']}/signing-keys")).status == 201
    return made


async def a_login(at: House) -> Made:
    made = await an_issuer(at)
    assert (await at.post(f"/connections/{made['name']}/logins", {"user": "sam", "login": "SAM"})).status == 200
    return made


def a_client() -> dict[str, str]:
    return {"account": f"ACME-{fresh('A').replace('-', '')}", "client_id": "id", "client_secret": "secret"}


async def a_registration(at: House) -> Made:
    name = (await a_template(at))["name"]
    return {"id": (await at.post(f"/connections/{name}/registrations", a_client())).body["registration"]["id"]}


async def an_account(at: House) -> Made:
    """Make an account of sam's on a connection that the agent may not use."""
    name = fresh("con")
    body = {"name": name, "role": "AGENT_ROLE", "auth": "snowflake_oauth", "account": "ACME-PROD"}
    made = await at.post("/connections", {**body, "client_id": "id", "client_secret": "secret"})
    assert made.status == 201, made.body
    account = await at.post("/connected-accounts", {"connection_name": name, "identifier": "sam"})
    return {"id": account.body["id"]}


async def an_mcp_client(at: House) -> Made:
    body = {"name": fresh("client"), "redirect_uris": ["https://reports.example.com/callback"]}
    return {"id": (await at.post("/mcp-clients", body)).body["id"]}


async def a_consent(at: House) -> Made:
    """Have sam agree to a client at a slug that lets sam in."""
    gateway, made = at.stage.gateway, await an_mcp_client(at)
    slug = (await a_connection(at))["slug"]
    assert (await at.post(f"/mcp-servers/{slug}/change", {"add": {"users": ["sam"]}})).status == 200
    (client,) = await at.stage.every(OAuthClient, id=made["id"])
    (sam,) = await at.stage.every(User, name="sam")
    principal = Principal(sam.tenant_id, "test", user_id=sam.id, user_name=sam.name)
    wish = Wish(client, f"{gateway.deps.base_url}/{slug}/mcp", FIRST, client.redirect_uris[0])
    base_url = gateway.deps.base_url
    return {"id": (await gateway.deps.journal.write(lambda unit: give(unit, base_url, principal, wish))).id}


QUERY = {"connection_name": "snowflake", "tool_input": {"statement": "SELECT 1"}}
MORE = {"ttl_s": 60, "reason": "not done yet"}
EXPLAIN = {"connection": "snowflake", "agent": "reporting-agent", "statement": "SELECT 1"}
TABLE = (
    Row("POST /sessions", (201, 403, 403, 403, 403), session_request),
    Row("GET /sessions", EVERYBODY),
    Row("GET /sessions/{session_id}", SEEN, needs=a_session),
    Row("POST /sessions/{session_id}/extend", (201, 404, 403, 403, 403), lambda: MORE, a_session),
    Row("POST /sessions/{session_id}/close", (200, 404, 403, 200, 200), needs=a_session),
    Row("POST /sessions/{session_id}/revoke", (403, 404, 403, 200, 200), needs=a_session),
    Row("GET /sessions/{session_id}/record", SEEN, needs=a_session),
    Row("GET /tools", EVERYBODY),
    Row("POST /tools/snowflake_execute_query/execute", EVERYBODY, lambda: QUERY),
    Row("GET /approvals", EVERYBODY),
    Row("GET /approvals/{approval_id}", SEEN, needs=a_question),
    Row("POST /approvals/{approval_id}/approve", (403, 401, 401, 200, 200), lambda: {"reason": "yes"}, a_question),
    Row("POST /approvals/{approval_id}/deny", (403, 401, 401, 200, 200), lambda: {"reason": "no"}, a_question),
    Row("GET /reviews", WATCHERS),
    Row("GET /reviews/{review_id}", WATCHERS, needs=a_review),
    Row("POST /reviews/{review_id}/close", (403, 403, 401, 200, 200), lambda: {"comment": "looked"}, a_review),
    Row("POST /sessions/allow-automatic", ADMINS, lambda: {"agent": "reporting-agent", "connection": "snowflake"}),
    Row("GET /events", (403, 403, 200, 403, 200)),
    Row("GET /whoami", EVERYBODY),
    Row("POST /users", ADMINS_CREATE, lambda: {"name": fresh("user"), "roles": ["member"]}),
    Row("GET /users", WATCHERS),
    Row("POST /users/{name}/link", ADMINS_CREATE, needs=a_user),
    Row("POST /users/{name}/disable", ADMINS, needs=a_user),
    Row("POST /users/{name}/unbind", ADMINS, needs=a_bound_user),
    Row("GET /groups", WATCHERS),
    Row("POST /groups/add", ADMINS, lambda: {"group": "oncall", "user": "sam"}),
    Row("POST /groups/remove", ADMINS, lambda: {"group": "known", "user": "sam"}, a_member),
    Row("POST /agents", ADMINS_CREATE, lambda: {"name": fresh("agent")}),
    Row("GET /agents", WATCHERS),
    Row("POST /agents/{name}/rotate", ADMINS, needs=an_agent),
    Row("POST /agents/{name}/disable", ADMINS, needs=an_agent),
    Row("POST /agents/{name}/enable", ADMINS, needs=an_agent),
    Row("GET /agents/{name}/keys", (404, 404, 200, 200, 200), needs=an_agent),
    Row("POST /agents/{name}/keys/revoke", NO_KEY, lambda: {"prefix": "no-such-key"}, an_agent),
    Row("POST /agents/{name}/connections/add", ADMINS, lambda: {"connection": "jit"}, an_agent),
    Row("POST /agents/{name}/connections/remove", ADMINS, lambda: {"connection": "jit"}, an_agent),
    Row("POST /agents/{name}/users/add", (403, 200, 200, 200, 200), dict, an_agent),
    Row("POST /agents/{name}/users/remove", (403, 200, 200, 200, 200), dict, an_agent),
    Row("GET /connections", WATCHERS),
    Row("GET /connections/{name}", WATCHERS, needs=the_connection),
    Row("POST /connections/{name}/registrations", ADMINS_CREATE, a_client, a_template),
    Row("GET /connections/{name}/registrations", WATCHERS, needs=a_template),
    Row("POST /connections/{name}/setup-link", ADMINS_CREATE, needs=a_template),
    Row("POST /registrations/{id}/client", ADMINS, lambda: {"client_id": "id", "client_secret": "new"}, a_registration),
    Row("POST /registrations/{id}/disable", ADMINS, needs=a_registration),
    Row("POST /connected-accounts", EVERYBODY, lambda: {"connection_name": "jit"}),
    Row("GET /connected-accounts", EVERYBODY),
    Row("GET /connected-accounts/{id}", (404, 404, 200, 200, 200), needs=an_account),
    Row("PATCH /connected-accounts/{id}", ACCOUNT_S, lambda: {"warehouse": "AGENT_WH"}, an_account),
    Row("DELETE /connected-accounts/{id}", (404, 404, 404, 404, 204), needs=an_account),
    Row("POST /connected-accounts/{id}/authorization-link", (404, 404, 404, 404, 201), dict, an_account),
    Row("POST /connected-accounts/{id}/verify", (404, 404, 404, 404, 403), lambda: {"code": "x"}, an_account),
    Row("POST /connected-accounts/{id}/accept-login", (403, 403, 403, 403, 404), needs=an_account),
    Row("POST /connected-accounts/{id}/credential", (404, 404, 404, 404, 403), lambda: {"token": "x"}, an_account),
    Row("POST /connected-accounts/{id}/disconnect", ACCOUNT_S, needs=an_account),
    Row("POST /connected-accounts/{id}/revoke", ADMINS, needs=an_account),
    Row("POST /connections/{name}/test", ADMINS, needs=the_connection),
    Row("POST /connections/{name}/change", ADMINS, lambda: {"warehouse": "AGENT_WH"}, a_connection),
    Row("POST /connections/{name}/disable", ADMINS, needs=a_connection),
    Row("POST /connections/{name}/enable", ADMINS, needs=a_connection),
    Row("GET /connections/{name}/signing-keys", (403, 403, 200, 403, 200), needs=an_issuer),
    Row("POST /connections/{name}/signing-keys", ADMINS_CREATE, needs=an_issuer),
    Row("POST /connections/{name}/signing-keys/activate", ADMINS, needs=a_next_key),
    Row("POST /connections/{name}/signing-keys/revoke", ADMINS, needs=an_issuer),
    Row("GET /connections/{name}/logins", (403, 403, 200, 403, 200), needs=an_issuer),
    Row("POST /connections/{name}/logins", ADMINS, lambda: {"user": "sam", "login": "SAM"}, an_issuer),
    Row("POST /connections/{name}/logins/remove", ADMINS, lambda: {"user": "sam"}, a_login),
    Row("POST /doctor", ADMINS, lambda: {"connection": "jit"}),
    Row("GET /vault", (403, 403, 200, 403, 200)),
    Row("POST /vault/rotate", (403, 403, 403, 403, 202)),
    Row("GET /policies", WATCHERS),
    Row("POST /policies", ADMINS_CREATE, lambda: {"policy": "version = 1\n"}),
    Row("POST /policies/check", WATCHERS, lambda: {"policy": "version = 1\n"}),
    Row("POST /policies/explain", WATCHERS, lambda: EXPLAIN),
    Row("POST /mcp-clients", ADMINS_CREATE, lambda: {"name": "Reports", "redirect_uris": ["https://r.example.com/cb"]}),
    Row("GET /mcp-clients", WATCHERS),
    Row("POST /mcp-clients/{id}/disable", ADMINS, needs=an_mcp_client),
    Row("GET /consents", (403, 200, 200, 200, 200)),
    Row("POST /consents/{id}/revoke", (403, 404, 404, 404, 200), needs=a_consent),
    Row("POST /mcp-servers", ADMINS_CREATE, lambda: {"slug": fresh("slug"), "connection": "jit"}),
    Row("GET /mcp-servers", WATCHERS),
    Row("GET /mcp-servers/{slug}", WATCHERS, needs=a_connection),
    Row("GET /mcp-servers/{slug}/config", WATCHERS, needs=a_connection),
    Row("GET /mcp-servers/{slug}/tools", WATCHERS, needs=a_relay),
    Row("POST /mcp-servers/{slug}/look", WATCHERS, needs=a_relay),
    Row("POST /mcp-servers/{slug}/tools/{tool}/pin", NO_TOOL, lambda: {"hash": "x"}, a_relay),
    Row("POST /mcp-servers/{slug}/tools/{tool}/rule", NO_TOOL, lambda: {"hash": "x", "rule": "held"}, a_relay),
    Row("POST /mcp-servers/{slug}/tools/{tool}/declare", NO_TOOL, lambda: {"hash": "x", "type": "GENERIC"}, a_relay),
    Row("POST /mcp-servers/{slug}/change", ADMINS, lambda: {"add": {"users": ["sam"]}}, needs=a_connection),
    Row("POST /mcp-servers/{slug}/disable", ADMINS, needs=a_connection),
    Row("POST /mcp-servers/{slug}/enable", ADMINS, needs=a_connection),
)
# Proven apart: what ends or starts a caller's own credential, and the body that depends on the sandbox's address.
APART = {
    "POST /sign-in",
    "POST /sign-out",
    "POST /connections",
    "POST /connections/check",
    "POST /connections/{name}/credential",
}
