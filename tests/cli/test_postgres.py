"""A gateway whose rows are on a PostgreSQL server: made, served, verified and exported, its password seen nowhere."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postgres import Postgres

pytestmark = pytest.mark.slow

MAKE = ("init", "--admin", "ada", "--approver", "grace")


@dataclass(frozen=True, slots=True)
class Place:
    """An empty database, and its address."""

    postgres: Postgres
    name: str
    url: str

    def say(self, sql: str) -> None:
        """Run SQL straight on the database, past everything that guards it."""

        async def say() -> None:
            connection = await self.postgres.connect(self.name)
            await connection.execute(sql)
            await connection.close()

        asyncio.run(say())

    def close(self) -> None:
        """Let nobody in any more, and put everybody out."""

        async def close() -> None:
            connection = await self.postgres.connect()
            await connection.execute(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false")
            await connection.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'"
            )
            await connection.close()

        asyncio.run(close())


@pytest.fixture
def place(postgres: Postgres) -> Iterator[Place]:
    name = asyncio.run(postgres.create())
    yield Place(postgres, name, postgres.url(name))
    asyncio.run(postgres.drop(name))


def test_init_puts_nothing_of_the_rows_into_the_home(run, place: Place, tmp_path: Path) -> None:
    """After init the home holds the keys and the database the people; both are refused a second gateway."""
    made = run(*MAKE, "--format", "json", SKIPASS_DATABASE_URL=place.url)
    assert made.status == 0
    assert [person["name"] for person in made.json["people"]] == ["ada", "grace"]
    assert {file.name for file in (tmp_path / "home").iterdir()} == {"vault.key", "audit.key", "audit.pub", "lock"}
    for home in ("home", "other"):
        again = run(*MAKE, "--home", tmp_path / home, SKIPASS_DATABASE_URL=place.url)
        assert (again.status, again.err.split(":")[0]) == (1, "already_initialised")
    assert not (tmp_path / "other" / "vault.key").exists()


def test_serve_needs_what_init_makes(run, place: Place) -> None:
    """On an empty database, or without the keys, serving says how to begin."""
    found = run("serve", SKIPASS_DATABASE_URL=place.url)
    assert (found.status, found.err.splitlines()) == (
        1,
        ["not_initialised: There is no gateway here yet.", "hint: Run: skipass init"],
    )


def test_two_gateways_serve_one_database(run, place: Place, serving_gateway, tmp_path: Path) -> None:
    """A second home with the same keys is all that a second gateway needs; with other keys it does not start."""
    run(*MAKE, SKIPASS_DATABASE_URL=place.url)
    second = tmp_path / "second"
    second.mkdir(mode=0o700)
    for key in ("vault.key", "audit.key", "audit.pub"):
        shutil.copy2(tmp_path / "home" / key, second)
    env = {"SKIPASS_DATABASE_URL": place.url}
    with (
        serving_gateway("--home", tmp_path / "home", **env) as one,
        serving_gateway("--home", second, **env) as other,
    ):
        for gateway in (one, other):
            with urllib.request.urlopen(f"{gateway['url']}/readyz") as answer:
                assert json.load(answer)["ready"] is True
    found = run("audit", "verify", "--format", "json", **env)
    assert found.json["ok"] is True
    assert found.json["checkpoints"] > 0
    run(*MAKE, "--home", tmp_path / "foreign", SKIPASS_DATABASE_URL="")
    foreign = run("serve", "--home", tmp_path / "foreign", **env)
    assert (foreign.status, foreign.err.split(":")[0]) == (1, "vault_key")


def test_a_changed_row_is_found(run, place: Place) -> None:
    """Verification over the server names the record that somebody edited there, and an export of it shows the same."""
    env = {"SKIPASS_DATABASE_URL": place.url}
    run(*MAKE, **env)
    assert run("audit", "verify", **env).status == 0
    place.say("UPDATE events SET body = '{}' WHERE kind = 'user.created'")
    found = run("audit", "verify", "--format", "json", **env)
    assert found.status == 1
    assert [fault["what"] for fault in found.json["faults"]] == ["the hash does not match the content"]


def test_an_export_verifies_anywhere(run, place: Place, tmp_path: Path) -> None:
    """What is exported from the server verifies as a file, and a file that is named comes before the environment."""
    env = {"SKIPASS_DATABASE_URL": place.url}
    run(*MAKE, **env)
    out = tmp_path / "record.jsonl"
    assert run("audit", "export", "--out", out, **env).status == 0
    place.say("DELETE FROM events")
    assert run("audit", "verify", out, "--format", "json", **env).json["records"] == len(out.read_text().splitlines())


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("postgresql://skipass:hunter2-secret@127.0.0.1:{port}/postgres", "database_unavailable"),
        ("postgresql://skipass:hunter2-secret@127.0.0.1:1/postgres", "database_unavailable"),
        ("postgresql://skipass:{password}@127.0.0.1:{port}/no_such_database", "database_unavailable"),
        ("postgresql://skipass:{password}@127.0.0.1:{port}/postgres", "not_initialised"),
        ("postgresql://skipass:hunter2-secret@127.0.0.1:port/postgres", "invalid_request"),
        ("postgresql://skipass:hunter2-secret@[127.0.0.1/postgres", "invalid_request"),
        ("mysql://skipass:hunter2-secret@127.0.0.1/postgres", "invalid_request"),
        ("hunter2-secret", "invalid_request"),
    ],
)
def test_an_address_that_does_not_work_is_not_repeated(
    run, postgres: Postgres, tmp_path: Path, address: str, code: str
) -> None:
    """Wrong password, port, name or form: a code and what to do, and never the password, in option or environment."""
    run(*MAKE)
    url = address.format(port=postgres.port, password=postgres.password)
    for found in (run("serve", SKIPASS_DATABASE_URL=url), run("serve", "--database-url", url)):
        assert found.status in (1, 2)
        said = found.out + found.err
        assert f"{code}: " in said
        assert "hunter2-secret" not in said
        assert postgres.password not in said


def test_a_password_on_the_command_line_is_warned_of(run, place: Place) -> None:
    """The option works, and says where the password would not be seen."""
    made = run(*MAKE, "--database-url", place.url)
    assert made.status == 0
    assert "SKIPASS_DATABASE_URL" in made.err
    assert place.postgres.password not in made.out + made.err


def test_the_password_is_in_no_log_argument_or_row(place: Place, tmp_path: Path) -> None:
    """Serving with every line logged and the database lost meanwhile, the password stays where it was given."""
    env = {**os.environ, "SKIPASS_DATABASE_URL": place.url, "SKIPASS_HOME": str(tmp_path / "home")}
    skipass = [sys.executable, "-m", "skipass.cli.main"]
    subprocess.run([*skipass, *MAKE], env=env, check=True, capture_output=True)
    command = [*skipass, "serve", "--port", "0", "--format", "json"]
    log = tmp_path / "log"
    with (
        log.open("wb") as file,
        subprocess.Popen(
            command, env=env | {"SKIPASS_LOG_LEVEL": "debug"}, stdout=subprocess.PIPE, stderr=file
        ) as child,
    ):
        assert child.stdout is not None
        ready: dict[str, Any] = json.loads(child.stdout.readline())
        lines = [Path(f"/proc/{child.pid}/cmdline").read_bytes()]
        place.close()
        with pytest.raises(urllib.error.HTTPError) as red:
            urllib.request.urlopen(f"{ready['url']}/readyz")
        assert red.value.code == 503
        lines.append(red.value.read())
        child.terminate()
        lines.append(child.stdout.read())
    lines.append(log.read_bytes())
    assert b"journal.failed" in lines[-1]
    lines += [file.read_bytes() for file in (tmp_path / "home").iterdir() if file.is_file()]
    assert place.postgres.password.encode() not in b"".join(lines)
