"""The record in the console: found, opened, stepped through, proven and taken away, by those who may read it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from html import unescape
from pathlib import Path

import anyio
import pytest
from typer.testing import CliRunner

from gateways import Stage, served, stage
from skipass.audit.chain import Head
from skipass.audit.checkpoint import sign
from skipass.audit.events import Event
from skipass.cli.main import app as cli
from skipass.gateway import proving
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.people import Agent
from skipass.nouns.principal import Role
from skipass.nouns.session import AccessSession
from skipass.sandbox.testing import RunningSandbox
from skipass.vault.keys import signing_key
from surfaces.console.browser import Browser, House, Page

pytestmark = pytest.mark.anyio
AUDIT, VERIFY = "/console/audit", "/console/verify"
ORDERS = "SELECT order_id FROM ops.orders"


@pytest.fixture(scope="module")
async def told(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[House, str]]:
    """A gateway with one session of two statements, signed; only read by the tests that share it."""
    async with stage(sandbox, tmp_path_factory.mktemp("told") / "home") as at, served(at) as url:
        session_id = await at.session()
        await at.query(ORDERS)
        await at.query("SELECT name FROM ops.customers -- \u202e")
        await signed(at)
        yield House(url, at), session_id


async def signed(at: Stage) -> list[tuple[str, str, int]]:
    """Sign the heads as they are now, as the gateway does every few seconds; return whose, of which chain and where."""
    journal, heads = at.gateway.deps.journal, dict[str, dict[str, Head]]()
    for tenant_id, writer, head in await journal.read(lambda reader: reader.heads()):
        heads.setdefault(tenant_id, {})[writer] = head
    key = signing_key(at.home.audit_key)
    with at.home.checkpoints.open("ab") as file:
        file.write(b"".join(sign(tenant_id, journal.now(), own, key) for tenant_id, own in heads.items()))
    return [(tenant_id, writer, head.seq) for tenant_id, own in heads.items() for writer, head in own.items()]


async def look(browser: Browser, query: str) -> Page:
    return await browser.get(f"{AUDIT}?{query}")


def links(page: Page, to: str) -> list[str]:
    """Return the addresses that a page leads to and that begin so."""
    return [unescape(part) for part in page.html.split('"') if part.startswith(to)]


async def test_events_are_found(told: tuple[House, str]) -> None:
    """By session, id, kind, agent, person, connection, object and query handle; what fits nothing is said to be so."""
    house, session_id = told
    statement = (await house.stage.recorded("statement.succeeded"))[0]
    handle = (await house.stage.recorded("statement.submitted"))[0].content()["handle"]
    (agent,) = await house.stage.every(Agent)
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await look(ada, f"about={session_id}")
        for kind in ("session.open", "statement.admitted", "statement.succeeded"):
            assert f"<strong>{kind}</strong>" in page.html
        assert f'href="/console/sessions/{session_id}"' in page.html
        narrow = await look(ada, f"about={session_id}&kind=statement.")
        assert "<strong>session.open</strong>" not in narrow.html
        for query in (
            f"about={statement.subject}",
            f"about={handle}",
            f"agent={agent.name}&kind=statement",
            "person=sam&kind=statement",
            "connection=jit&kind=statement.admitted",
            "text=ops_db.ops.orders",
        ):
            found = await look(ada, query)
            assert statement.subject in found.text, query
        for query in (f"about={session_id}&kind=policy", "agent=nobody", "text=no%25such", "kind=no.such"):
            assert "No event fits." in (await look(ada, query)).text
        cut = await look(ada, "text=ops.customers&kind=statement.admitted")
        assert statement.subject not in cut.text


async def test_an_event_stands_in_its_chain(told: tuple[House, str]) -> None:
    """An event's page says that its hashes hold, leads to its neighbours and names the checkpoint behind it."""
    house, session_id = told
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get(links(await look(ada, f"about={session_id}"), "/console/events")[0])
        for said in ("both hashes hold", "The one before", "The next one", "The checkpoint of"):
            assert said in page.text
        (before, after) = links(page, "/console/events")
        assert (await ada.get(before)).status == 200
        assert (await ada.get(after)).status == 200
        for nothing in ("x-1", "nowhere", ""):
            assert (await ada.get(f"/console/events?of={nothing}")).status == 404


