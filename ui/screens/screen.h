/* SPDX-License-Identifier: MIT */
/* A screen is one file in ui/screens/ with one const struct screen, and one row in ui/screens/screens.c. Nothing else
 * knows it: its digit, name, keys, help, remembered state and data come from here. */
#pragma once

#include "base/json.h"
#include "ui/screens/host.h"
#include "ui/term/canvas.h"
#include "ui/term/key.h"

struct screen_key {
	enum action action;
	const char *footer; /* word in the footer, NULL: in the help only */
	bool changes;		/* forbidden by --read-only */
};
/* The keys by which everything scrolls; page_down: its word in the footer, or NULL. */
#define SCROLL_KEYS(page_down)                                                                                         \
	{ACTION_UP, NULL, false}, {ACTION_DOWN, NULL, false}, {ACTION_PAGE_UP, NULL, false},                               \
		{ACTION_PAGE_DOWN, page_down, false}, {ACTION_TOP, NULL, false}, {                                             \
		ACTION_BOTTOM, NULL, false                                                                                     \
	}
/* What must follow a key: the console acts on it, the screen does not. */
enum after_kind { AFTER_NOTHING, AFTER_DRAW, AFTER_OPEN /* screen by name, with arg */, AFTER_BACK };
struct after {
	enum after_kind kind;
	const char *screen;
	char arg[64];
};
struct screen {
	const char *name, *title;
	char digit;					   /* '1'..'8', or 0: reached from another */
	const char *help;			   /* a paragraph above the keys */
	const struct screen_key *keys; /* beyond the console's own; in order of the footer */
	size_t key_n;
	const struct part *const *parts; /* what it draws, NULL-terminated: drawn anew when one changed, hidden when left */
	size_t state_size;				 /* zeroed memory of its own, kept while the console runs */
	void (*enter)(struct host *host, void *self, const char *arg);
	void (*leave)(struct host *host, void *self);
	void (*data)(struct host *host, void *self, unsigned changed); /* the model changed; may ask for more */
	void (*draw)(
		void *self, const struct model *m, const struct canvas *c); /* self: scroll positions may follow the size */
	struct after (*act)(struct host *host, void *self, enum action action, const struct key_event *key);
	/* The prompt's text while `/` is open (live), and when it was entered. */
	void (*search)(struct host *host, void *self, const char *text, bool entered);
	void (*remember)(const void *self, cJSON *to); /* per user, over runs */
	void (*recall)(void *self, const cJSON *from);
	void (*done)(void *self);
};
extern const struct screen *const screens[]; /* ui/screens/screens.c; NULL-terminated; the first is home */
extern const struct part *const parts[];	 /* ui/screens/parts.c: the model's table */
const struct screen *screen_by_name(const char *name);
