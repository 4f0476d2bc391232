"""Settings of MCP clients, checked with all the others: how they may come, and how long their tokens are good."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from skipass.gateway.oauth_rules import SCHEMES, ClientRules

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.ASCII)
_NEVER = frozenset({"http", "https", "javascript", "data", "file", "blob", "about", "vbscript", "ws", "wss", "ftp"})


class ClientSettings(BaseSettings):
    """How MCP clients may come."""

    model_config = SettingsConfigDict(env_prefix="SKIPASS_", extra="ignore", frozen=True, hide_input_in_errors=True)

    client_registration: bool = Field(
        default=True, description="Let MCP clients register themselves; an unused one is forgotten after a day."
    )
    client_documents: bool = Field(
        default=True, description="Let an MCP client be the metadata document at the https address that is its id."
    )
    client_document_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Hosts whose documents are fetched, by commas; without any, every public one's."
    )
    client_schemes: Annotated[tuple[str, ...], NoDecode] = Field(
        SCHEMES, description="Schemes of programs' own that a client's redirect address may have, by commas."
    )
    client_token_minutes: int = Field(30, ge=10, le=60, description="How long an MCP client's access token is good.")

    @field_validator("client_document_hosts", "client_schemes", mode="before")
    @classmethod
    def _parts(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip().lower() for part in value.split(",") if part.strip())

    @field_validator("client_schemes")
    @classmethod
    def _own(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(one in _NEVER or not _SCHEME.fullmatch(one) for one in value):
            raise ValueError("client_schemes are schemes that programs register for themselves")
        return value

    def client_rules(self) -> ClientRules:
        """Return what the settings say, as the gateway has it."""
        return ClientRules(
            registration=self.client_registration,
            documents=self.client_documents,
            document_hosts=self.client_document_hosts,
            schemes=self.client_schemes,
            access_life=timedelta(minutes=self.client_token_minutes),
        )
