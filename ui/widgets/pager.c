/* SPDX-License-Identifier: MIT */
/* Scrolling text. Lines are laid out into rows when they or the width changed. */
#include "ui/widgets/pager.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define LINE_MAX_BYTES 4096

void pager_clear(struct pager *p) {
	for (size_t i = 0; i < p->n; i++) free(p->lines[i].text);
	p->n = p->row_n = 0;
	p->stale = true;
}

void pager_done(struct pager *p) {
	pager_clear(p);
	free(p->lines);
	free(p->rows);
	*p = (struct pager){0};
}

void pager_add(struct pager *p, enum role role, const char *fmt, ...) {
	char text[LINE_MAX_BYTES], safe[LINE_MAX_BYTES];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	ARRAY_RESERVE(p->lines, p->n, p->capacity);
	p->lines[p->n++] =
		(struct pager_line){.text = xstrdup(text_safe(safe, sizeof safe, text)), .role = role, .hang = p->hang};
	p->stale = true;
}

/* --- rows --- */

static void pager_lay_line(struct pager *p, size_t line) {
	const struct pager_line *l = &p->lines[line];
	size_t n = strlen(l->text), from = 0;
	do {
		int hang = from && l->hang < p->width / 2 ? l->hang : 0;
		size_t fit = p->width > 0 ? text_fit(l->text + from, p->width - hang) : n;
		ARRAY_RESERVE(p->rows, p->row_n, p->row_capacity);
		p->rows[p->row_n++] = (struct pager_row){.line = line, .from = from, .len = fit};
		from += fit;
		while (l->text[from] == ' ') from++;
	} while (from < n);
}

static void pager_clamp(struct pager *p) { p->top = MAX(MIN(p->top, (int64_t)p->row_n - p->height), 0); }

static void pager_lay(struct pager *p, int width) {
	if (!p->stale && width == p->width) return;
	p->width = width;
	p->row_n = 0;
	for (size_t i = 0; i < p->n; i++) pager_lay_line(p, i);
	p->stale = false;
	pager_clamp(p);
}

static bool pager_matches(const struct pager *p, size_t line) {
	return p->search[0] && strcasestr(p->lines[line].text, p->search) != NULL;
}

void pager_draw(struct pager *p, const struct canvas *c) {
	p->height = c->h;
	pager_lay(p, c->w);
	pager_clamp(p);
	for (int y = 0; y < c->h; y++) {
		size_t i = (size_t)p->top + (size_t)y;
		canvas_text(c, y, 0, c->w, ROLE_TEXT, ALIGN_LEFT, "");
		if (i >= p->row_n) continue;
		const struct pager_row *row = &p->rows[i];
		const struct pager_line *line = &p->lines[row->line];
		char text[LINE_MAX_BYTES];
		text_copy(text, MIN(row->len + 1, sizeof text), line->text + row->from);
		int x = row->from && line->hang < c->w / 2 ? line->hang : 0;
		canvas_text(c, y, x, c->w - x, pager_matches(p, row->line) ? ROLE_MARKED : line->role, ALIGN_LEFT, text);
	}
	canvas_cursor(c, 0, 0);
}

/* --- moving --- */

/* The next match from row `from` on, upwards or downwards; false: there is none, and nothing moves. */
static bool pager_find(struct pager *p, int64_t from, int step) {
	for (int64_t i = from; i >= 0 && i < (int64_t)p->row_n; i += step) {
		if (p->rows[i].from || !pager_matches(p, p->rows[i].line)) continue;
		p->top = i;
		return true;
	}
	return false;
}

bool pager_search(struct pager *p, const char *text) {
	pager_lay(p, p->width);
	text_copy(p->search, sizeof p->search, text);
	if (!*text) return true;
	bool found = pager_find(p, p->top, 1) || pager_find(p, 0, 1);
	pager_clamp(p);
	return found;
}

bool pager_act(struct pager *p, enum action action, const struct key_event *key) {
	int page = MAX(p->height - 1, 1);
	pager_lay(p, p->width);
	if (key && key->key == KEY_MOUSE_) p->top += 3 * key->mouse_wheel;
	else switch (action) {
		case ACTION_UP: p->top--; break;
		case ACTION_DOWN: p->top++; break;
		case ACTION_PAGE_UP: p->top -= page; break;
		case ACTION_PAGE_DOWN: p->top += page; break;
		case ACTION_TOP: p->top = 0; break;
		case ACTION_BOTTOM: p->top = (int64_t)p->row_n; break;
		case ACTION_NEXT: pager_find(p, p->top + 1, 1); break;
		case ACTION_PREVIOUS: pager_find(p, p->top - 1, -1); break;
		default: return false;
		}
	pager_clamp(p);
	return true;
}
