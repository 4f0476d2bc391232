"""axe-core, as npm has it: run over the pages at hand from outside of them, so that nothing is let in for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Page

import npm

HERE = Path(__file__).parent / "judge"
GRAVE = ("serious", "critical")
# What axe cannot tell without another origin's files; there are none.
_RUN = """async () => {
  const found = await axe.run(document, {preload: false, resultTypes: ['violations']});
  return found.violations.map((one) => [one.id, one.impact, one.nodes.map((node) => node.html.slice(0, 200))]);
}"""


def source(cache: Path) -> str | None:
    """Return the program, installed by its lock file, None where npm is not there or cannot install it."""
    installed = npm.installed(HERE, cache)
    return (installed.place / "node_modules" / "axe-core" / "axe.min.js").read_text() if installed else None


async def findings(page: Page, program: str, *, every: bool = False) -> list[Any]:
    """Return what axe finds on the page as it is now: the rule, how grave, and where; the grave alone, or all.

    It is evaluated over the protocol of the browser's tools, which a page's policy does not hold: the policy stays as
    it is, and what axe does under it is no violation.
    """
    await page.evaluate(program)
    told: list[Any] = await page.evaluate(_RUN)
    return [one for one in told if every or one[1] in GRAVE]
