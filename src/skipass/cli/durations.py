"""Durations as people write them: `90`, `90s`, `15m`, `8h`. Pure."""

from __future__ import annotations

import re

import typer

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_FORM = re.compile(r"([1-9][0-9]{0,6})([smhd]?)")


def seconds(text: str) -> int:
    """Return the seconds of a duration; anything else is wrong usage."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter("write a duration as 90s, 15m or 8h")
    return int(match[1]) * _SECONDS[match[2]]
