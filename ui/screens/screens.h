/* SPDX-License-Identifier: MIT */
/* One const struct screen a file. */
#pragma once

#include "base/units.h"
#include "ui/screens/screen.h"
#include "ui/widgets/pager.h"
#include "ui/widgets/table.h"

extern const struct screen screen_sessions, screen_session, screen_station, screen_handover;

/* What several screens say alike. */
enum role state_role(const struct session_row *row);
/* "uploading", "held", "paused", "ignored", "safe: data" … one word or two. */
const char *state_words(const struct session_row *row);
const char *recorded_text(char to[32], const char *session);	 /* "13:45:02", "?" for a day that never was */
const char *when_text(char to[32], int64_t ms, int64_t now_ms);	 /* "14:02:11", with the date when not of today; "-" */
const char *when_short(char to[32], int64_t ms, int64_t now_ms); /* "14:02:11", "11-19 12:02": 11 columns */
/* Live figures: only while the engine says them and the cloud answers; else NULL. bytes > 0. */
const struct work *live_work(const struct model *m, const struct session_row *row);
/* Of that: the part that is sent, 0 to 1, and how long the rest takes, "" while nothing moves. */
double work_part(const struct work *w);
const char *work_left(char to[UNIT_TEXT], const struct work *w);
/* A name and its value, in the pager's column `hang`. */
void fact_add(struct pager *p, enum role role, const char *name, const char *value);
/* Text at the bottom of c under a rule; nothing where rows would have no room above it. The rows it takes. */
int foot_draw(const struct canvas *c, const char *text);
/* The row of a screen's panes, `here` marked: "[Files 12] Checks 15". */
struct pane_bar { /* where it was drawn last, in the terminal */
	int y, n, end[8];
};
void panes_draw(const struct canvas *c, int y, const char *const *titles, int n, int here, struct pane_bar *ret_bar);
int panes_click(const struct pane_bar *b, const struct key_event *key); /* the pane whose title it hit, or -1 */
#define WHY_LEAST 2														/* rows: less cannot be paged through */
/* An answer that may be longer than its place: `w` shows the rest page by page. */
struct why_view {
	int top, height, rows; /* of what was drawn last */
};
int why_draw(struct why_view *v, const struct canvas *c, const char *why); /* the rows it takes of c */
bool why_next(struct why_view *v);										   /* false: that was all */
/* A cell of a table of events. */
enum { EVENT_TIME, EVENT_LEVEL, EVENT_CODE, EVENT_SESSION, EVENT_MESSAGE, EVENT_COLUMN_N };
extern const struct column event_columns[EVENT_COLUMN_N];
void event_cell(const struct event_row *e, int column, int64_t now_ms, const struct canvas *c, bool selected);
/* `ignore` over sessions, after the question. */
void ignore_ask(struct host *host, const char *const *names, size_t n);
