/* SPDX-License-Identifier: MIT */
/* One session in full. Read once into a struct, then written as text or as one JSON object. Main thread. */
#include "cli/session_full.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/table.h"
#include "base/text.h"
#include "base/units.h"
#include "station/intake/check_task.h"

#define ATTEMPTS_MAX 50
#define EVENTS_MAX 1000

struct full {
	struct session_row row;
	struct file_row *files;
	size_t file_n;
	cJSON *ignored;		/* names; owned */
	const char *marker; /* the last of them is the done_marker, which is empty; or NULL */
	struct check_list local, cloud;
	cJSON *attempts, *events;
};

static void full_done(struct full *f) {
	session_row_done(&f->row);
	file_rows_free(f->files, f->file_n);
	json_free(f->ignored);
	check_list_done(&f->local);
	check_list_done(&f->cloud);
	json_free(f->attempts);
	json_free(f->events);
}
DEFINE_AUTO_VAL(struct full, full_done)

static int on_attempt(void *arg, const struct attempt_row *a) {
	cJSON *o = json_object();
	json_add_time(o, "at", a->at_ms);
	json_add_text(o, "file", a->name && *a->name ? a->name : NULL);
	json_add_i64(o, "elapsed_ms", a->elapsed_ms);
	json_add_i64(o, "bytes", a->bytes);
	json_add_i64(o, "http", a->http);
	json_add_text(o, "code", a->code);
	json_add_text(o, "request_id", *a->request_id ? a->request_id : NULL);
	json_add_text(o, "reason", a->reason);
	json_push(arg, o);
	return 0;
}

static int on_event(void *arg, const struct event_row *e) {
	json_push(arg, event_json(e));
	return 0;
}

static int full_read(struct journal_view *v, const char *name, struct full *f, struct error *err) {
	int found = journal_session(v, name, NULL, &f->row, err);
	if (found < 0) return -1;
	if (!found)
		return error_set(
			err, ERR_NOT_FOUND, "the journal has no session %s: headgate sessions lists those it has", TEXT_SAFE(name));
	int64_t id = f->row.id, revision = f->row.revision;
	f->attempts = json_array();
	f->events = json_array();
	if (journal_files(v, id, revision, &f->files, &f->file_n, err)) return -1;
	if (journal_checks(v, id, revision, "local", &f->local, err)) return -1;
	if (journal_checks(v, id, revision, "cloud", &f->cloud, err)) return -1;
	if (journal_attempts(v, id, ATTEMPTS_MAX, on_attempt, f->attempts, err)) return -1;
	return journal_events(v, id, 0, EVENTS_MAX, on_event, f->events, err);
}

/* --- JSON --- */

static cJSON *file_json(const struct file_row *f) {
	char sha[SHA256_BASE64];
	cJSON *o = json_object();
	json_add_text(o, "name", f->name);
	json_add_i64(o, "size", f->size);
	char modified[TIME_TEXT];
	json_add_text(o, "modified_at", f->mtime_ns ? time_any_rfc3339(modified, file_time_ms(f->mtime_ns)) : NULL);
	json_add_text(o, "sha256", f->hashed ? sha256_base64(sha, &f->sha256) : NULL);
	json_add_bool(o, "stored", f->state == FILE_STORED);
	json_add_time(o, "stored_at", f->stored_ms);
	json_add_text(o, "bucket", f->bucket);
	json_add_text(o, "key", f->key);
	return o;
}

static void print_json(struct full *f, const char *mend) {
	cJSON *o = session_json(&f->row), *files = json_array(), *checks = json_object();
	json_add_text(o, "mend", *mend ? mend : NULL);
	for (size_t i = 0; i < f->file_n; i++) json_push(files, file_json(&f->files[i]));
	json_add(o, "file_list", files);
	json_add(o, "ignored_files", json_copy(f->ignored));
	json_add(checks, "local", checks_to_json(&f->local));
	json_add(checks, "cloud", checks_to_json(&f->cloud));
	json_add(o, "checks", checks);
	json_add(o, "attempts", TAKE(f->attempts));
	json_add(o, "events", TAKE(f->events));
	command_json(o);
}

/* --- text --- */

