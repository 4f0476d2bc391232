"""A local stand-in for a Snowflake account: its SQL API, its roles and privileges, its codes, over DuckDB.

For demos and tests, on loopback only. It is a reading of the vendor's public documentation of its own and
therefore imports nothing of the client library, the tools or the gateway that it is used to judge.
"""
