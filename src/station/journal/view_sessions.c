/* SPDX-License-Identifier: MIT */
/* Reading sessions: by filter, name, content or id. */
#include "station/journal/view.h"

#include <string.h>

#include "base/text.h"
#include "station/journal/view_core.h"

/* An unknown word is no state of a newer program, whose schema would have been refused at the opening. */
static int stored_state(const char *name, enum session_state *ret, struct error *err) {
	if (name && !state_parse(name, ret)) return 0;
	return error_set(err, ERR_DISK, "the journal holds the unknown state \"%s\"; it is damaged, restore it from a copy",
		name ? name : "");
}

/* By number: a name a column would be looked up for each of 100,000 rows. */
int session_read(struct db *db, int s, struct session_row *r, struct error *err) {
	*r = (struct session_row){.id = db_i64(db, s, 0)};
	text_copy(r->name, sizeof r->name, db_text(db, s, 1));
	r->root = (char *)db_text(db, s, 2);
	r->revision = db_i64(db, s, 3);
	if (stored_state(db_text(db, s, 4), &r->state, err)) return -1;
	r->paused = db_i64(db, s, 5);
	r->ignored = db_i64(db, s, 6);
	r->present = db_i64(db, s, 7);
	r->data_safe = db_i64(db, s, 8);
	r->found_ms = db_i64(db, s, 9);
	r->updated_ms = db_i64(db, s, 10);
	r->settled_ms = db_i64(db, s, 11);
	r->uploaded_ms = db_i64(db, s, 12);
	r->accepted_ms = db_i64(db, s, 13);
	r->fingerprint_ms = db_i64(db, s, 14);
	text_copy(r->fingerprint, sizeof r->fingerprint, db_text(db, s, 15));
	r->files = db_i64(db, s, 16);
	r->bytes = db_i64(db, s, 17);
	r->stored_files = db_i64(db, s, 18);
	r->stored_bytes = db_i64(db, s, 19);
	r->next_attempt_ms = db_i64(db, s, 20);
	r->tries = (int)db_i64(db, s, 21);
	text_copy(r->processing, sizeof r->processing, db_text(db, s, 22));
	r->reason = (char *)db_text(db, s, 23);
	r->released = db_i64(db, s, 24);
	r->has_content = sha256_read(db, s, 25, &r->content);
	text_copy(r->folder, sizeof r->folder, db_text(db, s, 26));
	return 0;
}

int session_rows_give(struct db *db, int s, journal_on_session *on_row, void *arg, struct error *err) {
	int more;
	while ((more = db_step(db, s, err)) > 0) {
		struct session_row r;
		if (session_read(db, s, &r, err)) more = -1;
		else more = on_row(arg, &r);
		if (more) break;
	}
	db_reset(db, s);
	return more;
}

/* --- many --- */

/* The statement whose index fits the filter best; session_wanted() does the rest. */
static int sessions_query(struct db *db, const struct session_filter *f, int *ret_statement, struct error *err) {
	if (f->state >= 0) {
		*ret_statement = R_SESSIONS_BY_STATE;
		return db_query(db, R_SESSIONS_BY_STATE, err, "ti", state_name((enum session_state)f->state), f->since_ms);
	}
	*ret_statement = f->attention_only ? R_SESSIONS_ATTENTION : f->unsafe_only ? R_SESSIONS_UNSAFE : R_SESSIONS_ALL;
	return db_query(db, *ret_statement, err, "i", f->since_ms);
}

/* Whatever the statement did not decide already: by state and unsafe together, say. */
static bool session_wanted(const struct session_filter *f, const struct session_row *r) {
	if (f->unsafe_only && r->state == STATE_ACCEPTED) return false;
	return !f->attention_only || (state_needs_person(r->state) && !r->ignored);
}

/* The limit counts the rows that were given, not those that were read. */
int journal_sessions(
	struct journal_view *v, const struct session_filter *f, journal_on_session *on_row, void *arg, struct error *err) {
	int s, more, given = 0;
	if (f->state >= STATE_N) return error_set(err, ERR_USAGE, "there is no state %d", f->state);
	if (sessions_query(v->db, f, &s, err)) return -1;
	while ((more = db_step(v->db, s, err)) > 0) {
		struct session_row r;
		if (session_read(v->db, s, &r, err)) {
			more = -1;
			break;
		}
		if (!session_wanted(f, &r)) continue;
		if ((more = on_row(arg, &r)) != 0) break;
		if (f->limit && ++given >= f->limit) break;
	}
	db_reset(v->db, s);
	return more;
}

int journal_of_name(
	struct journal_view *v, const char *name, journal_on_session *on_row, void *arg, struct error *err) {
	if (db_query(v->db, R_SESSIONS_OF_NAME, err, "t", name)) return -1;
	return session_rows_give(v->db, R_SESSIONS_OF_NAME, on_row, arg, err);
}

int journal_of_content(
	struct journal_view *v, const struct sha256 *content, journal_on_session *on_row, void *arg, struct error *err) {
	if (db_query(v->db, R_SESSIONS_OF_CONTENT, err, "b", content->bytes, (size_t)SHA256_LEN)) return -1;
	return session_rows_give(v->db, R_SESSIONS_OF_CONTENT, on_row, arg, err);
}

/* --- one --- */

/* One row outlives its statement: it is copied. */
static int session_take(struct journal_view *v, int s, int found, struct session_row *ret, struct error *err) {
	if (found <= 0) return found;
	struct session_row r;
	int failed = session_read(v->db, s, &r, err);
	if (!failed) *ret = session_row_copy(&r);
	db_reset(v->db, s);
	return failed ? -1 : 1;
}

int journal_session(
	struct journal_view *v, const char *name, const char *root_or_null, struct session_row *ret, struct error *err) {
	int s = root_or_null ? R_SESSION_BY_ROOT : R_SESSION_BY_NAME;
	int found = root_or_null ? db_one(v->db, s, err, "tt", name, root_or_null) : db_one(v->db, s, err, "t", name);
	return session_take(v, s, found, ret, err);
}

int journal_session_by_id(struct journal_view *v, int64_t session, struct session_row *ret, struct error *err) {
	return session_take(v, R_SESSION_BY_ID, db_one(v->db, R_SESSION_BY_ID, err, "i", session), ret, err);
}

/* The index alone answers: no row is read. */
int journal_knows(struct journal_view *v, const char *name, const char *root, struct error *err) {
	int found = db_one(v->db, R_SESSION_KNOWN, err, "tt", name, root);
	if (found >= 0) db_reset(v->db, R_SESSION_KNOWN);
	return found;
}
