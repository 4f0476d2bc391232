"""Event streams, read piece by piece. Pure. Source: HTML Living Standard 9.2 (Server-sent events)."""

from __future__ import annotations

from collections.abc import Iterator


class Events:
    """Takes the pieces of a stream as they come, and gives the data of each event once it is whole."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the data of the events that this piece completes."""
        # A line ends by CR, LF or both; a CR at the end of a piece may be half of one.
        text = self._rest + piece
        held = text[-1:] if text.endswith(b"\r") else b""
        lines = text[: len(text) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + held
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                yield b"\n".join(self._data)
                self._data = []
