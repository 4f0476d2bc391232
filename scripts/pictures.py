"""Take the pictures of the console that the documentation shows: a lively sandbox, a real browser, one PNG a page.

    python scripts/pictures.py docs/images

Needs Chromium and the development packages. Each picture is bounded, so that a page of the docs stays light.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from skipass.demo.stage import gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import BrowserContext, Page

WIDE, NARROW, TALLEST = 1000, 390, 1400
MOST_BYTES = 150_000
REASON = "Which orders of this week are late, for the Monday report?"
STATEMENTS = (
    "SELECT order_id, status FROM ops.orders LIMIT 5",
    "SELECT COUNT(*) AS late FROM ops.orders WHERE status = 'OPEN' -- still open",
    "SELECT * FROM finance_db.hr.salaries",
    "UPDATE ops.orders SET note = 'seen by report' WHERE order_id = 1003",
)
POLICY = """version = 1

# Agents of the reporting team read the orders by themselves; a person looks at whatever they change.
[[rule]]
name = "reports"
outcome = "allow"
effects = ["read"]
objects = ["OPS_DB.OPS"]
"""


class Shown:
    """A gateway with something in it, and its front door."""

    def __init__(self, ready: dict[str, Any], http: aiohttp.ClientSession) -> None:
        self.ready, self.url, self._http = ready, str(ready["url"]), http

    async def ask(self, method: str, path: str, body: Any = None, *, who: str = "admin") -> Any:
        """Ask the API as somebody, and return what it answers."""
        headers = {"Authorization": f"Bearer {self.ready[who]['api_key']}"}
        async with self._http.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers) as answer:
            told = await answer.json()
            if answer.status >= 400:
                raise SystemExit(f"{method} {path}: {told}")
            return told

    async def live(self) -> None:
        """Have people, a policy, a session with every sort of statement, and something that waits."""
        for name, role in (("grace.hopper", "approver"), ("alan", "auditor"), ("mary", "member")):
            await self.ask("POST", "/users", {"name": name, "roles": [role]})
        await self.ask("POST", "/agents", {"name": "forecast-agent", "owner": "sam", "connections": ["jit"]})
        await self.ask("POST", "/policies", {"policy": POLICY})
        await self.ask("POST", "/mcp-servers/jit/change", {"add": {"users": ["sam", "ada"]}})
        wish = {"connection": "jit", "scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 900, "reason": REASON}
        await self.ask("POST", "/sessions", wish, who="agent")
        for text in STATEMENTS:
            body = {"connection_name": "jit", "tool_input": {"statement": text}}
            await self.ask("POST", "/tools/snowflake_execute_query/execute", body, who="agent")

    async def link(self, role: str) -> str:
        """Return a one-time link of a person with this role."""
        people = (await self.ask("GET", "/users"))["items"]
        name = next(one["name"] for one in people if role in one["roles"])
        return f"{self.url}/sign-in#{(await self.ask('POST', f'/users/{name}/link'))['token']}"

    async def addresses(self) -> dict[str, str]:
        """Return the page of each picture."""
        session = (await self.ask("GET", "/sessions"))["items"][0]["id"]
        card = (await self.ask("GET", "/approvals?state=waiting"))["items"][0]["id"]
        return {
            "card": f"/console/approvals/{card}",
            "overview": "/console/overview",
            "session": f"/console/sessions/{session}",
            "connecting": "/console/connecting",
            "policy": "/console/policy",
            "server": "/console/slugs/cortex",
            "record": "/console/audit",
        }


@asynccontextmanager
async def lively() -> AsyncIterator[Shown]:
    """Yield a gateway of its own, which goes again."""
    with tempfile.TemporaryDirectory() as folder:
        async with gateway(Path(folder) / "home") as ready, aiohttp.ClientSession() as http:
            shown = Shown(ready, http)
            await shown.live()
            yield shown


async def entered(context: BrowserContext, link: str) -> Page:
    """Return a window in which somebody has signed in."""
    page = await context.new_page()
    await page.goto(link)
    await page.locator("#link").press("Enter")
    await page.wait_for_url("**/console**")
    return page


async def taken(page: Page, to: Path) -> None:
    """Take the page as far as a picture is high."""
    sizes = await page.evaluate("() => [innerWidth, document.documentElement.scrollHeight]")
    await page.set_viewport_size({"width": sizes[0], "height": min(sizes[1], TALLEST)})
    if len(await page.screenshot(path=to)) > MOST_BYTES:
        raise SystemExit(f"{to} has more than {MOST_BYTES} bytes")


async def main(into: Path, chromium: str = "/usr/bin/chromium") -> None:
    """Take every picture on a screen, light; the inbox's card and the overview on a telephone, dark."""
    from playwright.async_api import async_playwright

    async with lively() as shown, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width, scheme, suffix, only in ((WIDE, "light", "", ()), (NARROW, "dark", "-dark", ("card", "overview"))):
            size: Any = {"viewport": {"width": width, "height": 700}, "color_scheme": scheme}
            page = await entered(await browser.new_context(**size), await shown.link("approver" if only else "admin"))
            for name, path in (await shown.addresses()).items():
                if not only or name in only:
                    await page.set_viewport_size({"width": width, "height": 700})
                    await page.goto(f"{shown.url}{path}")
                    await taken(page, into / f"{name}{suffix}.png")
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
