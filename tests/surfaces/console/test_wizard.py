"""The connect wizard without a script: from the way to sign in to a governed call, for every way there is."""

from __future__ import annotations

import json

import pytest

from accounts.walk import Walk
from skipass.gateway.execute import Target
from skipass.nouns.account import Registration
from skipass.nouns.connection import Connection, Credential
from skipass.nouns.envelope import Envelope
from skipass.secret import Secret
from skipass.surfaces.edge.cookies import form_token
from skipass.tools.call import CallContext
from surfaces.console.browser import Browser, House, Page
from surfaces.console.worksheet import paste, script_on

pytestmark = pytest.mark.anyio
HERE = "/console/connecting"
CONNECTIONS = "/console/connections"
READ = {"statement": "SELECT order_id FROM ops.orders WHERE order_id = 1003"}
WISH = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}


def details(house: House, method: str, name: str, **more: str) -> dict[str, str]:
    """Return what an admin types about a connection to the sandbox."""
    given = {"method": method, "name": name, "account": "SKIPASS-SANDBOX", "host": house.stage.sandbox.url}
    given |= {"role": f"{name}_role", "warehouse": f"{name}_wh", "schema": "ops_db.ops", "look": "yes"}
    return given | more


async def looked(browser: Browser, given: dict[str, str]) -> Page:
    """Send the form of the details."""
    return await browser.get(HERE, params=given)


async def made(browser: Browser, given: dict[str, str], **secrets: str) -> Page:
    """Go through both forms, and return the first step after them."""
    last = await looked(browser, given)
    assert last.status == 200, last.text
    return await browser.post(HERE, {**last.form(HERE), **secrets})


async def put(browser: Browser, name: str, word: str, step: str = "", **fields: str) -> Page:
    """Send one form of a step."""
    page = await browser.get(f"{HERE}/{name}?step={step or word}")
    return await browser.post(f"{HERE}/{name}", {**page.form(f"{HERE}/{name}"), "word": word, **fields})


async def checked(browser: Browser, name: str) -> Page:
    """Press the button of the test."""
    step = await browser.get(f"{HERE}/{name}?step=test")
    return await browser.post(f"{CONNECTIONS}/{name}", step.form(f"{CONNECTIONS}/{name}"))


async def governed(house: House, key: str, name: str) -> Envelope:
    """Ask for a session and run a read in it, as the agent that has the key."""
    gateway = house.stage.gateway
    agent, target = await gateway.authenticator.authenticate(key), Target(slug=name.replace("_", "-"))
    opened = await gateway.calls.call(agent, target, "skipass_request_session", WISH, CallContext(request_id="req_1"))
    assert opened.status.value == "success", opened
    return await gateway.calls.call(agent, target, "snowflake_execute_query", READ, CallContext(request_id="req_2"))


def key_on(page: Page) -> str:
    """Return the agent's key that a page shows."""
    return page.html.partition("SKIPASS_API_KEY=")[2].partition("<")[0]


async def test_a_key_that_nobody_has_leads_to_a_governed_call(house: House) -> None:
    """The gateway makes the key, the script that is shown lets it in, the test is well, the new agent's call runs."""
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        given = details(house, "key_pair", "by_key", login="BY_KEY")
        last = await looked(ada, given)
        assert house.stage.sandbox.url in last.text
        elsewhere = await looked(ada, given | {"account": "https://app.snowflake.com/myorg/my_account", "host": ""})
        assert "https://myorg-my-account.snowflakecomputing.com" in elsewhere.text
        step = await made(ada, given, key="own")
        assert step.url.path == f"{HERE}/by_key"
        assert "PRIVATE" not in step.html
        paste(house.stage.sandbox, script_on(step.html))
        found = await checked(ada, "by_key")
        assert "It works" in found.text, found.text
        assert "sign-in: ok BY_KEY" in found.text
        kept = await ada.get(f"{CONNECTIONS}/by_key")
        assert "nothing failed" in kept.text
        assert "sign-in: ok BY_KEY" in kept.text
        agent = await put(ada, "by_key", "agent", "program", agent="helper", user="ada")
        assert "cursor://anysphere.cursor-deeplink/mcp/install" in agent.html
        again = await ada.get(f"{HERE}/by_key?step=program")
    key = key_on(agent)
    assert key
    assert key not in again.html
    assert (await governed(house, key, "by_key")).status.value == "success"


