"""The documentation builds without a warning, and its reference pages are complete."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

from skipass.audit.events import EVENT_KINDS
from skipass.errors import KINDS, MEANINGS
from skipass.nouns.envelope import Status

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[\w-]+)?\)")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built pages."""
    out = tmp_path_factory.mktemp("html")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "-d", str(out / ".doctrees"), "docs", str(out)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return out


def rows(page: Path) -> list[list[str]]:
    """Return the text of each table row of a built page."""
    found = re.findall(r"<tr.*?</tr>", page.read_text(), re.DOTALL)
    cells = [re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, re.DOTALL) for row in found]
    return [[html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


def test_every_error_code_is_documented(built: Path) -> None:
    """The page of errors has a row for each code, with its kind and its meaning."""
    table = rows(built / "reference" / "errors.html")
    assert [[code, str(KINDS[code]), MEANINGS[code]] for code in sorted(MEANINGS)] == table[-len(MEANINGS) :]


def test_every_event_kind_is_documented(built: Path) -> None:
    """The page of events has a row for each kind, with its meaning."""
    table = rows(built / "reference" / "events.html")
    assert [[kind, EVENT_KINDS[kind]] for kind in sorted(EVENT_KINDS)] == table[1:]


def test_every_status_of_the_envelope_is_documented(built: Path) -> None:
    """The page of HTTP lists each status an agent can get back."""
    documented = {row[0] for row in rows(built / "reference" / "http.html") if row}
    assert {status.value for status in Status} <= documented


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_between_files_lead_somewhere(page: Path) -> None:
    """A relative link in any page names a file that is there."""
    targets = LINK.findall(page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_console_blocks_are_commands(page: Path) -> None:
    """Each line of a console block is one command after a prompt, so that it can be pasted and executed."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    assert [line for line in lines if not line.startswith("$ ")] == []
