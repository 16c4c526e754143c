/* SPDX-License-Identifier: MIT */
/* What the panes of the session screen hold, of the model's detail. Pure drawing. */
#include "ui/screens/session_panes.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* --- panes of text --- */

static int count_checks(const struct check_list *l, enum verdict v) {
	int n = 0;
	for (size_t i = 0; i < l->n; i++) n += l->items[i].verdict == v;
	return n;
}

static void fact_checks(struct pager *p, const char *name, const struct check_list *l) {
	int hold = count_checks(l, VERDICT_HOLD), warn = count_checks(l, VERDICT_WARN);
	char text[100];
	snprintf(text, sizeof text, "%d pass, %d warn, %d hold", count_checks(l, VERDICT_PASS), warn, hold);
	fact_add(p, hold ? ROLE_BAD : warn ? ROLE_WARN : ROLE_TEXT, name, l->n ? text : "none yet");
}

static void fact_progress(struct pager *p, const struct model *m, const struct session_row *r) {
	const struct work *w = live_work(m, r);
	char text[200];
	if (w && w->bytes > 0)
		snprintf(text, sizeof text, "%s of %s at %s, %lld of %lld files stored", UNIT_BYTES(w->sent_bytes),
			UNIT_BYTES(w->bytes), UNIT_RATE(w->rate), (long long)w->stored_files, (long long)w->files);
	else
		snprintf(text, sizeof text, "%s of %s, %lld of %lld files stored", UNIT_BYTES(r->stored_bytes),
			UNIT_BYTES(r->bytes), (long long)r->stored_files, (long long)r->files);
	fact_add(p, ROLE_TEXT, "stored", text);
}

static void fact_next(struct pager *p, const struct model *m, const struct session_row *r) {
	char text[100], when[32];
	int64_t wait_ms = r->next_attempt_ms - m->now_ms;
	if (r->state != STATE_QUEUED) snprintf(text, sizeof text, "-");
	else if (wait_ms > 0)
		snprintf(
			text, sizeof text, "in %s, at %s", UNIT_DURATION(wait_ms), when_text(when, r->next_attempt_ms, m->now_ms));
	else snprintf(text, sizeof text, "as soon as a connection is free");
	fact_add(p, ROLE_TEXT, "next attempt", text);
}

static void attempt_words(const struct attempt_row *t, char *to, size_t size) {
	char status[16] = "no answer";
	if (t->http) snprintf(status, sizeof status, "HTTP %d", t->http);
	snprintf(to, size, "%s%s%s%s%s%s%s", status, t->code[0] ? " " : "", t->code, t->reason ? ": " : "",
		t->reason ? t->reason : "", t->request_id[0] ? ", request " : "", t->request_id);
}

static void fact_attempt(struct pager *p, const struct model *m, const struct attempt_row *t) {
	char words[500], text[600], when[32];
	attempt_words(t, words, sizeof words);
	snprintf(text, sizeof text, "%s  %s", when_text(when, t->at_ms, m->now_ms), words);
	fact_add(p, ROLE_TEXT, "last attempt", text);
}

static void fill_overview(struct pager *p, const struct model *m, const struct session_detail *d) {
	const struct session_row *r = &d->row;
	char text[600], when[32];
	p->hang = 15;
	snprintf(text, sizeof text, "%s%s%s%s", state_words(r), r->processing[0] ? ", processing " : "", r->processing,
		r->present ? "" : ", no longer on this disk");
	fact_add(p, state_role(r), "state", text);
	fact_add(p, ROLE_TEXT, "reason", r->reason ? r->reason : "-");
	fact_progress(p, m, r);
	fact_next(p, m, r);
	snprintf(text, sizeof text, "%d", r->tries);
	fact_add(p, ROLE_TEXT, "tries", text);
	if (d->attempt_n) fact_attempt(p, m, &d->attempts[0]);
	fact_checks(p, "checks here", &d->local);
	fact_checks(p, "cloud checks", &d->cloud);
	fact_add(p, ROLE_TEXT, "folder", d->folder ? d->folder : r->root ? r->root : "-");
	fact_add(p, ROLE_TEXT, "metadata", d->metadata_path ? d->metadata_path : "-");
	char content[SHA256_HEX] = "";
	if (r->has_content) sha256_hex(content, &r->content);
	snprintf(text, sizeof text, "%lld%s%.12s", (long long)r->revision, r->has_content ? ", content " : "", content);
	fact_add(p, ROLE_TEXT, "revision", text);
	fact_add(p, ROLE_TEXT, "found", when_text(when, r->found_ms, m->now_ms));
	fact_add(p, ROLE_TEXT, "settled", when_text(when, r->settled_ms, m->now_ms));
	fact_add(p, ROLE_TEXT, "uploaded", when_text(when, r->uploaded_ms, m->now_ms));
	fact_add(p, ROLE_TEXT, "accepted", when_text(when, r->accepted_ms, m->now_ms));
}

