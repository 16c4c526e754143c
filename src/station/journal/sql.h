/* SPDX-License-Identifier: MIT */
/* All SQL of the journal, named, in one place; the tables are in sql.c. */
#pragma once

#include "base/db.h"

/* In the order of session_row; session_read() in journal_view.c counts on it. */
#define SESSION_COLUMNS                                                                                                \
	"id, name, root, revision, state, paused, ignored, present, data_safe, found_ms, updated_ms, settled_ms, "         \
	"uploaded_ms, accepted_ms, fingerprint_ms, fingerprint, files, bytes, stored_files, stored_bytes, "                \
	"next_attempt_ms, tries, processing, reason, released, content_id, folder"

/* The bits of ?3 are those of SET_* in journal.h (asserted in journal_write.c). */
#define SESSION_SET                                                                                                    \
	"updated_ms = ?2,"                                                                                                 \
	"revision = iif(?3 & 1, ?4, revision),"                                                                            \
	"fingerprint_ms = iif(?3 & 2, ?5, fingerprint_ms), fingerprint = iif(?3 & 2, ?6, fingerprint),"                    \
	"files = iif(?3 & 4, ?7, files), bytes = iif(?3 & 4, ?8, bytes),"                                                  \
	"next_attempt_ms = iif(?3 & 8, ?9, next_attempt_ms),"                                                              \
	"tries = iif(?3 & 16, ?10, tries),"                                                                                \
	"reason = iif(?3 & 32, ?11, reason),"                                                                              \
	"processing = iif(?3 & 64, ?12, processing),"                                                                      \
	"paused = iif(?3 & 128, ?13, paused), ignored = iif(?3 & 128, ?14, ignored),"                                      \
	"present = iif(?3 & 128, ?15, present), data_safe = iif(?3 & 128, ?16, data_safe),"                                \
	"released = iif(?3 & 128, ?22, released), content_id = iif(?3 & 1024, ?23, content_id),"                           \
	"folder = iif(?3 & 1024, ?24, folder),"                                                                            \
	"stored_files = iif(?3 & 256, ?17, stored_files), stored_bytes = iif(?3 & 256, ?18, stored_bytes),"                \
	"settled_ms = iif(?3 & 512, ?19, settled_ms), uploaded_ms = iif(?3 & 512, ?20, uploaded_ms),"                      \
	"accepted_ms = iif(?3 & 512, ?21, accepted_ms)"

