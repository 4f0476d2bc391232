"""The few statements that are more than one row by id, written as SQL so that they can be read as SQL."""

from __future__ import annotations

SETTING = "SELECT value FROM settings WHERE name = :name"
SET = (
    "INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

# The one admission point. Nothing is admitted unless this row says so, in the transaction that writes the intent.
ADMIT = """
UPDATE sessions
   SET statements_left = statements_left - :statements,
       seconds_left = seconds_left - :seconds,
       last_call_at = :now
 WHERE id = :session_id AND state = 'open' AND version = :session_version AND expires_at > :after
   AND statements_left >= :statements AND seconds_left >= :seconds
   AND (CAST(:agent_id AS TEXT) IS NULL OR EXISTS (
         SELECT 1 FROM agents WHERE id = :agent_id AND state = 'active' AND version = :agent_version))
   AND EXISTS (SELECT 1 FROM users WHERE id = :user_id AND state = 'active' AND version = :user_version)
   AND EXISTS (
         SELECT 1 FROM connections WHERE id = :connection_id AND state = 'enabled' AND version = :connection_version)
   AND EXISTS (
         SELECT 1 FROM credentials WHERE id = :credential_id AND state IN ('active', 'refreshing')
            AND generation = :credential_version)
"""

DEBIT = """
UPDATE sessions
   SET rows_left = rows_left - :rows, bytes_left = bytes_left - :bytes, last_call_at = :now
 WHERE id = :session_id AND state = 'open' AND expires_at > :now AND rows_left >= :rows AND bytes_left >= :bytes
"""

# A session is not idle while a statement of it runs: its silence begins when the statement ends.
SETTLE = "UPDATE sessions SET seconds_left = seconds_left + :seconds, last_call_at = :now WHERE id = :session_id"

STALE = """
SELECT statements.* FROM statements
  LEFT JOIN writers ON writers.id = statements.owner_boot
 WHERE statements.state IN ('admitted', 'submitted', 'cancelling', 'unknown')
   AND statements.owner_boot != :me
   AND (writers.id IS NULL OR writers.heartbeat_us < :before)
 ORDER BY statements.id LIMIT 200
"""

BEAT = """
INSERT INTO writers (id, started_us, heartbeat_us) VALUES (:id, :now, :now)
    ON CONFLICT (id) DO UPDATE SET heartbeat_us = excluded.heartbeat_us
"""

_EVENTS = """
SELECT * FROM events
 WHERE {by}
   AND at_us >= :at
   AND (at_us > :at OR (at_us = :at AND (writer > :writer OR (writer = :writer AND seq > :seq))))
 ORDER BY at_us, writer, seq LIMIT :limit
"""
EVENTS = _EVENTS.format(by="tenant_id = :tenant_id")
# Not by the tenant's index: that would go through all of its time.
SESSION_EVENTS = _EVENTS.format(by="session_id = :session_id AND tenant_id || '' = :tenant_id")

CHAIN = """
SELECT * FROM events
 WHERE tenant_id = :tenant_id AND writer = :writer AND seq > :after AND seq <= :until
 ORDER BY seq LIMIT :limit
"""
ALL_EVENTS = "SELECT * FROM events ORDER BY tenant_id, writer, seq"
# From one chain to the next by the key of the table: it costs what there are chains, not what there are records.
HEADS = """
WITH RECURSIVE owners (tenant_id) AS (
    SELECT MIN(tenant_id) FROM events
    UNION ALL
    SELECT (SELECT MIN(e.tenant_id) FROM events e WHERE e.tenant_id > o.tenant_id)
      FROM owners o WHERE o.tenant_id IS NOT NULL
), chains (tenant_id, writer) AS (
    SELECT o.tenant_id, (SELECT MIN(e.writer) FROM events e WHERE e.tenant_id = o.tenant_id)
      FROM owners o WHERE o.tenant_id IS NOT NULL
    UNION ALL
    SELECT c.tenant_id, (SELECT MIN(e.writer) FROM events e WHERE e.tenant_id = c.tenant_id AND e.writer > c.writer)
      FROM chains c WHERE c.writer IS NOT NULL
), ends (tenant_id, writer, seq) AS (
    SELECT c.tenant_id, c.writer,
           (SELECT MAX(e.seq) FROM events e WHERE e.tenant_id = c.tenant_id AND e.writer = c.writer)
      FROM chains c WHERE c.writer IS NOT NULL
)
SELECT tenant_id, writer, seq,
       (SELECT e.hash FROM events e WHERE e.tenant_id = ends.tenant_id AND e.writer = ends.writer AND e.seq = ends.seq)
       AS hash
  FROM ends
"""
HEAD = "SELECT seq, hash FROM events WHERE tenant_id = :tenant_id AND writer = :writer ORDER BY seq DESC LIMIT 1"
UNSEALED_WRITERS = "SELECT id FROM writers WHERE sealed_by IS NULL AND id != :me AND heartbeat_us < :before"
SEAL_SILENT_WRITER = """
UPDATE writers SET sealed_by = :me WHERE id = :id AND sealed_by IS NULL AND heartbeat_us < :before
"""
SEAL_WRITER = "UPDATE writers SET sealed_by = :me WHERE id = :id AND sealed_by IS NULL"

# Of PostgreSQL alone. What a writer last committed at is its heartbeat and the high-water mark of the clock in one.
SERVER_TIME = "SELECT clock_timestamp() AS wall, (SELECT MAX(heartbeat_us) FROM writers) AS high_water"
TOUCH_WRITER = """
INSERT INTO writers (id, started_us, heartbeat_us) VALUES (:writer, :now, :now)
    ON CONFLICT (id) DO UPDATE SET heartbeat_us = GREATEST(writers.heartbeat_us, excluded.heartbeat_us)
    RETURNING sealed_by, CAST(pg_current_xact_id() AS text) AS transaction
"""
# Of those that began at once only the first is company: none of them vouches for another.
COMPANY = """
SELECT 1 AS one FROM writers AS mine
  JOIN writers AS other ON other.heartbeat_us >= mine.started_us
   AND (other.started_us < mine.started_us OR (other.started_us = mine.started_us AND other.id < mine.id))
 WHERE mine.id = :me LIMIT 1
"""
# Writers that have clashed take turns for a while. Being right does not depend on it: it saves doing batches again.
TAKE_TURN = "SELECT pg_advisory_lock(1546754086)"
GIVE_TURNS_BACK = "SELECT pg_advisory_unlock_all()"
END_EARLIER = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE application_name = :name AND usename = current_user AND pid <> pg_backend_pid()
"""
WHAT_BECAME = "SELECT pg_xact_status(CAST(CAST(:transaction AS text) AS xid8)) AS state"

TENANTS = "SELECT id FROM tenants"
REVISION = "SELECT version_num FROM alembic_version"

RECALL = """
SELECT body_hash, answer FROM idempotency
 WHERE tenant_id = :tenant_id AND principal = :principal AND route = :route AND key = :key
"""
FORGET = "DELETE FROM idempotency WHERE at_us < :before"
