/* SPDX-License-Identifier: MIT */
/* Home: every session of this station, the newest first, and whether today's are safe. The table shows a window of the
 * journal; it is asked for anew when the selection nears its edge, the order or the filter changes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ui/screens/screens.h"

#define WINDOW_ROWS 200 /* at the least: four screens on a very high terminal */
#define MARKS_MAX 1000
#define WHY_ABOVE 4 /* rows that a long answer leaves */

struct sessions_screen {
	struct table_view table;
	int64_t selected_id; /* of the selected session; 0: the top row, whichever comes to stand there */
	struct page_query query;
	char (*marks)[16];
	size_t mark_n, mark_capacity;
	char why[SESSION_WISH]; /* the session whose answer is shown below; "": closed */
	struct why_view why_view;
	const struct model *model;
};

enum {
	COLUMN_NAME,
	COLUMN_RECORDED,
	COLUMN_SIZE,
	COLUMN_STATE,
	COLUMN_PROGRESS,
	COLUMN_RATE,
	COLUMN_ETA,
	COLUMN_TRIES
};
static const struct column columns[] = {
	[COLUMN_NAME] = {" SESSION", 16, 16, 0, ALIGN_LEFT},
	[COLUMN_RECORDED] = {"RECORDED", 8, 8, 6, ALIGN_LEFT},
	[COLUMN_SIZE] = {"SIZE", 9, 9, 5, ALIGN_RIGHT},
	[COLUMN_STATE] = {"STATE", 9, 9, 0, ALIGN_LEFT},
	[COLUMN_PROGRESS] = {"PROGRESS", 13, 36, 1, ALIGN_LEFT},
	[COLUMN_RATE] = {"RATE", 10, 10, 3, ALIGN_RIGHT},
	[COLUMN_ETA] = {"ETA", 7, 7, 2, ALIGN_RIGHT},
	[COLUMN_TRIES] = {"TRIES", 5, 5, 4, ALIGN_RIGHT},
};
/* Which column an order sorts by; -1: none that is shown. */
static const int order_columns[JOURNAL_ORDER_N] = {
	[JOURNAL_BY_CHANGE] = -1,
	[JOURNAL_BY_NAME] = COLUMN_NAME,
	[JOURNAL_BY_SIZE] = COLUMN_SIZE,
	[JOURNAL_BY_STATE] = COLUMN_STATE,
	[JOURNAL_BY_TRIES] = COLUMN_TRIES,
};
static const char *const order_names[JOURNAL_ORDER_N] = {
	[JOURNAL_BY_CHANGE] = "recent",
	[JOURNAL_BY_NAME] = "name",
	[JOURNAL_BY_SIZE] = "size",
	[JOURNAL_BY_STATE] = "state",
	[JOURNAL_BY_TRIES] = "tries",
};

/* --- rows --- */

static const struct session_row *row_at(const struct model *m, int64_t row) {
	int64_t at = row - m->page.query.first;
	return at >= 0 && at < (int64_t)m->page.n ? &m->page.rows[at] : NULL;
}

static const struct session_row *row_selected(const struct sessions_screen *s, const struct model *m) {
	return row_at(m, s->table.selected);
}

static size_t mark_find(const struct sessions_screen *s, const char *name) {
	size_t i = 0;
	while (i < s->mark_n && strcmp(s->marks[i], name) != 0) i++;
	return i;
}

static void mark_toggle(struct sessions_screen *s, const char *name) {
	size_t i = mark_find(s, name);
	if (i < s->mark_n) {
		memmove(s->marks + i, s->marks + i + 1, (s->mark_n - i - 1) * sizeof *s->marks);
		s->mark_n--;
	} else if (s->mark_n < MARKS_MAX) {
		ARRAY_RESERVE(s->marks, s->mark_n, s->mark_capacity);
		text_copy(s->marks[s->mark_n++], sizeof *s->marks, name);
	}
}

/* --- the selection --- */

static void selection_note(struct sessions_screen *s, const struct model *m) {
	const struct session_row *r = row_selected(s, m);
	if (!s->table.selected && !s->why[0]) s->selected_id = 0;
	else if (r) s->selected_id = r->id;
}

