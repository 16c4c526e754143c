/* SPDX-License-Identifier: MIT */
/* Reading what is of the station itself: settings, outbox, counters. */
#include "station/journal/view.h"

#include <stdio.h>
#include <time.h>

#include "station/journal/view_core.h"

int journal_get(struct journal_view *v, const char *name, char **ret, struct error *err) {
	int found = db_one(v->db, R_SETTING, err, "t", name);
	if (found < 0) return -1;
	*ret = found ? xstrdup(db_text(v->db, R_SETTING, 0)) : NULL;
	db_reset(v->db, R_SETTING);
	return 0;
}

/* In the order in which they were written: the cloud's log reads as it happened. */
int journal_outbox(struct journal_view *v, int64_t limit, journal_on_outbox *on_row, void *arg, struct error *err) {
	int more;
	if (db_query(v->db, R_OUTBOX, err, "i", limit ? limit : -1)) return -1;
	while ((more = db_step(v->db, R_OUTBOX, err)) > 0) {
		more = on_row(arg, db_text(v->db, R_OUTBOX, 0), db_text(v->db, R_OUTBOX, 1));
		if (more) break;
	}
	db_reset(v->db, R_OUTBOX);
	return more;
}

/* A counter that nothing has moved yet has no row. */
static int counter(struct journal_view *v, const char *kind, const char *of, int64_t *ret, struct error *err) {
	char name[64];
	snprintf(name, sizeof name, "%s%s", kind, of);
	int found = db_one(v->db, R_SUMMARY, err, "t", name);
	if (found < 0) return -1;
	*ret = found ? db_i64(v->db, R_SUMMARY, 0) : 0;
	db_reset(v->db, R_SUMMARY);
	return 0;
}

/* No counter can know the oldest that is left: an index of its own gives it in one step. */
static int oldest_unsafe(struct journal_view *v, int64_t *ret, struct error *err) {
	if (db_one(v->db, R_OLDEST_UNSAFE, err, "") < 0) return -1;
	*ret = db_i64(v->db, R_OLDEST_UNSAFE, 0);
	db_reset(v->db, R_OLDEST_UNSAFE);
	return 0;
}

static int summary_read(struct journal_view *v, const char *today, struct journal_summary *s, struct error *err) {
	const struct {
		const char *kind, *of;
		int64_t *ret;
	} counters[] = {
		{"sessions", "", &s->sessions},
		{"ignored", "", &s->ignored},
		{"paused", "", &s->paused},
		{"bytes_left", "", &s->bytes_left},
		{"outbox", "", &s->outbox},
		{"found:", today, &s->today_found},
		{"accepted:", today, &s->today_accepted},
	};
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		if (counter(v, counters[i].kind, counters[i].of, counters[i].ret, err)) return -1;
	}
	for (int i = 0; i < STATE_N; i++) {
		if (counter(v, "state:", state_name((enum session_state)i), &s->by_state[i], err)) return -1;
	}
	return oldest_unsafe(v, &s->oldest_unsafe_ms, err);
}

/* In one transaction: the counters of one moment, which add up. */
int journal_summary(struct journal_view *v, int64_t midnight_ms, struct journal_summary *ret, struct error *err) {
	struct journal_summary s = {0};
	time_t midnight = (time_t)(midnight_ms / 1000);
	struct tm day;
	char today[16] = "";
	if (localtime_r(&midnight, &day)) strftime(today, sizeof today, "%Y%m%d", &day);
	if (db_script(v->db, "BEGIN", err)) return -1;
	int failed = summary_read(v, today, &s, err);
	db_rollback(v->db);
	if (!failed) *ret = s;
	return failed;
}
