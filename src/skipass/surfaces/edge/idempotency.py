"""The caller's own key for a call, so that sending it twice does it once."""

from __future__ import annotations

import re

from skipass.errors import SkipassError
from skipass.surfaces.edge.headers import Headers

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


def idempotency_key(headers: Headers) -> str | None:
    """Return the `Idempotency-Key` header, None when absent; `invalid_request` unless 1-255 visible ASCII."""
    key = headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise SkipassError("invalid_request", "Idempotency-Key is not 1 to 255 visible ASCII characters.")
    return key
