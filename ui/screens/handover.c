/* SPDX-License-Identifier: MIT */
/* Handover: what happened since this user last looked, as the journal tells it. Looking makes it seen. */
#include <string.h>

#include "base/units.h"
#include "ui/screens/screens.h"
#include "ui/widgets/pager.h"

struct handover_screen {
	struct pager page;
};

static void handover_enter(struct host *host, void *self, const char *arg) {
	struct handover_screen *h = self;
	(void)arg;
	h->page.top = 0;
	host_show(host, &part_handover, NULL);
}

static void handover_fill(struct handover_screen *h, const struct model *m) {
	const char *at = m->handover.text;
	pager_clear(&h->page);
	h->page.hang = 2;
	if (m->handover.unkept.code) pager_add(&h->page, ROLE_WARN, " %s", m->handover.unkept.text);
	while (at && *at) {
		size_t n = strcspn(at, "\n");
		pager_add(&h->page, ROLE_TEXT, " %.*s", (int)n, at);
		at += n + (at[n] == '\n');
	}
	if (m->handover.text) return;
	if (m->journal_err.code) pager_add(&h->page, ROLE_BAD, " %s", m->journal_err.text);
	else pager_add(&h->page, ROLE_QUIET, " reading the journal ...");
}

static void handover_draw(void *self, const struct model *m, const struct canvas *c) {
	struct handover_screen *h = self;
	struct canvas page = canvas_sub(c, 1, 0, c->h - 1, c->w);
	char when[32], age[UNIT_TEXT];
	if (m->handover.since_ms)
		canvas_fmt(c, 0, 0, c->w, ROLE_HEADING, " Since you last looked: %s, %s ago",
			when_text(when, m->handover.since_ms, m->now_ms), unit_age(age, m->now_ms - m->handover.since_ms));
	else
		canvas_text(c, 0, 0, c->w, ROLE_HEADING, ALIGN_LEFT,
			m->handover.text ? " Handover: you have not looked before" : " Handover");
	handover_fill(h, m);
	pager_draw(&h->page, &page);
}

static const struct screen_key handover_keys[] = {
	SCROLL_KEYS("page down"),
	{ACTION_SEARCH, "search", false},
	{ACTION_NEXT, NULL, false},
	{ACTION_PREVIOUS, NULL, false},
	{ACTION_COPY, "copy all", false},
};

static struct after handover_act(struct host *host, void *self, enum action action, const struct key_event *key) {
	struct handover_screen *h = self;
	const struct model *m = host->model;
	if (action == ACTION_COPY) {
		if (m->handover.text) host_copy(host, m->handover.text);
		return (struct after){.kind = AFTER_DRAW};
	}
	return (struct after){.kind = pager_act(&h->page, action, key) ? AFTER_DRAW : AFTER_NOTHING};
}

static void handover_search(struct host *host, void *self, const char *text, bool entered) {
	struct handover_screen *h = self;
	if (!pager_search(&h->page, text) && entered) host_say(host, ROLE_WARN, "\"%s\" is nowhere here", text);
}

static void handover_done(void *self) { pager_done(&((struct handover_screen *)self)->page); }

const struct screen screen_handover = {
	.name = "handover",
	.title = "Handover",
	.help = "What happened at this station since you last looked. The same as text or JSON: headgate handover.",
	.keys = handover_keys,
	.key_n = ARRAY_LEN(handover_keys),
	.parts = (const struct part *const[]){&part_handover, NULL},
	.state_size = sizeof(struct handover_screen),
	.enter = handover_enter,
	.draw = handover_draw,
	.act = handover_act,
	.search = handover_search,
	.done = handover_done,
};
