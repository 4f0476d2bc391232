"""What a channel needs of a notice, whatever the notice is about."""

from __future__ import annotations

from typing import Any, Protocol


class Written(Protocol):
    """A notice in words, whatever it is about: JSON for programs, a line and a few lines for people."""

    @property
    def id(self) -> str:
        """The notice's id; the same notice may come twice."""
        ...

    @property
    def to(self) -> tuple[str, ...]:
        """The mail addresses of the one person it is for; empty where it is for those that the settings name."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON body of a webhook."""
        ...

    def subject(self) -> str:
        """Return one line."""
        ...

    def text(self) -> str:
        """Return a few lines for people."""
        ...
