"""Which provider gives this process the vault's keys, as the settings say: a file unless they name something else."""

from __future__ import annotations

import shlex

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from skipass.app.home import Home
from skipass.secret import Secret
from skipass.vault.providers import CommandKeys, EnvironmentKeys, FileKeys, KeyProvider


class KeySettings(BaseSettings):
    """The settings of the vault's key."""

    model_config = SettingsConfigDict(env_prefix="SKIPASS_", extra="ignore", frozen=True, hide_input_in_errors=True)

    vault_key: SecretStr | None = Field(
        default=None, description="The vault's key, 32 bytes in base 64, instead of the file vault.key in home."
    )
    vault_key_next: SecretStr | None = Field(default=None, description="The key to turn to, beside SKIPASS_VAULT_KEY.")
    vault_key_command: str | None = Field(
        default=None, description="Command that prints the vault's key, and on a second line the one to turn to."
    )

    @model_validator(mode="after")
    def _one_source(self) -> KeySettings:
        if self.vault_key is not None and self.vault_key_command is not None:
            raise ValueError("vault_key and vault_key_command exclude each other")
        if self.vault_key_next is not None and self.vault_key is None:
            raise ValueError("vault_key_next goes beside vault_key")
        return self

    def key_provider(self, home: Home) -> KeyProvider:
        """Return what gives the keys of the gateway in this home."""
        if self.vault_key_command is not None:
            return CommandKeys(tuple(shlex.split(self.vault_key_command)))
        if self.vault_key is not None:
            second = self.vault_key_next
            return EnvironmentKeys(
                Secret(self.vault_key.get_secret_value()), Secret(second.get_secret_value()) if second else None
            )
        return FileKeys(home.vault_key)