async def test_a_session_is_stepped_through(told: tuple[House, str]) -> None:
    """On and on from its request to what came last, and back to where it began, each event once, hidden marks shown."""
    house, session_id = told
    expected = [
        record.kind
        for record in await house.stage.gateway.events.of_session(
            (await house.stage.every(AccessSession, id=session_id))[0]
        )
    ]
    async with house.browser() as sam:
        await sam.sign_in(await house.link("sam"))
        page, pages = await sam.get(f"/console/replays/{session_id}"), []
        while True:
            pages.append(page)
            onward = [one.split("href=")[1] for one in page.html.split("<a ") if 'rel="next"' in one]
            if not onward:
                break
            page = await sam.get(unescape(onward[0].split('"')[1]))
        assert [one.html.split("<h2>")[1].split("</h2>")[0] for one in pages] == expected
        assert "⟨U+202E⟩" in "".join(one.text for one in pages)
        for earlier in pages[-2::-1]:
            back = [one.split("href=")[1] for one in page.html.split("<a ") if 'rel="prev"' in one]
            page = await sam.get(unescape(back[0].split('"')[1]))
            assert page.html.split("<h2>")[1] == earlier.html.split("<h2>")[1]
        assert "This is how it began." in page.text
        assert (await sam.get(f"/console/replays/{session_id}?after=x")).status == 400


def verified(*arguments: str | Path) -> tuple[int, str]:
    """Return what the command says of a file."""
    result = CliRunner().invoke(cli, ["audit", "verify", *map(str, arguments)])
    return result.exit_code, result.output


async def test_what_is_taken_away_verifies_elsewhere(told: tuple[House, str], tmp_path: Path) -> None:
    """The whole record verifies as it is; a span and a session do as parts, and the checkpoints prove them."""
    house, session_id = told
    names = {"record": "exports", "session": f"exports/{session_id}", "span": "exports?from=2001-01-01T00:00"}
    names |= {"checkpoints": "checkpoints/file", "key": "checkpoints/key"}
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        for name, place in names.items():
            page = await ada.get(f"/console/{place}")
            assert page.headers["content-disposition"].startswith("attachment")
            (tmp_path / name).write_text(page.html)
        assert (await ada.get("/console/exports?until=2001-01-01T00:00")).html == ""
    proof = ("--checkpoints", tmp_path / "checkpoints", "--public-key", tmp_path / "key")
    for name in ("record", "span"):
        assert verified(tmp_path / name, *proof)[0] == 0
    lines = (tmp_path / "record").read_text().splitlines(keepends=True)
    (tmp_path / "part").write_text("".join(lines[3:]))
    assert verified(tmp_path / "part")[0] == 1
    code, said = verified(tmp_path / "part", "--part", *proof)
    assert (code, f"{len(lines) - 3} records in " in said) == (0, True), said
    code, said = verified(tmp_path / "session", "--part", *proof)
    count = len((tmp_path / "session").read_text().splitlines())
    assert (code, f"{count} records in " in said, "; 0 of them" in said) == (0, True, False), said
    (tmp_path / "session").write_text((tmp_path / "session").read_text().replace("ORDERS", "OTHERS"))
    assert verified(tmp_path / "session", "--part")[0] == 1


async def test_the_record_is_proven_while_one_looks_on(told: tuple[House, str]) -> None:
    """All of it, or what came since a checkpoint: the page tells how far it is, and what was proven by which."""
    house, _ = told
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get(VERIFY)
        all_of_it, form = [fields for to, fields in page._read().forms if to == VERIFY]
        whole = await ada.post(VERIFY, all_of_it)
        assert "The record holds" in whole.text, whole.text
        assert "checkpoints" in whole.text.split("The record holds")[0]
        since = await ada.post(VERIFY, form)
        assert (form["since"] != "", "since that of" in since.text) == (True, True)
        assert "There is no such checkpoint." in (await ada.post(VERIFY, {**form, "since": "1"})).text
        assert (await ada.post(VERIFY, {**form, "since": "x"})).status == 400
        assert "From here" in (await ada.get("/console/checkpoints")).text


async def test_a_tampered_record_is_found(house: House) -> None:
    """An event that was changed in the database is named, on its own page and by the proof; then one may go on."""
    at = house.stage
    await at.session()
    await signed(at)
    with closing(sqlite3.connect(at.home.database)) as database, database:
        (before,) = database.execute("SELECT body FROM events WHERE kind = 'session.requested'").fetchone()
        database.execute("UPDATE events SET body = '{}' WHERE kind = 'session.requested'")
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get(links(await look(ada, "kind=session.requested"), "/console/events")[0])
        assert "The chain is broken here: the hash does not match the content." in page.text
        form = (await ada.get(VERIFY)).form(VERIFY)
        found = await ada.post(VERIFY, {**form, "since": ""})
        assert ("The record is broken" in found.text, "does not match" in found.text) == (True, True)
        with closing(sqlite3.connect(at.home.database)) as database, database:
            database.execute("UPDATE events SET body = ? WHERE kind = 'session.requested'", [before])
        assert "The record holds" in (await ada.post(VERIFY, {**form, "since": ""})).text


