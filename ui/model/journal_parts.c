/* SPDX-License-Identifier: MIT */
/* The parts that are read from the journal: one row each, with how it is read, in the thread pool. What is found is
 * bounded, and owned by its data. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "station/told/handover.h"
#include "ui/model/model.h"

#define FILES_MOST 10001
#define ATTEMPTS_MOST 200
#define EVENTS_MOST 500
#define ROWS_MOST 1000
#define PAGE_ROWS 100 /* of who names no number */

/* --- the rows of events, of a session and of the station --- */

static void rows_free(struct event_row *rows, size_t n) {
	for (size_t i = 0; i < n; i++) free(rows[i].message);
	free(rows);
}

struct event_list {
	struct event_row **rows;
	size_t *n;
};

static int on_event(void *arg, const struct event_row *row) {
	struct event_list *l = arg;
	struct event_row *e = &(*l->rows)[(*l->n)++];
	*e = *row;
	e->message = xstrdup(row->message ? row->message : "");
	return 0;
}

static int read_rows(struct journal_view *v, int64_t session, int64_t limit, struct event_row **ret_rows, size_t *ret_n,
	struct error *err) {
	struct event_list list = {ret_rows, ret_n};
	*ret_rows = xcalloc((size_t)limit, sizeof **ret_rows);
	return journal_events_newest(v, session, limit, on_event, &list, err);
}

/* --- a page --- */

static int on_page_row(void *arg, const struct session_row *row) {
	struct session_page *p = arg;
	p->rows[p->n++] = session_row_copy(row);
	return 0;
}

/* The filter's words; those beyond what the journal takes are left out. */
static void filter_words(char *text, const char **words) {
	size_t n = 0;
	for (char *rest = text, *word; n < JOURNAL_WORDS_MAX && (word = strsep(&rest, " ")) != NULL;)
		if (*word) words[n++] = word;
}

static int read_page(const struct part_read *r, void *data, struct error *err) {
	struct session_page *p = data;
	char filter[sizeof p->query.filter];
	p->query = *(const struct page_query *)r->wish;
	if (!p->query.limit) p->query.limit = PAGE_ROWS;
	struct journal_window w = {.order = p->query.order, .reverse = p->query.reverse};
	w.first = MAX(p->query.first, 0);
	w.limit = MIN(MAX(p->query.limit, 1), ROWS_MOST);
	text_copy(filter, sizeof filter, p->query.filter);
	filter_words(filter, w.words);
	p->rows = xcalloc((size_t)w.limit, sizeof *p->rows);
	return journal_window(r->view, &w, on_page_row, p, &p->total, err);
}

static void page_done(void *data) {
	struct session_page *p = data;
	for (size_t i = 0; i < p->n; i++) session_row_done(&p->rows[i]);
	free(p->rows);
}

const struct part part_page = {
	.name = "sessions",
	.place = offsetof(struct model, page),
	.size = sizeof(struct session_page),
	.first = true,
	.read = read_page,
	.wish_size = sizeof(struct page_query),
	.done = page_done,
};

/* --- a session --- */

static int on_attempt(void *arg, const struct attempt_row *row) {
	struct session_detail *d = arg;
	struct attempt_row *a = &d->attempts[d->attempt_n++];
	*a = *row;
	a->name = xstrdup(row->name ? row->name : "");
	a->reason = xstrdup(row->reason);
	return 0;
}

static int read_files(struct journal_view *v, struct session_detail *d, struct error *err) {
	if (journal_files(v, d->row.id, 0, &d->files, &d->file_n, err)) return -1;
	while (d->file_n > FILES_MOST) file_row_done(&d->files[--d->file_n]);
	for (size_t i = d->file_n; i > 0 && !d->last_key[0]; i--)
		if (d->files[i - 1].key) text_copy(d->last_key, sizeof d->last_key, d->files[i - 1].key);
	return 0;
}

