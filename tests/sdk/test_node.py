"""The page for Node: its programs run as they are printed, with nothing but fetch and the official MCP SDK."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

import npm
from docs.pages import sections
from sdk.conftest import Served
from skipass.nouns.session import AccessSession

pytestmark = pytest.mark.anyio
PAGE = "how-to/node.md"
PACKAGES = Path(__file__).parents[1] / "surfaces" / "mcp" / "judges"
PRINTED = {
    "With fetch": ["pending 38n"],
    "With MCP": ["22 tools", "success 38", "denied out_of_scope"],
}


def test_each_way_has_one_program() -> None:
    """The page has a program for each way, and no other."""
    found = {one.title: len(one.blocks("js")) for one in sections(PAGE)}
    assert found == dict.fromkeys(PRINTED, 1)


@pytest.mark.parametrize("title", PRINTED)
async def test_a_program_of_the_page_runs(at: Served, title: str, pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """A program ends well, prints what its page is about, and gives its session back."""
    cache = pytestconfig.cache.mkdir("mcp-judges") if pytestconfig.cache else tmp_path
    found = await anyio.to_thread.run_sync(npm.installed, PACKAGES, cache)
    if found is None:
        pytest.skip("npm, Node 22 or the MCP SDK for it is not installed")
    (program,) = next(one.blocks("js") for one in sections(PAGE) if one.title == title)
    environment = {"SKIPASS_URL": at.url, "SKIPASS_API_KEY": at.key, "PATH": ""}
    command = [str(found.node), "--input-type=module", "--eval", "\n".join(program)]
    run = await anyio.run_process(command, cwd=found.place, env=environment, check=False)
    assert run.returncode == 0, run.stderr.decode()
    assert run.stdout.decode().splitlines() == PRINTED[title]
    assert [one.state.value for one in await at.stage.every(AccessSession)] == ["closed"]
