"""Attacks on linking: whose answer, whose browser, whose link, whose code, and where a browser is sent on."""

from __future__ import annotations

import pytest

from accounts.walk import RETURN, Walk
from isolation.attacks.script import Attack, application, carried, collected, exchanges, nothing_linked, part
from skipass.errors import SkipassError
from skipass.nouns.account import Registration
from skipass.nouns.connection import Connection
from skipass.nouns.people import Agent

pytestmark = pytest.mark.anyio
ATTACKS: list[Attack] = []
attack = collected(ATTACKS)


async def link_of_sam(walk: Walk) -> str:
    await walk.by_snowflake()
    return await walk.invite(await walk.of(await walk.agent()))


@attack
async def csrf_on_the_callback(walk: Walk) -> None:
    """The attacker's own finished sign-in, landed in a victim's browser."""
    token = await link_of_sam(walk)
    async with walk.signed_in() as attacker, walk.signed_in("grace") as victim:
        back = await walk.agree(await walk.to_the_sign_in(attacker, token), "ERIK")
        assert (await walk.land(victim, back)).status == 401
    assert exchanges(walk) == 0


@attack
async def csrf_on_the_callback_of_a_victim_under_way(walk: Walk) -> None:
    """The same while the victim has a sign-in of their own under way, cookie and all."""
    token = await link_of_sam(walk)
    key = await walk.agent("graces", owner="grace")
    async with walk.signed_in() as attacker, walk.signed_in("grace") as victim:
        back = await walk.agree(await walk.to_the_sign_in(attacker, token), "ERIK")
        own = await walk.to_the_sign_in(victim, await walk.invite(await walk.of(key)))
        assert (await walk.land(victim, back)).status == 401
        assert exchanges(walk) == 0
        assert (await walk.land(victim, await walk.agree(own))).status == 200


@attack
async def code_injection(walk: Walk) -> None:
    """A stolen code in the attacker's own answer: its verifier is not the attacker's."""
    token = await link_of_sam(walk)
    key = await walk.agent("graces", owner="grace")
    async with walk.signed_in() as victim, walk.signed_in("grace") as attacker:
        stolen = part(await walk.agree(await walk.to_the_sign_in(victim, token)), "code")
        mine = await walk.agree(await walk.to_the_sign_in(attacker, await walk.invite(await walk.of(key))), "ERIK")
        page = await walk.land(attacker, mine.replace(part(mine, "code"), stolen))
        assert page.status == 502
    await nothing_linked(walk)


@attack
async def mix_up_of_two_registrations(walk: Walk) -> None:
    """An answer moved to the path of another client of ours."""
    token = await link_of_sam(walk)
    other = (await walk.by_snowflake("other")).registration
    assert other is not None
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        (mine,) = [one for one in await walk.stage.every(Registration) if one.id != other.id]
        assert (await walk.land(sam, back.replace(mine.id, other.id))).status == 502
    assert exchanges(walk) == 0
    await nothing_linked(walk)


@attack
async def mix_up_of_two_issuers(walk: Walk) -> None:
    """A code of the identity provider handed to Snowflake's token endpoint, and the other way round."""
    by_provider = (await walk.by_provider()).registration
    by_snowflake = (await walk.by_snowflake()).registration
    assert by_provider is not None
    assert by_snowflake is not None
    key = await walk.agent(connections=["own", "idp"])
    for name, ours, other in (("own", by_snowflake, by_provider), ("idp", by_provider, by_snowflake)):
        async with walk.signed_in() as sam:
            token = await walk.invite(await walk.of(key), name)
            gone = await walk.to_the_sign_in(sam, token)
            forged = f"/oauth/upstream-callback/{other.id}?code=stolen&state={part(gone, 'state')}"
            assert (await sam.get(forged)).status == 502
            again = f"/oauth/upstream-callback/{ours.id}?code=stolen&state={part(gone, 'state')}"
            assert (await sam.get(again)).status == 401
    assert exchanges(walk) == 0
    await nothing_linked(walk)


@attack
async def an_issuer_that_is_not_the_one_asked(walk: Walk) -> None:
    """An answer that names another issuer beside a good code and state."""
    registration = (await walk.by_provider()).registration
    assert registration is not None
    key = await walk.agent(connection="idp")
    async with walk.signed_in() as sam:
        gone = await walk.to_the_sign_in(sam, await walk.invite(await walk.of(key), "idp"))
        state = part(gone, "state")
        path = f"/oauth/upstream-callback/{registration.id}?code=c&state={state}&iss=https%3A%2F%2Fevil.example.com"
        assert "another issuer" in (await sam.get(path)).text
    await nothing_linked(walk)


