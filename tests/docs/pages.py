"""The documentation as a test reads it: sections under their headings, and the fenced blocks in each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of the second level and what stands under it."""

    title: str
    text: str

    def blocks(self, language: str) -> list[list[str]]:
        """Return the lines of each fenced block of a language."""
        return [body.splitlines() for kind, body in _FENCE.findall(self.text) if kind == language]

    def codes(self) -> list[str]:
        """Return what is set as code inside the prose."""
        return re.findall(r"`([^`\n]+)`", _FENCE.sub("", self.text))


def sections(page: str) -> list[Section]:
    """Return the sections of a page under docs/, what stands before the first one left out."""
    parts = re.split(r"^## (.+)$", (DOCS / page).read_text(), flags=re.MULTILINE)[1:]
    return [Section(title, text) for title, text in zip(parts[::2], parts[1::2], strict=True)]


def commands(page: str) -> list[str]:
    """Return every command of a page's console blocks, in order."""
    return [line.removeprefix("$ ") for one in sections(page) for block in one.blocks("console") for line in block]


def line_matches(promised: str, printed: str) -> bool:
    """Return whether a printed line is the promised one, with anything in place of each `…`."""
    pattern = ".*".join(re.escape(part) for part in promised.strip().split("…"))
    return re.fullmatch(pattern, printed.strip()) is not None


def in_order(promised: list[str], printed: list[str]) -> list[str]:
    """Return the promised lines that are not found in the printed ones in that order."""
    rest, missing = iter(printed), []
    for line in promised:
        if not any(line_matches(line, one) for one in rest):
            missing.append(line)
    return missing
