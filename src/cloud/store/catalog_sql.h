/* SPDX-License-Identifier: MIT */
/* Every statement of the catalog by name, and its tables. Included by the catalog_*.c files only; the texts themselves
 * live in catalog.c, which instantiates the lists. Times are milliseconds since 1970 UTC, 0 for "not yet". */
#pragma once

/* A session row is one (station, session, revision). Rows are never deleted, so ids grow: a page's cursor is an id. */
#define CATALOG_MIGRATION_1                                                                                            \
	"CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"                                 \
	"CREATE TABLE key (id TEXT PRIMARY KEY, hash BLOB NOT NULL, station TEXT NOT NULL, scopes INTEGER NOT NULL,"       \
	" created_ms INTEGER NOT NULL, revoked_ms INTEGER NOT NULL DEFAULT 0, used_ms INTEGER NOT NULL DEFAULT 0)"         \
	" WITHOUT ROWID;"                                                                                                  \
	"CREATE TABLE object (bucket TEXT NOT NULL, key TEXT NOT NULL, station TEXT NOT NULL, session TEXT NOT NULL,"      \
	" name TEXT NOT NULL, revision INTEGER NOT NULL, size INTEGER NOT NULL, sha256 BLOB NOT NULL,"                     \
	" stored_ms INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (bucket, key)) WITHOUT ROWID;"                                 \
	"CREATE INDEX object_name ON object (station, session, name, revision);"                                           \
	"CREATE INDEX object_promised ON object (bucket, key) WHERE stored_ms = 0;"                                        \
	"CREATE TABLE session (id INTEGER PRIMARY KEY, station TEXT NOT NULL, session TEXT NOT NULL,"                      \
	" revision INTEGER NOT NULL, state TEXT NOT NULL, processing TEXT NOT NULL DEFAULT 'none',"                        \
	" checks TEXT NOT NULL DEFAULT '[]', bytes INTEGER NOT NULL DEFAULT 0, files INTEGER NOT NULL DEFAULT 0,"          \
	" begun_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, uploaded_ms INTEGER NOT NULL DEFAULT 0,"                 \
	" decided_ms INTEGER NOT NULL DEFAULT 0, UNIQUE (station, session, revision));"                                    \
	"CREATE INDEX session_station ON session (station, id);"                                                           \
	"CREATE INDEX session_session ON session (session, id);"                                                           \
	"CREATE INDEX session_undecided ON session (id) WHERE state = 'uploading';"                                        \
	"CREATE TABLE metadata (session INTEGER NOT NULL REFERENCES session (id), key TEXT NOT NULL,"                      \
	" ordinal INTEGER NOT NULL, number REAL, text TEXT NOT NULL, PRIMARY KEY (session, key)) WITHOUT ROWID;"           \
	"CREATE INDEX metadata_number ON metadata (key, number);"                                                          \
	"CREATE INDEX metadata_text ON metadata (key, text);"                                                              \
	"CREATE TABLE change (seq INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL REFERENCES session (id),"    \
	" station TEXT NOT NULL, state TEXT NOT NULL, processing TEXT NOT NULL, at_ms INTEGER NOT NULL);"                  \
	"CREATE INDEX change_station ON change (station, seq);"                                                            \
	"CREATE TABLE heartbeat (station TEXT NOT NULL, instance TEXT NOT NULL, key_id TEXT NOT NULL,"                     \
	" at_ms INTEGER NOT NULL, beat TEXT NOT NULL, PRIMARY KEY (station, instance)) WITHOUT ROWID;"                     \
	"CREATE INDEX heartbeat_key ON heartbeat (key_id, at_ms);"

/* instance: of the station's journal that promised first in the revision, which is its own from then on. content: the
 * content id, NULL while unknown, empty when it cannot be known. attempts: looks at it that the program did not
 * survive. lost_ms: since when the bytes of an object that was stored are known to be gone. tag: what a cursor names
 * its change by, so that a catalog restored from an older copy, which counts on from there, is told from the one it
 * was. */