@attack
async def state_of_another_browser(walk: Walk) -> None:
    """A state that is good, in a browser that did not begin with it."""
    token = await link_of_sam(walk)
    async with walk.signed_in() as sam, walk.browser() as thief:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        thief.http.cookie_jar.update_cookies({"skipass-link": "x" * 43})
        assert (await walk.land(thief, back)).status == 401
    assert exchanges(walk) == 0


@attack
async def replayed_answer_with_its_cookie(walk: Walk) -> None:
    """Everything the browser had, cookie, state and code, a second time."""
    token = await link_of_sam(walk)
    async with walk.signed_in() as sam:
        gone = await walk.to_the_sign_in(sam, token)
        kept = {one.key: one.value for one in sam.http.cookie_jar}
        back = await walk.agree(gone)
        assert (await walk.land(sam, back)).status == 200
        sam.http.cookie_jar.update_cookies(kept)
        assert (await walk.land(sam, back)).status == 401
    assert exchanges(walk) == 1


@attack
async def replayed_code_under_a_fresh_state(walk: Walk) -> None:
    """A code that was exchanged before, in an answer of its own."""
    token = await link_of_sam(walk)
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        await walk.land(sam, back)
        again = await walk.agree(
            await walk.to_the_sign_in(sam, await walk.invite(await walk.of(await walk.agent("b"))))
        )
        page = await walk.land(sam, again.replace(part(again, "code"), part(back, "code")))
        assert page.status == 502


@attack
async def parameters_twice(walk: Walk) -> None:
    """Two codes or two states in one answer: one for the check, one for the use."""
    token = await link_of_sam(walk)
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        for twice in ("code=evil", "state=evil"):
            assert (await walk.land(sam, f"{back}&{twice}")).status == 400
    assert exchanges(walk) == 0


@attack
async def consent_skipped_by_a_cookie(walk: Walk) -> None:
    """A victim who is signed in with us is made to link by an address or a form of the attacker's."""
    await walk.by_snowflake()
    async with walk.signed_in() as sam:
        for query in ("connection=own&word=go", "connection=own&form=x&word=go"):
            page = await sam.get(f"/connect?{query}", allow_redirects=False)
            assert "location" not in page.headers
        form = {"link": "", "connection": "own", "role": "", "account": "", "word": "go", "form": "0" * 64}
        assert (await sam.post("/connect", form)).status == 403
        assert (await sam.post("/connect", form, origin="https://evil.example.com")).status == 403
        assert (await sam.post("/connect", form, origin="null")).status == 403
    assert await walk.attempts() == []


@attack
async def form_of_another_connection(walk: Walk) -> None:
    """A form's token, good for one connection and role, sent with another."""
    await walk.by_snowflake()
    await walk.by_snowflake("other")
    async with walk.signed_in() as sam:
        form = {**(await sam.get("/connect?connection=own")).form("/connect"), "word": "go"}
        for bent in ({"connection": "other"}, {"role": "ACCOUNTADMIN"}, {"form": ""}):
            assert (await sam.post("/connect", {**form, **bent})).status in (403, 422)
    assert await walk.attempts() == []


@attack
async def callback_path_not_matched_exactly(walk: Walk) -> None:
    """Our redirect URI with something around it, upper case, or another registration's form."""
    token = await link_of_sam(walk)
    registration = await walk.one(Registration)
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        for bent in (f"{registration.id}/x", registration.id.upper(), f"x{registration.id}", f"../{registration.id}x"):
            assert (await walk.land(sam, back.replace(registration.id, bent))).status == 404
    assert exchanges(walk) == 0


@attack
async def framing(walk: Walk) -> None:
    """Pages of linking inside somebody else's."""
    token = await link_of_sam(walk)
    async with walk.signed_in() as sam:
        pages = [
            await sam.get("/connect"),
            await sam.get("/connect?connection=own"),
            await sam.post("/connect", {"link": token, "word": "open"}),
            await sam.post("/connect", {"link": "wrong", "word": "open"}),
            await sam.get("/connect/setup"),
            await sam.get(f"/oauth/upstream-callback/{(await walk.one(Registration)).id}?state=x"),
            await walk.linked(sam, token),
        ]
    for page in pages:
        assert page.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] in ("same-origin", "no-referrer")
        assert page.headers["cache-control"] == "no-store"


