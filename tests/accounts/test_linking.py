"""Linking, over real pages: the right person, one answer for one link, and nothing in force before everything fits."""

from __future__ import annotations

import asyncio

import pytest

from accounts.walk import ROLE, Walk
from skipass.errors import SkipassError
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.account import ConnectedAccount, Registration
from skipass.nouns.connection import Credential

pytestmark = pytest.mark.anyio


async def test_a_person_connects_their_account_and_an_agent_queries_with_it(walk: Walk) -> None:
    """The page names agent, owner, account and role before, the login as well after, and a query then runs as it."""
    await walk.by_snowflake()
    key = await walk.agent()
    async with walk.signed_in() as sam:
        token = await walk.invite(await walk.of(key))
        page = await sam.post("/connect", {"link": token, "word": "open"})
        assert all(word in page.text for word in ("bot", "sam", "SKIPASS-SANDBOX", ROLE))
        back = await walk.agree(await walk.press(sam, page))
        done = await walk.land(sam, back)
    assert done.status == 200, done.text
    assert all(word in done.text for word in ("Connected", "bot", "sam", "SKIPASS-SANDBOX", "DANA", ROLE))
    account = await walk.one(ConnectedAccount)
    assert (account.state.value, account.login, account.account) == ("ACTIVE", "DANA", "SKIPASS-SANDBOX")
    (credential,) = await walk.usable()
    assert (credential.role, credential.generation) == (ROLE, 1)
    assert {c["user"] for c in await walk.query(key)} == {"DANA"}


async def test_a_signed_in_person_connects_without_a_link(walk: Walk) -> None:
    """The address of a consent leads through our sign-in to the page and back as ACTIVE."""
    await walk.by_snowflake()
    async with walk.browser() as sam:
        entrance = await sam.get(f"/connect?connection=own&role={ROLE}")
        assert entrance.url.path == "/sign-in"
        form = {**entrance.form("/sign-in"), "link": await walk.link("sam")}
        page = await sam.post("/sign-in", form)
        assert page.url.path == "/connect", page.text
        done = await walk.land(sam, await walk.agree(await walk.press(sam, page)))
    assert "Connected" in done.text
    assert await walk.state() == "ACTIVE"


async def test_a_link_opens_for_its_own_user_alone(walk: Walk) -> None:
    """Nobody signed in, and somebody else, even an admin, see nothing of it and do not use it up."""
    await walk.by_snowflake()
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.browser() as nobody, walk.signed_in("ada") as ada:
        for browser, status in ((nobody, 401), (ada, 403)):
            page = await browser.post("/connect", {"link": token, "word": "open"})
            assert page.status == status
            assert ROLE not in page.text
            gone = await browser.post("/connect", {"link": token, "word": "go"})
            assert gone.status == status
    (attempt,) = await walk.attempts()
    assert attempt.state.value == "made"


