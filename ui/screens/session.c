/* SPDX-License-Identifier: MIT */
/* One session in full: what it is doing and why on top, below it panes: overview, files, metadata, checks, attempts,
 * events. Everything is of the model's detail, which the source keeps fresh while this screen is shown. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ui/screens/screens.h"

enum pane { PANE_OVERVIEW, PANE_FILES, PANE_METADATA, PANE_CHECKS, PANE_ATTEMPTS, PANE_EVENTS, PANE_N };

struct session_screen {
	char name[16], search[64];
	enum pane pane;
	bool why_hidden;
	struct table_view files, attempts, events;
	struct pager pages[PANE_N]; /* of the panes that are text */
	const struct model *model;
};

/* NULL until the session that is asked for was read. */
static const struct session_detail *detail_of(const struct session_screen *s, const struct model *m) {
	return m->detail.at_ms && strcmp(m->detail.name, s->name) == 0 ? &m->detail : NULL;
}

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
	snprintf(text, sizeof text, "%lld", (long long)r->revision);
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

static bool draw_file(
	void *arg, int64_t row, int column, const struct canvas *c, const struct canvas *rest, bool selected) {
	(void)rest;
	const struct session_screen *s = arg;
	const struct file_row *f = &s->model->detail.files[row];
	enum role role = selected ? ROLE_SELECTED : ROLE_TEXT;
	char text[64] = "", sum[SHA256_BASE64], when[32];
	switch (column) {
	case FILE_SIZE: text_copy(text, sizeof text, UNIT_BYTES(f->size)); break;
	case FILE_STATE:
		if (f->state == FILE_STORED && !selected) role = ROLE_GOOD;
		if (f->state == FILE_STORED && f->stored_ms)
			snprintf(text, sizeof text, "%s", when_short(when, f->stored_ms, s->model->now_ms));
		else snprintf(text, sizeof text, "%s", f->state == FILE_STORED ? "stored" : "not yet");
		break;
	case FILE_SUM: snprintf(text, sizeof text, "%.8s", f->hashed ? sha256_base64(sum, &f->sha256) : "-"); break;
	case FILE_NAME: canvas_fmt(c, 0, 0, c->w, role, " %s", f->name); return false;
	}
	canvas_text(c, 0, 0, c->w, role, file_columns[column].align, text);
	return false;
}

