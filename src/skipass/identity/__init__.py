"""Who is asking: users, agents, their credentials, and whom an agent may act for. Knows no SQL and no Snowflake."""
