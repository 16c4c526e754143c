/* SPDX-License-Identifier: MIT */
/* One session in full: what it is doing and why on top, below it panes: overview, files, metadata, checks, attempts,
 * events. Everything is of the model's detail, which the source keeps fresh while this screen is shown. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ui/screens/session_panes.h"

struct session_screen {
	char name[SESSION_WISH], search[64];
	enum session_pane_id pane;
	struct pane_bar bar;
	struct why_view why;
	bool why_hidden;
	struct table_view views[PANE_N]; /* of those of rows */
	struct pager pages[PANE_N];		 /* of those that are text */
};

/* NULL until the session that is asked for was read. */
static const struct session_detail *detail_of(const struct session_screen *s, const struct model *m) {
	return m->detail.at_ms && strcmp(m->detail.name, s->name) == 0 ? &m->detail : NULL;
}

static struct table_view *pane_view(struct session_screen *s) {
	return session_panes[s->pane].fill ? NULL : &s->views[s->pane];
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
	struct session_screen *s, const struct model *m, const struct session_detail *d, const struct canvas *c) {
	char why[1024];
	if (s->why_hidden) return 0;
	model_why(m, &d->row, &d->local, detail_failure(d), why, sizeof why);
	return why_draw(&s->why, c, why);
}

static void draw_rows(
	struct session_screen *s, const struct model *m, const struct session_detail *d, const struct canvas *c) {
	const struct session_pane *p = &session_panes[s->pane];
	struct table_view *view = pane_view(s);
	char foot[1600];
	table_view_keep(view, (int64_t)session_pane_rows(d, s->pane));
	if (!view->total) {
		canvas_clear(c);
		canvas_text(c, 0, 1, c->w - 1, ROLE_QUIET, ALIGN_LEFT, p->none);
		return;
	}
	p->foot(d, (size_t)view->selected, foot, sizeof foot);
	struct canvas table = canvas_sub(c, 0, 0, c->h - foot_draw(c, foot), c->w);
	table_view_draw(view, p->columns, p->column_n, -1, false, p->draw, (void *)(uintptr_t)m, &table);
}

static void draw_pane(
	struct session_screen *s, const struct model *m, const struct session_detail *d, const struct canvas *c) {
	struct pager *page = &s->pages[s->pane];
	if (!session_panes[s->pane].fill) {
		draw_rows(s, m, d, c);
		return;
	}
	pager_clear(page);
	page->hang = 2;
	session_panes[s->pane].fill(page, m, d);
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
	if (!d || !d->found) {
		draw_absent(s, m, c);
		return;
	}
	for (int i = 0; i < PANE_N; i++) {
		size_t n = i == PANE_CHECKS ? d->local.n + d->cloud.n : session_pane_rows(d, (enum session_pane_id)i);
		if (n) snprintf(titles[i], sizeof titles[i], "%s %zu", session_panes[i].title, n);
		else snprintf(titles[i], sizeof titles[i], "%s", session_panes[i].title);
		title[i] = titles[i];
	}
	canvas_clear(c);
	draw_head(m, &d->row, c);
	struct canvas why = canvas_sub(c, 1, 1, MAX(c->h / 3, WHY_LEAST), c->w - 2);
	int used = draw_why(s, m, d, &why);
	panes_draw(c, 1 + used, title, PANE_N, (int)s->pane, &s->bar);
	struct canvas pane = canvas_sub(c, 2 + used, 0, c->h - 2 - used, c->w);
	draw_pane(s, m, d, &pane);
}

/* --- keys --- */

