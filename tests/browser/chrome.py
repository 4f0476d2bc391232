"""A real Chromium in front of the pages: keeps everything that went wrong in it, and measures what a person sees."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.async_api import Browser, Dialog, Page, async_playwright

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# The least contrast of any text with what is behind it, opacity counted. Source: WCAG 2.2, relative luminance.
_CONTRAST = """() => {
  const probe = document.createElement('div');
  document.body.append(probe);
  const rgb = (color) => {
    probe.style.color = color;
    return getComputedStyle(probe).color.match(/[\\d.]+/g).map(Number);
  };
  const linear = (v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const shares = [.2126, .7152, .0722];
  const light = (c) => c.slice(0, 3).reduce((sum, v, at) => sum + linear(v / 255) * shares[at], 0);
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const found = rgb(getComputedStyle(one).backgroundColor);
      if (found[3] === undefined || found[3] > 0) return found;
    }
    return rgb('Canvas');
  };
  const opacity = (one) => one ? Number(getComputedStyle(one).opacity) * opacity(one.parentElement) : 1;
  const told = [];
  for (const one of document.body.querySelectorAll('*')) {
    if (one === probe || one.disabled || !one.checkVisibility()) continue;
    if (![...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const back = behind(one), share = opacity(one);
    const front = rgb(getComputedStyle(one).color).slice(0, 3).map((v, at) => v * share + back[at] * (1 - share));
    const [high, low] = [light(front), light(back)].sort((a, b) => b - a);
    told.push([(high + .05) / (low + .05), one.tagName + ' ' + one.className]);
  }
  probe.remove();
  return told.sort((a, b) => a[0] - b[0])[0];
}"""


def chromium() -> str | None:
    """Return where Chromium is, or None where it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass
class Seen:
    """One window, and what its console, its scripts and its dialogs said; `wrong` stays empty on our pages."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note every error, violation of the policy, and dialog."""
        self.page.on(
            "console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", self._dialog)

    async def _dialog(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        sizes: list[int] = await self.page.evaluate(
            "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        return sizes[0] - sizes[1]

    async def contrast(self) -> float:
        """Return the least contrast of any text on the page."""
        least: list[Any] = await self.page.evaluate(_CONTRAST)
        return float(least[0])

    async def background(self) -> str:
        """Return the colour behind the page."""
        color: str = await self.page.evaluate(
            """() => {
                document.body.style.background = 'Canvas';
                return getComputedStyle(document.body).backgroundColor;
            }"""
        )
        return color

    async def focused(self) -> str:
        """Return what has the focus: its value for a button, its id for an input, else the element's name."""
        what: str = await self.page.evaluate(
            """() => {
                const one = document.activeElement;
                return one.tagName === 'BUTTON' && one.value || one.id || one.tagName;
            }"""
        )
        return what

    async def tab_to(self, what: str) -> None:
        """Press Tab until this has the focus; it must be reached within one round of the page."""
        for _ in range(40):
            await self.page.keyboard.press("Tab")
            if await self.focused() == what:
                return
        raise AssertionError(f"{what} cannot be reached by keyboard")


class Chrome:
    """Opens windows that nobody has used."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @asynccontextmanager
    async def window(
        self, *, width: int = 1024, scheme: Literal["light", "dark"] = "light", scripts: bool = True
    ) -> AsyncIterator[Seen]:
        """Yield a window with a cookie jar of its own; nothing in it may have gone wrong by the end."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": 740}, color_scheme=scheme, java_script_enabled=scripts
        )
        seen = Seen(await context.new_page())
        seen.watch()
        try:
            yield seen
        finally:
            await context.close()
        assert seen.wrong == []


@asynccontextmanager
async def running_chrome(path: str) -> AsyncIterator[Chrome]:
    """Yield the installed Chromium, driven over its own protocol; it reaches nothing but this machine."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(QUIET))
        try:
            yield Chrome(browser)
        finally:
            await browser.close()