async def test_each_person_signs_in_to_snowflake(house: House) -> None:
    """The redirect address is in the script, its answer's id and secret are handed in, the account is connected."""
    walk, name = Walk(house.url, house.stage), "by_oauth"
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        step = await made(ada, details(house, "snowflake_oauth", name))
        sql = script_on((await ada.get(f"{HERE}/{name}?step=sql&users=DANA")).html)
        (registration,) = await house.stage.every(Registration, account="SKIPASS-SANDBOX", client_id="")
        assert f"/oauth/upstream-callback/{registration.id}" in script_on(step.html)
        shown = json.loads(paste(house.stage.sandbox, sql))
        secret = {"client_id": shown["OAUTH_CLIENT_ID"], "client_secret": shown["OAUTH_CLIENT_SECRET"]}
        account = await put(ada, name, "client", **secret)
        assert account.url.query_string == "step=account"
        async with house.browser() as later:
            assert (await later.get(f"{HERE}/{name}")).url.query["to"] == f"{HERE}/{name}"
        confirm = await ada.get(f"/connect?connection={name}")
        back = await walk.agree(await walk.press(ada, confirm))
        done = await walk.land(ada, back)
        assert f'href="/console/access?connected={name}"' in done.html
        assert (await ada.get(f"/console/access?connected={name}")).url.path == f"{HERE}/{name}"
        assert "It works" in (await checked(ada, name)).text
        agent = await put(ada, name, "agent", "program", agent="helper", user="")
    assert (await governed(house, key_on(agent), name)).status.value == "success"


async def test_a_token_comes_after_its_script(house: House) -> None:
    """The page with the script asks for the token that the script shows; nothing is stored before it is there."""
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        given = details(house, "pat", "by_token", login="BY_TOKEN", egress="127.0.0.1")
        last = await looked(ada, given)
        token = paste(house.stage.sandbox, script_on(last.html))
        assert await house.stage.every(Connection, name="by_token") == []
        refused = await ada.post(HERE, {**last.form(HERE), "token": "no token"})
        assert (refused.status, refused.form(HERE)["name"], refused.form(HERE)["token"]) == (400, "by_token", "")
        assert "no token" not in refused.html
        await ada.post(HERE, {**last.form(HERE), "token": token})
        assert "It works" in (await checked(ada, "by_token")).text


async def test_the_gateway_vouches(house: House) -> None:
    """The script holds the public key, the admin says who they are, and the test signs in as that."""
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        await made(ada, details(house, "external_oauth_issuer", "vouched"))
        script = await ada.get(f"{HERE}/vouched?step=sql&users=DANA")
        paste(house.stage.sandbox, script_on(script.html))
        after = await put(ada, "vouched", "login", login="DANA")
        assert after.url.query_string == "step=test"
        assert "DANA" in (await checked(ada, "vouched")).text


async def test_a_provider_s_metadata_is_pasted_whole(house: House) -> None:
    """Its steps name our redirect address; the object registers the client, and what was replaced is said."""
    metadata = {
        "issuer": "https://idp.example.com",
        "authorization_endpoint": "https://idp.example.com/authorize",
        "token_endpoint": "https://idp.example.com/token",
        "jwks_uri": "https://idp.example.com/keys",
        "client_id": "0oa1",
        "client_secret": "s3cr3t-of-the-provider",
        "redirect_uri": "https://elsewhere.example.com/callback",
        "scope": "session:role:PROVIDED_ROLE offline_access",
    }
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        step = await made(ada, details(house, "external_oauth", "provided"))
        (registration,) = await house.stage.every(Registration, client_id="")
        assert f"/oauth/upstream-callback/{registration.id}" in step.text
        assert "Application" in step.text
        early = await ada.get(f"{HERE}/provided?step=sql")
        assert "The issuer of the provider is not known yet." in early.text
        broken = await put(ada, "provided", "client", oauth_metadata='{"issuer": "x"')
        assert broken.status == 400
        said = await put(ada, "provided", "client", oauth_metadata=json.dumps({"oauth_metadata": metadata}))
        assert "https://elsewhere.example.com/callback is not ours" in said.text
        assert "s3cr3t" not in said.html
        script = script_on((await ada.get(f"{HERE}/provided?step=sql")).html)
    assert "https://idp.example.com/keys" in script


