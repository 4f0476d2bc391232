"""Agents that sign in with a key pair: whom a token lets in, and every token that does not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gateways import Stage
from skipass.audit.events import DEPLOYMENT
from skipass.errors import SkipassError
from skipass.nouns.people import ApiKey, KeyUse
from skipass.secret import Secret
from skipass.snowflake.auth.keypair import claims, sign
from skipass.snowflake.auth.keys import generate_key_pair, load_private_key
from surfaces.sqlapi.conftest import Wire
from surfaces.sqlapi.pairs import AGENT, Paired, add_connection, paired

pytestmark = pytest.mark.anyio
READ = "SELECT order_id FROM OPS_DB.OPS.ORDERS WHERE order_id = 1003"


def signed(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "X-Snowflake-Authorization-Token-Type": "KEYPAIR_JWT"}


async def test_a_token_picks_agent_and_connection(wire: Wire, tmp_path: Path) -> None:
    """A signed token runs a statement on the connection it names, as the agent it names; nothing of it is kept."""
    who = await paired(wire.at, tmp_path, "snowflake", "jit")
    token = who.token("snowflake")
    answer, told = await wire.submit(READ, headers=signed(token))
    assert (answer.status, told.get("data")) == (200, [["1003"]]), told
    assert token.encode() not in b"".join(path.read_bytes() for path in wire.at.home.path.rglob("*") if path.is_file())
    assert token not in str(wire.at.sandbox.control.calls())


async def test_a_token_without_its_type_is_known_by_its_form(wire: Wire, tmp_path: Path) -> None:
    """A token that comes without the header of its type is read as what it is."""
    who = await paired(wire.at, tmp_path, "snowflake")
    answer, _ = await wire.submit(READ, headers={"Authorization": f"Bearer {who.token('snowflake')}"})
    assert answer.status == 200


async def refusals(at: Stage) -> int:
    """Return how many sign-ins are on record as refused, once everything queued before is written."""

    async def nothing(unit: Any) -> None:
        await unit.setting("revocation_epoch")

    async def load(reader: Any) -> list[Any]:
        return [
            event for chain in chains for event in await reader.events(chain, session_id=None, after=None, limit=1000)
        ]

    await at.gateway.deps.journal.write(nothing)
    chains = ((await at.principal("admin")).tenant_id, DEPLOYMENT)
    return sum(event.kind == "auth.refused" for event in await at.gateway.deps.journal.read(load))


def _other(who: Paired) -> str:
    key = load_private_key(generate_key_pair().private_pem.reveal())
    return sign(claims("snowflake", AGENT, who.pair.fingerprint, int(time.time())), key)


BAD = {
    "signed by another key": _other,
    "of another connection": lambda who: who.token("jit"),
    "of no connection": lambda who: who.token("nowhere"),
    "of another agent": lambda who: who.token("snowflake", "reporting-agent"),
    "that has ended": lambda who: who.token("snowflake", exp=int(time.time()) - 1),
    "that is two hours old and says it lasts for ever": lambda who: who.token(
        "snowflake", iat=int(time.time()) - 7200, exp=int(time.time()) + 9999
    ),
    "from the future": lambda who: who.token("snowflake", iat=int(time.time()) + 600),
    "without an end": lambda who: who.token("snowflake", exp=None),
    "whose subject is another": lambda who: who.token("snowflake", sub="SNOWFLAKE.ADMIN"),
    "without an issuer": lambda who: who.token("snowflake", iss=None),
    "without its signature": lambda who: who.token("snowflake").rpartition(".")[0] + ".AAAA",
    "of no algorithm": lambda who: "eyJhbGciOiJub25lIn0." + who.token("snowflake").split(".")[1] + ".AAAA",
}


@pytest.mark.parametrize("case", BAD)
async def test_any_other_token_is_refused(wire: Wire, tmp_path: Path, case: str) -> None:
    """A token that is not this agent's, for this connection, now, is 401; the refusal is on record."""
    who = await paired(wire.at, tmp_path, "snowflake")
    before = await refusals(wire.at)
    answer, told = await wire.submit(READ, headers=signed(BAD[case](who)))
    assert (answer.status, told["code"], answer.headers["Skipass-Error"]) == (401, "390144", "unauthenticated"), told
    assert wire.at.sent("") == []
    assert await refusals(wire.at) == before + 1


