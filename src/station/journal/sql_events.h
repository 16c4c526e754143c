/* SPDX-License-Identifier: MIT */
/* Statements about what happened: events and attempts. Joined in sql.h; a row is W_ID or R_ID there. */
#pragma once

/* Pruning takes the station's own events and those of accepted and ignored sessions, but of each the one that explains
 * its state; none as young as a report that waits in the outbox. */
#define EVENTS_WRITES(X)                                                                                               \
	X(EVENT_ADD,                                                                                                       \
		"INSERT INTO event (event_id, at_ms, session, level, code, message, state) VALUES (?,?,nullif(?,0),?,?,?,?)")  \
	X(ATTEMPT_ADD, "INSERT INTO attempt (session, name, at_ms, elapsed_ms, bytes, http, code, request_id, reason)"     \
				   " VALUES (?,?,?,?,?,?,?,?,?)")                                                                      \
	X(ATTEMPTS_PRUNE, "DELETE FROM attempt WHERE session = ?1 AND id <="                                               \
					  " (SELECT id FROM attempt WHERE session = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)")               \
	X(EVENTS_PRUNE, "DELETE FROM event WHERE id > ?1 AND id <= ?2"                                                     \
					" AND at_ms < (SELECT coalesce(min(at_ms), 9e18) FROM outbox)"                                     \
					" AND (session IS NULL OR EXISTS (SELECT 1 FROM session s WHERE s.id = event.session AND"          \
					"  (s.state = 'accepted' OR s.ignored) AND event.id <>"                                            \
					"  (SELECT max(id) FROM event e WHERE e.session = s.id AND e.state IS NOT NULL)))")

#define EVENT_SELECT                                                                                                   \
	"SELECT event.id, event_id, at_ms, coalesce(session, 0), level, code, message, event.state,"                       \
	" coalesce(session.name, '') FROM event LEFT JOIN session ON session.id = event.session"
#define EVENTS_READS(X)                                                                                                \
	X(ATTEMPTS, "SELECT name, at_ms, elapsed_ms, bytes, http, code, request_id, reason FROM attempt"                   \
				" WHERE session = ? ORDER BY id DESC LIMIT ?")                                                         \
	X(EVENTS_ALL, EVENT_SELECT " WHERE event.id > ? ORDER BY event.id LIMIT ?")                                        \
	X(EVENTS_OF_SESSION, EVENT_SELECT " WHERE event.session = ? AND event.id > ? ORDER BY event.id LIMIT ?")           \
	X(EVENT_LAST, "SELECT coalesce(max(id), 0) FROM event")                                                            \
	X(EVENT_FROM, "SELECT id, at_ms FROM event WHERE id >= ? ORDER BY id LIMIT 1")                                     \
	X(EVENTS_NEWEST, EVENT_SELECT " WHERE event.id > ? ORDER BY event.id DESC LIMIT ?")                                \
	X(EVENTS_OF_SESSION_NEWEST, EVENT_SELECT " WHERE event.session = ? AND event.id > ? ORDER BY event.id DESC LIMIT " \
											 "?")