static void fill_metadata(struct pager *p, const struct model *m, const struct session_detail *d) {
	(void)m;
	pager_add(p, ROLE_QUIET, " %s", d->metadata_path ? d->metadata_path : "no metadata file");
	for (const char *at = d->metadata; at && *at;) {
		char line[2048];
		size_t n = strcspn(at, "\n"), used = 0;
		for (size_t i = 0; i < n && used + 2 < sizeof line; i++) {
			if (at[i] == '\r' && i + 1 == n) break;
			line[used++] = at[i] == '\t' ? ' ' : at[i];
		}
		line[used] = '\0';
		pager_add(p, ROLE_TEXT, " %s", line);
		at += n + (at[n] == '\n');
	}
	if (!d->metadata) pager_add(p, ROLE_WARN, " It is not there, or cannot be read.");
}

static void fill_list(struct pager *p, const char *title, const struct check_list *l) {
	static const enum role roles[VERDICT_N] = {
		[VERDICT_PASS] = ROLE_GOOD, [VERDICT_WARN] = ROLE_WARN, [VERDICT_HOLD] = ROLE_BAD};
	p->hang = 2;
	pager_add(p, ROLE_HEADING, " %s%s", title, l->n ? "" : ": not checked yet");
	p->hang = 26;
	for (size_t i = 0; i < l->n; i++) {
		const struct check *k = &l->items[i];
		pager_add(p, roles[k->verdict], " %-5s %-18s %s", verdict_name(k->verdict), check_names[k->id], k->found);
		if (k->rule[0] && k->verdict != VERDICT_PASS) pager_add(p, ROLE_TEXT, " %24s rule: %s", "", k->rule);
		if (k->mend[0] && k->verdict != VERDICT_PASS) pager_add(p, ROLE_TEXT, " %24s mend: %s", "", k->mend);
	}
}

static void fill_checks(struct pager *p, const struct model *m, const struct session_detail *d) {
	(void)m;
	fill_list(p, "At this station", &d->local);
	fill_list(p, "In the cloud", &d->cloud);
}

/* --- panes of rows --- */

enum { FILE_NAME, FILE_SIZE, FILE_STATE, FILE_SUM };
static const struct column file_columns[] = {
	[FILE_NAME] = {" FILE", 14, 0, 0, ALIGN_LEFT},
	[FILE_SIZE] = {"SIZE", 9, 9, 1, ALIGN_RIGHT},
	[FILE_STATE] = {"IN THE CLOUD", 12, 12, 0, ALIGN_LEFT},
	[FILE_SUM] = {"SHA-256", 9, 9, 2, ALIGN_LEFT},
};

/* A file that is being sent: what of it the store was given. */
static bool draw_sent(const struct model *m, const struct file_row *f, enum role role, const struct canvas *c) {
	const struct file_now *now =
		f->state != FILE_STORED && live_work(m, &m->detail.row) ? model_file_now(m, m->detail.name, f->name) : NULL;
	if (!now || !now->bytes) return false;
	double part = (double)now->sent_bytes / (double)now->bytes;
	int bar = MAX(c->w - 5, 3);
	canvas_bar(c, 0, 0, bar, part, role == ROLE_SELECTED ? ROLE_SELECTED : ROLE_BAR);
	canvas_fmt(c, 0, bar, c->w - bar, role, "%4d%%", (int)(part * 100));
	return true;
}