#define CATALOG_MIGRATION_2                                                                                            \
	"ALTER TABLE session ADD COLUMN instance TEXT;"                                                                    \
	"ALTER TABLE session ADD COLUMN content BLOB;"                                                                     \
	"ALTER TABLE session ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;"                                              \
	"CREATE INDEX session_content ON session (id) WHERE content IS NULL;"                                              \
	"ALTER TABLE object ADD COLUMN promised_ms INTEGER NOT NULL DEFAULT 0;"                                            \
	"ALTER TABLE object ADD COLUMN lost_ms INTEGER NOT NULL DEFAULT 0;"                                                \
	"CREATE INDEX object_lost ON object (station, session) WHERE lost_ms > 0;"                                         \
	"UPDATE object SET promised_ms = CAST(strftime('%s', 'now') AS INTEGER) * 1000 WHERE stored_ms = 0;"               \
	"CREATE INDEX object_promised_at ON object (promised_ms) WHERE stored_ms = 0;"                                     \
	"CREATE INDEX object_open ON object (station) WHERE stored_ms = 0 AND lost_ms = 0;"                                \
	"ALTER TABLE change ADD COLUMN tag TEXT NOT NULL DEFAULT '';"                                                      \
	"UPDATE change SET tag = lower(hex(randomblob(4)));"

#define KEY_COLUMNS "SELECT id, hash, station, scopes, created_ms, revoked_ms, used_ms FROM key "
#define OBJECT_COLUMNS                                                                                                 \
	"SELECT bucket, key, station, session, name, revision, size, sha256, stored_ms, lost_ms, promised_ms FROM object "
/* Optional arguments are NULL; PostgreSQL needs their type said. */
#define SESSION_COLUMNS                                                                                                \
	"SELECT id, station, session, revision, state, processing, checks, bytes, files, uploaded_ms, decided_ms,"         \
	" content, instance FROM session s "
/* ?1 cursor, ?2 state or NULL, ?3 processing or NULL, ?4 since, ?5 whether all revisions, ?6 limit; then what is asked
 * for. One statement with all of it optional would find a station's sessions, or a name's, by walking over all there
 * are: the three rows below have an index each. */
#define SESSION_PAGE(which)                                                                                            \
	SESSION_COLUMNS                                                                                                    \
	"WHERE " which " s.id > ?1 AND (CAST(?2 AS TEXT) IS NULL OR s.state = ?2)"                                         \
	" AND (CAST(?3 AS TEXT) IS NULL OR s.processing = ?3) AND s.changed_ms >= ?4 AND (?5 <> 0 OR NOT EXISTS"           \
	" (SELECT 1 FROM session n WHERE n.station = s.station AND n.session = s.session AND n.revision > "                \
	"s.revision))"                                                                                                     \
	" ORDER BY s.id LIMIT ?6"
#define CHANGE_COLUMNS                                                                                                 \
	"SELECT c.seq, c.station, s.session, s.revision, c.state, c.processing, s.checks, s.decided_ms, c.at_ms,"          \
	" s.files, s.content, s.instance, c.tag"                                                                           \
	" FROM change c JOIN session s ON s.id = c.session "

