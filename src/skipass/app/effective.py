"""What the settings of a process came to, and from where, for people to read. A secret's value never gets here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from skipass.app.settings import SETTINGS, Settings
from skipass.nouns.setting import EffectiveSetting, SettingSource

# A command's words may hold what it asks for the key with.
_UNTOLD = frozenset({"vault_key_command"})


def effective(settings: Settings, base_url: str, environment: Mapping[str, str]) -> tuple[EffectiveSetting, ...]:
    """Return every setting by name; `base_url` is what the process answers as where none was given."""
    there = {name.upper(): text for name, text in environment.items()}
    return tuple(_one(settings, name, base_url, there) for name in sorted(Settings.model_fields))


def effective_here(settings: Settings, base_url: str) -> tuple[EffectiveSetting, ...]:
    """Return what `effective` does, with the environment of this process."""
    return effective(settings, base_url, os.environ)


def _one(settings: Settings, name: str, base_url: str, environment: Mapping[str, str]) -> EffectiveSetting:
    value, variable = getattr(settings, name), f"SKIPASS_{name.upper()}"
    secret = (
        isinstance(value, SecretStr) or name in _UNTOLD or "SecretStr" in str(Settings.model_fields[name].annotation)
    )
    source = _source(settings, name, environment.get(variable))
    if name == "base_url" and value is None:
        value = base_url
    told = ("not set" if value is None else "set") if secret else _told(value)
    return EffectiveSetting(variable, told, source, SETTINGS[variable], secret)


def _source(settings: Settings, name: str, text: str | None) -> SettingSource:
    """Return where a value came from; one that the command line took from the variable is the environment's."""
    if name not in settings.model_fields_set:
        return SettingSource.DEFAULT
    if text is not None and (name not in settings.given or _plain(getattr(settings, name)) == text):
        return SettingSource.ENVIRONMENT
    return SettingSource.COMMAND_LINE


def _plain(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _told(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)
