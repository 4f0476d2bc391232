"""The scripts that an account's admin pastes into a worksheet, so that agents may do one job for each user.

Pure text, one module for each way of signing in. A script can be run again: it replaces nothing and takes nothing away.
"""

from skipass.snowflake.setup_sql.access import Access
from skipass.snowflake.setup_sql.integration import (
    ExternalOAuth,
    Integration,
    SnowflakeOAuth,
    disable_integration,
    external_oauth_script,
    integration_name,
    set_issuer_key,
    snowflake_oauth_script,
)
from skipass.snowflake.setup_sql.mcp_server import ManagedServer, ManagedTool, mcp_server_script
from skipass.snowflake.setup_sql.service import Service, service_script, set_public_key
from skipass.snowflake.setup_sql.text import object_path, schema_path, user_identifier

__all__ = [
    "Access",
    "ExternalOAuth",
    "Integration",
    "ManagedServer",
    "ManagedTool",
    "Service",
    "SnowflakeOAuth",
    "disable_integration",
    "external_oauth_script",
    "integration_name",
    "mcp_server_script",
    "object_path",
    "schema_path",
    "service_script",
    "set_issuer_key",
    "set_public_key",
    "snowflake_oauth_script",
    "user_identifier",
]
