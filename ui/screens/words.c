/* SPDX-License-Identifier: MIT */
/* What several screens say alike. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "session/name.h"
#include "ui/screens/screens.h"

#define STATE_ROLES(X)                                                                                                 \
	X(FOUND, TEXT)                                                                                                     \
	X(SETTLING, TEXT)                                                                                                  \
	X(CHECKING, BUSY)                                                                                                  \
	X(HELD, WARN)                                                                                                      \
	X(QUEUED, TEXT)                                                                                                    \
	X(UPLOADING, BUSY)                                                                                                 \
	X(UPLOADED, BUSY)                                                                                                  \
	X(ACCEPTED, GOOD)                                                                                                  \
	X(REJECTED, BAD)                                                                                                   \
	X(FAILED, BAD)                                                                                                     \
	X(GONE, BAD)
static_assert(ROWS(STATE_ROLES) == STATE_N, "a role for each state");
static const enum role roles[STATE_N] = {
#define X(state, role) [STATE_##state] = ROLE_##role,
	STATE_ROLES(X)
#undef X
};

enum role state_role(const struct session_row *row) {
	return row->ignored || row->paused ? ROLE_QUIET : roles[row->state];
}

const char *state_words(const struct session_row *row) {
	if (row->ignored) return "ignored";
	if (row->paused && !state_is_final(row->state)) return "paused";
	return state_name(row->state);
}

const struct work *live_work(const struct model *m, const struct session_row *row) {
	bool live = row->state == STATE_UPLOADING && m->link == LINK_UP && m->status.cloud_ok;
	const struct work *w = live ? model_work(m, row->name) : NULL;
	return w && w->bytes > 0 ? w : NULL;
}

double work_part(const struct work *w) { return (double)w->sent_bytes / (double)w->bytes; }

const char *work_left(char to[UNIT_TEXT], const struct work *w) {
	to[0] = '\0';
	return w->rate > 0 ? unit_duration(to, (int64_t)((double)(w->bytes - w->sent_bytes) / w->rate * 1000)) : to;
}

const char *recorded_text(char to[32], const char *session) {
	if (!session_name_possible(session)) return "?";
	snprintf(to, 32, "%.2s:%.2s:%.2s", session + 9, session + 11, session + 13);
	return to;
}

static const char *when_as(char to[32], int64_t ms, int64_t now_ms, const char *other_day) {
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	bool today = time_local_midnight(ms) == time_local_midnight(now_ms);
	if (ms <= 0 || !localtime_r(&seconds, &tm) || !strftime(to, 32, today ? "%H:%M:%S" : other_day, &tm))
		snprintf(to, 32, "-");
	return to;
}

const char *when_text(char to[32], int64_t ms, int64_t now_ms) { return when_as(to, ms, now_ms, "%Y-%m-%d %H:%M"); }

const char *when_short(char to[32], int64_t ms, int64_t now_ms) { return when_as(to, ms, now_ms, "%m-%d %H:%M"); }

void fact_add(struct pager *p, enum role role, const char *name, const char *value) {
	pager_add(p, role, " %-*s %s", p->hang - 2, name, value);
}

#define FOOT_ABOVE 4 /* rows, below which there is no foot */

int foot_draw(const struct canvas *c, const char *text) {
	struct canvas none = canvas_sub(c, 0, 1, 0, c->w - 2);
	int n = canvas_block(&none, 0, ROLE_TEXT, text);
	if (c->h < n + 1 + FOOT_ABOVE) return 0;
	struct canvas whole = canvas_sub(c, c->h - n, 0, n, c->w), words = canvas_sub(c, c->h - n, 1, n, c->w - 2);
	canvas_rule(c, c->h - n - 1, 1, c->w - 2);
	canvas_clear(&whole);
	canvas_block(&words, 0, ROLE_TEXT, text);
	return n + 1;
}

