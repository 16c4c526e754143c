/* SPDX-License-Identifier: MIT */
/* What a screen may ask of the console that shows it, which fills this (ui/app.c): a screen knows nothing above it.
 * Loop thread. */
#pragma once

#include "ui/model/source.h"
#include "ui/term/theme.h"

struct host;
struct host_calls {
	void (*draw)(struct host *h);
	void (*say)(struct host *h, enum role role, const char *text);
	void (*command)(struct host *h, const char *method, const char *const *sessions, size_t n, const char *question);
	void (*edit)(struct host *h, const char *root, const char *session);
	void (*copy)(struct host *h, const char *text);
};
struct host {
	const struct host_calls *calls;
	const struct model *model;
	struct source *source;
};
/* A part is kept fresh, as the wish says (ui/model/part.h), until it is hidden or the screen is left; struct screen's
 * `data` hears of each change. */
void host_show(struct host *h, const struct part *p, const void *wish);
void host_hide(struct host *h, const struct part *p);
void host_draw(struct host *h);
/* The line above the footer, for some seconds. */
void host_say(struct host *h, enum role role, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A control method over sessions (`retry`, `pause`, `resume`, `release`, `ignore`, `unignore`), after the confirmation
 * `question` (NULL: none). */
void host_command(struct host *h, const char *method, const char *const *sessions, size_t n, const char *question);
/* The metadata file in $EDITOR, the terminal given back meanwhile; then retry. */
void host_edit(struct host *h, const char *root, const char *session);
void host_copy(struct host *h, const char *text);
