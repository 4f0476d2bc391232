"""What the gateway answers, readable as a mapping and by attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from skipass.sdk.errors import GatewayError, error_of

_REFUSAL = ("code", "message", "hint", "retryable")
_OF_STATUS = {"denied": "approval_denied", "failed": "statement_failed", "cancelled": "statement_cancelled"}
_OF_STATUS |= {"unknown": "statement_unknown"}


class Answer(Mapping[str, Any]):
    """A JSON object; nested objects are answers too. A member that is not there is a `KeyError` or `AttributeError`."""

    __slots__ = ("_members",)
    _members: Mapping[str, Any]

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = members

    def __getitem__(self, name: str) -> Any:
        return _wrapped(self._members[name])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as missing:
            raise AttributeError(*missing.args) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self)})"

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object itself."""
        return dict(self._members)


def _wrapped(value: Any) -> Any:
    return Answer(value) if isinstance(value, dict) else value


class ToolAnswer(Answer):
    """The envelope of a tool call, read flat: its own members and those of the body that the tool gave.

    `answer["data"]` is the body's rows, `answer.data` the body itself; both know the gateway's `statementHandle`.
    `envelope` is what came.
    """

    __slots__ = ("envelope",)
    envelope: dict[str, Any]

    def __init__(self, envelope: Mapping[str, Any]) -> None:
        self.envelope = dict(envelope)
        body = envelope.get("data")
        own = {name: value for name, value in envelope.items() if name != "data"}
        super().__init__({**(body if isinstance(body, dict) else {}), **own})

    def __getitem__(self, name: str) -> Any:
        if name in self._members:
            return _wrapped(self._members[name])
        why = [str(self._members.get(said) or "") for said in ("status", "message", "hint")]
        raise KeyError(f"no {name}: {' '.join(filter(None, why))}")

    @property
    def data(self) -> Answer:
        """The body: of a statement Snowflake's own, with the gateway's handle."""
        body = self.envelope.get("data") or {}
        handle = self.envelope.get("statementHandle")
        return Answer({**body, "statementHandle": handle} if handle else body)

    @property
    def status(self) -> str:
        """The one word that says what happened to the call."""
        return str(self.envelope.get("status"))

    @property
    def error(self) -> GatewayError | None:
        """The error that a program raises for it; None for `success` and for what is `running`."""
        if self.status in ("success", "running"):
            return None
        said = self.envelope
        code = str(said.get("code") or _OF_STATUS.get(self.status, self.status))
        details = {name: value for name, value in said.items() if name not in (*_REFUSAL, "data")}
        message, hint = (str(said.get(name) or "") for name in ("message", "hint"))
        return error_of(code, message or None, hint, retryable=said.get("retryable") is True, details=details)