int why_draw(struct why_view *v, const struct canvas *c, const char *why) {
	struct canvas none = canvas_sub(c, 0, 0, 0, c->w);
	v->rows = canvas_block(&none, 0, ROLE_TEXT, why);
	v->height = MIN(v->rows, c->h);
	v->top = MIN(v->top, v->rows - v->height);
	struct canvas page = canvas_sub(c, 0, 0, v->height, c->w);
	canvas_clear(&page);
	canvas_block(&page, -v->top, ROLE_TEXT, why);
	if (v->top + v->height < v->rows) canvas_text(&page, v->height - 1, c->w - 8, 8, ROLE_KEY, ALIGN_RIGHT, "w: more");
	return v->height;
}

bool why_next(struct why_view *v) {
	bool more = v->top + v->height < v->rows;
	v->top = more ? v->top + MAX(v->height - 1, 1) : 0; /* the last row again, of which the hint hid a part */
	return more;
}

void panes_draw(const struct canvas *c, int y, const char *const *titles, int n, int here, struct pane_bar *ret_bar) {
	int x = 0;
	*ret_bar = (struct pane_bar){.y = c->y + y, .n = MIN(n, (int)ARRAY_LEN(ret_bar->end))};
	canvas_text(c, y, 0, c->w, ROLE_TAB, ALIGN_LEFT, "");
	for (int i = 0; i < n; i++) {
		char title[64];
		snprintf(title, sizeof title, i == here ? "[%s]" : " %s ", titles[i]);
		x += canvas_put(c, y, x, i == here ? ROLE_TAB_HERE : ROLE_TAB, title);
		if (i < ret_bar->n) ret_bar->end[i] = c->x + x;
	}
	if (x + 11 < c->w) canvas_text(c, y, c->w - 10, 9, ROLE_QUIET, ALIGN_RIGHT, "Tab: next");
}

int panes_click(const struct pane_bar *b, const struct key_event *key) {
	if (!key || key->key != KEY_MOUSE_ || key->mouse_wheel || key->mouse_y != b->y) return -1;
	for (int i = 0; i < b->n; i++)
		if (key->mouse_x < b->end[i]) return i;
	return -1;
}

const struct column event_columns[EVENT_COLUMN_N] = {
	[EVENT_TIME] = {" TIME", 12, 12, 0, ALIGN_LEFT},
	[EVENT_LEVEL] = {"LEVEL", 5, 5, 2, ALIGN_LEFT},
	[EVENT_CODE] = {"WHAT", 12, 14, 1, ALIGN_LEFT},
	[EVENT_SESSION] = {"SESSION", 15, 15, 3, ALIGN_LEFT},
	[EVENT_MESSAGE] = {"MESSAGE", 10, 0, 0, ALIGN_LEFT},
};

void event_cell(const struct event_row *e, int column, int64_t now_ms, const struct canvas *c, bool selected) {
	bool bad = strcmp(e->level, "error") == 0, warn = text_starts(e->level, "warn");
	enum role role = selected ? ROLE_SELECTED : bad ? ROLE_BAD : warn ? ROLE_WARN : ROLE_TEXT;
	char time[40] = "", when[32];
	const char *text = time;
	switch (column) {
	case EVENT_TIME: snprintf(time, sizeof time, " %s", when_short(when, e->at_ms, now_ms)); break;
	case EVENT_LEVEL: text = e->level; break;
	case EVENT_CODE: text = e->code; break;
	case EVENT_SESSION: text = e->session_name; break;
	case EVENT_MESSAGE: text = e->message ? e->message : ""; break;
	}
	canvas_text(c, 0, 0, c->w, role, event_columns[column].align, text);
}

void ignore_ask(struct host *host, const char *const *names, size_t n) {
	char question[300], what[64];
	if (n == 1) text_copy(what, sizeof what, names[0]);
	else snprintf(what, sizeof what, "%zu sessions", n);
	snprintf(question, sizeof question,
		"Ignore %s? %s will not be uploaded and no longer count%s as unsafe.\nNothing is deleted; i takes it back.",
		what, n == 1 ? "It" : "They", n == 1 ? "s" : "");
	host_command(host, "ignore", names, n, question);
}
