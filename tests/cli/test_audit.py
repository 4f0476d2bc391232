"""The record is verified offline, from the files alone, and every tampering shows."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as s

from skipass.app.home import Home
from skipass.app.initialise import initialise
from skipass.audit.chain import Head
from skipass.audit.checkpoint import sign
from skipass.clock import SystemClock


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A gateway's files with a few records and one signed checkpoint of all heads."""
    home = Home(tmp_path_factory.mktemp("original") / "home")
    asyncio.run(initialise(home, "ana", "ben"))
    key = s.load_pem_private_key(home.audit_key.read_bytes(), None)
    heads: dict[str, dict[str, Head]] = {}
    for tenant, writer, seq, digest in rows(home, "SELECT tenant_id, writer, seq, hash FROM events ORDER BY seq"):
        heads.setdefault(tenant, {})[writer] = Head(seq, digest)
    now = SystemClock().now()
    home.checkpoints.write_bytes(b"".join(sign(tenant, now, head, key) for tenant, head in heads.items()))
    return home


@pytest.fixture
def home(original: Home, tmp_path: Path) -> Home:
    """A copy to tamper with."""
    shutil.copytree(original.path, tmp_path / "copy")
    return Home(tmp_path / "copy")


def rows(home: Home, sql: str) -> list[tuple]:
    """Run SQL straight on the database, past everything that guards it."""
    with closing(sqlite3.connect(home.database)) as connection, connection:
        return connection.execute(sql).fetchall()


def test_an_untouched_record_verifies(run, home: Home) -> None:
    """Chains, checkpoints and signatures of a gateway's own files hold."""
    found = run("audit", "verify", "--home", home.path, "--format", "json")
    assert found.status == 0
    assert found.json == {"ok": True, "records": found.json["records"], "chains": 2, "checkpoints": 2, "faults": []}
    assert found.json["records"] == rows(home, "SELECT COUNT(*) FROM events")[0][0]
    assert found.err == ""


def edit_body(home: Home) -> None:
    """Change what a record says."""
    rows(home, "UPDATE events SET body = replace(body, 'ana', 'eve') WHERE kind = 'user.created'")


def cut_middle(home: Home) -> None:
    """Remove a record from the middle."""
    rows(home, "DELETE FROM events WHERE kind = 'user.created' AND seq = (SELECT MIN(seq) FROM events WHERE seq > 1)")


def cut_end(home: Home) -> None:
    """Remove the last record of the longest chain."""
    rows(home, "DELETE FROM events WHERE seq = (SELECT MAX(seq) FROM events)")


def cut_everything(home: Home) -> None:
    """Remove all of it."""
    rows(home, "DELETE FROM events")


def move_time(home: Home) -> None:
    """Date a record back."""
    rows(home, "UPDATE events SET at_us = at_us - 1 WHERE seq = 2")


def change_type(home: Home) -> None:
    """Put something of another type where a text belongs."""
    rows(home, "UPDATE events SET body = x'00ff' WHERE seq = 2")


def forge_checkpoint(home: Home) -> None:
    """Change what a checkpoint says and keep its signature."""
    text = home.checkpoints.read_text()
    home.checkpoints.write_text(text.replace(',"', ', "').replace('"at":"2', '"at":"1'))


def swap_key(home: Home) -> None:
    """Put no key where the public key was."""
    home.audit_public_key.write_text("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n")


TAMPERINGS = [edit_body, cut_middle, cut_end, cut_everything, move_time, change_type, forge_checkpoint, swap_key]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_every_tampering_shows(run, home: Home, tamper: Callable[[Home], None]) -> None:
    """Whatever was changed afterwards, verification ends with 1 and says where."""
    tamper(home)
    found = run("audit", "verify", "--home", home.path)
    assert found.status == 1
    assert found.err.startswith("chain_broken: ")
    assert found.out == ""


