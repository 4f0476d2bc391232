"""Every page, opened by somebody of another tenant, by a colleague and by nobody: as if what is another's were not."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from gateways import Stage
from isolation.estate import Estate, nothing_like
from skipass.nouns.account import ConnectedAccount, Registration
from skipass.nouns.connection import Connection, McpServer
from skipass.nouns.oauth import OAuthClient
from skipass.nouns.people import Agent, User
from skipass.nouns.policy import PolicyVersion
from skipass.nouns.session import AccessSession
from skipass.secret import Secret
from skipass.surfaces.connect import app as connect
from skipass.surfaces.console import app as console
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.oauth import app as oauth
from surfaces.console.browser import Browser, Page
from surfaces.console.browser import House as Pages
from surfaces.rest.house import fresh
from surfaces.rest.table import an_account, an_issuer

pytestmark = pytest.mark.anyio
_ROUTE = re.compile(r'\("(GET|POST)", "(/[^"]*)"\)')
_PASSING = re.compile(r'\b[0-9a-f]{64}\b|data-now="[^"]*"')
"""What differs between two answers that say the same: the token of a form, and the moment."""


@dataclass(frozen=True)
class Step:
    """One request of a browser; `{names}` are filled, and `form` is the purpose its token is for, None without one."""

    method: str
    path: str
    fields: Mapping[str, str] | None = None
    form: str | None = None


def connecting(**fields: str) -> dict[str, str]:
    return {"link": "", "connection": "", "role": "", "account": "", "word": "open", **fields}


DECIDE = {"hash": "0" * 64, "word": "approve", "reason": "x"}
ASK = {"word": "explain", "statement": "SELECT 1"}
RULE = 'version = 1\n[[rule]]\nname = "a"\noutcome = "deny"\nconnections = ["{connection}"]\nagents = ["{agent}"]\n'
SURE = {"sure": "yes"}
STEPS = (
    Step("GET", "/console/approvals/{approval_id}"),
    Step("POST", "/console/approvals/{approval_id}", DECIDE, "{approval_id}"),
    Step("GET", "/console/live/approvals/{approval_id}"),
    Step("GET", "/console/live/sessions/{session_id}"),
    Step("GET", "/console/reviews/{review_id}"),
    Step("POST", "/console/reviews/{review_id}", {"comment": "x"}, "{review_id}"),
    Step("GET", "/console/sessions/{session_id}"),
    Step("POST", "/console/sessions/{session_id}", {}, "{session_id}"),
    Step("GET", "/console/records/{session_id}"),
    Step("GET", "/console/replays/{session_id}"),
    Step("GET", "/console/exports/{session_id}"),
    Step("POST", "/console/clients", {"word": "stop", "what": "{client_id}"}, "clients"),
    Step("POST", "/console/access", {"word": "disconnect", "what": "{account_id}"}, "access"),
    Step("POST", "/console/access", {"word": "stop", "what": "{agent}"}, "access"),
    Step("GET", "/console/servers/{slug}"),
    Step("GET", "/console/agents/{agent_id}"),
    Step("POST", "/console/agents/{agent_id}", {"word": "key"}, "{agent_id}"),
    Step("POST", "/console/agents", {"name": "a", "connection": "{connection}"}, "agents"),
    Step("GET", "/console/people/{user_id}"),
    Step("POST", "/console/people/{user_id}", {"word": "link"}, "{user_id}"),
    Step("POST", "/console/people", {"name": "{user_id} of them", "member": "yes"}, "people"),
    Step("GET", "/console/policy/versions/{version_id}"),
    Step("POST", "/console/policy", {"word": "check", "text": RULE, "based_on": "0"}, "policy"),
    Step("POST", "/console/policy/explain", {**ASK, "connection": "{connection}", "agent": "{agent}"}, "policy"),
    Step("GET", "/console/slugs/{slug}"),
    Step("POST", "/console/servers", {"slug": "x", "connection": "{connection}"}, "/console/servers"),
    Step("POST", "/console/slugs/{slug}", {"word": "close"}, "server\0{slug}"),
    Step("GET", "/console/connections/{connection}"),
    Step("POST", "/console/connections/{connection}", SURE | {"word": "disable"}, "connection\0{connection}"),
    Step("POST", "/console/connections/{connection}", {"word": "test"}, "connection\0{connection}"),
    Step("GET", "/console/connecting/{connection}"),
    Step("POST", "/console/connecting/{connection}", {"word": "let-in", "slug": "{slug}"}, "connecting\0{connection}"),
    Step("GET", "/console/accounts/{account_id}"),
    Step("POST", "/console/accounts/{account_id}", SURE | {"word": "revoke"}, "account\0{account_id}"),
    Step("GET", "/connect?connection={connection}"),
    Step("POST", "/connect", connecting(connection="{connection}")),
    Step("POST", "/connect", connecting(connection="{connection}", word="go"), "connect\0\0{connection}\0"),
    Step("POST", "/connect", connecting(link="{link}")),
    Step("POST", "/connect", connecting(link="{link}", word="go"), "connect\0{link}\0\0"),
    Step("POST", "/connect/hand-in", {"connection": "{connection}", "token": "x"}, "hand in\0\0{connection}"),
    Step("POST", "/connect/hand-in", {"link": "{link}", "token": "x"}, "hand in\0{link}\0"),
    Step("POST", "/connect/setup", {"link": "{link}", "word": "open"}),
    Step("POST", "/connect/setup", {"link": "{link}", "word": "register", "account": "ACME-PROD", "client_id": "x"}),
    Step("GET", "/oauth/upstream-callback/{registration_id}?code=a&state=b"),
    Step("POST", "/oauth/device", {"user_code": "{user_code}", "word": ""}, "device"),
    Step("POST", "/oauth/device", {"user_code": "{user_code}", "word": "allow"}, "device"),
)
# Say nothing of anybody but the caller, or are proven where they belong: nothing of another's is named in them.
PAGES = (
    "/console",
    *(f"/console/{name}" for name in ("sessions", "access", "policy", "overview", "audit")),
    *(f"/console/{name}" for name in ("connections", "connecting", "accounts", "agents", "people", "servers")),
    *(f"/console/policy/{name}" for name in ("explain", "versions")),
    *(f"/console/{name}/new" for name in ("agents", "people")),
    "/console/settings",
    *(f"/console/{name}" for name in ("clients", "verify", "exports", "checkpoints")),
    *(f"/console/checkpoints/{name}" for name in ("file", "key")),
    "/connect",
    "/oauth/device",
)
OWN = {f"GET {path}" for path in (*PAGES, "/connect/setup", "/sign-in")}
APART = {
    "GET /console/events",
    "POST /console/verify",
    "GET /console/live/overview",
    "GET /console/live/waiting",
    "POST /sign-in",
    "POST /console/sign-out",
    "POST /console/connecting",
    "GET /oauth/sign-in/start",
    "GET /oauth/sign-in/callback",
    "GET /oauth/authorize",
    "POST /oauth/authorize",
    "POST /oauth/token",
    "POST /oauth/device_authorization",
    "POST /oauth/register",
    "POST /oauth/revoke",
}


@pytest.fixture(scope="module")
async def ours(estate: Estate) -> dict[str, str]:
    """What the first tenant has that a page could be asked for."""
    at = estate.house
    account = (await an_account(at))["id"]
    link = (await at.post(f"/connected-accounts/{account}/authorization-link", {})).body["link"]
    (kept,) = await at.stage.every(ConnectedAccount, id=account)
    (connection,) = await at.stage.every(Connection, id=kept.connection_id)
    (registration,) = await at.stage.every(Registration, connection_id=connection.id)
    waiting = await at.stage.gateway.devices.ask("skipass-cli", None)
    return {
        "approval_id": (await at.held())[1]["approval"]["id"],
        "session_id": (await at.stage.every(AccessSession, limit=1))[0].id,
        "account_id": account,
        "agent": (await at.stage.every(Agent, limit=1))[0].name,
        "review_id": await at.review(),
        "agent_id": (await at.stage.every(Agent, limit=1))[0].id,
        "user_id": (await at.stage.every(User, name="sam"))[0].id,
        "connection": connection.name,
        "version_id": (await at.stage.every(PolicyVersion, limit=1))[0].id,
        "slug": (await at.stage.every(McpServer, limit=1))[0].slug,
        "link": link.partition("#")[2],
        "registration_id": registration.id,
        "user_code": waiting.user_code,
        "client_id": (await made_client(at.stage)).client_id,
    }


async def made_client(stage: Stage) -> OAuthClient:
    """Return a program that the first tenant's admin added."""
    admin = await stage.principal("admin")
    made, _ = await stage.gateway.mcp_clients.add(admin, "Reports", ["https://reports.example.com/back"], public=True)
    return made


