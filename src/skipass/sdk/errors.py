"""What a call to a gateway can fail with: one root, a class for each sort of failure, and one for each code.

Mirrors `skipass.errors`: catch a code's class (`skipass.sdk.codes`), a sort of failure, or `GatewayError` for all of
them. A code that a newer gateway knows and this library does not is raised as `GatewayError` itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from skipass.errors import KINDS, MEANINGS, Kind, SkipassError

_BY_CODE: dict[str, type[GatewayError]] = {}


class GatewayError(SkipassError):
    """A refusal or failure of a call, with the gateway's `code`, `message`, `hint`, `retryable` and `details`.

    `status` is the HTTP status, None where no answer came or the call itself was answered.
    """

    default_code: ClassVar[str] = "internal_error"
    status: int | None

    def __init_subclass__(cls, *, code: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if code is not None:
            cls.default_code = code
            _BY_CODE[code] = cls

    def __init__(
        self,
        code: str | None = None,
        message: str | None = None,
        hint: str = "",
        *,
        retryable: bool = False,
        details: Mapping[str, Any] | None = None,
        status: int | None = None,
    ) -> None:
        known = code or self.default_code
        message = message or MEANINGS.get(known, "The gateway refused the call.")
        super().__init__(
            known if known in KINDS else "internal_error", message, hint, retryable=retryable, details=details
        )
        self.code, self.status = known, status
        self.args = (f"{known}: {message}" + (f" {hint}" if hint else ""),)

    @property
    def kind(self) -> Kind:
        """What sort of failure it is; `internal` for a code that is not known here."""
        return KINDS.get(self.code, Kind.INTERNAL)


class InvalidCall(GatewayError):
    """What was sent is not what the gateway takes."""


class NotSignedIn(GatewayError):
    """The credential is missing or not accepted."""


class NotPermitted(GatewayError):
    """This caller may not do that."""


class NotThere(GatewayError):
    """There is no such thing for this caller."""


class Conflicting(GatewayError):
    """Something changed meanwhile, or the call is ambiguous."""


class TooLarge(GatewayError):
    """More than the gateway reads."""


class Refused(GatewayError):
    """A session, a policy or a person does not allow it."""


class Unavailable(GatewayError):
    """Nothing ran; it may work later."""


class UpstreamFailed(GatewayError):
    """Snowflake or the identity provider refused or failed."""


class InternalFailure(GatewayError):
    """Something in the gateway failed."""


def error_of(
    code: str,
    message: str | None = None,
    hint: str = "",
    *,
    retryable: bool = False,
    details: Mapping[str, Any] | None = None,
    status: int | None = None,
) -> GatewayError:
    """Return the error of a code, of the code's own class."""
    kind = _BY_CODE.get(code, GatewayError)
    return kind(code, message, hint, retryable=retryable, details=details, status=status)


def error_from(body: object, status: int) -> GatewayError | None:
    """Return the error that an answer's `{"error": …}` is, None for an answer that is no gateway's."""
    said = body.get("error") if isinstance(body, dict) else None
    if not isinstance(said, dict) or not isinstance(said.get("code"), str):
        return None
    details = said.get("details")
    return error_of(
        said["code"],
        str(said.get("message") or "") or None,
        str(said.get("hint") or ""),
        retryable=said.get("retryable") is True,
        details=details if isinstance(details, dict) else None,
        status=status,
    )
