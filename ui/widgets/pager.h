/* SPDX-License-Identifier: MIT */
/* Scrolling text: lines with a role each, wrapped at the width they are drawn in, with a search. */
#pragma once

#include "ui/term/canvas.h"
#include "ui/term/key.h"

struct pager {
	struct pager_line {
		char *text; /* made safe */
		enum role role;
		int hang; /* columns by which its second row and those after it are indented */
	} * lines;
	size_t n, capacity;
	int hang; /* of the lines added next */
	struct pager_row {
		size_t line, from, len;
	} * rows; /* as they were laid out for `width` */
	size_t row_n, row_capacity;
	int width;
	bool stale; /* the lines changed since the rows were laid out */
	int64_t top;
	int height;
	char search[64];
};
void pager_clear(struct pager *p); /* the lines; the place stays */
void pager_add(struct pager *p, enum role role, const char *fmt, ...) PRINTF_LIKE(3, 4);
void pager_draw(struct pager *p, const struct canvas *c);
bool pager_act(struct pager *p, enum action action, const struct key_event *key);
/* To the first row at or below the top one that has it; "" ends the search. False: nowhere. */
bool pager_search(struct pager *p, const char *text);
void pager_done(struct pager *p);