@asynccontextmanager
async def browsers(estate: Estate, front: str) -> AsyncIterator[dict[str, Browser]]:
    """Yield a browser of another tenant's admin, of a colleague without a role, and of nobody."""
    pages, at = Pages(front, estate.house.stage), estate.house
    async with AsyncExitStack() as stack:
        found = {who: await stack.enter_async_context(pages.browser()) for who in ("stranger", "admin", "nobody")}
        for maker, roles in (("stranger", ["admin", "approver", "auditor"]), ("admin", ["member"])):
            name = fresh("visitor")
            assert (await at.post("/users", {"name": name, "roles": roles}, who=maker)).status == 201
            link = (await at.post(f"/users/{name}/link", who=maker)).body["token"]
            assert (await found[maker].sign_in(link)).status == 200
        found["colleague"] = found.pop("admin")
        yield found


async def take(browser: Browser, step: Step, names: Mapping[str, str]) -> Page:
    path = step.path.format(**names)
    if step.method == "GET":
        return await browser.get(path, allow_redirects=False)
    cookies = [one.value for one in browser.http.cookie_jar if one.key == "skipass"]
    fields = {name: value.format(**names) for name, value in (step.fields or {}).items()}
    if step.form is not None and cookies:
        fields["form"] = form_token(Secret(cookies[0]), step.form.format(**names))
    return await browser.post(path, fields)


