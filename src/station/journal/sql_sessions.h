/* SPDX-License-Identifier: MIT */
/* Statements about sessions. Joined in sql.h; a row is W_ID or R_ID there. */
#pragma once

/* In the order of session_row; session_read() counts on it. */
#define SESSION_COLUMNS                                                                                                \
	"id, name, root, revision, state, paused, ignored, present, data_safe, found_ms, updated_ms, settled_ms, "         \
	"uploaded_ms, accepted_ms, fingerprint_ms, fingerprint, files, bytes, stored_files, stored_bytes, "                \
	"next_attempt_ms, tries, processing, reason, released, content_id, folder"

/* The bits of ?3 are those of SET_* in rows.h (asserted in op.c). */
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

/* A step names the state that it leaves: a row that is another by now is not changed, and the writer is told. Triggers
 * keep the counters of `summary` (sql.c), whatever of these is run. */
#define SESSIONS_WRITES(X)                                                                                             \
	X(SESSION_LAST_ID, "SELECT coalesce(max(id), 0) FROM session")                                                     \
	X(SESSION_NAME_OF, "SELECT name FROM session WHERE id = ?")                                                        \
	X(SESSION_ADD, "INSERT INTO session (" SESSION_COLUMNS ")"                                                         \
				   " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                                  \
	X(SESSION_UPDATE, "UPDATE session SET " SESSION_SET " WHERE id = ?1")                                              \
	X(SESSION_STEP, "UPDATE session SET state = ?25, " SESSION_SET " WHERE id = ?1 AND state = ?26")                   \
	X(SESSION_RELOCATE, "UPDATE session SET root = ?2, present = 1, updated_ms = ?3 WHERE id = ?1")                    \
	X(SESSION_RENUMBER, "UPDATE session SET revision = ?2, updated_ms = ?3 WHERE id = ?1")

/* The partial indexes are chosen by repeating their WHERE word by word. */
#define NEWEST_FIRST " AND updated_ms >= ? ORDER BY updated_ms DESC, id DESC"
/* Name, state and reason as one text: a word of the filter may be in any of them. */
#define WORD(n) "(?" n " IS NULL OR name || ' ' || state || ' ' || coalesce(reason, '') LIKE ?" n " ESCAPE '\\')"
#define WINDOW_WHERE                                                                                                   \
	" WHERE " WORD("1") " AND " WORD("2") " AND " WORD("3") " AND " WORD("4") " AND " WORD("5") " AND " WORD(          \
		"6") " AND " WORD("7") " AND " WORD("8")
#define WINDOW(order) "SELECT " SESSION_COLUMNS " FROM session" WINDOW_WHERE " ORDER BY " order " LIMIT ?9 OFFSET ?10"
#define SESSIONS_READS(X)                                                                                              \
	X(SESSIONS_ALL, "SELECT " SESSION_COLUMNS " FROM session WHERE 1" NEWEST_FIRST)                                    \
	X(SESSIONS_BY_STATE, "SELECT " SESSION_COLUMNS " FROM session WHERE state = ?" NEWEST_FIRST)                       \
	X(SESSIONS_UNSAFE, "SELECT " SESSION_COLUMNS " FROM session WHERE state <> 'accepted'" NEWEST_FIRST)               \
	X(SESSIONS_ATTENTION, "SELECT " SESSION_COLUMNS " FROM session INDEXED BY session_attention"                       \
						  " WHERE ignored = 0 AND state IN ('held', 'rejected', 'failed', 'gone')" NEWEST_FIRST)       \
	X(SESSION_BY_NAME,                                                                                                 \
		"SELECT " SESSION_COLUMNS " FROM session WHERE name = ? ORDER BY found_ms DESC, id DESC LIMIT 1")              \
	X(SESSION_KNOWN, "SELECT 1 FROM session WHERE name = ? AND root = ?")                                              \
	X(SESSION_BY_ROOT, "SELECT " SESSION_COLUMNS " FROM session WHERE name = ? AND root = ?")                          \
	X(SESSION_BY_ID, "SELECT " SESSION_COLUMNS " FROM session WHERE id = ?")                                           \
	X(SESSIONS_OF_NAME, "SELECT " SESSION_COLUMNS " FROM session WHERE name = ? ORDER BY root")                        \
	X(SESSIONS_OF_CONTENT, "SELECT " SESSION_COLUMNS " FROM session WHERE content_id = ? ORDER BY id")                 \
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
	X(SESSION_COUNT, "SELECT count(*) FROM session")
