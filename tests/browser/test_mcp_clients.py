"""A person lets an MCP client in with a real browser: one page, and back to where the program listens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs

import pytest

from browser.chrome import Chrome, Seen
from browser.test_pages import ENOUGH, TELEPHONE
from gateways import Stage, served
from oauth.program import Program, Quarter
from serving import serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
NAME = "Editor <script>window.ran=1</script>"


class Listener:
    """What a program on the person's machine listens with; it keeps what the browser brought."""

    def __init__(self) -> None:
        self.came: dict[str, str] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/callback":
            self.came = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<title>back</title>You can close this page."})


@pytest.fixture
async def quarter(at: Stage) -> AsyncIterator[Quarter]:
    async with served(at) as url:
        quarter = Quarter(url, at)
        await quarter.open("sam")
        yield quarter


@pytest.fixture
def listener() -> Iterator[tuple[Listener, str]]:
    app = Listener()
    with serving(app) as url:
        yield app, f"{url}/callback"


async def led_to_the_question(quarter: Quarter, program: Program, seen: Seen) -> None:
    """Open what the program opens, and sign in on the way."""
    await seen.page.goto(f"{quarter.url}{program.request()}")
    await seen.page.get_by_label("Your one-time link").fill(await quarter.link("sam"))
    await seen.page.keyboard.press("Enter")
    await seen.page.get_by_role("heading", name="Let").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_person_lets_a_program_in(
    quarter: Quarter,
    chrome: Chrome,
    listener: tuple[Listener, str],
    tmp_path: Path,
    scheme: Literal["light", "dark"],
) -> None:
    """From the program's address over the sign-in to the question and back: the code is good for the tokens."""
    app, back = listener
    program = await quarter.program(client_name=NAME, redirect_uris=[back])
    async with chrome.window(width=TELEPHONE, scheme=scheme) as seen:
        await led_to_the_question(quarter, program, seen)
        await seen.page.screenshot(path=tmp_path / "consent.png", full_page=True)
        assert await seen.page.get_by_text(NAME).count() >= 1
        assert await seen.page.evaluate("() => window.ran") is None
        assert await seen.overflow() <= 0
        assert await seen.contrast() >= ENOUGH
        await seen.page.get_by_role("button", name="Let it in").click()
        await seen.page.get_by_text("You can close this page.").wait_for()
    status, tokens = await program.trade(app.came["code"])
    assert (status, app.came["state"]) == (200, "s-1")
    status, _, answer = await quarter.rpc(tokens["access_token"])
    assert (status, "tools" in answer["result"]) == (200, True)


async def test_a_person_turns_a_program_away(quarter: Quarter, chrome: Chrome, listener: tuple[Listener, str]) -> None:
    """The other button tells the program so, and nothing else."""
    app, back = listener
    program = await quarter.program(redirect_uris=[back])
    async with chrome.window(scripts=False) as seen:
        await led_to_the_question(quarter, program, seen)
        await seen.page.get_by_role("button", name="Do not").click()
        await seen.page.get_by_text("You can close this page.").wait_for()
    assert (app.came["error"], "code" in app.came) == ("access_denied", False)
