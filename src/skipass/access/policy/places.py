"""Where in the text of a policy a fault is: the line to look at. Reads lines, not meaning: a hint, never a ruling."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

_HEADER = re.compile(r"\s*\[\[\s*rule\s*\]\]")
_NAME = re.compile(r"\s*name\s*=")
_IN_TOML = re.compile(r"^it is not TOML: .*\(at line ([0-9]+), column [0-9]+\)$", re.DOTALL)
_FIELD = re.compile(r"\s*([a-z_]+)\s*=")
_WORD = re.compile(r"[a-z_]+")
_FORMS = ("rule {}: ", "rule {} ", "rules {} and ", "several rules are named {}")


@dataclass(frozen=True, slots=True)
class _Block:
    """The lines of one rule, from 1: where it begins, how faults call it, and where each of its fields stands."""

    line: int
    called: str
    fields: dict[str, int]


def line_of(text: str, fault: str) -> int | None:
    """Return the line, counted from 1, that a fault or warning of `parse` or `check` is about; None where none is."""
    said = _IN_TOML.fullmatch(fault)
    if said:
        return int(said[1])
    lines, told = text.splitlines(), fault.removeprefix("policy: ")
    for block in _blocks(lines):
        if told.startswith(tuple(form.format(block.called) for form in _FORMS)):
            words = (name for word in _WORD.findall(_after(told, block)) for name in (word, f"{word}s"))
            return next((block.fields[word] for word in words if word in block.fields), block.line)
    return _of_document(lines, told) if told != fault else None


def _after(told: str, block: _Block) -> str:
    return told.partition(f"{block.called}: ")[2]


def _of_document(lines: Sequence[str], told: str) -> int | None:
    words = _WORD.findall(told)
    for number, line in enumerate(lines, 1):
        if _HEADER.match(line):
            return None
        named = _FIELD.match(line)
        if named and named[1] in words:
            return number
    return None


def _blocks(lines: Sequence[str]) -> list[_Block]:
    starts = [at for at, line in enumerate(lines) if _HEADER.match(line)]
    ends = [*starts[1:], len(lines)]
    return [_block(lines, n + 1, span) for n, span in enumerate(zip(starts, ends, strict=False))]


def _block(lines: Sequence[str], number: int, span: tuple[int, int]) -> _Block:
    called, fields = str(number), dict[str, int]()
    for at in range(*span):
        named = _FIELD.match(lines[at])
        if named:
            fields.setdefault(named[1], at + 1)
        if _NAME.match(lines[at]):
            called = _called(lines[at]) or called
    return _Block(span[0] + 1, called, fields)


def _called(line: str) -> str | None:
    try:
        name = tomllib.loads(line).get("name")
    except tomllib.TOMLDecodeError:
        return None
    return repr(name) if isinstance(name, str) and name.strip() else None
