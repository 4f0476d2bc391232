"""What a browser posts: one small urlencoded form from our own pages, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from skipass.errors import SkipassError
from skipass.surfaces.edge.headers import Headers

MAX_BYTES = 16_384
FORM = "application/x-www-form-urlencoded"


def form_from(body: bytes, headers: Headers, names: Sequence[str], most_bytes: int = MAX_BYTES) -> Mapping[str, str]:
    """Return the fields `names` of a posted form, absent ones empty; raises `invalid_request` for any other post."""
    if (headers.get("content-type") or "").partition(";")[0].strip().lower() != FORM or len(body) > most_bytes:
        raise SkipassError("invalid_request", "That is not a form of this page.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=16, errors="strict"
        )
    except (ValueError, UnicodeError):
        raise SkipassError("invalid_request", "The form cannot be read.") from None
    given = dict(pairs)
    if len(given) != len(pairs) or not set(given) <= set(names):
        raise SkipassError("invalid_request", "The form has fields that this page does not.")
    return {name: given.get(name, "") for name in names}


def check_same_origin(headers: Headers) -> None:
    """Pass when the browser says that one of our own pages sent this, else raise `forbidden`.

    Source: the Fetch standard, "append a request Origin header": every form post carries one.
    """
    if urlsplit(headers.get("origin") or "").netloc.lower() != (headers.get("host") or "").lower():
        raise SkipassError("forbidden", "The form did not come from this gateway's own page.", "Open the page again.")
