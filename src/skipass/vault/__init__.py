"""The vault: sealing what must not be read, with keys from outside the database. Knows no Snowflake and no SQL."""
