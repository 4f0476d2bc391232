"""The JSON of a partition cut between rows: read a piece at a time, it never takes several times its size.

Pure. A cut is a guess by bytes, which reading proves: a cut within a cell's text leaves an odd number of quotation
marks on either side, and such a piece is not JSON. Where every piece is a list of rows, they are those of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from skipass.snowflake.errors import ProtocolError

T = TypeVar("T")

_PIECE_BYTES = 1024 * 1024
_BETWEEN_ROWS = b'"],["'
_FRAMES = ((b'{"data":', b"}"), (b"", b""))


def in_pieces(body: bytes, read: Callable[[bytes], T]) -> list[T]:
    """Return what `read` makes of each piece; of the whole, where a piece is a `ProtocolError`."""
    try:
        return [read(piece) for piece in pieces(body)]
    except ProtocolError:
        return [read(_framed(body))]


def pieces(body: bytes, size_bytes: int = _PIECE_BYTES) -> Iterator[bytes]:
    """Yield documents `{"data": […]}` that together have the rows of the body, each of them about so long.

    A body that is short, or anything else than rows in the usual frame, is left whole.
    """
    start, end = body.find(b"[[") + 1, body.rfind(b"]]") + 1
    if len(body) <= size_bytes or (body[: max(start - 1, 0)].strip(), body[end + 1 :].strip()) not in _FRAMES:
        yield _framed(body)
        return
    rows = memoryview(body)
    while start < end:
        cut = body.find(_BETWEEN_ROWS, start + size_bytes, end)
        upto = end if cut < 0 else cut + 2
        yield b"".join((b'{"data":[', rows[start:upto], b"]}"))
        start = upto + 1


def _framed(body: bytes) -> bytes:
    return body if body.lstrip()[:1] == b"{" else b"".join((b'{"data":', body, b"}"))