def seen(page: Page, names: Mapping[str, str]) -> tuple[int, str, str]:
    """Return status, place and text of a page without what was asked for and the tokens of its forms."""
    text, place = page.html, page.headers.get("location", "")
    for name in names.values():
        text, place = text.replace(name, "…"), place.replace(name, "…")
    return page.status, place, _PASSING.sub("…", text)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.method} {step.path} {(step.fields or {}).get('word')}")
async def test_a_page_of_another_tenants_thing_is_that_of_nothing(
    estate: Estate, front: str, ours: dict[str, str], step: Step
) -> None:
    """Another tenant's admin and nobody get the page of a made-up name; nothing happens, and nothing is said."""
    without = {name: f"nothing-{value[::-1]}" for name, value in ours.items()} | nothing_like(
        {name: value for name, value in ours.items() if name.endswith("_id")}
    )
    if step.path == "/connect/setup" or "{link}" in str(step.fields):
        without["link"] = "x" * len(ours["link"])
    async with browsers(estate, front) as found:
        marks, before = await estate.marks(), estate.facts()
        for who in ("stranger", "nobody"):
            real, unreal = await take(found[who], step, ours), await take(found[who], step, without)
            if not (who == "nobody" and "{link}" in str(step.fields) and step.path == "/connect"):
                assert seen(real, ours) == seen(unreal, without)
            known = set(ours.values())
            assert [mark for mark in marks - known if mark in real.html + real.headers.get("location", "")] == []
        assert estate.facts() == before


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_without_a_name_is_of_the_caller_alone(
    estate: Estate, front: str, ours: dict[str, str], path: str
) -> None:
    """What waits, what is in force and whose devices ask is shown of the caller's own tenant."""
    async with browsers(estate, front) as found:
        page = await found["stranger"].get(path)
        assert page.status < 400
        assert [mark for mark in await estate.marks() if mark in page.html] == []


@pytest.mark.parametrize("what", ["approval_id", "review_id", "session_id", "account_id", "slug", "link"])
async def test_a_colleague_sees_nothing_that_is_not_theirs(
    estate: Estate, front: str, ours: dict[str, str], what: str
) -> None:
    """A member finds no approval or review of others', and opens nobody else's link."""
    steps = [step for step in STEPS if f"{{{what}}}" in f"{step.path}{step.fields}" and step.path != "/connect/setup"]
    async with browsers(estate, front) as found:
        before = estate.facts()
        for step in steps:
            page = await take(found["colleague"], step, ours)
            assert page.status >= 400
            assert "OPS_DB" not in page.html
            assert "sam" not in page.text.split()
        assert estate.facts() == before


async def test_an_event_is_found_in_the_callers_own_chain_alone(estate: Estate, front: str) -> None:
    """The chain and number of another tenant's event lead to one's own event of that number, or to none."""
    theirs = await estate.house.stage.recorded("session.requested")
    async with browsers(estate, front) as found:
        for record in theirs[:5]:
            page = await found["stranger"].get(f"/console/events?of={record.writer}-{record.seq}")
            assert page.status in (200, 404)
            assert record.hash not in page.html
            assert [mark for mark in await estate.marks() if mark in page.html] == []


async def test_an_issuer_shows_public_keys_alone(estate: Estate, front: str) -> None:
    """What anybody may read of an issuer names no person, no login, no account, and no part of a private key."""
    made = await an_issuer(estate.house)
    (connection,) = await estate.house.stage.every(Connection, name=made["name"])
    async with Pages(front, estate.house.stage).browser() as nobody:
        for path in (".well-known/openid-configuration", "jwks.json"):
            page = await nobody.get(f"/issuers/{connection.id}/{path}")
            assert page.status == 200
            assert made["name"] not in page.html
            assert not {'"d"', '"p"', '"q"', "PRIVATE"} & {
                word for word in ('"d"', '"p"', '"q"', "PRIVATE") if word in page.html
            }
            assert [mark for mark in await estate.marks() - {connection.id} if mark in page.html] == []
        other = nothing_like({"id": connection.id})["id"]
        assert (await nobody.get(f"/issuers/{other}/jwks.json")).status == 404


async def test_every_page_is_asked_here() -> None:
    """A page that none of the tests above opens is not isolated until somebody has shown it."""
    there = {
        f"{verb} {path}" for room in (console, connect, oauth) for verb, path in _ROUTE.findall(inspect.getsource(room))
    }
    asked = {f"{step.method} {step.path.partition('?')[0].partition('{')[0]}" for step in STEPS}
    assert there == (asked - {"GET /oauth/upstream-callback/"}) | OWN | APART
