"""The pages' programs run as they are printed."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from docs.pages import sections
from sdk.conftest import Served

pytestmark = pytest.mark.anyio
PROGRAMS = {
    f"{page}-{one.title}": "\n".join(block)
    for page in ("how-to/python-sdk.md", "how-to/agents.md")
    for one in sections(page)
    for block in one.blocks("python")
}
PRINTED = {"how-to/python-sdk.md-A session": "pending", "how-to/python-sdk.md-Tools and accounts": "success"}
CALL = """
print(call("snowflake_execute_query", {"statement": "SELECT 1"})["status"], len(schemas) > 14)
client.close()
"""


def test_the_programs_are_found() -> None:
    """Each page's programs are among those that run."""
    assert set(PRINTED) < set(PROGRAMS)
    assert len(PROGRAMS) == 3


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program_of_the_pages_runs(at: Served, name: str) -> None:
    """A program ends well and prints what its page is about."""
    text = PROGRAMS[name] + ("" if name in PRINTED else CALL)
    environment = {"SKIPASS_URL": at.url, "SKIPASS_API_KEY": at.key, "PATH": ""}
    command = [sys.executable, "-c", text]
    run = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert PRINTED.get(name, "session_required True") in run.stdout