static void line(struct buf *out, const char *label, const char *value) {
	if (!value || !*value) return;
	buf_fmt(out, "%-10s ", label);
	text_escape(out, value, strlen(value));
	buf_char(out, '\n');
}

static void line_time(struct buf *out, const char *label, int64_t ms) {
	if (ms > 0) line(out, label, time_rfc3339((char[TIME_TEXT]){0}, ms));
}

static void write_head(struct buf *out, const struct full *f, const char *mend) {
	const struct session_row *r = &f->row;
	char text[128];
	char content[SHA256_HEX] = "";
	if (r->has_content) sha256_hex(content, &r->content);
	snprintf(text, sizeof text, "%s%s%s%s, revision %lld%s%.12s", state_name(r->state), r->paused ? ", paused" : "",
		r->ignored ? ", ignored" : "", r->present ? "" : ", folder not there", (long long)r->revision,
		r->has_content ? ", content " : "", content);
	line(out, "session", r->name);
	line(out, "folder", r->root);
	line(out, "state", text);
	line(out, "reason", r->reason);
	line(out, "mend", mend);
	snprintf(text, sizeof text, "%lld of %lld stored, %s of %s%s", (long long)r->stored_files, (long long)r->files,
		UNIT_BYTES(r->stored_bytes), UNIT_BYTES(r->bytes), r->data_safe ? "; the data are safe in the cloud" : "");
	line(out, "files", text);
	snprintf(text, sizeof text, "%d", r->tries);
	if (r->tries) line(out, "tries", text);
	line(out, "processing", r->processing);
	line_time(out, "next try", r->state == STATE_QUEUED ? r->next_attempt_ms : 0);
	line_time(out, "found", r->found_ms);
	line_time(out, "settled", r->settled_ms);
	line_time(out, "uploaded", r->uploaded_ms);
	line_time(out, "accepted", r->accepted_ms);
}

static void write_files(struct buf *out, const struct full *f) {
	static const char *const titles[] = {"FILE", ">BYTES", "STORED", "SHA-256"};
	AUTO(table_free) struct table *t = table_new(titles, ARRAY_LEN(titles));
	char sha[SHA256_HEX];
	for (size_t i = 0; i < f->file_n; i++) {
		const struct file_row *file = &f->files[i];
		table_cell(t, file->name);
		table_cellf(t, "%lld", (long long)file->size);
		table_cell(t, file->state == FILE_STORED ? "yes" : "no");
		table_cell(t, file->hashed ? sha256_hex(sha, &file->sha256) : NULL);
	}
	buf_char(out, '\n');
	table_print(t, terminal_columns(STDOUT_FILENO), out);
}

static void add_checks(struct table *t, const char *where, const struct check_list *l) {
	for (size_t i = 0; i < l->n; i++) {
		const struct check *c = &l->items[i];
		table_cell(t, where);
		table_cell(t, check_names[c->id]);
		table_cell(t, verdict_name(c->verdict));
		table_cell(t, *c->found ? c->found : NULL);
		table_cell(t, c->verdict == VERDICT_PASS || !*c->rule ? NULL : c->rule);
		table_cell(t, *c->mend ? c->mend : NULL);
	}
}

static void write_checks(struct buf *out, const struct full *f) {
	static const char *const titles[] = {"BY", "CHECK", "VERDICT", "FOUND", "RULE", "MEND"};
	AUTO(table_free) struct table *t = table_new(titles, ARRAY_LEN(titles));
	if (!f->local.n && !f->cloud.n) return;
	add_checks(t, "station", &f->local);
	add_checks(t, "cloud", &f->cloud);
	buf_char(out, '\n');
	table_print(t, terminal_columns(STDOUT_FILENO), out);
}

static void write_rows(
	struct buf *out, const cJSON *array, const char *const *titles, const char *const *members, size_t n) {
	const cJSON *o;
	if (!json_count(array)) return;
	AUTO(table_free) struct table *t = table_new(titles, n);
	json_each (o, array) {
		for (size_t i = 0; i < n; i++) table_cell_json(t, json_get(o, members[i]));
	}
	buf_char(out, '\n');
	table_print(t, terminal_columns(STDOUT_FILENO), out);
}