/* Rows come and go above it: what is about to be paused or ignored stays the session that was chosen. */
static void selection_follow(struct sessions_screen *s, const struct model *m) {
	for (size_t i = 0; s->selected_id && i < m->page.n; i++) {
		if (m->page.rows[i].id != s->selected_id) continue;
		int64_t moved = m->page.query.first + (int64_t)i - s->table.selected;
		s->table.selected += moved;
		s->table.top += moved;
		return;
	}
}

/* --- the window --- */

static void window_place(struct sessions_screen *s) {
	s->query.limit = MAX(WINDOW_ROWS, 4 * s->table.height);
	s->query.first = MAX(0, s->table.selected - s->query.limit / 2);
}

static void window_ask(struct host *host, struct sessions_screen *s) {
	window_place(s);
	host_show(host, &part_page, &s->query);
}

/* The rows on the screen and a page around them must be in the window. */
static void window_keep(struct host *host, struct sessions_screen *s) {
	const struct session_page *p = &host->model->page;
	int64_t from = MAX(0, s->table.selected - s->table.height),
			to = MIN(p->total, s->table.selected + s->table.height + 1);
	if (from >= p->query.first && to <= p->query.first + (int64_t)p->n) return;
	window_place(s);
	if (s->query.first != p->query.first || s->query.limit != p->query.limit) host_show(host, &part_page, &s->query);
}

static void sessions_enter(struct host *host, void *self, const char *arg) {
	struct sessions_screen *s = self;
	s->model = host->model;
	if (arg && *arg) text_copy(s->query.filter, sizeof s->query.filter, arg);
	window_ask(host, s);
}

static void sessions_leave(struct host *host, void *self) {
	struct sessions_screen *s = self;
	(void)host;
	s->why[0] = '\0';
}

static void sessions_data(struct host *host, void *self, unsigned changed) {
	struct sessions_screen *s = self;
	if (!(changed & part_bit(host->model, &part_page))) return;
	selection_follow(s, host->model);
	table_view_keep(&s->table, host->model->page.total);
	window_keep(host, s); /* fewer may fit the filter than did */
}

/* --- drawing --- */

static int today_counts(const struct model *m, bool brief, char *to, size_t size) {
	const struct journal_summary *s = &m->summary.journal;
	int64_t busy = s->by_state[STATE_UPLOADING], held = s->by_state[STATE_HELD],
			bad = s->by_state[STATE_REJECTED] + s->by_state[STATE_FAILED] + s->by_state[STATE_GONE];
	int n = snprintf(to, size, " today %lld/%lld accepted", (long long)s->today_accepted, (long long)s->today_found);
	if (busy)
		n += snprintf(to + n, size - (size_t)n, "  %lld %s", (long long)busy,
			m->link != LINK_UP ? "unfinished"
			: brief			   ? "up"
							   : "uploading");
	if (held) n += snprintf(to + n, size - (size_t)n, "  %lld held", (long long)held);
	const char *word = bad == s->by_state[STATE_REJECTED] ? "rejected"
					   : bad == s->by_state[STATE_GONE]	  ? "gone"
														  : "failed";
	if (bad) n += snprintf(to + n, size - (size_t)n, "  %lld %s", (long long)bad, word);
	return n;
}

/* The last quarter of an hour in `room` columns or fewer, each the greatest of its samples. */
static void draw_spark(const struct status *st, const struct canvas *c, int x, int room) {
	int each = room >= CONTROL_RATES ? 1 : room >= CONTROL_RATES / 2 ? 2 : 4, n = CONTROL_RATES / each;
	double values[CONTROL_RATES], top = 1;
	bool known = false;
	if (room < n) return;
	for (int i = 0; i < n; i++) {
		values[i] = NAN;
		for (int k = i * each; k < (i + 1) * each; k++) values[i] = fmax(values[i], st->rates[k]); /* fmax skips NAN */
		if (isnan(values[i])) continue;
		top = MAX(top, values[i]);
		known = true;
	}
	if (!known) return;
	x += canvas_put(c, 0, x, ROLE_QUIET, "MB/s ");
	canvas_spark(c, 0, x, n, values, (size_t)n, top, ROLE_BAR);
	canvas_put(c, 0, x + n + 1, ROLE_QUIET, "15 min");
}