static bool draw_file(
	void *arg, int64_t row, int column, const struct canvas *c, const struct canvas *rest, bool selected) {
	(void)rest;
	const struct model *m = arg;
	const struct file_row *f = &m->detail.files[row];
	enum role role = selected ? ROLE_SELECTED : ROLE_TEXT;
	char text[64] = "", sum[SHA256_BASE64], when[32];
	switch (column) {
	case FILE_SIZE: text_copy(text, sizeof text, UNIT_BYTES(f->size)); break;
	case FILE_STATE:
		if (draw_sent(m, f, role, c)) return false;
		if (f->state == FILE_STORED && !selected) role = ROLE_GOOD;
		if (f->state == FILE_STORED && f->stored_ms)
			snprintf(text, sizeof text, "%s", when_short(when, f->stored_ms, m->now_ms));
		else snprintf(text, sizeof text, "%s", f->state == FILE_STORED ? "stored" : "not yet");
		break;
	case FILE_SUM: snprintf(text, sizeof text, "%.8s", f->hashed ? sha256_base64(sum, &f->sha256) : "-"); break;
	case FILE_NAME: canvas_fmt(c, 0, 0, c->w, role, " %s", f->name); return false;
	}
	canvas_text(c, 0, 0, c->w, role, file_columns[column].align, text);
	return false;
}

static void foot_file(const struct session_detail *d, size_t row, char *to, size_t size) {
	const struct file_row *f = &d->files[row];
	char sum[SHA256_BASE64];
	snprintf(to, size, "%s\n%s%s%s\nSHA-256 %s", f->name, f->key ? "object " : "no object yet", f->key ? f->key : "",
		f->part_n > 1 ? ", in parts" : "", f->hashed ? sha256_base64(sum, &f->sha256) : "not computed yet");
}

static void text_file(const struct session_detail *d, size_t row, char *to, size_t size) {
	text_copy(to, size, d->files[row].name);
}

enum { ATTEMPT_TIME, ATTEMPT_STATUS, ATTEMPT_CODE, ATTEMPT_TOOK, ATTEMPT_BYTES, ATTEMPT_FILE, ATTEMPT_REASON };
static const struct column attempt_columns[] = {
	[ATTEMPT_TIME] = {" TIME", 12, 12, 0, ALIGN_LEFT},
	[ATTEMPT_STATUS] = {"HTTP", 4, 4, 0, ALIGN_LEFT},
	[ATTEMPT_CODE] = {"CODE", 10, 16, 2, ALIGN_LEFT},
	[ATTEMPT_TOOK] = {"TOOK", 6, 7, 4, ALIGN_RIGHT},
	[ATTEMPT_BYTES] = {"SENT", 9, 9, 5, ALIGN_RIGHT},
	[ATTEMPT_FILE] = {"FILE", 12, 24, 3, ALIGN_LEFT},
	[ATTEMPT_REASON] = {"REASON", 10, 0, 1, ALIGN_LEFT},
};

static bool draw_attempt(
	void *arg, int64_t row, int column, const struct canvas *c, const struct canvas *rest, bool selected) {
	(void)rest;
	const struct model *m = arg;
	const struct attempt_row *t = &m->detail.attempts[row];
	enum role role = selected ? ROLE_SELECTED : t->http >= 200 && t->http < 300 ? ROLE_TEXT : ROLE_WARN;
	char text[64] = "", when[32];
	const char *shown = text;
	switch (column) {
	case ATTEMPT_TIME: snprintf(text, sizeof text, " %s", when_short(when, t->at_ms, m->now_ms)); break;
	case ATTEMPT_STATUS: snprintf(text, sizeof text, t->http ? "%d" : "-", t->http); break;
	case ATTEMPT_CODE: shown = t->code; break;
	case ATTEMPT_TOOK: snprintf(text, sizeof text, "%.1f s", (double)t->elapsed_ms / 1000); break;
	case ATTEMPT_BYTES: shown = t->bytes ? unit_bytes(text, t->bytes) : "-"; break;
	case ATTEMPT_FILE: shown = t->name && *t->name ? t->name : "(session)"; break;
	case ATTEMPT_REASON: shown = t->reason ? t->reason : ""; break;
	}
	canvas_text(c, 0, 0, c->w, role, attempt_columns[column].align, shown);
	return false;
}

