/* SPDX-License-Identifier: MIT */
/* Reading for the model in the thread pool: the journal through one view that stays open, and the metadata file of the
 * session that is looked at. A job has copies of what it is asked for and owns what it finds until the loop takes it.
 */
#include "ui/model/source_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "station/told/handover.h"

/* --- copies --- */

static void page_free(struct session_page *p) {
	for (size_t i = 0; i < p->n; i++) session_row_done(&p->rows[i]);
	free(p->rows);
	*p = (struct session_page){0};
}

static void events_free(struct event_row **events, size_t *n) {
	for (size_t i = 0; i < *n; i++) free((*events)[i].message);
	free(*events);
	*events = NULL;
	*n = 0;
}

static void detail_free(struct session_detail *d) {
	session_row_done(&d->row);
	if (d->files) file_rows_free(d->files, d->file_n);
	for (size_t i = 0; i < d->attempt_n; i++) free(d->attempts[i].name), free(d->attempts[i].reason);
	free(d->attempts);
	events_free(&d->events, &d->event_n);
	check_list_done(&d->local);
	check_list_done(&d->cloud);
	free(d->metadata);
	free(d->metadata_path);
	free(d->folder);
	*d = (struct session_detail){0};
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

static int read_page(struct read_job *job) {
	struct session_page *p = &job->page;
	char filter[sizeof p->query.filter];
	struct journal_window w = {.order = job->wish.page.order, .reverse = job->wish.page.reverse};
	p->query = job->wish.page;
	w.first = MAX(p->query.first, 0);
	w.limit = MIN(MAX(p->query.limit, 1), LIMIT_MOST);
	text_copy(filter, sizeof filter, p->query.filter);
	filter_words(filter, w.words);
	p->rows = xcalloc((size_t)w.limit, sizeof *p->rows);
	p->at_ms = clock_wall_ms();
	return journal_window(job->reader->view, &w, on_page_row, p, &p->total, &job->err);
}

/* --- a session --- */

static int on_attempt(void *arg, const struct attempt_row *row) {
	struct session_detail *d = arg;
	struct attempt_row *a = &d->attempts[d->attempt_n++];
	*a = *row;
	a->name = xstrdup(row->name ? row->name : "");
	a->reason = xstrdup(row->reason);
	return 0;
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

static int read_events(
	struct read_job *job, int64_t session, int64_t limit, struct event_row **ret_rows, size_t *ret_n) {
	struct event_list list = {ret_rows, ret_n};
	*ret_rows = xcalloc((size_t)limit, sizeof **ret_rows);
	return journal_events_newest(job->reader->view, session, limit, on_event, &list, &job->err);
}

static int read_files(struct read_job *job, struct session_detail *d) {
	if (journal_files(job->reader->view, d->row.id, 0, &d->files, &d->file_n, &job->err)) return -1;
	while (d->file_n > FILES_MOST) file_row_done(&d->files[--d->file_n]);
	for (size_t i = d->file_n; i > 0 && !d->last_key[0]; i--)
		if (d->files[i - 1].key) text_copy(d->last_key, sizeof d->last_key, d->files[i - 1].key);
	return 0;
}

static int read_detail(struct read_job *job) {
	struct session_detail *d = &job->detail;
	struct journal_view *v = job->reader->view;
	text_copy(d->name, sizeof d->name, job->wish.session);
	d->at_ms = clock_wall_ms();
	int found = journal_session(v, d->name, NULL, &d->row, &job->err);
	if (found <= 0) return found;
	d->found = true;
	d->folder = path_join(d->row.root, d->name);
	d->attempts = xcalloc(ATTEMPTS_MOST, sizeof *d->attempts);
	if (read_files(job, d) || journal_checks(v, d->row.id, d->row.revision, "local", &d->local, &job->err) ||
		journal_checks(v, d->row.id, d->row.revision, "cloud", &d->cloud, &job->err) ||
		journal_attempts(v, d->row.id, ATTEMPTS_MOST, on_attempt, d, &job->err))
		return -1;
	return read_events(job, d->row.id, EVENTS_MOST, &d->events, &d->event_n);
}

/* --- of the station --- */

static int read_summary(struct read_job *job) {
	return journal_summary(job->reader->view, time_local_midnight(clock_wall_ms()), &job->summary, &job->err);
}

static int read_station_events(struct read_job *job) {
	return read_events(job, 0, MIN(MAX(job->wish.events, 1), LIMIT_MOST), &job->events, &job->event_n);
}

static int read_handover(struct read_job *job) {
	AUTO(json_free) cJSON *handover = NULL;
	AUTO(buf_done) struct buf text = BUF_INIT(1 << 20);
	int64_t now = clock_wall_ms();
	struct handover_look since, look;
	handover_seen(job->reader->state_dir, &since);
	if (!since.at_ms) since.at_ms = now - HANDOVER_FIRST_MS;
	if (handover_read(job->reader->view, &since, now, &handover, &look, &job->err)) return -1;
	handover_write(handover, &text);
	job->handover = xstrdup(buf_text(&text));
	job->handover_since_ms = since.at_ms;
	return handover_set_seen(job->reader->state_dir, &look, &job->err);
}

static const struct {
	enum model_part part;
	int (*read)(struct read_job *job);
} reads[] = {
	{MODEL_SUMMARY, read_summary},
	{MODEL_PAGE, read_page},
	{MODEL_DETAIL, read_detail},
	{MODEL_EVENTS, read_station_events},
	{MODEL_HANDOVER, read_handover},
};

static int read_open(struct read_job *job, bool *ret_moved) {
	struct reader *r = job->reader;
	int64_t version;
	if (!r->view) r->version = -1;
	if (!r->view && journal_view_open_brisk(&r->view, r->state_dir, &job->err)) return -1;
	if (journal_view_version(r->view, &version, &job->err)) return -1;
	*ret_moved = version != r->version;
	r->version = version;
	return 0;
}

void read_job_run(struct read_job *job) {
	bool moved = false;
	int failed = read_open(job, &moved);
	for (size_t i = 0; !failed && i < ARRAY_LEN(reads) && (moved || !job->wish.if_moved); i++) {
		if (!(job->wish.parts & reads[i].part)) continue;
		failed = reads[i].read(job);
		if (!failed) job->got |= reads[i].part;
	}
	if (failed && job->reader->view) { /* the next one begins anew */
		journal_view_close(job->reader->view);
		job->reader->view = NULL;
	}
}

/* --- into the model, on the loop --- */

static void take_detail(struct read_job *job, struct model *m) {
	struct session_detail *old = &m->detail, *d = &job->detail;
	if (strcmp(old->name, d->name) == 0) { /* the file is read apart */
		d->metadata = TAKE(old->metadata);
		d->metadata_path = TAKE(old->metadata_path);
	}
	detail_free(old);
	*old = *d;
	*d = (struct session_detail){0};
}

static void take_events(struct read_job *job, struct model *m) {
	events_free(&m->events, &m->event_n);
	m->events = TAKE(job->events);
	m->event_n = job->event_n;
	job->event_n = 0;
	m->events_ms = clock_wall_ms();
}

void read_job_take(struct read_job *job, struct model *m) {
	if (job->got & MODEL_SUMMARY) {
		m->summary = job->summary;
		m->summary_ms = clock_wall_ms();
	}
	if (job->got & MODEL_PAGE) {
		page_free(&m->page);
		m->page = job->page;
		job->page = (struct session_page){0};
	}
	if (job->got & MODEL_DETAIL) take_detail(job, m);
	if (job->got & MODEL_EVENTS) take_events(job, m);
	if (!job->handover) return;
	free(m->handover);
	m->handover = TAKE(job->handover);
	m->handover_since_ms = job->handover_since_ms;
	job->got |= MODEL_HANDOVER;
}

void read_job_free(struct read_job *job) {
	page_free(&job->page);
	detail_free(&job->detail);
	events_free(&job->events, &job->event_n);
	free(job->handover);
	free(job);
}

void model_free(struct model *m) {
	page_free(&m->page);
	detail_free(&m->detail);
	events_free(&m->events, &m->event_n);
	free(m->fleet);
	free(m->handover);
	m->fleet = NULL;
	m->fleet_n = 0;
	m->handover = NULL;
}

/* --- a session's metadata file --- */

void folder_job_run(struct folder_job *job) {
	AUTO(fd_close) int fd = open(job->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) return;
	char *text = xcalloc(1, METADATA_MOST + 1);
	size_t n = 0;
	ssize_t got;
	while (n < METADATA_MOST && (got = read(fd, text + n, METADATA_MOST - n)) != 0) {
		if (got < 0 && errno != EINTR) break;
		n += (size_t)MAX(got, 0);
	}
	for (size_t i = 0; i < n; i++)
		if (!text[i]) text[i] = ' '; /* what follows a NUL shall be seen */
	job->text = text;
}

void folder_job_free(struct folder_job *job) {
	free(job->path);
	free(job->text);
	free(job);
}