static void draw_today(const struct model *m, const struct canvas *c) {
	const struct status *st = &m->status;
	char text[200] = " today - (the journal could not be read yet)", left[80] = "";
	canvas_text(c, 0, 0, c->w, ROLE_TEXT, ALIGN_LEFT, "");
	if (m->summary.at_ms) {
		bool moving = st->eta_ms >= 0 && m->link == LINK_UP && st->cloud_ok;
		if (m->summary.journal.bytes_left)
			snprintf(left, sizeof left, "left %s%s%s ", UNIT_BYTES(m->summary.journal.bytes_left), moving ? " " : "",
				moving ? UNIT_DURATION(st->eta_ms) : "");
		if (today_counts(m, false, text, sizeof text) + text_columns(left) >= c->w)
			today_counts(m, true, text, sizeof text);
	}
	int x = canvas_put(c, 0, 0, ROLE_TEXT, text), right = c->w - text_columns(left);
	if (right > x) canvas_put(c, 0, right, ROLE_TEXT, left);
	else right = c->w;
	if (st->at_ms && m->link == LINK_UP) draw_spark(st, c, x + 3, right - x - 3 - 5 - 8 - 2);
}

/* What stands in the place of the progress of one that is not moving: the reason, else what it waits for. */
static void progress_words(const struct model *m, const struct session_row *r, char *to, size_t size) {
	const char *reason = r->reason ? r->reason : "", *colon = r->reason ? ": " : "";
	int64_t wait_ms = r->next_attempt_ms - m->now_ms;
	bool waits = !state_is_final(r->state) && !r->paused && !r->ignored;
	if (waits && m->link != LINK_UP && r->stored_bytes)
		snprintf(to, size, "no engine answers, %s stored%s%s", UNIT_BYTES(r->stored_bytes), colon, reason);
	else if (waits && m->link != LINK_UP) snprintf(to, size, "no engine answers%s%s", colon, reason);
	else if (waits && !m->status.cloud_ok && state_is_past_checks(r->state))
		snprintf(to, size, "waits for %s%s%s", m->status.key_refused ? "another API key" : "the cloud", colon, reason);
	else if (r->state == STATE_ACCEPTED && !r->reason)
		snprintf(to, size, "whole and verified%s", r->present ? "" : ", no longer on this disk");
	else if (r->state == STATE_QUEUED && !r->paused && wait_ms > 0)
		snprintf(to, size, "try %d in %s%s%s", r->tries + 1, UNIT_DURATION(wait_ms), colon, reason);
	else if (r->state == STATE_UPLOADED && !r->reason) snprintf(to, size, "stored; the cloud's verdict is awaited");
	else if (r->state == STATE_HELD && r->data_safe) snprintf(to, size, "%s (data are safe)", reason);
	else snprintf(to, size, "%s", reason);
}

static bool draw_progress(const struct model *m, const struct session_row *r, enum role role, const struct canvas *c,
	const struct canvas *rest) {
	const struct work *w = live_work(m, r);
	char text[600];
	if (!w) {
		progress_words(m, r, text, sizeof text);
		canvas_text(rest, 0, 0, rest->w, role, ALIGN_LEFT, text);
		return true;
	}
	int bar = MAX(c->w - 5, 3);
	canvas_bar(c, 0, 0, bar, work_part(w), role == ROLE_SELECTED ? ROLE_SELECTED : ROLE_BAR);
	snprintf(text, sizeof text, "%d%%", (int)(work_part(w) * 100));
	canvas_text(c, 0, bar, c->w - bar, role, ALIGN_RIGHT, text);
	return false;
}