static int read_detail(const struct part_read *r, void *data, struct error *err) {
	struct session_detail *d = data;
	struct journal_view *v = r->view;
	text_copy(d->name, sizeof d->name, r->wish);
	int found = journal_session(v, d->name, NULL, &d->row, err);
	if (found <= 0) return found;
	d->found = true;
	d->folder = path_join(d->row.root, d->name);
	d->attempts = xcalloc(ATTEMPTS_MOST, sizeof *d->attempts);
	if (read_files(v, d, err) || journal_checks(v, d->row.id, d->row.revision, "local", &d->local, err) ||
		journal_checks(v, d->row.id, d->row.revision, "cloud", &d->cloud, err) ||
		journal_attempts(v, d->row.id, ATTEMPTS_MOST, on_attempt, d, err))
		return -1;
	return read_rows(v, d->row.id, EVENTS_MOST, &d->events, &d->event_n, err);
}

/* The metadata file is read apart (source_folder.c). */
static void detail_keep(void *data, void *old_data) {
	struct session_detail *d = data, *old = old_data;
	if (strcmp(old->name, d->name) != 0) return;
	d->metadata = TAKE(old->metadata);
	d->metadata_path = TAKE(old->metadata_path);
}

static void detail_done(void *data) {
	struct session_detail *d = data;
	session_row_done(&d->row);
	if (d->files) file_rows_free(d->files, d->file_n);
	for (size_t i = 0; i < d->attempt_n; i++) free(d->attempts[i].name), free(d->attempts[i].reason);
	free(d->attempts);
	rows_free(d->events, d->event_n);
	check_list_done(&d->local);
	check_list_done(&d->cloud);
	free(d->metadata);
	free(d->metadata_path);
	free(d->folder);
}

const struct part part_detail = {
	.name = "session",
	.place = offsetof(struct model, detail),
	.size = sizeof(struct session_detail),
	.read = read_detail,
	.wish_size = SESSION_WISH,
	.exact = true,
	.keep = detail_keep,
	.done = detail_done,
};

/* --- of the station --- */

static int read_summary(const struct part_read *r, void *data, struct error *err) {
	return journal_summary(r->view, time_local_midnight(clock_wall_ms()), &((struct summary *)data)->journal, err);
}

const struct part part_summary = {
	.name = "summary",
	.place = offsetof(struct model, summary),
	.size = sizeof(struct summary),
	.always = true,
	.first = true,
	.read = read_summary,
};

static int read_events(const struct part_read *r, void *data, struct error *err) {
	struct station_events *e = data;
	return read_rows(r->view, 0, MIN(MAX(*(const int64_t *)r->wish, 1), ROWS_MOST), &e->rows, &e->n, err);
}

static void events_done(void *data) {
	struct station_events *e = data;
	rows_free(e->rows, e->n);
}

const struct part part_events = {
	.name = "events",
	.place = offsetof(struct model, events),
	.size = sizeof(struct station_events),
	.read = read_events,
	.wish_size = sizeof(int64_t),
	.done = events_done,
};

static int read_handover(const struct part_read *r, void *data, struct error *err) {
	struct handover *h = data;
	AUTO(json_free) cJSON *handover = NULL;
	AUTO(buf_done) struct buf text = BUF_INIT(1 << 20);
	int64_t now = clock_wall_ms();
	struct handover_look since, look;
	handover_seen(r->state_dir, &since);
	if (!since.at_ms) since.at_ms = now - HANDOVER_FIRST_MS;
	if (handover_read(r->view, &since, now, &handover, &look, err)) return -1;
	handover_write(handover, &text);
	h->text = xstrdup(buf_text(&text));
	h->since_ms = since.at_ms;
	(void)!handover_set_seen(r->state_dir, &look, &h->unkept);
	return 0;
}

static void handover_done(void *data) { free(((struct handover *)data)->text); }

const struct part part_handover = {
	.name = "handover",
	.place = offsetof(struct model, handover),
	.size = sizeof(struct handover),
	.read = read_handover,
	.once = true,
	.done = handover_done,
};
