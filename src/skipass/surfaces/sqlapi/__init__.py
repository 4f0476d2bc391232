"""The gateway as Snowflake's SQL API: a client of that API works by changing the host. No rule lives here."""
