"""Settings: from the environment (`SKIPASS_…`) and the command line, checked once, before anything is opened."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from skipass.app.home import Home
from skipass.app.keysource import KeySettings
from skipass.app.mcp_clients import ClientSettings
from skipass.app.noticing import NoticeSettings
from skipass.app.signing_in import SignInSettings
from skipass.secret import Secret


class Settings(NoticeSettings, KeySettings, SignInSettings, ClientSettings):
    """Every setting of a gateway process; the environment variable of each is `SKIPASS_` and its name."""

    model_config = SettingsConfigDict(env_prefix="SKIPASS_", extra="ignore", frozen=True, hide_input_in_errors=True)

    _given: frozenset[str] = PrivateAttr(default=frozenset())

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._given = frozenset(given)

    @property
    def given(self) -> frozenset[str]:
        """The names that were handed over, as the command line does, and not read from the environment."""
        return self._given

    home: Path = Field(Path("~/.skipass"), description="Directory of the database, the keys and the checkpoints.")
    database_url: SecretStr | None = Field(
        None, description="postgresql:// address of a database that several gateways may share; else a file in home."
    )
    host: str = Field("127.0.0.1", description="Address to listen on; loopback unless you say otherwise.")
    port: int = Field(8787, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    base_url: str | None = Field(None, description="Public address of the gateway; https unless it is loopback.")
    tls_cert: Path | None = Field(None, description="Certificate chain in PEM, to serve https directly.")
    tls_key: Path | None = Field(None, description="Private key of the certificate, in PEM.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Further Host headers to answer to, separated by commas; base_url's is always one."
    )
    egress_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="host:port pairs on loopback or private ranges that the gateway may connect to, by commas."
    )
    log_format: Literal["auto", "json", "console"] = Field("auto", description="auto: console on a terminal.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe line to log; warning on a terminal with --sandbox."
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer that may read /metrics beside admins and auditors."
    )
    policy_file: Path | None = Field(
        None, description="Policy in TOML; then this file is the policy, and it is applied when the gateway starts."
    )
    resend_ambiguous: bool = Field(
        default=True, description="Send a refresh token again when the answer to it was lost; else its account ends."
    )
    sandbox: bool = Field(default=False, description="Run with a stand-in for Snowflake and the demo's people.")
    crash_at: str | None = Field(None, description="Under sandbox only: point[:passes] at which to kill the process.")

    @field_validator("allowed_hosts", "egress_allow", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("database_url must begin with postgresql://")
        return value

    def database(self) -> Secret[str] | None:
        """Return the address of the database if it is on a server."""
        return None if self.database_url is None else Secret(self.database_url.get_secret_value())

    def place(self) -> Home:
        """Return the home, which knows whether its rows are on a server."""
        return Home(self.home.expanduser(), on_server=self.database_url is not None)

    @model_validator(mode="after")
    def _safe(self) -> Settings:
        loopback = is_loopback(self.host)
        if self.base_url and urlsplit(self.base_url).scheme != "https" and not is_loopback(_host_of(self.base_url)):
            raise ValueError("base_url must be https unless it is loopback")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together")
        if (self.sandbox or self.egress_allow) and not loopback:
            raise ValueError("sandbox and egress_allow are for a gateway on loopback only")
        if self.crash_at and not self.sandbox:
            raise ValueError("crash_at is for the sandbox only")
        if not loopback and not self.base_url:
            raise ValueError("a gateway beyond loopback needs base_url, its public https address")
        return self


def _host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


SETTINGS = {f"SKIPASS_{name.upper()}": field.description or "" for name, field in Settings.model_fields.items()}
