"""Unbinding: a person whom the provider knows under another subject now; what the earlier one opened ends at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from people.test_tokens import BACK, CLI, DEVICE, DEVICE_GRANT, TOKEN
from people.walk import DANA, Town
from skipass.errors import SkipassError
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.tokens_issued import give_login
from skipass.nouns.oauth import Consent, TokenFamily
from skipass.nouns.people import User
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState
from skipass.snowflake.auth.oauth import Proof

pytestmark = pytest.mark.anyio
ELSEWHERE = "https://elsewhere.example.com|1"


async def unbind(town: Town, name: str, by: str = "admin") -> User:
    found: User = await town.gateway.unbinding.unbind(await town.stage.principal(by), name)
    return found


async def bind(town: Town, name: str, subject: str = ELSEWHERE) -> User:
    """Bind a person to another subject, as if it had been so from the start."""
    person = await town.person(name)

    async def change(unit: UnitOfWork) -> User:
        known = await unit.get(User, person.id)
        assert known is not None
        return await unit.change(known, subject=subject)

    bound: User = await town.gateway.deps.journal.write(change)
    return bound


async def test_the_next_sign_in_binds_the_new_subject(town: Town) -> None:
    """Until then the new subject is kept out; afterwards it is the same person, and the record has both."""
    async with town.browser() as dana:
        await town.enter(dana)
        was = await bind(town, DANA)
        assert (await town.enter(dana)).status == 403
        bare = await unbind(town, DANA)
        assert (bare.subject, bare.claims, bare.signed_in_at) == (None, {}, None)
        assert (await town.enter(dana)).status == 200
    person = await town.person(DANA)
    assert (person.id, person.roles) == (was.id, was.roles)
    assert person.subject not in (None, ELSEWHERE)
    (told,) = await town.stage.recorded("user.unbound")
    assert orjson.loads(told.body)["subject"] == ELSEWHERE
    assert len(await town.stage.recorded("user.bound")) == 2


async def test_what_the_earlier_subject_opened_ends(town: Town) -> None:
    """Browser, token, a code and a device that were not traded yet, consents and the tokens of MCP clients."""
    async with town.browser() as dana:
        await town.enter(dana)
        journal, person = town.gateway.deps.journal, await town.person(DANA)
        principal = await town.gateway.sign_ins.principal(await town.cookie(dana))
        proof = Proof()
        code = await town.gateway.tokens.code(principal, BACK, proof.challenge)
        waiting = (await town.posted(DEVICE, client_id=CLI))[1]
        await town.gateway.devices.decide(principal, waiting["user_code"], allow=True)
        token = (await journal.write(lambda unit: give_login(unit, person, "test"))).text.reveal()
        now = journal.now()
        common: dict[str, Any] = {"client_id": "cli_1", "user_id": person.id, "agent_id": "agt_1", "scopes": ()}
        common |= {"tenant_id": person.tenant_id, "resource": "https://x.example/s/mcp", "created_at": now}
        consent = Consent(id="cns_1", redirect_to="http://127.0.0.1", **common)
        family = TokenFamily(id="fam_1", consent_id="cns_1", **common)

        async def agree(unit: UnitOfWork) -> None:
            await unit.insert(consent)
            await unit.insert(family)

        await journal.write(agree)
        assert (await town.whoami(token))[0] == 200
        await unbind(town, DANA)
        assert (await dana.get("/console")).url.path == "/sign-in"
    assert (await town.whoami(token))[0] == 401
    form = {"client_id": CLI, "redirect_uri": BACK, "code_verifier": proof.verifier.reveal()}
    status, answer = await town.posted(TOKEN, grant_type="authorization_code", code=code.reveal(), **form)
    assert (status, answer["error"]) == (400, "invalid_grant")
    status, answer = await town.posted(
        TOKEN, grant_type=DEVICE_GRANT, client_id=CLI, device_code=waiting["device_code"]
    )
    assert (status, answer["error"]) == (400, "access_denied")
    assert [one.revoked_at is not None for kind in (Consent, TokenFamily) for one in await town.stage.every(kind)] == [
        True,
        True,
    ]


async def test_sessions_for_the_person_end(town: Town) -> None:
    """An agent's session that acts for them closes, and what waits in it is withdrawn."""
    await bind(town, "sam")
    await town.held()
    await unbind(town, "sam")
    (session,) = await town.stage.every(AccessSession)
    assert session.state in (SessionState.CLOSING, SessionState.CLOSED)
    assert StatementState.WITHDRAWN in {one.state for one in await town.stage.every(Statement)}


async def test_who_unbound_somebody_is_not_judged_by_them(town: Town) -> None:
    """A founder too: an admin who has them bound anew gets no decision from them on what that admin asks for."""
    await bind(town, "grace")
    sam, admin = await town.person("sam"), await town.stage.principal("admin")
    mine = replace(admin, user_id=sam.id, user_name="sam")
    assert not (await town.gateway.unbinding.unbind(mine, "grace")).founder
    held = (await town.held()).fields["approval"]["id"]
    with pytest.raises(SkipassError) as refused:
        await town.gateway.approvals.decide(await town.stage.principal("approver"), held, approve=True, reason="")
    assert refused.value.code == "not_eligible"


async def test_nobody_is_unbound_twice(town: Town) -> None:
    """There is nothing to take back from somebody who is bound to nobody."""
    with pytest.raises(SkipassError) as refused:
        await unbind(town, "sam")
    assert refused.value.code == "conflict"
    with pytest.raises(SkipassError) as unknown:
        await unbind(town, "nobody")
    assert unknown.value.code == "not_found"
