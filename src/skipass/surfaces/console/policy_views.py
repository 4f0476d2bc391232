"""What the pages of the policy show, as plain values: faults with their lines, and what changed from text to text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import unified_diff
from typing import Any

from skipass.access.policy.places import line_of
from skipass.gateway.policies import Applied, Checked
from skipass.nouns.policy import PolicySource

MOST_LINES = 4000
_KINDS = {"+": "added", "-": "removed", "@": "place"}


def version_values(applied: Applied) -> dict[str, Any]:
    """Return one version without its text."""
    version = applied.version
    return {
        "id": version.id,
        "number": version.number,
        "at": version.applied_at,
        "file": version.source is PolicySource.FILE,
        "by": applied.by or "somebody who is gone",
    }


def found_values(text: str, found: Checked) -> dict[str, Any]:
    """Return what is wrong with a text and what is worth a second look, each with its line where it has one."""
    return {
        "ok": not found.faults,
        "rules": found.rules,
        "faults": _placed(text, found.faults),
        "warnings": _placed(text, found.warnings),
    }


def _placed(text: str, sentences: Iterable[str]) -> list[dict[str, Any]]:
    found = [{"line": line_of(text, said), "said": said} for said in sentences]
    return sorted(found, key=lambda one: one["line"] or 0)


def difference(before: str, after: str) -> list[tuple[str, str]] | None:
    """Return the lines that changed with some around them, each with its kind; None where the texts are too long."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MOST_LINES:
        return None
    return list(_lines(unified_diff(old, new, lineterm="", n=3)))


def _lines(diff: Iterable[str]) -> Iterator[tuple[str, str]]:
    for at, line in enumerate(diff):
        # The first two lines name files, and there are none.
        if at > 1:
            yield _KINDS.get(line[:1], "same"), line