static void foot_file(const struct session_screen *s, const struct session_detail *d, char *to, size_t size) {
	const struct file_row *f = &d->files[s->files.selected];
	char sum[SHA256_BASE64];
	snprintf(to, size, "%s\n%s%s%s\nSHA-256 %s", f->name, f->key ? "object " : "no object yet", f->key ? f->key : "",
		f->part_n > 1 ? ", in parts" : "", f->hashed ? sha256_base64(sum, &f->sha256) : "not computed yet");
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
	const struct session_screen *s = arg;
	const struct attempt_row *t = &s->model->detail.attempts[row];
	enum role role = selected ? ROLE_SELECTED : t->http >= 200 && t->http < 300 ? ROLE_TEXT : ROLE_WARN;
	char text[64] = "", when[32];
	const char *shown = text;
	switch (column) {
	case ATTEMPT_TIME: snprintf(text, sizeof text, " %s", when_short(when, t->at_ms, s->model->now_ms)); break;
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

static void foot_attempt(const struct session_screen *s, const struct session_detail *d, char *to, size_t size) {
	const struct attempt_row *t = &d->attempts[s->attempts.selected];
	char words[600];
	attempt_words(t, words, sizeof words);
	snprintf(to, size, "%s%s%s", t->name ? t->name : "", t->name && *t->name ? "\n" : "", words);
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
	const struct session_screen *s = arg;
	event_cell(&s->model->detail.events[row], column, s->model->now_ms, c, selected);
	return false;
}

static void foot_event(const struct session_screen *s, const struct session_detail *d, char *to, size_t size) {
	const struct event_row *e = &d->events[s->events.selected];
	snprintf(to, size, "%s\nid %s", e->message ? e->message : "", e->event_id);
}

/* --- the table of panes: text ones have `fill`, those of rows the rest --- */

static const struct pane_row {
	const char *title;
	void (*fill)(struct pager *p, const struct model *m, const struct session_detail *d);
	size_t view;  /* offset of the table_view in the screen's state */
	size_t count; /* offset of the number of rows in the detail; 0: none */
	const struct column *columns;
	int column_n;
	table_cell_draw *draw;
	void (*foot)(const struct session_screen *s, const struct session_detail *d, char *to, size_t size);
	const char *none;
} panes[PANE_N] = {
	[PANE_OVERVIEW] = {.title = "Overview", .fill = fill_overview},
	[PANE_FILES] = {.title = "Files",
		.view = offsetof(struct session_screen, files),
		.count = offsetof(struct session_detail, file_n),
		.columns = file_columns,
		.column_n = ARRAY_LEN(file_columns),
		.draw = draw_file,
		.foot = foot_file,
		.none = "no file was read yet"},
	[PANE_METADATA] = {.title = "Metadata", .fill = fill_metadata},
	[PANE_CHECKS] = {.title = "Checks", .fill = fill_checks},
	[PANE_ATTEMPTS] = {.title = "Attempts",
		.view = offsetof(struct session_screen, attempts),
		.count = offsetof(struct session_detail, attempt_n),
		.columns = attempt_columns,
		.column_n = ARRAY_LEN(attempt_columns),
		.draw = draw_attempt,
		.foot = foot_attempt,
		.none = "no attempt yet"},
	[PANE_EVENTS] = {.title = "Events",
		.view = offsetof(struct session_screen, events),
		.count = offsetof(struct session_detail, event_n),
		.columns = own_event_columns,
		.column_n = EVENT_COLUMN_N,
		.draw = draw_event,
		.foot = foot_event,
		.none = "no event yet"},
};

static struct table_view *pane_view(struct session_screen *s, enum pane pane) {
	return panes[pane].fill ? NULL : (struct table_view *)((char *)s + panes[pane].view);
}

static size_t pane_rows(const struct session_detail *d, enum pane pane) {
	return panes[pane].count ? *(const size_t *)((const char *)d + panes[pane].count) : 0;
}

/* --- drawing --- */

static void draw_head(const struct model *m, const struct session_row *r, const struct canvas *c) {
	const struct work *w = live_work(m, r);
	char text[160];
	canvas_text(c, 0, 0, c->w, ROLE_TEXT, ALIGN_LEFT, "");
	int x = 1;
	x += canvas_put(c, 0, x, ROLE_HEADING, r->name) + 2;
	x += canvas_put(c, 0, x, state_role(r), state_words(r)) + 2;
	if (w && w->bytes > 0) {
		int bar = MIN(20, c->w - x - 6);
		if (bar >= 6) {
			canvas_bar(c, 0, x, bar, work_part(w), ROLE_BAR);
			x += bar + 1;
		}
		snprintf(text, sizeof text, "%d%%  %s  %s", (int)(work_part(w) * 100), UNIT_RATE(w->rate),
			work_left((char[UNIT_TEXT]){0}, w));
		x += canvas_put(c, 0, x, ROLE_TEXT, text) + 2;
	}
	snprintf(
		text, sizeof text, "%s in %lld file%s", UNIT_BYTES(r->bytes), (long long)r->files, r->files == 1 ? "" : "s");
	canvas_put(c, 0, x, ROLE_TEXT, text);
}

static int draw_why(
	const struct session_screen *s, const struct model *m, const struct session_detail *d, const struct canvas *c) {
	char why[1024];
	if (s->why_hidden) return 0;
	model_why(m, &d->row, &d->local, d->attempt_n ? &d->attempts[0] : NULL, why, sizeof why);
	return canvas_block(c, 0, ROLE_TEXT, why);
}

static void draw_rows(struct session_screen *s, const struct session_detail *d, const struct canvas *c) {
	const struct pane_row *p = &panes[s->pane];
	struct table_view *view = pane_view(s, s->pane);
	char foot[1600];
	table_view_keep(view, (int64_t)pane_rows(d, s->pane));
	if (!view->total) {
		canvas_clear(c);
		canvas_text(c, 0, 1, c->w - 1, ROLE_QUIET, ALIGN_LEFT, p->none);
		return;
	}
	p->foot(s, d, foot, sizeof foot);
	struct canvas table = canvas_sub(c, 0, 0, c->h - foot_draw(c, foot), c->w);
	table_view_draw(view, p->columns, p->column_n, -1, false, p->draw, s, &table);
}

static void draw_pane(
	struct session_screen *s, const struct model *m, const struct session_detail *d, const struct canvas *c) {
	struct pager *page = &s->pages[s->pane];
	if (!panes[s->pane].fill) {
		draw_rows(s, d, c);
		return;
	}
	pager_clear(page);
	page->hang = 2;
	panes[s->pane].fill(page, m, d);
	pager_draw(page, c);
}

static void draw_absent(const struct session_screen *s, const struct model *m, const struct canvas *c) {
	bool read = detail_of(s, m) != NULL;
	canvas_clear(c);
	canvas_fmt(c, 0, 1, c->w - 1, ROLE_HEADING, "%s", s->name);
	struct canvas text = canvas_sub(c, 2, 1, c->h - 2, c->w - 2);
	if (m->journal_err.code) canvas_block(&text, 0, ROLE_BAD, m->journal_err.text);
	else
		canvas_block(
			&text, 0, ROLE_QUIET, read ? "The journal has no session of this name." : "reading the journal ...");
}

static void session_draw(void *self, const struct model *m, const struct canvas *c) {
	struct session_screen *s = self;
	const struct session_detail *d = detail_of(s, m);
	char titles[PANE_N][32];
	const char *title[PANE_N];
	s->model = m;
	if (!d || !d->found) {
		draw_absent(s, m, c);
		return;
	}
	for (int i = 0; i < PANE_N; i++) {
		size_t n = i == PANE_CHECKS ? d->local.n + d->cloud.n : pane_rows(d, (enum pane)i);
		if (n) snprintf(titles[i], sizeof titles[i], "%s %zu", panes[i].title, n);
		else snprintf(titles[i], sizeof titles[i], "%s", panes[i].title);
		title[i] = titles[i];
	}
	canvas_clear(c);
	draw_head(m, &d->row, c);
	struct canvas why = canvas_sub(c, 1, 1, MAX(c->h / 3 - 1, 1), c->w - 2);
	int used = MIN(draw_why(s, m, d, &why), why.h);
	panes_draw(c, 1 + used, title, PANE_N, (int)s->pane);
	struct canvas pane = canvas_sub(c, 2 + used, 0, c->h - 2 - used, c->w);
	draw_pane(s, m, d, &pane);
}

/* --- keys --- */

static const struct screen_key session_keys[] = {
	{ACTION_RETRY, "retry", true},
	{ACTION_PAUSE, "pause", true},
	{ACTION_EDIT, "edit", true},
	{ACTION_IGNORE, "ignore", true},
	{ACTION_PANE, "pane", false},
	{ACTION_WHY, "why", false},
	{ACTION_COPY, "copy", false},
	{ACTION_SEARCH, "search", false},
	{ACTION_NEXT, NULL, false},
	{ACTION_PREVIOUS, NULL, false},
	{ACTION_LEFT, NULL, false},
	{ACTION_RIGHT, NULL, false},
	SCROLL_KEYS(NULL),
};

static void session_command(struct app *a, const struct session_screen *s, enum action action) {
	const struct session_detail *d = detail_of(s, app_model(a));
	const char *name = s->name;
	if (!d || !d->found) return;
	if (action == ACTION_RETRY) app_command(a, "retry", &name, 1, NULL);
	else if (action == ACTION_PAUSE) app_command(a, d->row.paused ? "resume" : "pause", &name, 1, NULL);
	else if (d->row.ignored) app_command(a, "unignore", &name, 1, NULL);
	else ignore_ask(a, &name, 1);
}

static void session_edit(struct app *a, const struct session_screen *s) {
	const struct session_detail *d = detail_of(s, app_model(a));
	if (d && d->metadata_path) app_edit(a, d->metadata_path, s->name);
	else app_say(a, ROLE_WARN, "there is no metadata file to edit");
}

/* In the files the object's key, else the session's name. */
static void session_copy(struct app *a, const struct session_screen *s) {
	const struct session_detail *d = detail_of(s, app_model(a));
	const struct file_row *f = NULL;
	if (d && s->pane == PANE_FILES && s->files.selected < (int64_t)d->file_n) f = &d->files[s->files.selected];
	app_copy(a, f && f->key ? f->key : f ? f->name : s->name);
}

/* The text by which a row of a pane is found. */
static const char *row_text(const struct session_detail *d, enum pane pane, size_t i, char *to, size_t size) {
	if (pane == PANE_FILES) return d->files[i].name;
	if (pane == PANE_EVENTS) snprintf(to, size, "%s %s", d->events[i].code, d->events[i].message);
	else {
		int n = snprintf(to, size, "%s ", d->attempts[i].name ? d->attempts[i].name : "");
		attempt_words(&d->attempts[i], to + MIN((size_t)n, size - 1), size - MIN((size_t)n, size - 1));
	}
	return to;
}

static bool rows_find(struct session_screen *s, const struct session_detail *d, int64_t from, int step) {
	struct table_view *view = pane_view(s, s->pane);
	char text[900];
	if (!s->search[0]) return true;
	for (int64_t i = from; i >= 0 && i < (int64_t)pane_rows(d, s->pane); i += step) {
		if (!strcasestr(row_text(d, s->pane, (size_t)i, text, sizeof text), s->search)) continue;
		view->selected = i;
		return true;
	}
	return false;
}

static bool pane_act(struct session_screen *s, const struct model *m, enum action action, const struct key_event *key) {
	const struct session_detail *d = detail_of(s, m);
	struct table_view *view = pane_view(s, s->pane);
	if (!d) return false;
	if (!view) return pager_act(&s->pages[s->pane], action, key);
	table_view_keep(view, (int64_t)pane_rows(d, s->pane));
	if (action == ACTION_NEXT) return rows_find(s, d, view->selected + 1, 1);
	if (action == ACTION_PREVIOUS) return rows_find(s, d, view->selected - 1, -1);
	return table_view_act(view, action, key);
}

static struct after session_act(struct app *a, void *self, enum action action, const struct key_event *key) {
	struct session_screen *s = self;
	switch (action) {
	case ACTION_RETRY:
	case ACTION_PAUSE:
	case ACTION_IGNORE: session_command(a, s, action); break;
	case ACTION_EDIT: session_edit(a, s); break;
	case ACTION_COPY: session_copy(a, s); break;
	case ACTION_WHY: s->why_hidden = !s->why_hidden; break;
	case ACTION_RIGHT:
	case ACTION_PANE: s->pane = (enum pane)((s->pane + 1) % PANE_N); break;
	case ACTION_LEFT: s->pane = (enum pane)((s->pane + PANE_N - 1) % PANE_N); break;
	default: return (struct after){.kind = pane_act(s, app_model(a), action, key) ? AFTER_DRAW : AFTER_NOTHING};
	}
	return (struct after){.kind = AFTER_DRAW};
}

static void session_search(struct app *a, void *self, const char *text, bool entered) {
	struct session_screen *s = self;
	const struct session_detail *d = detail_of(s, app_model(a));
	bool found = true;
	text_copy(s->search, sizeof s->search, text);
	for (int i = 0; i < PANE_N; i++)
		if (panes[i].fill) found = pager_search(&s->pages[i], text) || i != (int)s->pane ? found : false;
	if (d && !panes[s->pane].fill) {
		int64_t at = pane_view(s, s->pane)->selected;
		found = rows_find(s, d, at, 1) || rows_find(s, d, 0, 1);
	}
	if (!found && entered) app_say(a, ROLE_WARN, "\"%s\" is nowhere in this pane", text);
}

/* --- coming and going --- */

static void session_enter(struct app *a, void *self, const char *arg) {
	struct session_screen *s = self;
	if (arg && *arg && strcmp(arg, s->name) != 0) {
		text_copy(s->name, sizeof s->name, arg);
		s->files = s->attempts = s->events = (struct table_view){0};
		for (int i = 0; i < PANE_N; i++) s->pages[i].top = 0;
		s->pane = PANE_OVERVIEW;
	}
	app_detail(a, s->name);
}

static void session_leave(struct app *a, void *self) {
	(void)self;
	app_detail(a, NULL);
}

static void session_done(void *self) {
	struct session_screen *s = self;
	for (int i = 0; i < PANE_N; i++) pager_done(&s->pages[i]);
}

const struct screen screen_session = {
	.name = "session",
	.title = "Session",
	.help = "One session in full. On top, why it is not uploading and what to do; below, its panes: overview, files, "
			"metadata, checks, attempts, events. The selected row of a table is shown in full beneath it.",
	.keys = session_keys,
	.key_n = ARRAY_LEN(session_keys),
	.parts = MODEL_DETAIL | MODEL_STATUS,
	.state_size = sizeof(struct session_screen),
	.enter = session_enter,
	.leave = session_leave,
	.draw = session_draw,
	.act = session_act,
	.search = session_search,
	.done = session_done,
};