async def test_path_and_token_must_name_the_same_connection(wire: Wire, tmp_path: Path) -> None:
    """A path that names another connection than the token is refused."""
    who = await paired(wire.at, tmp_path, "snowflake", "jit")
    answer, _ = await wire.submit(READ, path="/c/jit/api/v2/statements", headers=signed(who.token("snowflake")))
    assert answer.status == 401
    answer, _ = await wire.submit(READ, path="/c/snowflake/api/v2/statements", headers=signed(who.token("snowflake")))
    assert answer.status == 200


async def test_a_disabled_agents_token_is_refused(wire: Wire, tmp_path: Path) -> None:
    """Once the agent is disabled its tokens let nobody in."""
    who = await paired(wire.at, tmp_path, "snowflake")
    await wire.at.gateway.agents.disable(await wire.at.principal("admin"), AGENT)
    answer, _ = await wire.submit(READ, headers=signed(who.token("snowflake")))
    assert answer.status == 401


async def test_rotation_gives_the_earlier_pair_a_day(at: Stage, tmp_path: Path) -> None:
    """A rotation registers the new pair, and the earlier one has an end a day away."""
    await paired(at, tmp_path, "snowflake")
    new = generate_key_pair()
    await at.gateway.agents.rotate(await at.principal("admin"), AGENT, new.public_key)
    ends = {key.prefix: key.expires_at for key in await at.every(ApiKey, use=KeyUse.PUBLIC_KEY)}
    assert ends.pop(new.fingerprint) is None
    (earlier,) = ends.values()
    assert earlier is not None


async def test_a_pair_is_registered_once(at: Stage, tmp_path: Path) -> None:
    """A public key that an agent has registered is nobody else's."""
    who = await paired(at, tmp_path, "snowflake")
    admin = await at.principal("admin")
    with pytest.raises(SkipassError, match="conflict"):
        await at.gateway.agents.create(
            admin, "other", owner=None, users=[], connections=["jit"], public_key=who.pair.public_key
        )


async def test_a_key_that_signs_in_to_snowflake_is_refused(wire: Wire, tmp_path: Path) -> None:
    """A connection's own key is not registered; where a connection takes an agent's key later, its tokens end."""
    who = await paired(wire.at, tmp_path, "snowflake")
    await add_connection(wire.at, "later", private_key=Secret(who.pair.private_pem.reveal().decode()))
    answer, _ = await wire.submit(READ, headers=signed(who.token("snowflake")))
    assert answer.status == 401
    pair = generate_key_pair()
    await add_connection(wire.at, "own", private_key=Secret(pair.private_pem.reveal().decode()))
    admin = await wire.at.principal("admin")
    with pytest.raises(SkipassError, match="conflict"):
        await wire.at.gateway.agents.create(
            admin, "x", owner=None, users=[], connections=["jit"], public_key=pair.public_key
        )


@pytest.mark.parametrize("name", ["skipass-sandbox", "Sandbox"])
async def test_a_connection_named_like_an_account_takes_no_tokens(at: Stage, tmp_path: Path, name: str) -> None:
    """Where a connection's name is also an account's, a token could be one for Snowflake: no pair is registered."""
    await add_connection(at, name)
    with pytest.raises(SkipassError, match="named like a Snowflake account"):
        await paired(at, tmp_path, name)


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
async def test_what_is_no_public_key_is_refused(at: Stage, text: str) -> None:
    """Anything but an RSA public key is refused when it is registered."""
    admin = await at.principal("admin")
    with pytest.raises(SkipassError, match="no RSA public key"):
        await at.gateway.agents.create(admin, "x", owner=None, users=[], connections=["jit"], public_key=text)
