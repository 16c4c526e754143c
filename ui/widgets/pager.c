/* SPDX-License-Identifier: MIT */
/* Scrolling text. */
#include "ui/widgets/pager.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 2000

void pager_clear(struct pager *p) {
	for (size_t i = 0; i < p->n; i++) free(p->lines[i].text);
	p->n = 0;
}

void pager_done(struct pager *p) {
	pager_clear(p);
	free(p->lines);
	*p = (struct pager){0};
}

void pager_add(struct pager *p, enum role role, const char *fmt, ...) {
	char text[LINE_MAX_BYTES];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	ARRAY_RESERVE(p->lines, p->n, p->capacity);
	p->lines[p->n++] = (struct pager_line){.text = xstrdup(text), .role = role};
}

static void pager_clamp(struct pager *p) { p->top = MAX(MIN(p->top, (int64_t)p->n - p->height), 0); }

static bool pager_matches(const struct pager *p, size_t i) {
	return p->search[0] && strcasestr(p->lines[i].text, p->search) != NULL;
}

void pager_draw(struct pager *p, const struct canvas *c) {
	p->height = c->h;
	pager_clamp(p);
	for (int y = 0; y < c->h; y++) {
		size_t i = (size_t)p->top + (size_t)y;
		if (i >= p->n) canvas_text(c, y, 0, c->w, ROLE_TEXT, ALIGN_LEFT, "");
		else
			canvas_text(
				c, y, 0, c->w, pager_matches(p, i) ? ROLE_MARKED : p->lines[i].role, ALIGN_LEFT, p->lines[i].text);
	}
	canvas_cursor(c, 0, 0);
}

/* The next match after (before) the top line; stays when there is none. */
static void pager_find(struct pager *p, int step) {
	for (int64_t i = p->top + step; i >= 0 && i < (int64_t)p->n; i += step) {
		if (!pager_matches(p, (size_t)i)) continue;
		p->top = i;
		return;
	}
}

bool pager_act(struct pager *p, enum action action, const struct key_event *key) {
	int page = MAX(p->height - 1, 1);
	if (key && key->key == KEY_MOUSE_) p->top += 3 * key->mouse_wheel;
	else switch (action) {
		case ACTION_UP: p->top--; break;
		case ACTION_DOWN: p->top++; break;
		case ACTION_PAGE_UP: p->top -= page; break;
		case ACTION_PAGE_DOWN: p->top += page; break;
		case ACTION_TOP: p->top = 0; break;
		case ACTION_BOTTOM: p->top = (int64_t)p->n; break;
		case ACTION_NEXT: pager_find(p, 1); break;
		case ACTION_PREVIOUS: pager_find(p, -1); break;
		default: return false;
		}
	pager_clamp(p);
	return true;
}