/* --- what lies in the folder now and is no part of the session --- */

#define FOLDER_MS 2000 /* a disk that hangs is not waited for */

struct ignored_job { /* with copies: a thread that hangs is left behind with them */
	struct session_row row;
	struct option_list ignore, temporary;
	char *marker;
	struct snapshot found;
};

static void *ignored_run(void *arg) {
	struct ignored_job *j = arg;
	const struct scan_rules rules = {.ignore = &j->ignore, .temporary = &j->temporary, .keep = {j->marker}};
	struct error none = ERROR_INIT;
	if (snapshot_take(j->row.root, j->row.name, &rules, NULL, &j->found, &none)) j->found = (struct snapshot){0};
	snapshot_drop(&j->found, j->marker);
	return NULL;
}

static void ignored_take(struct ignored_job *j, const struct config *c, struct full *f) {
	cJSON *list = f->ignored;
	for (size_t i = 0; i < j->found.ignored_n; i++) json_push_text(list, TEXT_SAFE(j->found.ignored[i]));
	if (j->found.marker_left) {
		f->marker = c->done_marker;
		json_push_text(list, TEXT_SAFE(f->marker));
	}
	snapshot_done(&j->found);
	session_row_done(&j->row);
	free(j->marker);
	option_list_clear(&j->ignore);
	option_list_clear(&j->temporary);
	free(j);
}

static void full_ignored(const struct config *c, struct full *f) {
	struct timespec until;
	pthread_t thread;
	f->ignored = json_array();
	if (!f->row.present) return;
	struct ignored_job *j = xcalloc(1, sizeof *j);
	j->row = session_row_copy(&f->row);
	j->marker = c->done_marker ? xstrdup(c->done_marker) : NULL;
	for (size_t i = 0; i < c->ignore.n; i++) option_list_add(&j->ignore, c->ignore.items[i]);
	for (size_t i = 0; i < c->temporary.n; i++) option_list_add(&j->temporary, c->temporary.items[i]);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += FOLDER_MS / 1000;
	bool runs = pthread_create(&thread, NULL, ignored_run, j) == 0;
	if (!runs || pthread_timedjoin_np(thread, NULL, &until) == 0) ignored_take(j, c, f);
}

static void write_ignored(struct buf *out, const struct full *f) {
	const cJSON *name;
	if (json_count(f->ignored) > (f->marker ? 1 : 0)) buf_str(out, "\nnot sent, by [station] ignore:\n");
	size_t left = json_count(f->ignored);
	json_each (name, f->ignored) {
		if (f->marker && --left == 0) buf_str(out, "\nnot sent, the done_marker while it is empty:\n");
		buf_fmt(out, "  %s\n", json_as_text(name));
	}
}

static void print_text(const struct full *f, const char *mend) {
	static const char *const attempt_titles[] = {"ATTEMPT", "FILE", ">MS", ">HTTP", "CODE", "REQUEST", "REASON"};
	static const char *const attempt_members[] = {"at", "file", "elapsed_ms", "http", "code", "request_id", "reason"};
	static const char *const event_titles[] = {"EVENT", "LEVEL", "CODE", "WHAT"};
	static const char *const event_members[] = {"at", "level", "code", "message"};
	AUTO(buf_done) struct buf out = BUF_INIT((size_t)1 << 28);
	write_head(&out, f, mend);
	write_files(&out, f);
	write_ignored(&out, f);
	write_checks(&out, f);
	write_rows(&out, f->attempts, attempt_titles, attempt_members, ARRAY_LEN(attempt_titles));
	write_rows(&out, f->events, event_titles, event_members, ARRAY_LEN(event_titles));
	command_print(&out);
}

int session_full(struct journal_view *v, const struct config *c, const char *name, bool json, struct error *err) {
	AUTO(full_done) struct full f = {0};
	char mend[256] = "";
	if (full_read(v, name, &f, err)) return -1;
	full_ignored(c, &f);
	if (state_needs_person(f.row.state)) session_mend(v, &f.row, mend, sizeof mend);
	if (json) print_json(&f, mend);
	else print_text(&f, mend);
	return 0;
}
