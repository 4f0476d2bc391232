"""Secrets planted everywhere a caller or an admin can put one are found nowhere that is kept, printed or answered."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from gateways import Stage
from skipass.app import log
from skipass.errors import SkipassError
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.execute import Target
from skipass.identity.keys import prefix_of
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.principal import Role
from skipass.nouns.statement import Statement
from skipass.secret import Secret
from skipass.storage.export import records
from skipass.tools.call import CallContext

pytestmark = pytest.mark.anyio
MARK = "Plant3dTr34sure"
WRITE = f"UPDATE ops.orders SET note = '{MARK}' WHERE order_id = 1003"


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Log everything, as JSON, and return what was printed so far."""
    before = structlog.get_config()
    log.configure("json", "debug")
    structlog.get_logger("control").debug("control")
    read: list[str] = []

    def printed() -> str:
        read.extend(capsys.readouterr())
        assert '"control"' in "".join(read)
        return "".join(read)

    yield printed
    structlog.configure(**before)


def forms(secret: str) -> list[bytes]:
    """Return the ways a secret could be written down."""
    plain = secret.encode()
    return [plain, plain.hex().encode(), base64.b64encode(plain).rstrip(b"="), json.dumps(secret)[1:-1].encode()]


def leaks(where: bytes, *secrets: str) -> list[str]:
    """Return the secrets that are in some form in there."""
    return [secret for secret in secrets if any(form in where for form in forms(secret))]


def kept(at: Stage) -> bytes:
    """Return every byte of the home but the key files: database, write-ahead log, checkpoints, whatever there is."""
    keys = {at.home.vault_key.name, at.home.audit_key.name}
    found = [path for path in at.home.path.rglob("*") if path.is_file() and path.name not in keys]
    assert at.home.database in found
    return b"".join(path.read_bytes() for path in found)


def told(envelope: Envelope) -> bytes:
    return json.dumps(envelope.as_dict(), default=str).encode()


async def test_statement_texts_are_nowhere_in_the_clear(at: Stage, logs: Any) -> None:
    """Run, held, denied, refused or without a session: a literal of the text is not in database, events or logs."""
    await at.query(f"SELECT '{MARK}'")
    await at.session()
    texts = [
        f"SELECT order_id AS a FROM ops.orders WHERE note = '{MARK}'",
        f"SELECT * FROM FINANCE_DB.HR.SALARIES WHERE name = '{MARK}'",
        f"SELECT '{MARK}'; SELECT 2",
        f"SELECT '{MARK}' FROM WHERE",
        f"GRANT ROLE x TO USER y COMMENT = '{MARK}'",
        f"SELECT no_such_column, '{MARK}' FROM ops.orders",
        f"SELECT 1 /* {MARK} */ AS b",
        f"SELECT order_id FROM ops.orders WHERE order_id = CAST('{MARK}' AS INTEGER)",
    ]
    for text in texts:
        await at.query(text)
    await at.query("SELECT ? AS c", arguments={"bindings": {"1": {"type": "TEXT", "value": MARK}}})
    held = await at.query(WRITE)
    await at.decide(held)
    await at.settled(held.fields["statementHandle"])
    denied = await at.query(WRITE.replace("1003", "1004"))
    await at.decide(denied, approve=False)
    assert len(await at.every(Statement, system=False)) >= len(texts)
    assert leaks(logs().encode(), MARK) == []
    assert leaks(kept(at), MARK) == []


async def test_whoever_may_read_a_text_can(at: Stage) -> None:
    """Sealed is not lost: the approver's card shows exactly the held text, the record of the session every text."""
    session = await at.session()
    held = await at.query(WRITE)
    card = await at.gateway.approvals.show(await at.principal("approver"), held.fields["approval"]["id"])
    assert card.text is not None
    assert MARK in card.text
    stored = await at.gateway.sessions.of(await at.principal("admin"), session)
    assert [text for _, text in await at.gateway.sessions.statements(stored)] == [WRITE]


