/* SPDX-License-Identifier: MIT */
/* Reading what happened: attempts and events. */
#include "station/journal/view.h"

#include <string.h>

#include "base/text.h"
#include "station/journal/view_core.h"

/* SQLite takes a limit of -1 for none. */
int journal_attempts(
	struct journal_view *v, int64_t session, int64_t limit, journal_on_attempt *on_row, void *arg, struct error *err) {
	struct db *db = v->db;
	int more;
	if (db_query(db, R_ATTEMPTS, err, "ii", session, limit ? limit : -1)) return -1;
	while ((more = db_step(db, R_ATTEMPTS, err)) > 0) {
		struct attempt_row a = {
			.name = (char *)db_text(db, R_ATTEMPTS, 0),
			.at_ms = db_i64(db, R_ATTEMPTS, 1),
			.elapsed_ms = db_i64(db, R_ATTEMPTS, 2),
			.bytes = db_i64(db, R_ATTEMPTS, 3),
			.http = (int)db_i64(db, R_ATTEMPTS, 4),
			.reason = (char *)db_text(db, R_ATTEMPTS, 7),
		};
		text_copy(a.code, sizeof a.code, db_text(db, R_ATTEMPTS, 5));
		text_copy(a.request_id, sizeof a.request_id, db_text(db, R_ATTEMPTS, 6));
		if ((more = on_row(arg, &a)) != 0) break;
	}
	db_reset(db, R_ATTEMPTS);
	return more;
}

/* A folder that goes or comes back leaves what the cloud has as it is: the step led to the same state. */
static int event_state(const char *name, const char *code) {
	enum session_state state;
	if (!name || state_parse(name, &state)) return -1;
	bool stayed = (strcmp(code, session_event_name(EVENT_VANISHED)) == 0 && state != STATE_GONE) ||
				  (strcmp(code, session_event_name(EVENT_RETURNED)) == 0 && state != STATE_SETTLING);
	return stayed ? -1 : (int)state;
}

/* Both directions and both filters take the same columns; only how they are bound differs. */
static int events_read(struct db *db, int s, int64_t session_or_0, int64_t after_id, int64_t limit,
	journal_on_event *on_row, void *arg, struct error *err) {
	int64_t most = limit ? limit : -1;
	int more = session_or_0 ? db_query(db, s, err, "iii", session_or_0, after_id, most)
							: db_query(db, s, err, "ii", after_id, most);
	if (more) return -1;
	while ((more = db_step(db, s, err)) > 0) {
		struct event_row e = {
			.id = db_i64(db, s, 0),
			.at_ms = db_i64(db, s, 2),
			.session = db_i64(db, s, 3),
			.message = (char *)db_text(db, s, 6),
		};
		text_copy(e.event_id, sizeof e.event_id, db_text(db, s, 1));
		text_copy(e.level, sizeof e.level, db_text(db, s, 4));
		text_copy(e.code, sizeof e.code, db_text(db, s, 5));
		text_copy(e.session_name, sizeof e.session_name, db_text(db, s, 8));
		e.state = event_state(db_text(db, s, 7), e.code);
		if ((more = on_row(arg, &e)) != 0) break;
	}
	db_reset(db, s);
	return more;
}

int journal_events(struct journal_view *v, int64_t session_or_0, int64_t after_id, int64_t limit,
	journal_on_event *on_row, void *arg, struct error *err) {
	int s = session_or_0 ? R_EVENTS_OF_SESSION : R_EVENTS_ALL;
	return events_read(v->db, s, session_or_0, after_id, limit, on_row, arg, err);
}

int journal_events_newest(struct journal_view *v, int64_t session_or_0, int64_t limit, journal_on_event *on_row,
	void *arg, struct error *err) {
	int s = session_or_0 ? R_EVENTS_OF_SESSION_NEWEST : R_EVENTS_NEWEST;
	return events_read(v->db, s, session_or_0, 0, limit, on_row, arg, err);
}

/* Ids have gaps, where events were pruned: the next one that is there stands for them. */
static int one_or_none(struct db *db, int s, int64_t *ret_id, int64_t *ret_at_ms, struct error *err) {
	int found = db_one(db, s, err, s == R_EVENT_FROM ? "i" : "", *ret_id);
	if (found <= 0) return found;
	*ret_id = db_i64(db, s, 0);
	if (ret_at_ms) *ret_at_ms = db_i64(db, s, 1);
	db_reset(db, s);
	return 1;
}

/* Bisection over the ids: invariant: the event `low` and those before it are older, those from `high` on are not. */
int journal_events_before(struct journal_view *v, int64_t since_ms, int64_t *ret_id, struct error *err) {
	int64_t low = 0, high = 0;
	if (one_or_none(v->db, R_EVENT_LAST, &high, NULL, err) < 0) return -1;
	high++;
	while (low + 1 < high) {
		int64_t id = low + (high - low) / 2, at_ms = 0, middle = id;
		int found = one_or_none(v->db, R_EVENT_FROM, &id, &at_ms, err);
		if (found < 0) return -1;
		if (!found || at_ms >= since_ms) high = middle;
		else low = id;
	}
	*ret_id = low;
	return 0;
}
