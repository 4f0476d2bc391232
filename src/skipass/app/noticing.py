"""Settings of the notices, checked with all the others, and the channels they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from skipass.clock import Clock
from skipass.gateway.deps import Channel
from skipass.gateway.egress import Egress
from skipass.gateway.mail import Mail
from skipass.gateway.webhooks import Slack, Webhook
from skipass.secret import Secret

LEAST_SECRET = 32
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


class NoticeSettings(BaseSettings):
    """How people are told outside the gateway that something waits for them; nothing is set by default."""

    model_config = SettingsConfigDict(env_prefix="SKIPASS_", extra="ignore", frozen=True, hide_input_in_errors=True)

    webhook_url: SecretStr | None = Field(None, description="Where signed notices are posted.")
    webhook_secret: SecretStr | None = Field(None, description="Key of the notices' signature, 32 characters or more.")
    slack_url: SecretStr | None = Field(None, description="Incoming webhook of Slack or of what takes its messages.")
    smtp_host: str | None = Field(None, description="Mail server for notices.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the mail server is spoken to; none only on loopback."
    )
    smtp_user: str | None = Field(None, description="Login at the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Its password.")
    smtp_from: str | None = Field(None, description="Sender of notices.")
    smtp_to: Annotated[tuple[str, ...], NoDecode] = Field((), description="Who gets notices by mail, by commas.")

    @field_validator("smtp_to", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> NoticeSettings:
        for name in ("webhook_url", "slack_url"):
            url: SecretStr | None = getattr(self, name)
            if url is not None and not _fit(url.get_secret_value()):
                raise ValueError(f"{name} must be an https address; plain http is for loopback")
        secret = self.webhook_secret.get_secret_value() if self.webhook_secret else ""
        if self.webhook_url and len(secret) < LEAST_SECRET:
            raise ValueError(f"webhook_url needs a webhook_secret of {LEAST_SECRET} characters or more")
        self._check_mail()
        return self

    def _check_mail(self) -> None:
        if self.smtp_host and not (self.smtp_from and self.smtp_to):
            raise ValueError("smtp_host needs smtp_from and smtp_to")
        if self.smtp_host and self.smtp_security == "none" and self.smtp_host not in _HERE:
            raise ValueError("smtp_security none is for a mail server on this machine")


def _fit(url: str) -> bool:
    parts = urlsplit(url)
    schemes = ("https", "http") if parts.hostname in _HERE else ("https",)
    return bool(parts.hostname) and parts.username is None and parts.scheme in schemes


def channels(settings: NoticeSettings, egress: Egress, clock: Clock) -> Mapping[str, Channel]:
    """Return the channels that the settings name."""
    found: dict[str, Channel] = {}
    if settings.webhook_url and settings.webhook_secret:
        found["webhook"] = Webhook(_secret(settings.webhook_url), _secret(settings.webhook_secret), egress, clock)
    if settings.slack_url:
        found["slack"] = Slack(_secret(settings.slack_url), egress)
    if settings.smtp_host:
        found["mail"] = Mail(
            host=settings.smtp_host,
            port=settings.smtp_port,
            security=settings.smtp_security,
            sender=settings.smtp_from or "",
            to=settings.smtp_to,
            egress=egress,
            user=settings.smtp_user,
            password=_secret(settings.smtp_password) if settings.smtp_password else None,
        )
    return found


def _secret(value: SecretStr) -> Secret[str]:
    return Secret(value.get_secret_value())