static void foot_attempt(const struct session_detail *d, size_t row, char *to, size_t size) {
	const struct attempt_row *t = &d->attempts[row];
	char words[600];
	attempt_words(t, words, sizeof words);
	snprintf(to, size, "%s%s%s", t->name ? t->name : "", t->name && *t->name ? "\n" : "", words);
}

static void text_attempt(const struct session_detail *d, size_t row, char *to, size_t size) {
	const struct attempt_row *t = &d->attempts[row];
	size_t n = (size_t)snprintf(to, size, "%s ", t->name ? t->name : "");
	attempt_words(t, to + MIN(n, size - 1), size - MIN(n, size - 1));
}

/* As event_columns, but all are of one session. */
static const struct column own_event_columns[EVENT_COLUMN_N] = {
	[EVENT_TIME] = {" TIME", 12, 12, 0, ALIGN_LEFT},
	[EVENT_LEVEL] = {"LEVEL", 5, 5, 2, ALIGN_LEFT},
	[EVENT_CODE] = {"WHAT", 12, 14, 1, ALIGN_LEFT},
	[EVENT_SESSION] = {"", 0, 0, 0, ALIGN_LEFT},
	[EVENT_MESSAGE] = {"MESSAGE", 10, 0, 0, ALIGN_LEFT},
};

static bool draw_event(
	void *arg, int64_t row, int column, const struct canvas *c, const struct canvas *rest, bool selected) {
	(void)rest;
	const struct model *m = arg;
	event_cell(&m->detail.events[row], column, m->now_ms, c, selected);
	return false;
}

static void foot_event(const struct session_detail *d, size_t row, char *to, size_t size) {
	const struct event_row *e = &d->events[row];
	snprintf(to, size, "%s\nid %s", e->message ? e->message : "", e->event_id);
}

static void text_event(const struct session_detail *d, size_t row, char *to, size_t size) {
	snprintf(to, size, "%s %s", d->events[row].code, d->events[row].message);
}

/* --- the table --- */

const struct session_pane session_panes[PANE_N] = {
	[PANE_OVERVIEW] = {.title = "Overview", .fill = fill_overview},
	[PANE_FILES] = {.title = "Files",
		.count = offsetof(struct session_detail, file_n),
		.columns = file_columns,
		.column_n = ARRAY_LEN(file_columns),
		.draw = draw_file,
		.foot = foot_file,
		.text = text_file,
		.none = "no file was read yet"},
	[PANE_METADATA] = {.title = "Metadata", .fill = fill_metadata},
	[PANE_CHECKS] = {.title = "Checks", .fill = fill_checks},
	[PANE_ATTEMPTS] = {.title = "Attempts",
		.count = offsetof(struct session_detail, attempt_n),
		.columns = attempt_columns,
		.column_n = ARRAY_LEN(attempt_columns),
		.draw = draw_attempt,
		.foot = foot_attempt,
		.text = text_attempt,
		.none = "no attempt yet"},
	[PANE_EVENTS] = {.title = "Events",
		.count = offsetof(struct session_detail, event_n),
		.columns = own_event_columns,
		.column_n = EVENT_COLUMN_N,
		.draw = draw_event,
		.foot = foot_event,
		.text = text_event,
		.none = "no event yet"},
};

size_t session_pane_rows(const struct session_detail *d, enum session_pane_id pane) {
	size_t count = session_panes[pane].count;
	return count ? *(const size_t *)(const void *)((const char *)d + count) : 0;
}
