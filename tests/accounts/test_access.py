"""Whose accounts are whose, over REST: what is another's does not exist, and no answer or record has a token."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from accounts.walk import RETURN, Walk
from skipass.audit.chain import Record
from skipass.gateway.deps import data_key_place
from skipass.gateway.people import add_link
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.upstream import credential_place
from skipass.identity.keys import issue
from skipass.ids import new_id
from skipass.nouns.account import Registration
from skipass.nouns.people import KeyUse, Tenant, User
from skipass.nouns.principal import Role
from skipass.sandbox.oauth.model import digest
from skipass.vault.seal import seal, unseal

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Rest:
    walk: Walk
    http: aiohttp.ClientSession

    async def ask(self, key: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"authorization": f"Bearer {key}", **headers}
        url = f"{self.walk.url}/api/v1{path}"
        async with self.http.request(method, url, json=body, headers=sent) as answer:
            content = await answer.read()
            return answer.status, json.loads(content) if content else None

    async def made(self, key: str, **body: str) -> dict[str, Any]:
        status, told = await self.ask(key, "POST", "/connected-accounts", {"connection_name": "own", **body})
        assert status == 200, told
        return dict(told)


@pytest.fixture
async def rest(walk: Walk) -> AsyncIterator[Rest]:
    await walk.by_snowflake()
    async with aiohttp.ClientSession() as http:
        yield Rest(walk, http)


async def stranger(walk: Walk) -> str:
    """Return the key of another tenant's admin."""
    deps = walk.gateway.deps

    async def add(unit: UnitOfWork) -> str:
        tenant_id = new_id("tenant", unit.now)
        data_key = seal(deps.kek, secrets.token_bytes(32), data_key_place(tenant_id))
        await unit.insert(Tenant(tenant_id, "other", data_key, unit.now))
        roles = (Role.ADMIN, Role.AUDITOR, Role.APPROVER)
        user = User(new_id("user", unit.now), tenant_id, "eve", roles, unit.now, unit.now)
        issued = issue(tenant_id, KeyUse.SANDBOX, user.id, unit.now)
        await unit.insert(user)
        await unit.insert(issued.key)
        return issued.text.reveal()

    return str(await deps.journal.write(add))


ROUTES = [
    ("GET", "", None),
    ("PATCH", "", {"warehouse": "AGENT_WH"}),
    ("DELETE", "", None),
    ("POST", "/authorization-link", {}),
    ("POST", "/verify", {"code": "x"}),
    ("POST", "/credential", {"token": "x"}),
    ("POST", "/disconnect", None),
]


@pytest.mark.parametrize(("method", "what", "body"), ROUTES, ids=lambda value: str(value or "-"))
async def test_another_s_account_is_not_there(rest: Rest, method: str, what: str, body: Any) -> None:
    """Another tenant's admin, another agent of the same user without the connection, another user: not found."""
    mine = await rest.made(await rest.walk.agent())
    elsewhere = await rest.walk.agent("elsewhere", connection="jit")
    other = await rest.walk.agent("other", users=["grace"])
    for key in (await stranger(rest.walk), elsewhere, other):
        status, told = await rest.ask(key, method, f"/connected-accounts/{mine['id']}{what}", body)
        assert (status, told["error"]["code"]) == (404, "not_found")


async def test_an_account_is_made_once(rest: Rest) -> None:
    """Asked for again, by the agent or by its user's admin, it is the same account, listed for both alone."""
    key = await rest.walk.agent()
    admin = rest.walk.stage.keys["admin"]["api_key"]
    made = await rest.made(key)
    assert made["status"] == "PENDING_AUTH"
    assert {(await rest.made(key))["id"], (await rest.made(admin, identifier="sam"))["id"]} == {made["id"]}
    for reader, held in ((key, [made["id"]]), (admin, [made["id"]]), (await stranger(rest.walk), [])):
        _, told = await rest.ask(reader, "GET", "/connected-accounts")
        assert [one["id"] for one in told["items"]] == held