static bool draw_cell(
	void *arg, int64_t row, int column, const struct canvas *c, const struct canvas *rest, bool selected) {
	const struct sessions_screen *s = arg;
	const struct model *m = s->model;
	const struct session_row *r = row_at(m, row);
	char text[64] = "";
	if (!r) {
		canvas_text(rest, 0, 1, rest->w - 1, ROLE_STALE, ALIGN_LEFT, "…");
		return true;
	}
	bool marked = mark_find(s, r->name) < s->mark_n;
	enum role role = selected ? ROLE_SELECTED : marked ? ROLE_MARKED : r->ignored ? ROLE_QUIET : ROLE_TEXT;
	const struct work *w = live_work(m, r);
	switch (column) {
	case COLUMN_NAME: snprintf(text, sizeof text, "%s%s", marked ? "*" : selected ? ">" : " ", r->name); break;
	case COLUMN_RECORDED: text_copy(text, sizeof text, recorded_text((char[32]){0}, r->name)); break;
	case COLUMN_SIZE: text_copy(text, sizeof text, r->bytes ? UNIT_BYTES(r->bytes) : "-"); break;
	case COLUMN_STATE:
		text_copy(text, sizeof text, state_words(r));
		if (!selected) role = m->link != LINK_UP && !state_is_final(r->state) ? ROLE_STALE : state_role(r);
		break;
	case COLUMN_PROGRESS: return draw_progress(m, r, role, c, rest);
	case COLUMN_RATE: text_copy(text, sizeof text, w ? UNIT_RATE(w->rate) : ""); break;
	case COLUMN_ETA:
		if (w) work_left(text, w);
		break;
	case COLUMN_TRIES:
		if (r->tries) snprintf(text, sizeof text, "%d", r->tries);
		break;
	}
	canvas_text(c, 0, 0, c->w, role, columns[column].align, text);
	return false;
}

static void draw_empty(const struct sessions_screen *s, const struct model *m, const struct canvas *c) {
	const char *text = "No session was found yet: recordings appear here as folders YYYYMMDD_HHMMSS.";
	if (m->journal_err.code) text = m->journal_err.text;
	else if (!m->page.at_ms) text = "The journal is being read.";
	else if (s->query.filter[0]) text = "No session fits the filter; / and Enter clear it.";
	struct canvas words = canvas_sub(c, 2, 1, c->h - 2, c->w - 2);
	canvas_block(&words, 0, m->journal_err.code ? ROLE_BAD : ROLE_QUIET, text);
}

/* The answer at the bottom; returns how many rows it takes. */
static int draw_why(struct sessions_screen *s, const struct model *m, const struct canvas *c) {
	const struct session_row *r = row_selected(s, m);
	const struct session_detail *d = strcmp(m->detail.name, s->why) == 0 && m->detail.found ? &m->detail : NULL;
	const struct check_list no_checks = {0};
	char why[1024];
	if (!s->why[0] || !r || strcmp(r->name, s->why) != 0) return 0;
	model_why(m, r, d ? &d->local : &no_checks, detail_failure(d), why, sizeof why);
	int room = MAX(c->h - 1 - WHY_ABOVE, WHY_LEAST);
	struct canvas none = canvas_sub(c, 0, 0, 0, c->w - 2);
	int rows = MIN(canvas_block(&none, 0, ROLE_TEXT, why), room);
	struct canvas whole = canvas_sub(c, c->h - rows - 1, 0, rows + 1, c->w),
				  below = canvas_sub(&whole, 1, 1, rows, c->w - 2);
	canvas_clear(&whole);
	canvas_rule(&whole, 0, 1, c->w - 2);
	return why_draw(&s->why_view, &below, why) + 1;
}

/* The line below the rows: a journal that can no longer be read, the filter, the marks. Its rows: 0 or 1. */
static int draw_note(const struct sessions_screen *s, const struct model *m, const struct canvas *c) {
	char text[500], age[UNIT_TEXT];
	int n = snprintf(text, sizeof text, " ");
	int64_t old_ms = part_age_ms(m, &part_page);
	bool old = old_ms >= 0 && m->page.total;
	if (!old && !s->query.filter[0] && !s->mark_n) return 0;
	if (old) snprintf(text, sizeof text, " %s old: %s", span_text(age, old_ms), m->journal_err.text);
	if (!old && s->query.filter[0])
		n += snprintf(
			text + n, sizeof text - (size_t)n, "filter \"%s\": %lld fit  ", s->query.filter, (long long)m->page.total);
	if (!old && s->mark_n) snprintf(text + n, sizeof text - (size_t)n, "%zu marked", s->mark_n);
	canvas_text(c, c->h - 1, 0, c->w, old ? ROLE_BAD : ROLE_MARKED, ALIGN_LEFT, text);
	return 1;
}

