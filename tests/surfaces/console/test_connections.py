"""Connections and connected accounts in the console: looked at by those who may, changed by admins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from gateway.linked import Linked, linked
from gateways import served
from skipass.gateway.drafting import ConnectionRequest
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod, Connection, Credential
from skipass.sandbox.testing import RunningSandbox
from skipass.snowflake.auth.keys import generate_key_pair
from surfaces.console.browser import Browser, House, Page

pytestmark = pytest.mark.anyio
LIST = "/console/connections"
ACCOUNTS = "/console/accounts"


@pytest.fixture
async def home(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[tuple[Linked, House]]:
    """A gateway on which sam has connected an account, and its pages."""
    async with linked(sandbox, tmp_path / "home") as at, served(at.at) as url:
        yield at, House(url, at.at)


async def press(browser: Browser, page: Page, word: str, fields: Mapping[str, str] | None = None) -> Page:
    """Send the first form of a page that does this, and say yes where it is asked about."""
    path = page.url.path
    shown = next(one for to, one in page._read().forms if to == path and one.get("word") == word)
    answer = await browser.post(path, {**shown, **(fields or {})})
    if answer.has_form(path) and answer.form(path).get("sure") == "yes":
        return await browser.post(path, answer.form(path))
    return answer


async def added(house: House, **how: object) -> str:
    """Register a connection and return its name."""
    admin = await house.stage.principal("admin")
    given = {"name": "one", "role": "SOME_ROLE", "account": "SKIPASS-SANDBOX", "host": house.stage.sandbox.url} | how
    made = await house.stage.gateway.connections.add(admin, ConnectionRequest(**given))  # type: ignore[arg-type]
    return made.connection.name


async def the(house: House, name: str) -> Connection:
    """Return a connection as it is stored."""
    (found,) = await house.stage.every(Connection, name=name)
    assert isinstance(found, Connection)
    return found


async def test_a_connection_is_changed_disabled_and_enabled(house: House) -> None:
    """Defaults change by the form, names as in SQL; disabling asks first, and enabling takes it back."""
    name = await added(house, login="ONE", own_key=True, warehouse="A_WH", database="OPS_DB", schema="OPS")
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        assert f'href="{LIST}/{name}"' in (await ada.get(LIST)).html
        page = await ada.get(f"{LIST}/{name}")
        fields = {"role": "other_role", "roles": 'third_role, "mixed Case"', "warehouse": "", "schema": "ops_db.ops"}
        changed = await press(ada, page, "change", fields)
        assert "THIRD_ROLE, mixed Case" in changed.text
        now = await the(house, name)
        assert (now.role, now.allowed_roles, now.warehouse) == ("OTHER_ROLE", ("THIRD_ROLE", "mixed Case"), None)
        wrong = await press(ada, changed, "change", {"role": "a b", "schema": "x.y"})
        assert (wrong.status, 'value="a b"' in wrong.html) == (400, True)
        asked = await ada.post(f"{LIST}/{name}", {**changed.form(f"{LIST}/{name}"), "word": "disable"})
        assert "Yes, do it" in asked.text
        assert (await the(house, name)).state.value == "enabled"
        gone = await press(ada, changed, "disable")
        assert "nothing on it is admitted" in gone.text
        assert (await the(house, name)).state.value == "disabled"
        await press(ada, gone, "enable")
    assert (await the(house, name)).state.value == "enabled"


async def test_a_key_is_replaced_and_never_shown(house: House) -> None:
    """The next key takes the place of the one before; its text is in no page, its fingerprint is."""
    name = await added(house, login="ONE", own_key=True)
    pair = generate_key_pair()
    pem = pair.private_pem.reveal().decode()
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get(f"{LIST}/{name}")
        refused = await press(ada, page, "credential", {"private_key": pem[:90]})
        assert (refused.status, pem.splitlines()[1][:20] in refused.html) == (400, False)
        after = await press(ada, page, "credential", {"private_key": pem})
    assert pair.fingerprint in after.text
    assert pem.splitlines()[1] not in after.html
    states = [one.state.value for one in await house.stage.every(Credential, connection_id=(await the(house, name)).id)]
    assert sorted(states) == ["active", "expired"]


async def test_a_template_s_accounts_are_seen_and_stopped(house: House) -> None:
    """A set-up link is shown once, a client's secret is renewed without being shown, and a client is stopped."""
    oauth = AuthMethod.SNOWFLAKE_OAUTH
    name = await added(house, name="own", auth_method=oauth, template=True, account="", host=None)
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        said = await press(ada, await ada.get(f"{LIST}/{name}"), "invite")
        token = said.html.partition("/connect/setup#")[2].partition("<")[0]
        given = {"link": token, "word": "register", "account": "ACME-PROD", "client_id": "c1", "client_secret": "s-1"}
        assert (await ada.post("/connect/setup", given)).status == 200
        page = await ada.get(f"{LIST}/{name}")
        assert "ACME-PROD" in page.text
        assert token not in page.html
        assert "0 of 1." in (await ada.get(f"{LIST}/{name}?account=other")).text
        after = await press(ada, page, "client", {"client_id": "c2", "client_secret": "s-2-secret"})
        assert "c2" in after.text
        assert "s-2-secret" not in after.html
        await press(ada, after, "unregister")
    (registration,) = await house.stage.every(Registration, account="ACME-PROD")
    assert (registration.client_id, registration.state.value) == ("c2", "disabled")