static const struct screen_key session_keys[] = {
	{ACTION_RETRY, "retry", true},
	{ACTION_PAUSE, "pause", true},
	{ACTION_EDIT, "edit", true},
	{ACTION_IGNORE, "ignore", true},
	{ACTION_RELEASE, NULL, true},
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

static void session_command(struct host *host, const struct session_screen *s, enum action action) {
	const struct session_detail *d = detail_of(s, host->model);
	const char *name = s->name;
	if (!d || !d->found) return;
	if (action == ACTION_RETRY) host_command(host, "retry", &name, 1, NULL);
	else if (action == ACTION_RELEASE) host_command(host, "release", &name, 1, NULL);
	else if (action == ACTION_PAUSE) host_command(host, d->row.paused ? "resume" : "pause", &name, 1, NULL);
	else if (d->row.ignored) host_command(host, "unignore", &name, 1, NULL);
	else ignore_ask(host, &name, 1);
}

static void session_edit(struct host *host, const struct session_screen *s) {
	const struct session_detail *d = detail_of(s, host->model);
	if (d && d->found) host_edit(host, d->row.root, s->name);
	else host_say(host, ROLE_WARN, "there is no metadata file to edit");
}

/* In the files the object's key, else the session's name. */
static void session_copy(struct host *host, const struct session_screen *s) {
	const struct session_detail *d = detail_of(s, host->model);
	const struct file_row *f = NULL;
	if (d && s->pane == PANE_FILES && s->views[PANE_FILES].selected < (int64_t)d->file_n)
		f = &d->files[s->views[PANE_FILES].selected];
	host_copy(host, f && f->key ? f->key : f ? f->name : s->name);
}

static bool rows_find(struct session_screen *s, const struct session_detail *d, int64_t from, int step) {
	struct table_view *view = pane_view(s);
	char text[2048];
	if (!s->search[0]) return true;
	for (int64_t i = from; i >= 0 && i < (int64_t)session_pane_rows(d, s->pane); i += step) {
		session_panes[s->pane].text(d, (size_t)i, text, sizeof text);
		if (!strcasestr(text, s->search)) continue;
		view->selected = i;
		return true;
	}
	return false;
}

static bool pane_act(struct session_screen *s, const struct model *m, enum action action, const struct key_event *key) {
	const struct session_detail *d = detail_of(s, m);
	struct table_view *view = pane_view(s);
	if (!d) return false;
	if (!view) return pager_act(&s->pages[s->pane], action, key);
	table_view_keep(view, (int64_t)session_pane_rows(d, s->pane));
	if (action == ACTION_NEXT) return rows_find(s, d, view->selected + 1, 1);
	if (action == ACTION_PREVIOUS) return rows_find(s, d, view->selected - 1, -1);
	return table_view_act(view, action, key);
}

static struct after session_act(struct host *host, void *self, enum action action, const struct key_event *key) {
	struct session_screen *s = self;
	int clicked = panes_click(&s->bar, key);
	if (clicked >= 0) {
		s->pane = (enum session_pane_id)clicked;
		return (struct after){.kind = AFTER_DRAW};
	}
	switch (action) {
	case ACTION_RETRY:
	case ACTION_PAUSE:
	case ACTION_RELEASE:
	case ACTION_IGNORE: session_command(host, s, action); break;
	case ACTION_EDIT: session_edit(host, s); break;
	case ACTION_COPY: session_copy(host, s); break;
	case ACTION_WHY:
		if (s->why_hidden || !why_next(&s->why)) s->why_hidden = !s->why_hidden;
		break;
	case ACTION_RIGHT:
	case ACTION_PANE: s->pane = (enum session_pane_id)((s->pane + 1) % PANE_N); break;
	case ACTION_LEFT: s->pane = (enum session_pane_id)((s->pane + PANE_N - 1) % PANE_N); break;
	default: return (struct after){.kind = pane_act(s, host->model, action, key) ? AFTER_DRAW : AFTER_NOTHING};
	}
	return (struct after){.kind = AFTER_DRAW};
}

static void session_search(struct host *host, void *self, const char *text, bool entered) {
	struct session_screen *s = self;
	const struct session_detail *d = detail_of(s, host->model);
	bool found = true;
	text_copy(s->search, sizeof s->search, text);
	for (int i = 0; i < PANE_N; i++)
		if (session_panes[i].fill) found = pager_search(&s->pages[i], text) || i != (int)s->pane ? found : false;
	if (d && !session_panes[s->pane].fill) {
		int64_t at = pane_view(s)->selected;
		found = rows_find(s, d, at, 1) || rows_find(s, d, 0, 1);
	}
	if (!found && entered) host_say(host, ROLE_WARN, "\"%s\" is nowhere in this pane", text);
}

/* --- coming and going --- */

static void session_enter(struct host *host, void *self, const char *arg) {
	struct session_screen *s = self;
	if (arg && *arg && strcmp(arg, s->name) != 0) {
		text_copy(s->name, sizeof s->name, arg);
		memset(s->views, 0, sizeof s->views);
		for (int i = 0; i < PANE_N; i++) s->pages[i].top = 0;
		s->pane = PANE_OVERVIEW;
		s->why.top = 0;
	}
	host_show(host, &part_detail, s->name);
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
	.parts = (const struct part *const[]){&part_detail, &part_status, NULL},
	.state_size = sizeof(struct session_screen),
	.enter = session_enter,
	.draw = session_draw,
	.act = session_act,
	.search = session_search,
	.done = session_done,
};
