"""Reads the whole result of a running server once, in one way, and prints what it took as JSON.

Each measurement is a process of its own, so that memory is that of this way alone.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable

from skipass.snowflake import SnowflakeClient

SQL = "select * from T"


def _peer(port: int) -> Callable[[], int]:
    import httpx
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from snowflake_sql_api import SnowflakeClient as Peer

    class Plain(httpx.HTTPTransport):
        """Speaks http where the package insists on https: the server and the wire are the same for both."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            request.url = request.url.copy_with(scheme="http")
            return super().handle_request(request)

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    client = Peer(
        "myorg-acc", "jdoe", private_key=key, host=f"127.0.0.1:{port}", http_client=httpx.Client(transport=Plain())
    )
    return lambda: sum(1 for _ in client.query_stream(SQL))


def _ours_rows(port: int) -> Callable[[], int]:
    client = _client(port)
    return lambda: sum(1 for _ in client.submit(SQL).iter_rows())


def _ours_arrow(port: int) -> Callable[[], int]:
    import skipass.snowflake.arrow.batches  # noqa: F401 - imported before the clock starts, like the peer's libraries

    client = _client(port)
    return lambda: sum(batch.num_rows for batch in client.submit(SQL).iter_batches())


def _client(port: int) -> SnowflakeClient:
    import skipass.snowflake.sqlapi.transport  # noqa: F401

    return SnowflakeClient(host=f"http://127.0.0.1:{port}", token="FAKE")


WAYS: dict[str, Callable[[int], Callable[[], int]]] = {"peer": _peer, "rows": _ours_rows, "arrow": _ours_arrow}


def main(way: str, port: int) -> None:
    """Print rows, seconds and processor seconds from the call to its last row, and the peak of memory in bytes."""
    fetch = WAYS[way](port)
    started, worked = time.perf_counter(), time.process_time()
    rows = fetch()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - worked
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "cpu_seconds": cpu_seconds, "peak_bytes": peak_bytes}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
