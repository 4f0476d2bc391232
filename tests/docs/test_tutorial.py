"""The tutorial is the demo: what the page promises is what the command prints, and nothing in it is canned."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from docs.pages import ROOT, Section, in_order, sections
from skipass.demo.play import tell
from skipass.demo.stage import gateway
from skipass.demo.tell import Teller
from skipass.errors import MEANINGS
from skipass.nouns.envelope import Status
from skipass.snowflake import AsyncSnowflakeClient

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
DEMO = [sys.executable, "-m", "skipass.cli.main", "demo"]
WORDS = {*MEANINGS, *(status.value for status in Status)}


def steps() -> list[Section]:
    """Return the sections of the page that are steps of the demo."""
    return [one for one in sections("tutorial/demo.md") if one.title[0].isdigit()]


def demo(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `skipass demo` as anybody would."""
    env = {**os.environ, **environment}
    return subprocess.run([*DEMO, *options], env=env, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    """Return the steps of `skipass demo --format json`."""
    ran = demo("--format", "json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_the_page_has_the_demo_s_steps_in_order(told: list[dict[str, Any]]) -> None:
    """Each step of the output is a section of the page, in the same order, and there is no other."""
    assert [one.title for one in steps()] == [f"{number}. {line['step']}" for number, line in enumerate(told, 1)]
    assert all(line["ok"] for line in told)


def test_the_demo_prints_what_the_page_shows() -> None:
    """Piped, the demo prints plain lines, and under each step those of the page, word for word."""
    ran = demo()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "\x1b" not in ran.stdout
    printed = re.split(r"^ *\d+\. .*$", ran.stdout, flags=re.MULTILINE)[1:]
    missing = {
        one.title: in_order([line for block in one.blocks("text") for line in block], lines.splitlines())
        for one, lines in zip(steps(), printed, strict=True)
    }
    assert {title: lines for title, lines in missing.items() if lines} == {}
    assert all(one.blocks("text") for one in steps())


def test_what_the_page_calls_a_status_came_back(told: list[dict[str, Any]]) -> None:
    """A status or a code that a step's text names is one that the step's answer holds."""
    named = {one.title: (WORDS & set(one.codes()), json.dumps(line)) for one, line in zip(steps(), told, strict=True)}
    assert {title: word for title, (words, seen) in named.items() for word in words if f'"{word}"' not in seen} == {}


def test_the_page_runs_what_make_runs() -> None:
    """`make demo` and `make run` are these two commands, once the environment is there."""
    shown = [line for one in sections("tutorial/demo.md") for block in one.blocks("console") for line in block]
    first = re.findall(r"^\$ (make \w+)$", (ROOT / "docs/tutorial/demo.md").read_text(), re.MULTILINE)
    assert (first, shown) == (["make demo", "make run"], ["$ make run"])
    planned = [_planned(one) for one in first]
    assert planned == [".venv/bin/skipass demo", ".venv/bin/skipass serve --sandbox"]


def _planned(command: str) -> str:
    # Without the directory, which make prints when it runs below another make.
    return subprocess.check_output([*command.split(), "-n", "--no-print-directory"], cwd=ROOT, text=True).splitlines()[
        -1
    ]


def test_the_readme_s_short_picture_is_the_demo(told: list[dict[str, Any]]) -> None:
    """Each line of the picture is a step, in order; its statement, and each word behind its arrow, came back there."""
    lines = re.findall(r"^ ?(\d+)\. +(ran once|\w+) +(.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert [(int(number), step) for number, step, _ in lines] == [(n, line["step"]) for n, line in enumerate(told, 1)]
    for (_, step, text), line in zip(lines, told, strict=True):
        said, _, answer = text.partition("→")
        seen = json.dumps(line)
        assert all(word in seen for word in re.findall(r"\w+", answer)), step
        if said.startswith(("SELECT", "UPDATE")):
            assert said.strip() == line["seen"]["statement"] or "of step 3" in said


def test_a_step_that_fails_makes_the_exit_status_one() -> None:
    """With the gateway killed at the first statement, the demo names the step, says why, and ends with 1."""
    ran = demo("--format", "json", SKIPASS_CRASH_AT="intent_recorded")
    *done, last = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 1
    assert [line["step"] for line in done] == ["connect", "session"]
    assert (last["step"], last["ok"]) == ("read", False)
    assert last["reason"]
    assert "Traceback" not in ran.stderr


def test_a_demo_that_cannot_start_says_so() -> None:
    """Where the gateway refuses to start, its own words are seen and the exit status is 1."""
    ran = demo(SKIPASS_HOST="0.0.0.0")
    assert ran.returncode == 1
    assert "start failed" in ran.stdout
    assert "invalid_request: " in ran.stderr


@asynccontextmanager
async def stage(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """Yield a running gateway with its sandbox, in a home of this test."""
    async with gateway(tmp_path / "home") as ready:
        yield ready


async def story(ready: dict[str, Any], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> tuple[int, Any]:
    """Play the story once; return its exit status and the steps it told."""
    capfdbinary.readouterr()
    status = await tell(ready, tmp_path / "home", Teller("json"))
    out = capfdbinary.readouterr().out
    return status, {line["step"]: line for line in map(json.loads, io.BytesIO(out))}


async def as_admin(account: dict[str, Any], statement: str) -> None:
    """Run a statement in the account itself, past the gateway."""
    admin = account["users"][0]
    login = {"user": admin["login_name"], "private_key_path": admin["private_key_path"]}
    async with AsyncSnowflakeClient(account=account["account"], host=account["account_url"], **login) as client:
        await client.query(statement, role="ACCOUNTADMIN", warehouse="AGENT_WH")


async def test_other_data_gives_another_story(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """With some orders settled beforehand the demo finds and updates the others; with none left it fails."""
    async with stage(tmp_path) as ready:
        await as_admin(ready["sandbox"], "UPDATE OPS_DB.OPS.ORDERS SET STATUS = 'shipped' WHERE ORDER_ID <= 1011")
        status, first = await story(ready, tmp_path, capfdbinary)
        assert status == 0
        assert ["1011", "pending"] not in first["read"]["seen"]["first rows"]
        assert first["read"]["seen"]["first rows"][0] == ["1012", "pending"]
        assert first["ran once"]["seen"]["rows updated"] == first["read"]["seen"]["rows"]
        status, second = await story(ready, tmp_path, capfdbinary)
        assert (status, second["read"]["ok"]) == (1, False)
        assert "there is no pending order" in second["read"]["reason"]


async def test_an_account_that_fails_fails_the_step(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """When the account answers the read with errors, that step is the one that failed."""
    async with stage(tmp_path) as ready:
        fault = {"kind": "error_json", "status": 500, "count": 1000, "method": "POST", "path": "/api/v2/statements"}
        headers = {"Authorization": f"Bearer {ready['sandbox']['control_token']}"}
        url = f"{ready['sandbox']['control_url']}/faults"
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(url, json={"faults": [fault]}) as answer,
        ):
            assert answer.status == 200
        status, told = await story(ready, tmp_path, capfdbinary)
    assert status == 1
    assert [(step, line["ok"]) for step, line in told.items()] == [
        ("connect", True),
        ("session", True),
        ("read", False),
    ]