@attack
async def link_opened_by_another_user(walk: Walk) -> None:
    """A link that was passed on, or read in somebody's mail."""
    token = await link_of_sam(walk)
    async with walk.browser() as nobody, walk.signed_in("grace") as grace, walk.signed_in("ada") as admin:
        for thief in (nobody, grace, admin):
            for word in ("open", "go"):
                page = await thief.post("/connect", {"link": token, "word": word})
                assert page.status in (401, 403)
                assert "AGENT_ROLE" not in page.html
    assert [one.state.value for one in await walk.attempts()] == ["made"]


@attack
async def link_token_in_an_address(walk: Walk) -> None:
    """A token in a query, where proxies, histories and referrers would read it: it opens nothing and goes nowhere."""
    token = await link_of_sam(walk)
    async with walk.signed_in() as sam:
        page = await sam.get(f"/connect?link={token}", allow_redirects=False)
        assert token not in page.html
        assert "location" not in page.headers
        assert (await sam.get(f"/connect/{token}")).status == 404
        gone = await walk.to_the_sign_in(sam, token)
        assert token not in gone
    assert exchanges(walk) == 0


@attack
async def link_fixation(walk: Walk) -> None:
    """The attacker's own link, finished by a victim who is signed in with us as somebody else."""
    await walk.by_snowflake()
    attackers = await walk.invite(await walk.of(await walk.agent("evil", owner="grace")))
    async with walk.signed_in("sam") as victim:
        page = await victim.post("/connect", {"link": attackers, "word": "go"})
        assert page.status == 403
    await nothing_linked(walk)


@attack
async def link_fixation_of_an_end_user(walk: Walk) -> None:
    """A victim finishes an attacker's link of one application: the page said whose it is, and nothing is in force."""
    await walk.by_snowflake()
    key = await application(walk)
    attacker, victim = await walk.of(key, "attacker"), await walk.of(key, "victim")
    token = await walk.invite(attacker)
    async with walk.browser() as browser:
        page = await browser.post("/connect", {"link": token, "word": "open"})
        assert all(word in page.text for word in ("shop", "attacker", "sam"))
        code = carried(await walk.land(browser, await walk.agree(await walk.press(browser, page))))
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.landing.verify(victim, code["account"], code["code"])
    assert refused.value.code == "not_found"
    await nothing_linked(walk)


@attack
async def end_user_code_of_another_account(walk: Walk) -> None:
    """A code that was carried for one end user, presented for another of the same application."""
    await walk.by_snowflake()
    key = await application(walk)
    one, two = await walk.of(key, "one"), await walk.of(key, "two")
    async with walk.browser() as browser:
        first = carried(await walk.linked(browser, await walk.invite(one)))
        second = carried(await walk.linked(browser, await walk.invite(two), "ERIK"))
    with pytest.raises(SkipassError):
        await walk.gateway.landing.verify(one, first["account"], second["code"])
    with pytest.raises(SkipassError):
        await walk.gateway.landing.verify(one, second["account"], second["code"])
    await nothing_linked(walk)


@attack
async def end_user_code_verified_by_another_agent(walk: Walk) -> None:
    """A stolen code in the hands of another application, of an agent of the owner, and of an admin."""
    await walk.by_snowflake()
    customer = await walk.of(await application(walk), "customer")
    thieves = [await walk.of(await application(walk, "other"), "customer"), await walk.of(await walk.agent("sams"))]
    async with walk.browser() as browser:
        code = carried(await walk.linked(browser, await walk.invite(customer)))
    for thief in (*thieves, await walk.admin()):
        with pytest.raises(SkipassError) as refused:
            await walk.gateway.landing.verify(thief, code["account"], code["code"])
        assert refused.value.code in ("not_found", "forbidden")
    await nothing_linked(walk)


@attack
async def end_user_code_replayed(walk: Walk) -> None:
    """A code that has verified once, after its account was given up."""
    await walk.by_snowflake()
    customer = await walk.of(await application(walk), "customer")
    async with walk.browser() as browser:
        code = carried(await walk.linked(browser, await walk.invite(customer)))
    await walk.gateway.landing.verify(customer, code["account"], code["code"])
    await walk.gateway.disconnecting.disconnect(customer, code["account"])
    with pytest.raises(SkipassError):
        await walk.gateway.landing.verify(customer, code["account"], code["code"])
    assert await walk.usable() == []


