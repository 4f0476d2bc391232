"""What can be measured of a page in a browser, whichever page it is: the faults of one, as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from browser.axe import findings

if TYPE_CHECKING:
    from browser.chrome import Seen

TELEPHONE, SCREEN, TALL = 360, 1280, 740
ENOUGH = 4.5
"""The contrast of readable text. Source: WCAG 2.2, success criterion 1.4.3."""
MOST_STOPS = 60
FIELDS = 30
"""How many stops more there may be than elements: a field for a moment has one for each of its parts."""
LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    (SCREEN, "light"),
    (SCREEN, "dark"),
    (TELEPHONE, "light"),
    (TELEPHONE, "dark"),
)
JUDGED = ((SCREEN, "light"), (TELEPHONE, "dark"))
"""What axe looks at: what differs between the others is measured."""
_SHAPE = """() => {
  const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map((one) => Number(one.tagName[1]));
  const faults = [];
  if (levels.filter((one) => one === 1).length !== 1) faults.push('not one h1');
  levels.forEach((one, at) => { if (one > (levels[at - 1] ?? 0) + 1) faults.push('a heading jumps to h' + one); });
  if (!/^.+ · skipass$/.test(document.title)) faults.push('title: ' + document.title);
  if (document.documentElement.lang !== 'en') faults.push('no language');
  const skip = document.querySelector('a[href]');
  if (document.querySelector('nav') && skip.getAttribute('href') !== '#main') faults.push('no way past the menu');
  if (!document.querySelector('main')) faults.push('no main');
  const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
  const twice = ids.filter((one, at) => ids.indexOf(one) !== at);
  if (twice.length) faults.push('an id stands twice: ' + twice[0]);
  if (window.ran !== undefined) faults.push('something ran');
  return faults;
}"""
_STOPS = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
  .filter((one) => one.type !== 'hidden' && !one.disabled && one.checkVisibility())
  .filter((one, at, all) => one.type !== 'radio' || all.findIndex((other) => other.name === one.name) === at).length"""
_STOP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const known = one.matches('a[href], button, input, select, textarea, summary, [tabindex="0"]');
  const first = !one.dataset.reached;
  one.dataset.reached = 'yes';
  return {
    known, first,
    told: one.tagName + ' ' + (one.getAttribute('name') || one.innerText || one.id).slice(0, 60),
    marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none',
    shown: box.width > 0 && box.height > 0 && box.right > 0 && box.left < innerWidth,
  };
}"""


async def faults(seen: Seen, program: str) -> list[str]:
    """Return what is wrong with the page at hand, light and dark, on a telephone and a screen."""
    found: list[str] = list(await seen.page.evaluate(_SHAPE))
    for width, scheme in LOOKS:
        await seen.page.emulate_media(color_scheme=scheme)
        await seen.page.set_viewport_size({"width": width, "height": TALL})
        where = f"{width} {scheme}"
        if (over := await seen.overflow()) > 0:
            found.append(f"{where}: {over} pixels wider than the window")
        if (least := await seen.contrast()) < ENOUGH:
            found.append(f"{where}: a contrast of {least:.2f}")
        if (width, scheme) in JUDGED:
            found += [f"{where}: {one}" for one in await findings(seen.page, program)]
    return found


async def keyboard_faults(seen: Seen) -> list[str]:
    """Return what Tab does not reach, and what does not show that it has the focus; of long pages, their beginning."""
    stops, found, reached = await seen.page.evaluate(_STOPS), [], 0
    for _ in range(min(stops, MOST_STOPS) + FIELDS):
        await seen.page.keyboard.press("Tab")
        stop = await seen.page.evaluate(_STOP)
        if stop is None or not stop["first"]:
            continue
        reached += stop["known"]
        if not stop["marked"] or not stop["shown"]:
            found.append(f"the focus on {stop['told']} does not show")
        if reached >= min(stops, MOST_STOPS):
            break
    else:
        found.append(f"Tab reaches {reached} of {stops}")
    return found
