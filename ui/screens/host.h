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
void host_page(struct host *h, const struct page_query *q); /* MODEL_PAGE follows */
void host_detail(struct host *h, const char *session);		/* MODEL_DETAIL follows, and again when it changes */
void host_events(struct host *h, int64_t limit);
void host_fleet(struct host *h, bool shown);
void host_handover(struct host *h);
void host_draw(struct host *h);
/* The line above the footer, for some seconds. */
void host_say(struct host *h, enum role role, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A control method over sessions (`retry`, `pause`, `resume`, `release`, `ignore`, `unignore`), after the confirmation
 * `question` (NULL: none). */
void host_command(struct host *h, const char *method, const char *const *sessions, size_t n, const char *question);
/* The metadata file in $EDITOR, the terminal given back meanwhile; then retry. */
void host_edit(struct host *h, const char *root, const char *session);
void host_copy(struct host *h, const char *text);
