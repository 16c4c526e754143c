/* SPDX-License-Identifier: MIT */
/* The way from a screen to its console. */
#include "ui/screens/host.h"

#include <stdarg.h>
#include <stdio.h>

#define SAY_MOST 300

void host_show(struct host *h, const struct part *p, const void *wish) { source_show(h->source, p, wish); }

void host_hide(struct host *h, const struct part *p) { source_hide(h->source, p); }

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
