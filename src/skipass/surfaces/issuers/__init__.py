"""The documents of the issuers that Snowflake accounts trust: who they are, and their public keys. For everybody."""
