/* SPDX-License-Identifier: MIT */
/* A window of the sessions for the console, ordered and filtered. */
#include "station/journal/view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "station/journal/view_core.h"

/* The word between "%", what LIKE would take for a pattern escaped; NULL stays NULL. */
static char *window_pattern(const char *word) {
	if (!word) return NULL;
	struct buf b = BUF_INIT(1024);
	buf_char(&b, '%');
	for (; *word; word++) {
		if (strchr("%_\\", *word)) buf_char(&b, '\\');
		buf_char(&b, *word);
	}
	buf_char(&b, '%');
	return buf_take(&b);
}

#define WORD_TYPES "tttttttt"
#define WORD_LIST(w) (w)[0], (w)[1], (w)[2], (w)[3], (w)[4], (w)[5], (w)[6], (w)[7]
static_assert(sizeof WORD_TYPES - 1 == JOURNAL_WORDS_MAX, "the statements take so many");

/* Without words no row is looked at. */
static int window_total(struct db *db, char *const *words, int64_t *ret, struct error *err) {
	bool all = true;
	for (size_t i = 0; i < JOURNAL_WORDS_MAX; i++) all = all && !words[i];
	int s = all ? R_SESSION_COUNT : R_WINDOW_COUNT;
	int found = all ? db_one(db, s, err, "") : db_one(db, s, err, WORD_TYPES, WORD_LIST(words));
	if (found < 0) return -1;
	*ret = db_i64(db, s, 0);
	db_reset(db, s);
	return 0;
}

/* The texts of the rows are the statement's; the words are bound, never written into the SQL. */
int journal_window(struct journal_view *v, const struct journal_window *w, journal_on_session *on_row, void *arg,
	int64_t *ret_total, struct error *err) {
	static_assert(R_WINDOW_TRIES_REVERSE == R_WINDOW_CHANGE + 2 * JOURNAL_BY_TRIES + 1, "in order of journal_order");
	char *words[JOURNAL_WORDS_MAX];
	int64_t total;
	int s = R_WINDOW_CHANGE + 2 * (int)w->order + w->reverse;
	for (size_t i = 0; i < JOURNAL_WORDS_MAX; i++) words[i] = window_pattern(w->words[i]);
	int failed = window_total(v->db, words, &total, err);
	if (!failed) failed = db_query(v->db, s, err, WORD_TYPES "ii", WORD_LIST(words), w->limit, w->first);
	if (!failed) failed = session_rows_give(v->db, s, on_row, arg, err);
	for (size_t i = 0; i < JOURNAL_WORDS_MAX; i++) free(words[i]);
	if (!failed) *ret_total = total;
	return failed;
}