async def test_an_end_that_was_cut_off_is_found(house: House) -> None:
    """Where the last event that was signed is gone, the checkpoint that names it tells."""
    at = house.stage
    await at.session()
    heads, tenant_id = await signed(at), (await at.principal("admin")).tenant_id
    with closing(sqlite3.connect(at.home.database)) as database, database:
        (gone,) = [place for place in heads if place[0] == tenant_id and place[1] == at.gateway.deps.journal.boot_id]
        which = "FROM events WHERE tenant_id = ? AND writer = ? AND seq = ?"
        row = database.execute(f"SELECT * {which}", gone).fetchone()
        database.execute(f"DELETE {which}", gone)
    admin = await at.principal("admin")
    *_, found = [told async for told in at.gateway.proving.verify(admin)]
    assert isinstance(found, proving.Proven)
    assert ["missing" in fault.what for fault in found.faults] == [True]
    with closing(sqlite3.connect(at.home.database)) as database, database:
        database.execute(f"INSERT INTO events VALUES ({', '.join('?' * len(row))})", row)


async def test_one_proof_runs_at_a_time_and_ends_with_its_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one is refused while the first runs; when the first one's page is left, another may begin."""
    await house.stage.session()
    reached, ended = anyio.Event(), anyio.Event()

    async def held(self: proving.Proving, walk: object) -> None:
        reached.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    monkeypatch.setattr(proving.Proving, "_go_on", held)
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        form = {**(await ada.get(VERIFY)).form(VERIFY), "since": ""}
        sent = {"origin": ada.url}
        async with ada.http.post(f"{ada.url}{VERIFY}", data=form, headers=sent) as answer:
            await reached.wait()
            second = await ada.post(VERIFY, form)
            assert (second.status, "being verified already" in second.text) == (409, True)
            answer.close()
        with anyio.fail_after(60):
            await ended.wait()
        monkeypatch.undo()
        with anyio.fail_after(60):
            while "The record holds" not in (await ada.post(VERIFY, form)).text:
                await anyio.sleep(0.05)


async def test_a_page_holds_a_hundred_and_says_where_to_go_on(house: House) -> None:
    """Every event is on one page, and on one only."""
    (tenant,) = {user.tenant_id for user in await house.stage.gateway.people.list(await house.stage.principal("admin"))}

    async def fill(unit: UnitOfWork) -> None:
        for n in range(150):
            unit.emit(Event(tenant, ("key.revoked", "key.flagged")[n % 2], f"key_{n:03}", {"owner": "nobody"}))

    await house.stage.gateway.deps.journal.write(fill)
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        for query in ("text=nobody", "kind=key."):
            first = await look(ada, query)
            rest = await ada.get(links(first, f"{AUDIT}?")[-1])
            found = [first.html.count(f" key_{n:03}") + rest.html.count(f" key_{n:03}") for n in range(150)]
            assert found == [1] * 150
            assert "Later ones" not in rest.text


async def test_a_moment_bounds_what_is_shown(told: tuple[House, str]) -> None:
    """Nothing from before the first moment or from the last on is shown; one that cannot be read is said to be one."""
    house, _ = told
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        assert "No event fits." in (await look(ada, "from=2999-01-01T00:00")).text
        assert "No event fits." in (await look(ada, "from=2001-01-01T00:00&until=2001-01-02T00:00")).text
        assert "session.open" in (await look(ada, "from=2001-01-01T00:00&kind=session.open")).text
        for odd in ("from=yesterday", "from=0001-01-01T00:00", "after=x", "until=soon"):
            assert (await look(ada, odd)).status == 400


@pytest.mark.parametrize("role", [Role.MEMBER, Role.APPROVER])
async def test_only_admins_and_auditors_read_the_record(told: tuple[House, str], role: Role) -> None:
    """Neither by the menu nor by the address does anybody else."""
    house, session_id = told
    name = f"mallory-{role.value}"
    await house.stage.gateway.people.create(await house.stage.principal("admin"), name, [role])
    (event,) = (await house.stage.recorded("session.open"))[:1]
    async with house.browser() as mallory:
        home = await mallory.sign_in(await house.link(name))
        assert AUDIT not in home.html
        one = f"events?of={event.writer}-{event.seq}"
        for page in ("audit", "verify", "checkpoints", "checkpoints/file", "checkpoints/key", "exports", one):
            assert (await mallory.get(f"/console/{page}")).status == 403
        seen = 200 if role is Role.APPROVER else 404
        for page in ("replays", "exports"):
            assert (await mallory.get(f"/console/{page}/{session_id}")).status == seen