def test_the_first_broken_record_is_named(run, home: Home) -> None:
    """The fault names writer and sequence number of the record that was edited."""
    rows(home, "UPDATE events SET subject = 'x' WHERE kind = 'user.created'")
    (writer, seq), *_ = rows(home, "SELECT writer, seq FROM events WHERE kind = 'user.created' ORDER BY seq")
    found = run("audit", "verify", "--home", home.path, "--format", "json")
    assert found.status == 1
    assert [(fault["writer"], fault["seq"]) for fault in found.json["faults"]] == [(writer, seq)]


def test_a_missing_range_is_named(run, home: Home) -> None:
    """Where records were removed, the fault says which."""
    rows(home, "DELETE FROM events WHERE seq IN (2, 3)")
    assert "records 2 to 3 are missing" in run("audit", "verify", "--home", home.path).err


def test_a_cut_end_needs_checkpoints_to_show(run, home: Home) -> None:
    """Without checkpoints a shorter chain verifies, and the command says that this is what it cannot see."""
    cut_end(home)
    home.checkpoints.unlink()
    found = run("audit", "verify", "--home", home.path)
    assert found.status == 0
    assert "Without checkpoints" in found.err


def test_a_half_written_checkpoint_is_no_fault(run, home: Home) -> None:
    """A last line that a crash cut off takes nothing from the lines before it."""
    with home.checkpoints.open("ab") as file:
        file.write(b'{"checkpoint":{"tena')
    found = run("audit", "verify", "--home", home.path, "--format", "json")
    assert (found.status, found.json["checkpoints"]) == (0, 2)


def test_an_export_verifies_anywhere(run, home: Home, tmp_path: Path) -> None:
    """The JSON lines of an export verify without the database, and against the checkpoints too."""
    out = tmp_path / "record.jsonl"
    assert run("audit", "export", "--home", home.path, "--out", out).status == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert run("audit", "verify", out).status == 0
    signed = ("--checkpoints", home.checkpoints, "--public-key", home.audit_public_key, "--format", "json")
    assert run("audit", "verify", out, *signed).json["checkpoints"] == 2
    lines = out.read_text().splitlines(keepends=True)
    assert run("audit", "export", "--database", home.database).out == "".join(lines)
    longest = max(lines, key=lambda line: json.loads(line)["seq"])
    out.write_text("".join(line for line in lines if line != longest))
    assert run("audit", "verify", out, *signed).status == 1


@pytest.mark.parametrize("content", ["nonsense\n", "[]\n", "{}\n", '{"seq": "1"}\n', "SQLite format 3\0junk"])
def test_what_is_no_record_is_not_verified(run, tmp_path: Path, content: str) -> None:
    """A file that is neither a database of ours nor an export is a broken record, not an empty one."""
    path = tmp_path / "record"
    path.write_text(content)
    found = run("audit", "verify", path)
    assert found.status == 1
    assert found.err.splitlines()[0].startswith("chain_broken: ")


def test_where_there_is_no_gateway_nothing_verifies(run, tmp_path: Path) -> None:
    """A home without a database is an error, not an empty record."""
    found = run("audit", "verify", "--home", tmp_path / "nowhere")
    assert found.status == 1
    assert found.err.startswith("not_initialised: ")
    assert not (tmp_path / "nowhere").exists()


def test_checkpoints_of_a_named_file_need_a_named_key(run, home: Home) -> None:
    """Signatures that nothing could check are wrong usage."""
    found = run("audit", "verify", home.database, "--checkpoints", home.checkpoints)
    assert found.status == 2
    assert "--public-key" in found.err


def test_an_export_overwrites_nothing(run, home: Home, tmp_path: Path) -> None:
    """A file that exists is left as it is."""
    out = tmp_path / "record.jsonl"
    out.write_text("mine")
    assert run("audit", "export", "--home", home.path, "--out", out).status == 1
    assert out.read_text() == "mine"