async def test_credentials_are_nowhere_in_the_clear(at: Stage, logs: Any, tmp_path: Path) -> None:
    """Keys, links, private keys and passphrases are not in the home's files, the logs, or any refusal."""
    admin = await at.principal("admin")
    await at.gateway.people.create(admin, "eve", [Role.MEMBER])
    _, link = await at.gateway.people.link(admin, "eve")
    _, unused = await at.gateway.people.link(admin, "grace")
    _, login = await at.gateway.people.sign_in(link.reveal())
    _, rotated = await at.gateway.agents.rotate(admin, "reporting-agent")
    pem = private_key(MARK)
    await at.gateway.connections.add(admin, request(at, pem, MARK))
    keys = [at.keys[who]["api_key"] for who in ("agent", "admin", "approver")]
    secrets = [link.reveal(), unused.reveal(), login.text.reveal(), rotated.text.reveal(), MARK, *keys]
    secrets += [line for line in pem.splitlines() if len(line) == 64]
    secrets += [line for line in at.sandbox.users[1].private_key_path.read_text().splitlines() if len(line) == 64]
    refusals = [await refused(at, secret) for secret in secrets]
    await at.session()
    assert (await at.query("SELECT order_id FROM ops.orders")).status is Status.SUCCESS
    assert len(secrets) > 40
    assert leaks(logs().encode(), *secrets) == []
    assert leaks(json.dumps(refusals).encode(), *secrets) == []
    assert leaks(kept(at), *secrets) == []
    assert all(prefix_of(key).encode() in kept(at) for key in keys)


def private_key(passphrase: str) -> str:
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    sealed = serialization.BestAvailableEncryption(passphrase.encode())
    return generate_private_key(65537, 2048).private_bytes(pem, form, sealed).decode()


def request(at: Stage, pem: str, passphrase: str) -> ConnectionRequest:
    return ConnectionRequest(
        "planted", "SKIPASS-SANDBOX", "SVC", "R", Secret(pem), Secret(passphrase), host=at.sandbox.url
    )


async def refused(at: Stage, secret: str) -> dict[str, Any]:
    """Present a secret where it does not belong, and return what is said of it."""
    answers: dict[str, Any] = {}
    admin = await at.principal("admin")
    works = {
        "bearer": at.gateway.authenticator.authenticate(f"x{secret}"),
        "link": at.gateway.people.sign_in(f"x{secret}"),
        "key": at.gateway.connections.add(admin, request(at, secret, "wrong")),
    }
    for name, work in works.items():
        with pytest.raises(SkipassError) as caught:
            await work
        answers[name] = caught.value.as_dict()
    return answers


async def test_a_secret_in_the_wrong_field_is_not_echoed_into_the_record(at: Stage, logs: Any) -> None:
    """A key sent as slug, tool, argument, handle or session id is refused, and the record of it does not hold it."""
    key = at.keys["agent"]["api_key"]
    principal, context = await at.principal("agent"), CallContext(request_id="req_1")
    answers: list[bytes] = []
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("jit", "snowflake_get_query_status", {"statement_handle": key}),
        ("jit", "skipass_show_session", {"session_id": key}),
        ("jit", "snowflake_execute_query", {"statement": "SELECT 1", "session_id": key}),
        ("jit", "snowflake_execute_query", {"statement": f"SELECT '{key}'", "api_key": key}),
    ]
    for slug, tool, arguments in tries:
        answers.append(await answer(at.gateway.calls.call(principal, Target(slug=slug), tool, arguments, context)))
    assert leaks(b"".join(answers[-1:]), key) == []
    assert leaks(logs().encode(), key) == []
    assert leaks(kept(at), key) == []


async def answer(call: Awaitable[Envelope]) -> bytes:
    """Return what the caller is told, an envelope or a refusal."""
    try:
        return told(await call)
    except SkipassError as error:
        return json.dumps(error.as_dict()).encode()


async def test_events_hold_only_ciphertext_of_texts(at: Stage) -> None:
    """The chained fact of a statement carries its text sealed, so that destroying the key erases it from the record."""
    await at.session()
    await at.query(f"SELECT '{MARK}' AS x")
    bodies = [asdict(record) for record in records(at.home.database) if record.kind == "statement.admitted"]
    assert bodies
    assert leaks(json.dumps(bodies).encode(), MARK) == []
    for body in bodies:
        sealed = base64.b64decode(json.loads(body["body"])["original"])
        texts = await at.gateway.deps.texts(body["tenant_id"])
        assert texts.unseal(sealed, body["subject"], "original")
