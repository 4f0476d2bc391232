"""Reads the corpus: statements with what they must answer, in blocks that a blank line separates.

    query NAME [user=U] [role=R]     every row, cells parted by `|`, NULL for null; `~` starts a pattern
    pick NAME COLUMN,… [user=U]      the same, of the named columns only (`+` in a name stands for a blank)
    columns NAME                     the names of the columns, one a line
    error NAME CODE [user=U]         refused with that code
    known NAME CODE [user=U]         what this account cannot do yet, and the code it says so with

`user NAME ROLE` alone sets who sends the rest of the file. JSON cells are compared as JSON.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.client import Reply

FOLDER = Path(__file__).parent / "corpus"
FORMATS = {
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS",
}
_JSON = ("variant", "object", "array")


@dataclass(frozen=True)
class Case:
    file: str
    kind: str
    name: str
    sql: str
    expected: tuple[str, ...]
    picked: tuple[str, ...] = ()
    code: str = ""
    user: str = "ANNA"
    role: str = "ANALYST"

    @property
    def id(self) -> str:
        return f"{self.file}-{self.name}"

    def faults(self, reply: Reply) -> str:
        """Return what is wrong with an answer, or nothing."""
        if self.kind in ("error", "known"):
            return "" if (reply.status, reply.code) == (422, self.code) else f"{reply.status} {reply.body}"
        if reply.status != 200:
            return f"{reply.code} {reply.body['message']}"
        found = reply.names if self.kind == "columns" else self._lines(reply)
        if len(self.expected) == 1 and self.expected[0].startswith("~"):
            text = "\n".join(found)
            return "" if re.search(self.expected[0][1:], text, re.DOTALL) else text
        return "" if tuple(found) == self.expected else f"{found}"

    def _lines(self, reply: Reply) -> list[str]:
        names = reply.names
        wanted = [names.index(name) for name in self.picked] if self.picked else list(range(len(names)))
        types = [column["type"] for column in reply.body["resultSetMetaData"]["rowType"]]
        return ["|".join(_cell(row[index], types[index]) for index in wanted) for row in reply.rows]


def _cell(value: str | None, kind: str) -> str:
    if value is None:
        return "NULL"
    if kind in _JSON:
        value = json.dumps(json.loads(value), separators=(",", ":"), ensure_ascii=False)
    return value.replace("|", r"\|")


def load(path: Path) -> list[Case]:
    """Return the cases of one file, in order."""
    defaults = {"user": "ANNA", "role": "ANALYST"}
    cases: list[Case] = []
    for block in re.split(r"\n\n", path.read_text()):
        head, _, body = block.strip("\n").partition("\n")
        words = head.split()
        if words and words[0] == "user":
            defaults = {"user": words[1], "role": words[2]}
        elif words:
            cases.append(_case(path.stem, words, body, defaults))
    return cases


def _case(file: str, words: list[str], body: str, defaults: dict[str, str]) -> Case:
    kind, name, *rest = words
    named: dict[str, Any] = defaults | dict(word.split("=", 1) for word in rest if "=" in word)
    plain = [word for word in rest if "=" not in word]
    if kind in ("error", "known"):
        return Case(file, kind, name, body, (), code=plain[0], **named)
    sql, _, expected = body.partition("----")
    lines = tuple(expected.strip("\n").split("\n")) if expected.strip("\n") else ()
    picked = tuple(word.replace("+", " ") for word in plain[0].split(",")) if plain else ()
    return Case(file, kind, name, sql.strip("\n"), lines, picked, **named)


def everything() -> list[Case]:
    """Return all cases of all files."""
    return [case for path in sorted(FOLDER.glob("*.slt")) for case in load(path)]