async def test_an_application_names_its_people_and_nobody_else(rest: Rest) -> None:
    """Its first word makes an end user, who is nobody of the company; without a name it acts for nobody."""
    key = await rest.walk.agent("shop", end_users=True, return_urls=[RETURN])
    made = await rest.made(key, identifier="customer-7")
    assert made["identifier"] == "customer-7"
    _, told = await rest.ask(key, "GET", f"/connected-accounts/{made['id']}", **{"skipass-identifier": "customer-7"})
    assert told["id"] == made["id"]
    status, told = await rest.ask(key, "GET", f"/connected-accounts/{made['id']}", **{"skipass-identifier": "sam"})
    assert (status, told["error"]["code"]) == (403, "not_your_user")
    status, told = await rest.ask(key, "GET", "/connected-accounts")
    assert (status, told["error"]["code"]) == (400, "identifier_required")


async def test_only_admins_take_away_and_accept(rest: Rest) -> None:
    """An agent neither revokes nor accepts another login."""
    key = await rest.walk.agent()
    made = await rest.made(key)
    for what in ("revoke", "accept-login"):
        status, told = await rest.ask(key, "POST", f"/connected-accounts/{made['id']}/{what}")
        assert (status, told["error"]["code"]) == (403, "forbidden")


async def test_defaults_are_held_to_the_connection(rest: Rest) -> None:
    """A default that the connection does not allow is refused, another is kept, null takes it back."""
    key = await rest.walk.agent()
    path = f"/connected-accounts/{(await rest.made(key))['id']}"
    status, told = await rest.ask(key, "PATCH", path, {"role": "ACCOUNTADMIN"})
    assert (status, told["error"]["code"]) == (403, "not_allowed") or told["error"]["code"] == "not_allowed"
    _, told = await rest.ask(key, "PATCH", path, {"warehouse": "AGENT_WH"})
    assert told["warehouse"] == "AGENT_WH"
    _, told = await rest.ask(key, "PATCH", path, {"warehouse": None})
    assert told["warehouse"] is None


async def test_a_broker_connection_needs_no_link(rest: Rest) -> None:
    """Where one credential serves everybody the account is ACTIVE at once, and asking for a link says so."""
    key = await rest.walk.agent("reader", connection="jit")
    made = await rest.made(key, connection_name="jit")
    assert made["status"] == "ACTIVE"
    status, told = await rest.ask(key, "GET", f"/connected-accounts/{made['id']}")
    assert (status, told["status"]) == (200, "ACTIVE")


async def test_no_answer_and_no_event_has_a_token(rest: Rest) -> None:
    """Of everything that was sealed on the way, and of the link's own token, nothing stands in answers or record."""
    walk, key = rest.walk, await rest.walk.agent()
    made = await rest.made(key)
    _, link = await rest.ask(key, "POST", f"/connected-accounts/{made['id']}/authorization-link", {})
    token = link["link"].rpartition("#")[2]
    async with walk.signed_in() as sam:
        page = await walk.linked(sam, token)
    _, told = await rest.ask(key, "GET", f"/connected-accounts/{made['id']}")
    assert told["status"] == "ACTIVE"
    (credential,) = await walk.usable()
    sealed = json.loads(unseal(walk.gateway.deps.kek, credential.sealed, credential_place(credential)))
    secrets_ = {token, sealed["access"], sealed["refresh"], walk.stage.sandbox.said["oauth_client"]["client_secret"]}

    async def load(reader: Reader) -> list[Record]:
        return list(await reader.events(credential.tenant_id, session_id=None, after=None, limit=1000))

    record = " ".join(one.body for one in await walk.gateway.deps.journal.read(load))
    for secret in secrets_:
        assert secret not in page.html + json.dumps(told) + record
    assert digest(token) not in record