@attack
async def return_url_beside_the_registered_one(walk: Walk) -> None:
    """Addresses that look like the registered one to somebody: compared as they are written, and refused."""
    await walk.by_snowflake()
    customer = await walk.of(await application(walk), "customer")
    host, path = "app.example.com", "/linked"
    for url in (
        f"https://evil.example.com{path}",
        f"https://{host}@evil.example.com{path}",
        f"https://evil@{host}{path}",
        f"https://{host}.evil.example.com{path}",
        f"https://{host}.{path}",
        f"https://{host.upper()}{path}",
        f"https://{host}:443{path}",
        f"https://{host}{path}/",
        f"https://{host}{path}/../evil",
        f"https://{host}{path}?next=https://evil.example.com",
        f"https://{host}{path}#evil",
        f"https://{host}/%6cinked",
        f"http://{host}{path}",
        f"//{host}{path}",
        f"https:\\\\{host}{path}",
        f"{RETURN} ",
        "",
    ):
        with pytest.raises(SkipassError) as refused:
            await walk.invite(customer, return_url=url or " ")
        assert refused.value.code == "invalid_request"
    assert await walk.attempts() == []


@attack
async def return_url_that_is_no_address(walk: Walk) -> None:
    """An agent whose registered address would run a script, hide another host, or go out unencrypted."""
    for url in (
        "javascript:alert(1)",
        "data:text/html,x",
        "http://app.example.com/linked",
        "https://user:pass@app.example.com/linked",
        "https://app.example.com/linked#part",
        "https:///linked",
        "//app.example.com/linked",
        "https://app.example.com:0/linked",
        "https://app.example.com\\@evil.example.com/",
        "https://app.example.com/\r\nset-cookie: a=b",
        "https://app.exa\tmple.com/",
        " https://app.example.com/",
    ):
        with pytest.raises(SkipassError) as refused:
            await walk.agent("bad", end_users=True, return_urls=[url])
        assert refused.value.code == "invalid_request", url
    assert await walk.stage.every(Agent, name="bad") == []


@attack
async def tokens_in_each_others_place(walk: Walk) -> None:
    """A link's token as a set-up link, as a sign-in link, as a bearer and as a cookie, and a set-up link as a link."""
    await walk.by_snowflake()
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.browser() as thief:
        assert (await thief.post("/connect/setup", {"link": token, "word": "open"})).status == 401
        assert (await thief.post("/sign-in", {"link": token})).status in (400, 401)
        for kind in ("Bearer", "Basic"):
            page = await thief.get("/api/v1/whoami", headers={"authorization": f"{kind} {token}"})
            assert page.status == 401
        thief.http.cookie_jar.update_cookies({"skipass": token})
        assert (await thief.get("/console")).url.path == "/sign-in"
    assert [one.state.value for one in await walk.attempts()] == ["made"]


@attack
async def client_disabled_meanwhile(walk: Walk) -> None:
    """An answer that comes back after an admin has stopped the client it was asked with."""
    token = await link_of_sam(walk)
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        await walk.gateway.registrations.disable(await walk.admin(), (await walk.one(Registration)).id)
        assert (await walk.land(sam, back)).status >= 400
    assert exchanges(walk) == 0
    await nothing_linked(walk)


@attack
async def script_in_an_answer(walk: Walk) -> None:
    """Markup in everything that an answer may carry onto a page of ours."""
    token = await link_of_sam(walk)
    registration = await walk.one(Registration)
    async with walk.signed_in() as sam:
        state = part(await walk.to_the_sign_in(sam, token), "state")
        query = f"state={state}&error=%3Cscript%3E1%3C%2Fscript%3E&error_description=%3Cimg+src%3Dx+onerror%3D1%3E"
        page = await sam.get(f"/oauth/upstream-callback/{registration.id}?{query}")
        assert "<script>1" not in page.html
        assert "<img" not in page.html


@attack
async def agent_owned_by_an_end_user(walk: Walk) -> None:
    """An agent made to act for another application's end user, by owner or by name."""
    await walk.by_snowflake()
    customer = await walk.of(await application(walk), "customer")
    for given in ({"owner": customer.user_name}, {"users": [customer.user_name]}):
        with pytest.raises(SkipassError) as refused:
            await walk.agent("thief", **given)
        assert refused.value.code == "not_found"


@attack
async def connection_by_its_id(walk: Walk) -> None:
    """The id of a connection that an agent may not use, asked for as an account: its name is not said."""
    await walk.by_snowflake()
    agent = await walk.of(await walk.agent())
    (broker,) = await walk.stage.every(Connection, name="jit")
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.accounts.get(agent, broker.id)
    assert refused.value.code == "not_found"
    assert "jit" not in refused.value.message


@pytest.mark.parametrize("script", ATTACKS, ids=lambda script: script.__name__)
async def test_an_attack_on_linking_gets_nowhere(walk: Walk, script: Attack) -> None:
    """Each script plays one attack to its end and holds that nothing was linked, sent or said by it."""
    await script(walk)
