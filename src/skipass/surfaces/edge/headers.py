"""Header access that cannot be ambiguous: a repeated header is an error, not a choice of one copy."""

from __future__ import annotations

from collections.abc import Iterable

from skipass.errors import SkipassError
from skipass.surfaces.edge.asgi import Scope


class Headers:
    """The request's headers, names in lower case, values without surrounding white space.

    Source: RFC 9110 5.5 (white space around a field value is not part of it).
    """

    __slots__ = ("_values",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in raw:
            self._values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip(" \t"))

    @classmethod
    def of(cls, scope: Scope) -> Headers:
        """Return the headers of an ASGI HTTP scope."""
        return cls(scope.get("headers", ()))

    def all(self, name: str) -> list[str]:
        """Return every value sent under a lower-case name, in order."""
        return list(self._values.get(name, ()))

    def get(self, name: str) -> str | None:
        """Return the one value of a header, None when absent; raise `invalid_request` when it was sent twice."""
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) > 1:
            raise SkipassError("invalid_request", f"The header {name} was sent more than once.", "Send it once.")
        return values[0]

    def __contains__(self, name: str) -> bool:
        return name in self._values
