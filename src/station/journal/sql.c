/* SPDX-License-Identifier: MIT */
/* The journal's tables: one migration a version, never edited once released (tests/unit/station keeps a journal of each
 * version). Constant data.
 *
 * summary holds counters that triggers on session and outbox keep in the same transaction as the change:
 *   sessions, ignored, paused, bytes_left, outbox, state:STATE (not ignored), found:YYYYMMDD and accepted:YYYYMMDD (not
 *   ignored, by the day that the name says). So that a status costs the same with ten sessions and with 100,000. */
#include "station/journal/sql.h"

/* Every counter changes by new - old, so that a row whose state is set to itself changes nothing. */
static const char migration_1[] =
	"CREATE TABLE session ("
	" id INTEGER PRIMARY KEY, name TEXT NOT NULL, root TEXT NOT NULL, revision INTEGER NOT NULL,"
	" state TEXT NOT NULL, paused INTEGER NOT NULL, ignored INTEGER NOT NULL, present INTEGER NOT NULL,"
	" data_safe INTEGER NOT NULL, found_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"
	" settled_ms INTEGER NOT NULL, uploaded_ms INTEGER NOT NULL, accepted_ms INTEGER NOT NULL,"
	" fingerprint_ms INTEGER NOT NULL, fingerprint TEXT NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	" stored_files INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, next_attempt_ms INTEGER NOT NULL,"
	" tries INTEGER NOT NULL, processing TEXT NOT NULL, reason TEXT, content BLOB,"
	" bytes_left INTEGER GENERATED ALWAYS AS ("
	"  iif(state = 'accepted' OR ignored OR NOT present, 0, max(bytes - stored_bytes, 0))) VIRTUAL,"
	" UNIQUE (name, root));"
	"CREATE INDEX session_updated ON session (updated_ms);"
	"CREATE INDEX session_state ON session (state, updated_ms);"
	"CREATE INDEX session_unsettled ON session (updated_ms) WHERE state <> 'accepted';"
	"CREATE INDEX session_attention ON session (updated_ms)"
	" WHERE ignored = 0 AND state IN ('held', 'rejected', 'failed', 'gone');"
	"CREATE INDEX session_unsafe ON session (found_ms) WHERE state <> 'accepted' AND ignored = 0;"
	"CREATE INDEX session_content ON session (content) WHERE content IS NOT NULL;"

	"CREATE TABLE file ("
	" id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES session (id), revision INTEGER NOT NULL,"
	" name TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,"
	" inode INTEGER NOT NULL, sha256 BLOB, state INTEGER NOT NULL, bucket TEXT, key TEXT, stored_ms INTEGER NOT NULL,"
	" UNIQUE (session, revision, name));"
	"CREATE TABLE part ("
	" file INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE, number INTEGER NOT NULL, sha256 BLOB NOT NULL,"
	" PRIMARY KEY (file, number)) WITHOUT ROWID;"

	"CREATE TABLE attempt ("
	" id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES session (id), name TEXT NOT NULL,"
	" at_ms INTEGER NOT NULL, elapsed_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, http INTEGER NOT NULL,"
	" code TEXT NOT NULL, request_id TEXT NOT NULL, reason TEXT);"
	"CREATE INDEX attempt_session ON attempt (session, id);"

	"CREATE TABLE verdict ("
	" session INTEGER NOT NULL REFERENCES session (id), revision INTEGER NOT NULL, side TEXT NOT NULL,"
	" name TEXT NOT NULL, verdict TEXT NOT NULL, found TEXT NOT NULL, rule TEXT NOT NULL, mend TEXT NOT NULL,"
	" PRIMARY KEY (session, revision, side, name)) WITHOUT ROWID;"

	"CREATE TABLE event ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE, at_ms INTEGER NOT NULL,"
	" session INTEGER REFERENCES session (id), level TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL,"
	" state TEXT);" /* the session's state afterwards, when the event changed it */
	"CREATE INDEX event_session ON event (session, id) WHERE session IS NOT NULL;"

	"CREATE TABLE outbox ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at_ms INTEGER NOT NULL, json TEXT NOT NULL);"
	"CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"

	"CREATE TABLE summary (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TRIGGER session_counted AFTER INSERT ON session BEGIN"
	" INSERT INTO summary VALUES ('sessions', 1), ('ignored', NEW.ignored), ('paused', NEW.paused),"
	"  ('bytes_left', NEW.bytes_left), ('state:' || NEW.state, NOT NEW.ignored),"
	"  ('found:' || substr(NEW.name, 1, 8), NOT NEW.ignored),"
	"  ('accepted:' || substr(NEW.name, 1, 8), NEW.state = 'accepted' AND NOT NEW.ignored)"
	"  ON CONFLICT (name) DO UPDATE SET value = value + excluded.value;"
	"END;"
	"CREATE TRIGGER session_recounted AFTER UPDATE ON session"
	" WHEN OLD.state <> NEW.state OR OLD.ignored <> NEW.ignored OR OLD.paused <> NEW.paused BEGIN"
	" INSERT INTO summary VALUES ('state:' || OLD.state, OLD.ignored - 1), ('state:' || NEW.state, 1 - NEW.ignored),"
	"  ('ignored', NEW.ignored - OLD.ignored), ('paused', NEW.paused - OLD.paused),"
	"  ('found:' || substr(NEW.name, 1, 8), OLD.ignored - NEW.ignored),"
	"  ('accepted:' || substr(NEW.name, 1, 8), (NEW.state = 'accepted' AND NOT NEW.ignored)"
	"   - (OLD.state = 'accepted' AND NOT OLD.ignored))"
	"  ON CONFLICT (name) DO UPDATE SET value = value + excluded.value;"
	"END;"
	"CREATE TRIGGER session_weighed AFTER UPDATE ON session WHEN OLD.bytes_left <> NEW.bytes_left BEGIN"
	" UPDATE summary SET value = value + NEW.bytes_left - OLD.bytes_left WHERE name = 'bytes_left';"
	"END;"
	"CREATE TRIGGER outbox_counted AFTER INSERT ON outbox BEGIN"
	" INSERT INTO summary VALUES ('outbox', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1;"
	"END;"
	"CREATE TRIGGER outbox_uncounted AFTER DELETE ON outbox BEGIN"
	" UPDATE summary SET value = value - 1 WHERE name = 'outbox';"
	"END;";

/* What a session is, beside its name: the content id of its files, metadata included. The column before it held a
 * digest of the data files alone, by which the only original could be called a copy. */
static const char migration_2[] = "DROP INDEX session_content;"
								  "ALTER TABLE session DROP COLUMN content;"
								  "ALTER TABLE session ADD COLUMN released INTEGER NOT NULL DEFAULT 0;"
								  "ALTER TABLE session ADD COLUMN content_id BLOB;"
								  "ALTER TABLE session ADD COLUMN folder TEXT NOT NULL DEFAULT '';"
								  "CREATE INDEX session_content ON session (content_id) WHERE content_id IS NOT NULL;";

static const char *const migrations[] = {migration_1, migration_2};

static const char *const writes[W_N] = {
#define X(id, sql) [W_##id] = sql,
	JOURNAL_WRITES(X)
#undef X
};
static const char *const reads[R_N] = {
#define X(id, sql) [R_##id] = sql,
	JOURNAL_READS(X)
#undef X
};

const struct db_schema journal_write_schema = {migrations, ARRAY_LEN(migrations), writes, W_N};
const struct db_schema journal_read_schema = {migrations, ARRAY_LEN(migrations), reads, R_N};