#define CATALOG_STATEMENTS(X)                                                                                          \
	X(SETTING_PUT, "INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)")                                     \
	X(SETTING_FIRST, "INSERT OR IGNORE INTO setting (name, value) VALUES (?1, ?2)")                                    \
	X(SETTING_GET, "SELECT value FROM setting WHERE name = ?1")                                                        \
	/* keys */                                                                                                         \
	X(KEY_ADD, "INSERT INTO key (id, hash, station, scopes, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)")                  \
	X(KEY_REVOKE, "UPDATE key SET revoked_ms = ?2 WHERE id = ?1 AND revoked_ms = 0")                                   \
	X(KEY_USED, "UPDATE key SET used_ms = ?2 WHERE id = ?1 AND used_ms < ?2")                                          \
	X(KEY_GET, KEY_COLUMNS "WHERE id = ?1")                                                                            \
	X(KEYS, KEY_COLUMNS "ORDER BY created_ms, id")                                                                     \
	/* objects: what is stored is never changed by a promise; what was lost waits for the same bytes */                \
	X(OBJECT_PROMISE,                                                                                                  \
		"INSERT INTO object (bucket, key, station, session, name, revision, size, sha256, promised_ms)"                \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (bucket, key) DO UPDATE SET station = ?3,"           \
		" session = ?4, name = ?5, revision = ?6, size = ?7, sha256 = ?8, promised_ms = ?9,"                           \
		" lost_ms = CASE WHEN size = ?7 AND sha256 = ?8 THEN lost_ms ELSE 0 END WHERE stored_ms = 0")                  \
	X(OBJECT_PROMISE_AGAIN, "UPDATE object SET promised_ms = ?3 WHERE bucket = ?1 AND key = ?2 AND stored_ms = 0")     \
	X(OBJECT_LOST, "UPDATE object SET stored_ms = 0, lost_ms = ?4, promised_ms = ?4"                                   \
				   " WHERE bucket = ?1 AND key = ?2 AND stored_ms = ?3 AND stored_ms > 0")                             \
	X(OBJECT_STORED,                                                                                                   \
		"INSERT INTO object (bucket, key, size, sha256, stored_ms, station, session, name, revision)"                  \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (bucket, key) DO UPDATE SET size = ?3, sha256 = ?4," \
		" stored_ms = ?5, lost_ms = 0 WHERE stored_ms = 0")                                                            \
	X(OBJECTS_LOST, "SELECT count(*) FROM object WHERE station = ?1 AND session = ?2 AND lost_ms > 0"                  \
					" AND revision <= ?3")                                                                             \
	X(OBJECTS_OPEN, "SELECT count(*) FROM object WHERE station = ?1 AND stored_ms = 0 AND lost_ms = 0")                \
	X(OBJECT_FORGET, "DELETE FROM object WHERE bucket = ?1 AND key = ?2 AND stored_ms = 0 AND lost_ms = 0"             \
					 " AND promised_ms = ?3")                                                                          \
	/* one that a stored manifest waits for is used: its key would else become another's */                            \
	X(OBJECTS_UNUSED, OBJECT_COLUMNS "o WHERE stored_ms = 0 AND lost_ms = 0 AND promised_ms < ?1"                      \
									 " AND NOT (EXISTS (SELECT 1 FROM object m WHERE m.station = o.station"            \
									 " AND m.session = o.session AND m.name = '_headgate/' || o.revision"              \
									 " || '/manifest.json' AND m.stored_ms > 0) AND EXISTS (SELECT 1 FROM session s"   \
									 " WHERE s.station = o.station AND s.session = o.session"                          \
									 " AND s.revision = o.revision AND s.state = 'uploading'))"                        \
									 " ORDER BY promised_ms LIMIT ?2")                                                 \
	X(OBJECT_GET, OBJECT_COLUMNS "WHERE bucket = ?1 AND key = ?2")                                                     \
	X(OBJECT_BY_NAME, OBJECT_COLUMNS "WHERE station = ?1 AND session = ?2 AND name = ?4 AND revision <= ?3"            \
									 " AND (stored_ms > 0 OR lost_ms > 0) ORDER BY revision DESC LIMIT 1")             \
	X(OBJECTS, OBJECT_COLUMNS "ORDER BY bucket, key")                                                                  \
	X(OBJECTS_PROMISED, OBJECT_COLUMNS "WHERE stored_ms = 0 ORDER BY bucket, key")                                     \
	X(OBJECTS_OF_STATION, OBJECT_COLUMNS "WHERE station = ?1 AND (CAST(?2 AS TEXT) IS NULL OR session = ?2)"           \
										 " ORDER BY session, name, revision")                                          \
	X(OBJECTS_OF_NAME, OBJECT_COLUMNS "WHERE session = ?1 ORDER BY station, name, revision")                           \
	/* the newest of each name, without manifests: what a session weighs */                                            \
	X(OBJECTS_COUNT,                                                                                                   \
		"SELECT count(*), coalesce(sum(size), 0), coalesce(max(at), 0) FROM (SELECT size, stored_ms AS at,"            \
		" max(revision) FROM object WHERE station = ?1 AND session = ?2 AND revision <= ?3 AND stored_ms > 0"          \
		" AND name NOT GLOB '_headgate/*' GROUP BY name)")                                                             \
	/* sessions */                                                                                                     \
	X(SESSION_BEGIN, "INSERT OR IGNORE INTO session (station, session, revision, state, begun_ms, changed_ms)"         \
					 " VALUES (?1, ?2, ?3, ?4, ?5, ?5)")                                                               \
	X(SESSIONS_EMPTY,                                                                                                  \
		"SELECT count(*) FROM session s WHERE station = ?1 AND session = ?2 AND state = 'uploading'"                   \
		" AND NOT EXISTS (SELECT 1 FROM object o WHERE o.station = s.station"                                          \
		" AND o.session = s.session AND o.revision = s.revision AND (o.stored_ms > 0 OR o.lost_ms > 0))")              \
	X(SESSION_GET, "SELECT id, state, instance FROM session WHERE station = ?1 AND session = ?2 AND revision = ?3")    \
	X(SESSION_CLAIM, "UPDATE session SET instance = ?2 WHERE id = ?1 AND instance IS NULL")                            \
	X(SESSION_REVISIONS, "SELECT revision, state, content, instance FROM (SELECT revision, state, content, instance"   \
						 " FROM session WHERE station = ?1 AND session = ?2 ORDER BY revision DESC LIMIT ?3) n"        \
						 " ORDER BY revision")                                                                         \
	X(SESSION_DECIDE,                                                                                                  \
		"UPDATE session SET state = ?2, checks = ?3, bytes = ?4, files = ?5, uploaded_ms = ?6, decided_ms = ?7,"       \
		" changed_ms = ?7, content = ?8 WHERE id = ?1")                                                                \
	X(SESSIONS, SESSION_PAGE(""))                                                                                      \
	X(SESSIONS_OF_STATION, SESSION_PAGE("s.station = ?7 AND"))                                                         \
	X(SESSIONS_OF_NAME, SESSION_PAGE("s.session = ?7 AND (CAST(?8 AS TEXT) IS NULL OR s.station = ?8) AND"))           \
	X(SESSION_NEWEST, SESSION_COLUMNS "WHERE station = ?1 AND session = ?2 ORDER BY revision DESC")                    \
	X(SESSIONS_UNDECIDED, "SELECT station, session, max(attempts) FROM session WHERE state = 'uploading'"              \
						  " GROUP BY station, session ORDER BY min(id)")                                               \
	X(SESSION_UNDECIDED,                                                                                               \
		"SELECT revision, attempts FROM session s WHERE station = ?1 AND session = ?2 AND revision > ?3"               \
		" AND state = 'uploading' AND EXISTS (SELECT 1 FROM object m WHERE m.station = s.station"                      \
		" AND m.session = s.session AND m.name = '_headgate/' || s.revision || '/manifest.json'"                       \
		" AND m.revision = s.revision AND (m.stored_ms > 0 OR m.lost_ms > 0)) ORDER BY revision LIMIT ?4")             \
	/* what was begun and never got anything; the newest stays, so that no id is given twice */                        \
	X(SESSIONS_FORGET,                                                                                                 \
		"DELETE FROM session WHERE id IN (SELECT id FROM session s WHERE state = 'uploading' AND begun_ms < ?1"        \
		" AND checks = '[]' AND id < (SELECT max(id) FROM session) AND NOT EXISTS (SELECT 1 FROM object o"             \
		" WHERE o.station = s.station AND o.session = s.session AND o.revision = s.revision) LIMIT ?2)")               \
	/* two, as a station asks for its session's with every call, and finds it by its name's index (hence +id) */       \
	X(CONTENT_UNKNOWN, "SELECT id, station, session, revision FROM session"                                            \
					   " WHERE content IS NULL AND state <> 'uploading' AND id > ?1 ORDER BY id LIMIT ?2")             \
	X(CONTENT_UNKNOWN_OF, "SELECT id, station, session, revision FROM session WHERE station = ?3 AND session = ?4"     \
						  " AND content IS NULL AND state <> 'uploading' AND +id > ?1 ORDER BY +id LIMIT ?2")          \
	X(CONTENT_SET, "UPDATE session SET content = ?2 WHERE id = ?1 AND content IS NULL")                                \
	X(SESSION_LOST, "UPDATE session SET checks = ?2, changed_ms = ?3 WHERE id = ?1 AND checks <> ?2")                  \
	X(SESSION_ATTEMPTS, "UPDATE session SET attempts = CASE WHEN ?3 THEN attempts + 1 ELSE 0 END"                      \
						" WHERE station = ?1 AND session = ?2 AND state = 'uploading'")                                \
	X(METADATA_ADD, "INSERT INTO metadata (session, key, ordinal, number, text) VALUES (?1, ?2, ?3, ?4, ?5)")          \
	X(METADATA_OF, "SELECT key, number IS NOT NULL, number, text FROM metadata WHERE session = ?1 ORDER BY ordinal")   \
	/* changes */                                                                                                      \
	X(CHANGE_ADD, "INSERT INTO change (session, station, state, processing, at_ms, tag)"                               \
				  " SELECT id, station, state, processing, ?2, lower(hex(randomblob(4))) FROM session WHERE id = ?1")  \
	X(CHANGE_LAST, "SELECT coalesce(max(seq), 0) FROM change")                                                         \
	X(CHANGE_TAG, "SELECT tag FROM change WHERE seq = ?1")                                                             \
	X(CHANGES_NEWEST, CHANGE_COLUMNS "ORDER BY c.seq DESC LIMIT ?1")                                                   \
	/* two, as a station that waits reads its own ones by an index, and never the fleet's */                           \
	X(CHANGES, CHANGE_COLUMNS "WHERE c.seq > ?1 ORDER BY c.seq LIMIT ?2")                                              \
	X(CHANGES_OF, CHANGE_COLUMNS "WHERE c.seq > ?1 AND c.station = ?3 ORDER BY c.seq LIMIT ?2")                        \
	/* stations: those that reported, and those with a key that never did */                                           \
	X(HEARTBEAT,                                                                                                       \
		"INSERT OR REPLACE INTO heartbeat (station, instance, key_id, at_ms, beat) VALUES (?1, ?2, ?3, ?4, ?5)")       \
	X(HEARTBEAT_FORGET,                                                                                                \
		"DELETE FROM heartbeat WHERE station = ?1 AND instance <> ?2 AND (at_ms < ?3 OR instance NOT IN"               \
		" (SELECT instance FROM heartbeat WHERE station = ?1 ORDER BY at_ms DESC LIMIT 32))")                          \
	X(HEARTBEAT_INSTANCES, "SELECT count(DISTINCT instance) FROM heartbeat WHERE key_id = ?1 AND at_ms >= ?2")         \
	X(STATIONS,                                                                                                        \
		"SELECT n.station, h.at_ms, h.beat, max(h.at_ms) FROM (SELECT station FROM heartbeat UNION"                    \
		" SELECT station FROM key WHERE revoked_ms = 0 AND scopes & 1) n LEFT JOIN heartbeat h USING (station)"        \
		" WHERE n.station > ?1 GROUP BY n.station ORDER BY n.station LIMIT ?2")                                        \
	X(STATION,                                                                                                         \
		"SELECT n.station, h.at_ms, h.beat FROM (SELECT CAST(?1 AS TEXT) AS station) n"                                \
		" LEFT JOIN heartbeat h ON h.station = n.station WHERE h.station IS NOT NULL OR EXISTS (SELECT 1 FROM key k"   \
		" WHERE k.station = n.station AND k.revoked_ms = 0 AND (k.scopes & 1) <> 0) ORDER BY h.at_ms DESC LIMIT 1")

enum catalog_statement {
#define X(id, sql) SQL_##id,
	CATALOG_STATEMENTS(X)
#undef X
		SQL_N
};