async def test_a_newer_link_voids_the_older_one(walk: Walk) -> None:
    """An older link, a used link and nonsense are refused in the same words."""
    await walk.by_snowflake()
    agent = await walk.of(await walk.agent())
    older, newer = await walk.invite(agent), await walk.invite(agent)
    async with walk.signed_in() as sam:
        await walk.to_the_sign_in(sam, newer)
        answers = [await sam.post("/connect", {"link": link, "word": "open"}) for link in (older, newer, "nonsense")]
    assert {answer.status for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


async def test_a_link_is_over_after_ten_minutes(walk: Walk) -> None:
    """Neither the link nor the answer of its sign-in is taken later; nothing is kept of it."""
    await walk.by_snowflake()
    agent = await walk.of(await walk.agent())
    async with walk.signed_in() as sam:
        token = await walk.invite(agent)
        await walk.age()
        assert (await sam.post("/connect", {"link": token, "word": "open"})).status == 401
        address = await walk.to_the_sign_in(sam, await walk.invite(agent))
        back = await walk.agree(address)
        await walk.age()
        late = await walk.land(sam, back)
    assert "longer than ten minutes" in late.text
    await nothing(walk)


async def test_the_form_of_a_link_counts_only_from_its_own_page(walk: Walk) -> None:
    """Another origin, or a form without its token, begins nothing."""
    await walk.by_snowflake()
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        page = await sam.post("/connect", {"link": token, "word": "open"})
        form = {**page.form("/connect"), "word": "go"}
        strange = await sam.post("/connect", form, origin="https://evil.example.com")
        assert strange.status == 403
        forged = await sam.post("/connect", {**form, "form": "0" * 64})
        assert forged.status == 403
    (attempt,) = await walk.attempts()
    assert attempt.state.value == "made"


async def test_an_answer_is_taken_once(walk: Walk) -> None:
    """The same answer a second time is refused, and the account stays as the first one left it."""
    await walk.by_snowflake()
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        assert (await walk.land(sam, back)).status == 200
        again = await walk.land(sam, back)
    assert again.status == 401
    assert len(exchanges(walk)) == 1
    assert await walk.state() == "ACTIVE"


async def test_a_replayed_code_ends_nothing_of_ours_but_is_refused(walk: Walk) -> None:
    """A code of an earlier sign-in under a fresh state brings no tokens, and nothing is kept."""
    await walk.by_snowflake()
    agent = await walk.of(await walk.agent())
    async with walk.signed_in() as sam:
        first = await walk.agree(await walk.to_the_sign_in(sam, await walk.invite(agent)))
        code = part(first, "code")
        second = await walk.agree(await walk.to_the_sign_in(sam, await walk.invite(agent)))
        refused = await walk.land(sam, second.replace(part(second, "code"), code))
    assert refused.status == 502
    assert "refused" in refused.text
    await nothing(walk)


async def test_of_two_answers_at_once_one_is_taken(walk: Walk) -> None:
    """However many come back with one state together, one code is exchanged and one account linked."""
    await walk.by_snowflake()
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        pages = await asyncio.gather(*(walk.land(sam, back) for _ in range(5)))
    assert sorted(page.status for page in pages)[:1] == [200]
    assert [page.status for page in pages].count(200) == 1
    assert len(exchanges(walk)) == 1
    assert len(await walk.usable()) == 1


async def test_a_server_that_never_answers_is_given_up_on(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says so once the patience is over, and nothing is kept."""
    monkeypatch.setattr("skipass.gateway.clients.EXCHANGE_S", 0.3)
    await walk.by_snowflake()
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        walk.stage.sandbox.control.faults({"kind": "hang", "path": "/oauth/token-request"})
        page = await walk.land(sam, back)
    assert "did not answer in time" in page.text
    await nothing(walk)


@pytest.mark.parametrize("state", ["", "wrong", "0" * 64])
async def test_a_wrong_or_missing_state_is_nobodys(walk: Walk, state: str) -> None:
    """Such an answer exchanges nothing, and the right one still works."""
    await walk.by_snowflake()
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        wrong = await walk.land(sam, back.replace(part(back, "state"), state))
        assert wrong.status == 401
        assert exchanges(walk) == []
        assert (await walk.land(sam, back)).status == 200


async def test_an_answer_in_another_browser_is_refused(walk: Walk) -> None:
    """Who is handed somebody's answer, signed in or not, gets nothing by it; the browser that began still can."""
    await walk.by_snowflake()
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam, walk.signed_in("ada") as ada, walk.browser() as nobody:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        for thief in (ada, nobody):
            assert (await walk.land(thief, back)).status == 401
        assert exchanges(walk) == []
        assert (await walk.land(sam, back)).status == 200


async def test_a_mix_up_of_servers_is_seen_by_the_path(walk: Walk) -> None:
    """An answer by another registration's address ends the attempt before any code leaves."""
    await walk.by_snowflake()
    other = (await walk.by_snowflake("other")).registration
    assert other is not None
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        (mine,) = [one for one in await walk.stage.every(Registration) if one.id != other.id]
        mixed = await walk.land(sam, back.replace(mine.id, other.id))
        assert "another authorization server" in mixed.text
        assert (await walk.land(sam, back)).status == 401
    assert exchanges(walk) == []
    await nothing(walk)


async def test_who_denies_consent_is_told_what_happened(walk: Walk) -> None:
    """The page says that it was refused, the attempt has failed, and nothing was stored."""
    await walk.by_snowflake()
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token), decision="cancel")
        page = await walk.land(sam, back)
    assert page.status == 502
    assert "refused" in page.text
    (attempt,) = await walk.attempts()
    assert (attempt.state.value, attempt.sealed) == ("failed", None)
    await nothing(walk)


async def test_signing_out_with_us_ends_a_link_under_way(walk: Walk) -> None:
    """The answer of a sign-in whose own browser has signed out meanwhile is refused."""
    await walk.by_snowflake()
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, token))
        console = await sam.get("/console")
        await sam.post("/console/sign-out", console.form("/console/sign-out"))
        assert "has ended" in (await walk.land(sam, back)).text
    await nothing(walk)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "without", "member": "refresh_token"}, "no refresh token"),
        ({"kind": "without", "member": "access_token"}, "holds no token"),
        ({"kind": "wrong_json"}, "No tokens came"),
        ({"kind": "not_object"}, "No tokens came"),
        ({"kind": "error_html", "status": 503}, "status 503"),
        ({"kind": "error_html", "status": 200}, "No tokens came"),
        ({"kind": "cut_after"}, "No tokens came"),
        ({"kind": "invalid_client"}, "client was refused"),
        ({"kind": "invalid_grant"}, "code was refused"),
    ],
)
async def test_a_token_endpoint_that_answers_badly_leaves_nothing(
    walk: Walk, fault: dict[str, object], said: str
) -> None:
    """The page says what came, the attempt has failed, nothing is half-stored, and the next link works."""
    await walk.by_snowflake()
    agent = await walk.of(await walk.agent())
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, await walk.invite(agent)))
        walk.stage.sandbox.control.faults({"path": "/oauth/token-request", **fault})
        page = await walk.land(sam, back)
        assert page.status == 502
        assert said in page.text
        await nothing(walk)
        assert (await walk.linked(sam, await walk.invite(agent))).status == 200


