/* SPDX-License-Identifier: MIT */
/* The table: which columns fit, where each stands, which rows are seen. */
#include "ui/widgets/table.h"

#include <stdio.h>

#define COLUMNS_MAX 24
#define GAP 1

struct layout {
	int x[COLUMNS_MAX], w[COLUMNS_MAX]; /* w 0: dropped */
};

static int layout_need(const struct column *columns, const bool *kept, int n) {
	int need = 0;
	for (int i = 0; i < n; i++)
		if (kept[i]) need += columns[i].least + (need ? GAP : 0);
	return need;
}

/* The kept column that is worth least, or -1 when only those of priority 0 are left. */
static int layout_drop(const struct column *columns, const bool *kept, int n) {
	int worst = -1;
	for (int i = 0; i < n; i++)
		if (kept[i] && columns[i].priority > 0 && (worst < 0 || columns[i].priority >= columns[worst].priority))
			worst = i;
	return worst;
}

/* Spare width goes to the wishes from left to right, what is left then to the columns without a wish. */
static void layout_widen(struct layout *l, const struct column *columns, const bool *kept, int n, int spare) {
	for (int i = 0; i < n && spare > 0; i++) {
		int more = kept[i] && columns[i].wish > l->w[i] ? MIN(spare, columns[i].wish - l->w[i]) : 0;
		l->w[i] += more;
		spare -= more;
	}
	for (int i = 0; i < n && spare > 0; i++) {
		if (!kept[i] || columns[i].wish || !columns[i].least) continue;
		l->w[i] += spare;
		spare = 0;
	}
}

static struct layout layout_of(const struct column *columns, int n, int width) {
	struct layout l = {0};
	bool kept[COLUMNS_MAX] = {false};
	n = MIN(n, COLUMNS_MAX);
	for (int i = 0; i < n; i++) kept[i] = true;
	int drop;
	while (layout_need(columns, kept, n) > width && (drop = layout_drop(columns, kept, n)) >= 0) kept[drop] = false;
	for (int i = 0; i < n; i++) l.w[i] = kept[i] ? columns[i].least : 0;
	layout_widen(&l, columns, kept, n, width - layout_need(columns, kept, n));
	int x = 0;
	for (int i = 0; i < n; i++) {
		l.x[i] = x;
		l.w[i] = MAX(MIN(l.w[i], width - x), 0);
		if (l.w[i]) x += l.w[i] + GAP;
	}
	return l;
}

static void table_clamp(struct table_view *t) {
	t->selected = MAX(MIN(t->selected, t->total - 1), 0);
	if (t->height <= 0) return;
	if (t->selected < t->top) t->top = t->selected;
	if (t->selected >= t->top + t->height) t->top = t->selected - t->height + 1;
	t->top = MAX(MIN(t->top, t->total - t->height), 0);
}

void table_view_keep(struct table_view *t, int64_t total) {
	t->total = total;
	table_clamp(t);
}

static void table_heading(
	const struct column *columns, int n, const struct layout *l, int sorted, bool reverse, const struct canvas *c) {
	canvas_text(c, 0, 0, c->w, ROLE_HEADING, ALIGN_LEFT, "");
	for (int i = 0; i < n; i++) {
		char title[64];
		snprintf(title, sizeof title, "%s%s", columns[i].title, i != sorted ? "" : reverse ? "▲" : "▼");
		if (l->w[i]) canvas_text(c, 0, l->x[i], l->w[i], ROLE_HEADING, columns[i].align, title);
	}
}

void table_view_draw(struct table_view *t, const struct column *columns, int n, int sorted, bool reverse,
	table_cell_draw *draw, void *arg, const struct canvas *c) {
	struct layout l = layout_of(columns, n, c->w);
	t->height = c->h - 1;
	t->y = c->y;
	table_clamp(t);
	if (c->h < 1) return;
	table_heading(columns, n, &l, sorted, reverse, c);
	for (int y = 1; y < c->h; y++) {
		int64_t row = t->top + y - 1;
		bool selected = row == t->selected;
		canvas_text(c, y, 0, c->w, selected && row < t->total ? ROLE_SELECTED : ROLE_TEXT, ALIGN_LEFT, "");
		for (int i = 0; i < n && row < t->total; i++) {
			if (!l.w[i]) continue;
			struct canvas cell = canvas_sub(c, y, l.x[i], 1, l.w[i]), rest = canvas_sub(c, y, l.x[i], 1, c->w);
			if (draw(arg, row, i, &cell, &rest, selected)) break;
		}
		if (selected) canvas_cursor(c, y, 0);
	}
}

static bool table_mouse(struct table_view *t, const struct key_event *key) {
	int64_t row = t->top + key->mouse_y - t->y - 1;
	if (key->mouse_wheel) t->selected += 3 * key->mouse_wheel;
	else if (row >= t->top && row < MIN(t->total, t->top + t->height)) t->selected = row;
	else return false;
	table_clamp(t);
	return true;
}

bool table_view_act(struct table_view *t, enum action action, const struct key_event *key) {
	int page = MAX(t->height - 1, 1);
	if (key && key->key == KEY_MOUSE_) return table_mouse(t, key);
	switch (action) {
	case ACTION_UP: t->selected--; break;
	case ACTION_DOWN: t->selected++; break;
	case ACTION_PAGE_UP: t->selected -= page; break;
	case ACTION_PAGE_DOWN: t->selected += page; break;
	case ACTION_TOP: t->selected = 0; break;
	case ACTION_BOTTOM: t->selected = t->total - 1; break;
	default: return false;
	}
	table_clamp(t);
	return true;
}