static void sessions_draw(void *self, const struct model *m, const struct canvas *c) {
	struct sessions_screen *s = self;
	s->model = m;
	int why = draw_why(s, m, c);
	struct canvas above = canvas_sub(c, 0, 0, c->h - why, c->w);
	int note = draw_note(s, m, &above);
	struct canvas table = canvas_sub(&above, 1, 0, above.h - 1 - note, c->w);
	draw_today(m, c);
	table_view_keep(&s->table, m->page.total);
	table_view_draw(
		&s->table, columns, ARRAY_LEN(columns), order_columns[s->query.order], s->query.reverse, draw_cell, s, &table);
	if (!m->page.total) draw_empty(s, m, &table);
}

/* --- keys --- */

static const struct screen_key sessions_keys[] = {
	{ACTION_OPEN, "open", false},
	{ACTION_RETRY, "retry", true},
	{ACTION_PAUSE, "pause", true},
	{ACTION_EDIT, "edit", true},
	{ACTION_IGNORE, "ignore", true},
	{ACTION_RELEASE, NULL, true},
	{ACTION_WHY, "why", false},
	{ACTION_SEARCH, "filter", false},
	{ACTION_SORT, "sort", false},
	{ACTION_REVERSE, NULL, false},
	{ACTION_MARK, NULL, false},
	{ACTION_COPY, NULL, false},
	SCROLL_KEYS(NULL),
};

/* The one whose state decides whether they are paused or resumed: the first marked one in sight, else the selected. */
static const struct session_row *row_deciding(const struct sessions_screen *s, const struct model *m) {
	for (size_t i = 0; s->mark_n && i < m->page.n; i++)
		if (mark_find(s, m->page.rows[i].name) < s->mark_n) return &m->page.rows[i];
	return s->mark_n ? NULL : row_selected(s, m);
}

/* The marked ones, else the selected one, through `method`. One that is paused (ignored) already is taken back. */
static struct after over_selected(struct host *host, struct sessions_screen *s, enum action action) {
	const struct session_row *r = row_deciding(s, host->model);
	const char *names[MARKS_MAX];
	size_t n = 0;
	for (; n < s->mark_n; n++) names[n] = s->marks[n];
	if (!n && r) names[n++] = r->name;
	if (!n) return (struct after){0};
	if (action == ACTION_IGNORE && !(r && r->ignored)) ignore_ask(host, names, n);
	else if (action == ACTION_IGNORE) host_command(host, "unignore", names, n, NULL);
	else if (action == ACTION_RELEASE) host_command(host, "release", names, n, NULL);
	else if (action == ACTION_PAUSE) host_command(host, r && r->paused ? "resume" : "pause", names, n, NULL);
	else host_command(host, "retry", names, n, NULL);
	s->mark_n = 0;
	return (struct after){.kind = AFTER_DRAW};
}

/* The checks and the last attempt come with the session's detail. */
static void why_toggle(struct host *host, struct sessions_screen *s) {
	const struct session_row *r = row_selected(s, host->model);
	bool open = !s->why[0] && r;
	s->why_view.top = 0;
	text_copy(s->why, sizeof s->why, open ? r->name : "");
	if (open) host_show(host, &part_detail, s->why);
	else host_hide(host, &part_detail);
}

static void sessions_sort(struct host *host, struct sessions_screen *s, bool reverse) {
	if (reverse) s->query.reverse = !s->query.reverse;
	else s->query.order = (enum journal_order)((s->query.order + 1) % JOURNAL_ORDER_N);
	host_say(host, ROLE_TEXT, "sorted by %s%s", order_names[s->query.order],
		s->query.reverse ? ", the other way round" : "");
	window_ask(host, s);
}

static struct after sessions_open(struct host *host, const struct sessions_screen *s, const char *screen) {
	const struct session_row *r = row_selected(s, host->model);
	struct after after = {.kind = r ? AFTER_OPEN : AFTER_NOTHING, .screen = screen};
	if (r) text_copy(after.arg, sizeof after.arg, r->name);
	return after;
}

/* Where the metadata are what is wrong they are opened at once, else what is known of the session. */
static struct after sessions_edit(struct host *host, const struct sessions_screen *s) {
	const struct session_row *r = row_selected(s, host->model);
	if (!r || !r->present || (r->state != STATE_HELD && r->state != STATE_REJECTED))
		return sessions_open(host, s, "session");
	AUTO(xfree) char *root = xstrdup(r->root);
	char name[sizeof r->name];
	text_copy(name, sizeof name, r->name);
	host_edit(host, root, name);
	return (struct after){.kind = AFTER_DRAW};
}