async def test_a_vouching_connection_s_keys_and_logins(house: House) -> None:
    """A further key comes with the statement that makes the account trust it; logins are said and taken back."""
    name = await added(house, auth_method=AuthMethod.EXTERNAL_OAUTH_ISSUER)
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        said = await press(ada, await ada.get(f"{LIST}/{name}"), "prepare")
        assert "EXTERNAL_OAUTH_RSA_PUBLIC_KEY_2" in said.text
        turned = await press(ada, said, "activate")
        assert turned.text.count("signs") >= 1
        mapped = await press(ada, turned, "map", {"user": "sam", "login": "SAM@EXAMPLE.COM"})
        assert "sam is SAM@EXAMPLE.COM" in mapped.text
        assert "0 of 1." in (await ada.get(f"{mapped.url.path}?person=other")).text
        assert "1 of 1." in (await ada.get(f"{mapped.url.path}?person=A")).text
        assert "Nobody is mapped" in (await press(ada, mapped, "unmap")).text
        over = await press(ada, mapped, "revoke-keys")
    assert "SET ENABLED = FALSE" in over.text


async def test_those_who_only_look_see_no_form(house: House) -> None:
    """An approver sees a connection and no way to change it; a member does not see it."""
    name = await added(house, login="ONE", own_key=True)
    async with house.browser() as grace, house.browser() as sam:
        await grace.sign_in(await house.link("grace"))
        page = await grace.get(f"{LIST}/{name}")
        assert page.status == 200
        assert not page.has_form(f"{LIST}/{name}")
        assert "/console/connecting" not in (await grace.get(LIST)).html
        await sam.sign_in(await house.link("sam"))
        for path in (LIST, f"{LIST}/{name}", ACCOUNTS):
            assert (await sam.get(path)).status == 403


async def test_an_account_is_looked_at_and_taken_away(home: tuple[Linked, House]) -> None:
    """Its page says whose it is, which login, until when; an admin takes it away, and it needs a hand from then on."""
    at, house = home
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        assert "None needs a hand" in (await ada.get(f"{ACCOUNTS}?show=trouble")).text
        page = await ada.get(f"{ACCOUNTS}/{at.account_id}")
        for told in ("sam on own", "ACTIVE", "DANA", "AGENT_ROLE", "Authorised until"):
            assert told in page.text
        after = await press(ada, page, "revoke")
        assert "admin_revoked" in after.text
        troubled = await ada.get(f"{ACCOUNTS}?show=trouble")
        assert at.account_id in troubled.html
        said = await press(ada, after, "link")
        assert "/connect#" in said.text
    assert (await at.account()).state.value == "REVOKED"


async def test_accounts_are_listed_a_page_at_a_time(
    home: tuple[Linked, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a page of them is gone through by its link, each once, filtered or not."""
    at, house = home
    monkeypatch.setattr("skipass.surfaces.console.accounts._PAGE", 2)
    admin = await house.stage.principal("admin")
    await house.stage.gateway.people.create(admin, "eve", (next(iter(admin.roles)),))
    for name in ("ada", "grace", "eve"):
        await house.stage.gateway.accounts.get_or_create(admin, at.connection.name, name)
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        seen, path = [], ACCOUNTS
        while path:
            page = await ada.get(path)
            seen += [part.partition('"')[0] for part in page.html.split(f'href="{ACCOUNTS}/')[1:]]
            path = (
                f"{ACCOUNTS}?" + more
                if (more := page.html.partition(f"{ACCOUNTS}?after=")[2].partition('"')[0])
                else ""
            )
            path = path.replace("?", "?after=") if path else ""
    assert len(seen) == len(set(seen)) == 4
