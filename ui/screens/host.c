/* SPDX-License-Identifier: MIT */
/* The way from a screen to its console. */
#include "ui/screens/host.h"

#include <stdarg.h>
#include <stdio.h>

#define SAY_MOST 300

void host_page(struct host *h, const struct page_query *q) { source_page(h->source, q); }

void host_detail(struct host *h, const char *session) { source_detail(h->source, session); }

void host_events(struct host *h, int64_t limit) { source_events(h->source, limit); }

void host_fleet(struct host *h, bool shown) { source_fleet(h->source, shown); }

void host_handover(struct host *h) { source_handover(h->source); }

void host_draw(struct host *h) { h->calls->draw(h); }

void host_say(struct host *h, enum role role, const char *fmt, ...) {
	char text[SAY_MOST];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	h->calls->say(h, role, text);
}

void host_command(struct host *h, const char *method, const char *const *sessions, size_t n, const char *question) {
	h->calls->command(h, method, sessions, n, question);
}

void host_edit(struct host *h, const char *root, const char *session) { h->calls->edit(h, root, session); }

void host_copy(struct host *h, const char *text) { h->calls->copy(h, text); }