static struct after sessions_act(struct host *host, void *self, enum action action, const struct key_event *key) {
	struct sessions_screen *s = self;
	const struct session_row *r = row_selected(s, host->model);
	if (table_view_act(&s->table, action, key)) {
		if (s->why[0]) why_toggle(host, s);
		selection_note(s, host->model);
		window_keep(host, s);
		if (key && key->mouse_double) return sessions_open(host, s, "session");
		return (struct after){.kind = AFTER_DRAW};
	}
	switch (action) {
	case ACTION_OPEN: return sessions_open(host, s, "session");
	case ACTION_EDIT: return sessions_edit(host, s);
	case ACTION_RETRY:
	case ACTION_PAUSE:
	case ACTION_RELEASE:
	case ACTION_IGNORE: return over_selected(host, s, action);
	case ACTION_WHY:
		if (!s->why[0] || !why_next(&s->why_view)) why_toggle(host, s);
		selection_note(s, host->model);
		break;
	case ACTION_SORT: sessions_sort(host, s, false); break;
	case ACTION_REVERSE: sessions_sort(host, s, true); break;
	case ACTION_MARK:
		if (r) mark_toggle(s, r->name);
		table_view_act(&s->table, ACTION_DOWN, NULL);
		selection_note(s, host->model);
		break;
	case ACTION_COPY:
		if (r) host_copy(host, r->name);
		break;
	default: return (struct after){0};
	}
	return (struct after){.kind = AFTER_DRAW};
}

static size_t text_words(const char *text) {
	size_t n = 0;
	for (text += strspn(text, " "); *text; n++) {
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	return n;
}

static void sessions_search(struct host *host, void *self, const char *text, bool entered) {
	struct sessions_screen *s = self;
	if (entered && (text_words(text) > JOURNAL_WORDS_MAX || strlen(text) >= sizeof s->query.filter))
		host_say(host, ROLE_WARN, "the filter takes %d words of %zu bytes together; what is beyond is not used",
			JOURNAL_WORDS_MAX, sizeof s->query.filter - 1);
	if (strcmp(s->query.filter, text) == 0) return;
	text_copy(s->query.filter, sizeof s->query.filter, text);
	s->selected_id = s->table.selected = s->table.top = 0;
	window_ask(host, s);
}

/* --- over runs --- */

static void sessions_remember(const void *self, cJSON *to) {
	const struct sessions_screen *s = self;
	json_add_text(to, "order", order_names[s->query.order]);
	json_add_bool(to, "reverse", s->query.reverse);
	json_add_text(to, "filter", s->query.filter);
}

static void sessions_recall(void *self, const cJSON *from) {
	struct sessions_screen *s = self;
	struct error ignored = ERROR_INIT;
	const char *order = NULL, *filter = NULL;
	if (json_may_text(from, "order", NULL, &order, &ignored) ||
		json_may_text(from, "filter", NULL, &filter, &ignored) ||
		json_may_bool(from, "reverse", NULL, &s->query.reverse, &ignored))
		return;
	for (int i = 0; order && i < JOURNAL_ORDER_N; i++)
		if (strcmp(order_names[i], order) == 0) s->query.order = (enum journal_order)i;
	if (filter) text_copy(s->query.filter, sizeof s->query.filter, filter);
}

static void sessions_done(void *self) { free(((struct sessions_screen *)self)->marks); }

const struct screen screen_sessions = {
	.name = "sessions",
	.title = "Sessions",
	.digit = '1',
	.help = "Every recording session of this station, the newest change first. Safe means accepted: the cloud has "
			"the whole session, compared every byte's checksum with the manifest, and accepted its metadata.",
	.keys = sessions_keys,
	.key_n = ARRAY_LEN(sessions_keys),
	.parts = (const struct part *const[]){&part_page, &part_summary, &part_status, &part_detail, NULL},
	.state_size = sizeof(struct sessions_screen),
	.enter = sessions_enter,
	.leave = sessions_leave,
	.data = sessions_data,
	.draw = sessions_draw,
	.act = sessions_act,
	.search = sessions_search,
	.remember = sessions_remember,
	.recall = sessions_recall,
	.done = sessions_done,
};
