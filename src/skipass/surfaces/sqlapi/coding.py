"""How a partition's pieces travel: as they came, or unpacked on the way for a client that takes no gzip.

Source: RFC 9110 §12.5.3 (Accept-Encoding), RFC 1952 (gzip)
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator

from skipass.gateway.streaming import StreamCutError
from skipass.surfaces.edge.headers import Headers

_MAGIC = b"\x1f\x8b"
_PIECE_BYTES = 64 * 1024


def takes_gzip(headers: Headers) -> bool:
    """Return whether a client takes gzip; one that says nothing does, as with Snowflake."""
    offered = ",".join(headers.all("accept-encoding"))
    if not offered.strip():
        return True
    weights = dict(_weighed(part) for part in offered.lower().split(","))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _weighed(part: str) -> tuple[str, float]:
    coding, _, parameter = part.partition(";")
    name, _, weight = parameter.strip().partition("=")
    try:
        return coding.strip(), float(weight) if name.strip() == "q" else 1.0
    except ValueError:
        return coding.strip(), 0.0


async def coded(pieces: AsyncIterator[bytes], *, gzip: bool) -> tuple[dict[str, str], AsyncIterator[bytes]]:
    """Return the headers of a body and its pieces; raises `StreamCutError` where it ends before its first."""
    first = await anext(pieces, b"")
    if not first.startswith(_MAGIC):
        return {}, _after(first, pieces)
    if gzip:
        return {"content-encoding": "gzip"}, _after(first, pieces)
    return {}, unpacked(_after(first, pieces))


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def unpacked(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the content of gzip pieces, a bounded piece at a time; raises `StreamCutError` if they are not whole."""
    stream = zlib.decompressobj(wbits=31)
    async for piece in pieces:
        rest = piece
        while rest:
            if stream.eof:  # another member follows
                stream = zlib.decompressobj(wbits=31)
            for content in _inflated(stream, rest):
                yield content
            rest = stream.unused_data
    if not stream.eof:
        raise StreamCutError("its compression breaks off")


def _inflated(stream: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    while packed:
        try:
            yield stream.decompress(packed, _PIECE_BYTES)
        except zlib.error:
            raise StreamCutError("its compression is broken") from None
        packed = stream.unconsumed_tail