async def test_a_template_invites_customers(house: House) -> None:
    """A template has no account; its set-up link is shown once and opens the customer's page."""
    async with house.browser() as ada, house.browser() as customer:
        await ada.sign_in(await house.link("ada"))
        given = details(house, "template", "customers") | {"account": "", "host": "", "schema": ""}
        await made(ada, given)
        page = await put(ada, "customers", "invite", "customers")
        token = page.html.partition("/connect/setup#")[2].partition("<")[0]
        again = await ada.get(f"{HERE}/customers")
        opened = await customer.post("/connect/setup", {"link": token, "word": "open"})
    assert token not in again.html
    assert "Register your Snowflake account for customers" in opened.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"account": "my account"}, "Accepted:"),
        ({"account": ""}, "needs account"),
        ({"host": "http://example.com"}, "Plain HTTP"),
        ({"name": "no name"}, "1 to 40"),
        ({"name": "snowflake_demo"}, None),
        ({"role": "a b"}, "not a SQL identifier"),
        ({"schema": "only_one"}, "schema"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    house: House, wrong: dict[str, str], said: str | None
) -> None:
    """A refusal comes back with every field as it was, and nothing is stored."""
    before = len(await house.stage.every(Connection))
    if said is None:
        wrong, said = {"name": (await house.stage.every(Connection, limit=1))[0].name}, "There is a connection"
    given = details(house, "key_pair", "wrong", login="WRONG") | wrong
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await looked(ada, given)
    assert page.status in (400, 409)
    assert said in page.text
    fields = page.form(HERE)
    assert {name: fields[name] for name in given if name != "look"} == {n: t for n, t in given.items() if n != "look"}
    assert len(await house.stage.every(Connection)) == before


async def test_a_key_of_ones_own_is_sealed_and_never_shown(house: House) -> None:
    """A pasted key that is none comes back as a refusal without it; a good one is in no page."""
    pem = house.stage.sandbox.user("DANA").private_key_path.read_text()
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        last = await looked(ada, details(house, "key_pair", "pasted", login="DANA"))
        bad = await ada.post(HERE, {**last.form(HERE), "key": "mine", "private_key": pem[:200]})
        assert bad.status == 400
        assert pem.splitlines()[1] not in bad.html
        good = await ada.post(HERE, {**last.form(HERE), "key": "mine", "private_key": pem})
        assert good.url.path == f"{HERE}/pasted"
        assert pem.splitlines()[1] not in good.html
    (connection,) = await house.stage.every(Connection, name="pasted")
    (credential,) = await house.stage.every(Credential, connection_id=connection.id)
    assert pem.splitlines()[1].encode() not in credential.sealed


async def test_only_admins_come_in(house: House) -> None:
    """Whoever is no admin gets the refusal that REST gives, at each address of the wizard."""
    name = (await house.stage.every(Connection, limit=1))[0].name
    async with house.browser() as sam, house.browser() as grace:
        await sam.sign_in(await house.link("sam"))
        await grace.sign_in(await house.link("grace"))
        for person in (sam, grace):
            for path in (HERE, f"{HERE}?method=pat", f"{HERE}/{name}", f"{HERE}/{name}?step=test"):
                assert (await person.get(path)).status == 403
            assert (await person.post(HERE, {"form": "x", "method": "pat"})).status == 403
        assert (await sam.get(f"/console/access?connected={name}")).url.path == "/console/access"


async def test_a_test_is_begun_by_an_admin_s_form_alone(house: House) -> None:
    """A form of another sign-in, or of somebody who is no admin, tests nothing."""
    name = (await house.stage.every(Connection, limit=1))[0].name
    async with house.browser() as ada, house.browser() as grace:
        await ada.sign_in(await house.link("ada"))
        await grace.sign_in(await house.link("grace"))
        (cookie,) = [one.value for one in grace.http.cookie_jar]
        token = form_token(Secret(cookie), f"connection\0{name}")
        for person in (ada, grace):
            assert (await person.post(f"{CONNECTIONS}/{name}", {"form": token, "word": "test"})).status == 403
    assert await house.stage.recorded("connection.examined") == []
