"""What the door allows; the defaults answer loopback only."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """The door's limits and allow lists.

    A host entry without a port admits every port; `[::1]` is written with its brackets. An origin entry is
    `scheme://host` (any port) or `scheme://host:port`. `wait_s` is how long a tool call waits inline, `keep_alive_s`
    how long a client hears nothing before it gets a comment, `progress_s` how often one that asked is told that its
    call still runs; all in seconds.
    """

    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    allowed_origins: tuple[str, ...] = (
        "http://localhost",
        "http://127.0.0.1",
        "http://[::1]",
        "https://localhost",
        "https://127.0.0.1",
        "https://[::1]",
    )
    max_body_bytes: int = 4 * 1024 * 1024
    body_deadline_s: float = 15.0
    max_json_depth: int = 64
    max_json_tokens: int = 200_000
    wait_s: float = 25.0
    keep_alive_s: float = 10.0
    progress_s: float = 5.0

    @classmethod
    def serving(cls, base_url: str) -> EdgeSettings:
        """Return the defaults with the deployment's own public address allowed beside loopback."""
        parts = urlsplit(base_url)
        return cls(
            allowed_hosts=(*cls().allowed_hosts, parts.netloc.lower()),
            allowed_origins=(*cls().allowed_origins, f"{parts.scheme}://{parts.netloc}".lower()),
        )
