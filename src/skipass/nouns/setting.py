"""Setting: one value this process runs with, and where that came from. Never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SettingSource(StrEnum):
    """Where a value came from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """The environment variable `name`, the value as people read it, and what the setting is for.

    Of a secret `value` says `set` or `not set` and nothing more, and `secret` is true.
    """

    name: str
    value: str
    source: SettingSource
    meaning: str
    secret: bool = False