async def test_a_role_that_the_integration_lost_meanwhile_is_said(walk: Walk) -> None:
    """What Snowflake refuses of the fresh token is on the page, and the token is not kept."""
    await walk.by_snowflake()
    token = await walk.invite(await walk.of(await walk.agent()))
    one = walk.stage.sandbox.account.sign_in.integrations["SKIPASS_OAUTH"]
    before = dict(one.options)
    try:
        async with walk.signed_in() as sam:
            back = await walk.agree(await walk.to_the_sign_in(sam, token))
            one.options["ALLOWED_ROLES_LIST"] = ("PUBLIC",)
            page = await walk.land(sam, back)
    finally:
        one.options = before
    assert "did not take the new credential" in page.text
    await nothing(walk)


async def test_an_account_that_is_another_than_registered_is_refused(walk: Walk) -> None:
    """The host counts for an account only once that account says so itself."""
    added = await walk.by_snowflake()
    registration = added.registration
    assert registration is not None

    async def misname(unit: UnitOfWork) -> None:
        await unit.change(registration, account="OTHER-ACCOUNT")

    await walk.gateway.deps.journal.write(misname)
    token = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        page = await walk.linked(sam, token)
    assert "to SKIPASS-SANDBOX, not to OTHER-ACCOUNT" in page.text
    await nothing(walk)


async def test_linking_again_replaces_the_credential_and_stays_active(walk: Walk) -> None:
    """The account is ACTIVE throughout; the credential before is destroyed, the next generation is in force."""
    await walk.by_snowflake()
    agent = await walk.of(await walk.agent())
    async with walk.signed_in() as sam:
        await walk.linked(sam, await walk.invite(agent))
        back = await walk.agree(await walk.to_the_sign_in(sam, await walk.invite(agent)))
        assert await walk.state() == "ACTIVE"
        await walk.land(sam, back)
    first, second = sorted((one for one in await walk.every_credential()), key=lambda one: one.generation)
    assert (first.state.value, first.reason, first.sealed) == ("expired", "replaced", b"")
    assert (second.state.value, second.generation) == ("active", 2)
    assert await walk.state() == "ACTIVE"


async def test_another_login_waits_for_an_admin(walk: Walk) -> None:
    """Signing in as somebody else leaves the first login in force until an admin accepts the other one."""
    await walk.by_snowflake()
    agent = await walk.of(await walk.agent())
    async with walk.signed_in() as sam:
        await walk.linked(sam, await walk.invite(agent))
        page = await walk.linked(sam, await walk.invite(agent), "ERIK")
    assert "Another login" in page.text
    account = await walk.one(ConnectedAccount)
    assert account.login == "DANA"
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.landing.accept_login(await walk.stage.principal("agent"), account.id)
    assert refused.value.code == "forbidden"
    full = await walk.gateway.landing.accept_login(await walk.admin(), account.id)
    assert (full.account.login, full.account.state.value) == ("ERIK", "ACTIVE")
    (usable,) = await walk.usable()
    assert usable.generation == 2


async def test_a_private_address_is_never_registered(walk: Walk) -> None:
    """Neither as an account's host nor as a provider's endpoint is an address of this network taken."""
    for host in ("https://169.254.169.254", "https://10.0.0.1", "http://192.168.1.1"):
        with pytest.raises(SkipassError) as refused:
            await walk.by_snowflake("private", host=host)
        assert refused.value.code in ("invalid_request", "snowflake_misconfigured")


async def nothing(walk: Walk) -> None:
    """Hold that no account was linked and nothing was sealed, neither in force nor waiting."""
    account = await walk.one(ConnectedAccount)
    assert (account.state.value, account.login, account.host) == ("PENDING_AUTH", None, None)
    assert [one for one in await walk.stage.every(Credential) if one.account_id] == []
    assert all(one.sealed is None for one in await walk.attempts())


def exchanges(walk: Walk) -> list[object]:
    """Return the token requests that reached the account."""
    return [call for call in walk.stage.sandbox.control.calls() if call["path"] == "/oauth/token-request"]


def part(address: str, name: str) -> str:
    """Return one value of an address's query, as it stands there."""
    return dict(pair.partition("=")[::2] for pair in address.partition("?")[2].split("&"))[name]