async def test_a_person_hands_in_a_key_of_their_own(rest: Rest) -> None:
    """The key is taken once a sign-in with it worked, for its own person alone, and a wrong one leaves nothing."""
    walk = rest.walk
    connection = {"name": "keys", "account": "SKIPASS-SANDBOX", "host": walk.stage.sandbox.url, "role": "AGENT_ROLE"}
    admin = walk.stage.keys["admin"]["api_key"]
    status, told = await rest.ask(admin, "POST", "/connections", {**connection, "auth": "key_pair", "per_user": True})
    assert status == 201, told
    mine = await rest.made(admin, connection_name="keys")
    path = f"/connected-accounts/{mine['id']}/credential"
    dana, erik = walk.stage.sandbox.user("DANA"), walk.stage.sandbox.user("ERIK")
    wrong = {"login": dana.login_name, "private_key": erik.private_key_path.read_text()}
    status, told = await rest.ask(admin, "POST", path, wrong)
    assert (status, told["error"]["code"]) == (502, "sign_in_failed")
    assert await walk.every_credential() == []
    right = {"login": dana.login_name, "private_key": dana.private_key_path.read_text()}
    status, told = await rest.ask(admin, "POST", path, right)
    assert (status, told["status"], told["login"]) == (200, "ACTIVE", dana.login_name.upper())
    sams = await rest.made(admin, connection_name="keys", identifier="sam")
    status, told = await rest.ask(admin, "POST", f"/connected-accounts/{sams['id']}/credential", right)
    assert (status, told["error"]["code"]) == (403, "forbidden")


async def test_a_user_s_own_defaults_count_in_sessions(rest: Rest) -> None:
    """A session that names no warehouse gets the one of the account, else the connection's."""
    walk, key = rest.walk, await rest.walk.agent()
    made = await rest.made(key)
    async with walk.signed_in() as sam:
        await walk.linked(sam, await walk.invite(await walk.of(key)))
    wish = {"connection": "own", "scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "a test"}
    for warehouse, expected in (("OTHER_WH", "OTHER_WH"), (None, "AGENT_WH")):
        status, told = await rest.ask(key, "PATCH", f"/connected-accounts/{made['id']}", {"warehouse": warehouse})
        assert status == 200, told
        status, told = await rest.ask(key, "POST", "/sessions", wish)
        assert (status, told["warehouse"]) == (201, expected)


async def test_another_tenant_s_registrations_are_not_there(rest: Rest) -> None:
    """Its admin neither lists, changes nor ends a client of ours, nor makes a link to register one."""
    walk, eve = rest.walk, await stranger(rest.walk)
    registration = await walk.one(Registration)
    change = {"client_id": "mine", "client_secret": "mine"}
    for method, path, body in (
        ("GET", "/connections/own/registrations", None),
        ("POST", "/connections/own/registrations", {"account": "ACME-PROD", **change}),
        ("POST", "/connections/own/setup-link", None),
        ("POST", f"/registrations/{registration.id}/client", change),
        ("POST", f"/registrations/{registration.id}/disable", None),
    ):
        status, _ = await rest.ask(eve, method, path, body)
        assert status == 404, path
    assert await walk.one(Registration) == registration


async def test_a_link_of_another_tenant_does_not_open_for_its_namesake(rest: Rest) -> None:
    """A person of the same name elsewhere is somebody else; the tenant counts before the name."""
    walk = rest.walk
    token = await walk.invite(await walk.of(await walk.agent()))
    deps = walk.gateway.deps

    async def add(unit: UnitOfWork) -> str:
        tenant_id = new_id("tenant", unit.now)
        data_key = seal(deps.kek, secrets.token_bytes(32), data_key_place(tenant_id))
        await unit.insert(Tenant(tenant_id, "other", data_key, unit.now))
        user = User(new_id("user", unit.now), tenant_id, "sam", (Role.ADMIN,), unit.now, unit.now)
        await unit.insert(user)
        return (await add_link(unit, user, user.id)).reveal()

    async with walk.browser() as namesake:
        await namesake.sign_in(await deps.journal.write(add))
        page = await namesake.post("/connect", {"link": token, "word": "open"})
    assert page.status == 401
    assert "DANA" not in page.text