#define JOURNAL_WRITES(X)                                                                                              \
	X(SESSION_LAST_ID, "SELECT coalesce(max(id), 0) FROM session")                                                     \
	X(SESSION_NAME_OF, "SELECT name FROM session WHERE id = ?")                                                        \
	X(SESSION_ADD, "INSERT INTO session (" SESSION_COLUMNS ")"                                                         \
				   " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                                  \
	X(SESSION_UPDATE, "UPDATE session SET " SESSION_SET " WHERE id = ?1")                                              \
	X(SESSION_STEP, "UPDATE session SET state = ?25, " SESSION_SET " WHERE id = ?1 AND state = ?26")                   \
	X(SESSION_RELOCATE, "UPDATE session SET root = ?2, present = 1, updated_ms = ?3 WHERE id = ?1")                    \
	X(SESSION_RENUMBER, "UPDATE session SET revision = ?2, updated_ms = ?3 WHERE id = ?1")                             \
	X(FILES_RENUMBER, "UPDATE file SET revision = ?3 WHERE session = ?1 AND revision = ?2")                            \
	X(VERDICTS_FORGET, "DELETE FROM verdict WHERE session = ?1 AND revision = ?2")                                     \
	X(VERDICTS_RENUMBER, "UPDATE verdict SET revision = ?3 WHERE session = ?1 AND revision = ?2")                      \
	X(EVENT_ADD,                                                                                                       \
		"INSERT INTO event (event_id, at_ms, session, level, code, message, state) VALUES (?,?,nullif(?,0),?,?,?,?)")  \
	X(FILE_DELETE, "DELETE FROM file WHERE session = ? AND revision = ?")                                              \
	X(FILE_ADD,                                                                                                        \
		"INSERT INTO file (session, revision, name, size, mtime_ns, ctime_ns, inode, sha256, state, bucket, key, "     \
		"stored_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)")                                                                 \
	X(PART_ADD, "INSERT INTO part (file, number, sha256) VALUES (?,?,?)")                                              \
	X(FILE_STORED,                                                                                                     \
		"UPDATE file SET state = 1, bucket = ?, key = ?, stored_ms = ? WHERE session = ?4"                             \
		" AND revision = (SELECT revision FROM session WHERE id = ?4) AND name = ? AND size = ? AND sha256 IS ?")      \
	X(FILE_SAME,                                                                                                       \
		"UPDATE file SET ctime_ns = ?, inode = ? WHERE session = ?3"                                                   \
		" AND revision = (SELECT revision FROM session WHERE id = ?3) AND name = ? AND size = ? AND sha256 IS ?")      \
	X(ATTEMPT_ADD, "INSERT INTO attempt (session, name, at_ms, elapsed_ms, bytes, http, code, request_id, reason)"     \
				   " VALUES (?,?,?,?,?,?,?,?,?)")                                                                      \
	X(ATTEMPTS_PRUNE, "DELETE FROM attempt WHERE session = ?1 AND id <="                                               \
					  " (SELECT id FROM attempt WHERE session = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)")               \
	X(EVENTS_PRUNE, "DELETE FROM event WHERE id > ?1 AND id <= ?2"                                                     \
					" AND at_ms < (SELECT coalesce(min(at_ms), 9e18) FROM outbox)"                                     \
					" AND (session IS NULL OR EXISTS (SELECT 1 FROM session s WHERE s.id = event.session AND"          \
					"  (s.state = 'accepted' OR s.ignored) AND event.id <>"                                            \
					"  (SELECT max(id) FROM event e WHERE e.session = s.id AND e.state IS NOT NULL)))")                \
	X(VERDICT_DELETE, "DELETE FROM verdict WHERE session = ? AND revision = ? AND side = ?")                           \
	X(VERDICT_ADD, "INSERT OR REPLACE INTO verdict (session, revision, side, name, verdict, found, rule, mend) "       \
				   "VALUES (?,?,?,?,?,?,?,?)")                                                                         \
	X(SETTING_SET,                                                                                                     \
		"INSERT INTO setting (name, value) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")      \
	X(SETTING_DELETE, "DELETE FROM setting WHERE name = ?")                                                            \
	X(OUTBOX_ADD, "INSERT OR IGNORE INTO outbox (id, at_ms, json) VALUES (?,?,?)")                                     \
	X(OUTBOX_DELETE, "DELETE FROM outbox WHERE id = ?")

/* The partial indexes are chosen by repeating their WHERE word by word. */
#define NEWEST_FIRST " AND updated_ms >= ? ORDER BY updated_ms DESC, id DESC"
#define WORD(n) "(?" n " IS NULL OR name || ' ' || state || ' ' || coalesce(reason, '') LIKE ?" n " ESCAPE '\\')"
#define WINDOW_WHERE                                                                                                   \
	" WHERE " WORD("1") " AND " WORD("2") " AND " WORD("3") " AND " WORD("4") " AND " WORD("5") " AND " WORD(          \
		"6") " AND " WORD("7") " AND " WORD("8")
#define WINDOW(order) "SELECT " SESSION_COLUMNS " FROM session" WINDOW_WHERE " ORDER BY " order " LIMIT ?9 OFFSET ?10"
#define EVENT_SELECT                                                                                                   \
	"SELECT event.id, event_id, at_ms, coalesce(session, 0), level, code, message, event.state,"                       \
	" coalesce(session.name, '') FROM event LEFT JOIN session ON session.id = event.session"
#define JOURNAL_READS(X)                                                                                               \
	X(SESSIONS_ALL, "SELECT " SESSION_COLUMNS " FROM session WHERE 1" NEWEST_FIRST)                                    \
	X(SESSIONS_BY_STATE, "SELECT " SESSION_COLUMNS " FROM session WHERE state = ?" NEWEST_FIRST)                       \
	X(SESSIONS_UNSETTLED, "SELECT " SESSION_COLUMNS " FROM session WHERE state <> 'accepted'" NEWEST_FIRST)            \
	X(SESSIONS_ATTENTION, "SELECT " SESSION_COLUMNS " FROM session INDEXED BY session_attention"                       \
						  " WHERE ignored = 0 AND state IN ('held', 'rejected', 'failed', 'gone')" NEWEST_FIRST)       \
	X(SESSION_BY_NAME,                                                                                                 \
		"SELECT " SESSION_COLUMNS " FROM session WHERE name = ? ORDER BY found_ms DESC, id DESC LIMIT 1")              \
	X(SESSION_KNOWN, "SELECT 1 FROM session WHERE name = ? AND root = ?")                                              \
	X(SESSION_BY_ROOT, "SELECT " SESSION_COLUMNS " FROM session WHERE name = ? AND root = ?")                          \
	X(SESSION_BY_ID, "SELECT " SESSION_COLUMNS " FROM session WHERE id = ?")                                           \
	X(SESSIONS_OF_NAME, "SELECT " SESSION_COLUMNS " FROM session WHERE name = ? ORDER BY root")                        \
	X(SESSIONS_OF_CONTENT, "SELECT " SESSION_COLUMNS " FROM session WHERE content_id = ? ORDER BY id")                 \
	X(FILES,                                                                                                           \
		"SELECT id, name, size, mtime_ns, ctime_ns, inode, sha256, state, bucket, key, stored_ms FROM file"            \
		" WHERE session = ?1 AND revision = iif(?2, ?2, (SELECT revision FROM session WHERE id = ?1)) ORDER BY name")  \
	X(FILES_KNOWN, "SELECT name, size, mtime_ns, ctime_ns, inode FROM file WHERE session = ?1"                         \
				   " AND revision = (SELECT revision FROM session WHERE id = ?1) ORDER BY name")                       \
	X(PARTS, "SELECT sha256 FROM part WHERE file = ? ORDER BY number")                                                 \
	X(ATTEMPTS, "SELECT name, at_ms, elapsed_ms, bytes, http, code, request_id, reason FROM attempt"                   \
				" WHERE session = ? ORDER BY id DESC LIMIT ?")                                                         \
	X(VERDICTS, "SELECT name, verdict, found, rule, mend FROM verdict"                                                 \
				" WHERE session = ? AND revision = ? AND side = ?")                                                    \
	X(EVENTS_ALL, EVENT_SELECT " WHERE event.id > ? ORDER BY event.id LIMIT ?")                                        \
	X(EVENTS_OF_SESSION, EVENT_SELECT " WHERE event.session = ? AND event.id > ? ORDER BY event.id LIMIT ?")           \
	X(EVENT_LAST, "SELECT coalesce(max(id), 0) FROM event")                                                            \
	X(EVENT_FROM, "SELECT id, at_ms FROM event WHERE id >= ? ORDER BY id LIMIT 1")                                     \
	X(EVENTS_NEWEST, EVENT_SELECT " WHERE event.id > ? ORDER BY event.id DESC LIMIT ?")                                \
	X(EVENTS_OF_SESSION_NEWEST,                                                                                        \
		EVENT_SELECT " WHERE event.session = ? AND event.id > ? ORDER BY event.id DESC LIMIT ?")                       \
	X(WINDOW_CHANGE, WINDOW("updated_ms DESC, id DESC"))                                                               \
	X(WINDOW_CHANGE_REVERSE, WINDOW("updated_ms, id"))                                                                 \
	X(WINDOW_NAME, WINDOW("name DESC, root DESC"))                                                                     \
	X(WINDOW_NAME_REVERSE, WINDOW("name, root"))                                                                       \
	X(WINDOW_SIZE, WINDOW("bytes DESC, name DESC, id DESC"))                                                           \
	X(WINDOW_SIZE_REVERSE, WINDOW("bytes, name, id"))                                                                  \
	X(WINDOW_STATE, WINDOW("state, name DESC, id DESC"))                                                               \
	X(WINDOW_STATE_REVERSE, WINDOW("state DESC, name DESC, id DESC"))                                                  \
	X(WINDOW_TRIES, WINDOW("tries DESC, name DESC, id DESC"))                                                          \
	X(WINDOW_TRIES_REVERSE, WINDOW("tries, name DESC, id DESC"))                                                       \
	X(WINDOW_COUNT, "SELECT count(*) FROM session" WINDOW_WHERE)                                                       \
	X(SESSION_COUNT, "SELECT count(*) FROM session")                                                                   \
	X(SETTING, "SELECT value FROM setting WHERE name = ?")                                                             \
	X(OUTBOX, "SELECT id, json FROM outbox ORDER BY seq LIMIT ?")                                                      \
	X(SUMMARY, "SELECT value FROM summary WHERE name = ?")                                                             \
	X(OLDEST_UNSAFE, "SELECT min(found_ms) FROM session WHERE state <> 'accepted' AND ignored = 0")

enum journal_write_statement {
#define X(id, sql) W_##id,
	JOURNAL_WRITES(X)
#undef X
		W_N
};
enum journal_read_statement {
#define X(id, sql) R_##id,
	JOURNAL_READS(X)
#undef X
		R_N
};
extern const struct db_schema journal_write_schema, journal_read_schema;
