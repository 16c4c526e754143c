/* SPDX-License-Identifier: MIT */
/* Scrolling text: lines with a role each, wrapped or not, with a search. */
#pragma once

#include "ui/canvas.h"
#include "ui/key.h"

struct pager {
	struct pager_line {
		char *text;
		enum role role;
	} * lines;
	size_t n, capacity;
	int64_t top;
	int height;
	char search[64];
};
void pager_clear(struct pager *p);
void pager_add(struct pager *p, enum role role, const char *fmt, ...) PRINTF_LIKE(3, 4);
void pager_draw(struct pager *p, const struct canvas *c);
bool pager_act(struct pager *p, enum action action, const struct key_event *key);
void pager_done(struct pager *p);
