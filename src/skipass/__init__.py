"""skipass: a gateway between AI agents and Snowflake."""

__version__ = "0.1.0"
