/* SPDX-License-Identifier: MIT */
/* Around every screen. Every figure comes from the model and shows its age once it is old; what is not known is a dash.
 */
#include "ui/frame.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "ui/widgets/pager.h"

#define OLD_MS 10000 /* a live figure older than this says so */

const struct screen_key frame_keys[] = {
	{ACTION_HELP, "help", false},
	{ACTION_COMMAND, NULL, false},
	{ACTION_HANDOVER, NULL, false},
	{ACTION_RESCAN, NULL, true},
	{ACTION_THEME, NULL, false},
	{ACTION_MOUSE, NULL, false},
	{ACTION_REPAINT, NULL, false},
	{ACTION_BACK, "back", false},
	{ACTION_QUIT, NULL, false},
};
const size_t frame_key_n = ARRAY_LEN(frame_keys);

struct canvas frame_body(const struct canvas *c) {
	if (c->h < FRAME_HEIGHT_LEAST || c->w < FRAME_WIDTH_LEAST) return canvas_sub(c, 0, 0, 0, 0);
	return canvas_sub(c, 2, 0, c->h - 3, c->w);
}

/* --- the header --- */

struct item {
	char text[128];
	enum role role;
	int priority; /* the highest drops first */
};

static void item_cloud(const struct model *m, struct item *i) {
	const struct status *s = &m->status;
	char age[UNIT_TEXT];
	i->role = ROLE_TITLE;
	if (m->link != LINK_UP && !s->at_ms) {
		snprintf(i->text, sizeof i->text, m->link == LINK_NONE ? "no engine" : "engine -");
		i->role = ROLE_WARN;
	} else if (m->link != LINK_UP) {
		snprintf(i->text, sizeof i->text, "engine gone %s", unit_age(age, m->now_ms - m->link_since_ms));
		i->role = ROLE_BAD;
	} else if (!s->cloud_ok) {
		if (s->cloud_answer_ms)
			snprintf(i->text, sizeof i->text, "! cloud lost %s", unit_age(age, m->now_ms - s->cloud_answer_ms));
		else snprintf(i->text, sizeof i->text, "! cloud not reached");
		i->role = ROLE_BAD;
	} else if (s->latency_ms < 0) snprintf(i->text, sizeof i->text, "cloud -");
	else snprintf(i->text, sizeof i->text, "● cloud ok %lld ms", (long long)s->latency_ms);
}

static void item_rate(const struct model *m, struct item *i) {
	const struct status *s = &m->status;
	char age[UNIT_TEXT];
	i->role = ROLE_TITLE;
	if (!s->at_ms) snprintf(i->text, sizeof i->text, "up -");
	else if (m->now_ms - s->at_ms > OLD_MS && m->link != LINK_UP)
		snprintf(i->text, sizeof i->text, "up - (%s)", unit_age(age, m->now_ms - s->at_ms));
	else snprintf(i->text, sizeof i->text, "up %s", UNIT_RATE(s->rate));
}

static void item_disk(const struct model *m, struct item *i) {
	const struct status *s = &m->status;
	char hms[TIME_TEXT];
	i->role = ROLE_TITLE;
	if (!s->disk_total) snprintf(i->text, sizeof i->text, "disk -");
	else if (s->disk_full_ms) {
		snprintf(i->text, sizeof i->text, "disk full at %.5s", time_local_hms(hms, s->disk_full_ms));
		i->role = s->disk_full_ms - m->now_ms < 3600000 ? ROLE_BAD : ROLE_WARN;
	} else snprintf(i->text, sizeof i->text, "disk %s free", UNIT_BYTES(s->disk_free));
}

static const char *endpoint_host(const char *endpoint) {
	const char *mark = strstr(endpoint, "://");
	return mark ? mark + 3 : endpoint;
}

static void frame_header(const struct model *m, const struct canvas *c) {
	const struct status *s = &m->status;
	char left[256], hms[TIME_TEXT];
	struct item items[4] = {{.priority = 1}, {.priority = 2}, {.priority = 3}, {.priority = 0}};
	item_cloud(m, &items[0]);
	item_rate(m, &items[1]);
	item_disk(m, &items[2]);
	snprintf(items[3].text, sizeof items[3].text, "%.5s", time_local_hms(hms, m->now_ms));
	items[3].role = ROLE_TITLE;
	snprintf(left, sizeof left, " headgate  %s%s%s%s", s->station, s->endpoint[0] ? " > " : "",
		endpoint_host(s->endpoint), m->read_only ? "  (read-only)" : "");
	canvas_text(c, 0, 0, c->w, ROLE_TITLE, ALIGN_LEFT, left);
	int x = c->w - 1, name = MIN(text_columns(left), 24);
	for (size_t i = ARRAY_LEN(items); i-- > 0;) {
		int columns = text_columns(items[i].text);
		if (x - columns - 2 < name) continue;
		x -= columns;
		canvas_text(c, 0, x, columns, items[i].role, ALIGN_LEFT, items[i].text);
		x -= 3;
		if (x > 0) canvas_text(c, 0, x, 3, ROLE_TITLE, ALIGN_LEFT, "");
	}
}

/* --- tabs and verdict --- */

static enum role safe_role(enum safe safe) {
	switch (safe) {
	case SAFE_YES: return ROLE_GOOD;
	case SAFE_SOON: return ROLE_BUSY;
	case SAFE_NO: return ROLE_BAD;
	case SAFE_UNKNOWN: break;
	}
	return ROLE_STALE;
}

static void frame_tabs(const struct model *m, const struct screen *here, const struct canvas *c) {
	char verdict[200], tab[64];
	enum safe safe = model_safe(m, verdict, sizeof verdict);
	canvas_text(c, 1, 0, c->w, ROLE_TAB, ALIGN_LEFT, "");
	int x = 0;
	for (size_t i = 0; screens[i]; i++) {
		if (!screens[i]->digit) continue;
		snprintf(tab, sizeof tab, screens[i] == here ? "[%c %s]" : " %c %s ", screens[i]->digit, screens[i]->title);
		x += canvas_put(c, 1, x, screens[i] == here ? ROLE_TAB_HERE : ROLE_TAB, tab);
	}
	int columns = MIN(text_columns(verdict), c->w - x - 2);
	if (columns > 8) canvas_text(c, 1, c->w - columns - 1, columns, safe_role(safe), ALIGN_RIGHT, verdict);
}

void frame_draw(const struct model *m, const struct screen *here, const struct canvas *c) {
	frame_header(m, c);
	frame_tabs(m, here, c);
}

/* --- the footer --- */

static int footer_key(const struct canvas *c, int y, int x, const struct screen_key *k) {
	char key[16];
	int need = text_columns(action_key_text(k->action, key, sizeof key)) + 1 + text_columns(k->footer) + 2;
	if (x + need > c->w) return 0;
	int used = canvas_put(c, y, x, ROLE_KEY, key);
	canvas_put(c, y, x + used + 1, ROLE_TEXT, k->footer);
	return need;
}

void frame_footer(
	const struct model *m, const struct screen *here, const char *say, enum role say_role, const struct canvas *c) {
	int y = c->h - 1, x = 1;
	canvas_text(c, y, 0, c->w, say ? say_role : ROLE_TEXT, ALIGN_LEFT, say ? say : "");
	if (say) return;
	for (size_t i = 0; i < here->key_n; i++)
		if (here->keys[i].footer && !(m->read_only && here->keys[i].changes)) x += footer_key(c, y, x, &here->keys[i]);
	for (size_t i = 0; i < frame_key_n; i++)
		if (frame_keys[i].footer) x += footer_key(c, y, x, &frame_keys[i]);
}

/* --- very small terminals --- */

void frame_small(const struct model *m, const struct canvas *c) {
	char verdict[200];
	const struct journal_summary *s = &m->summary;
	enum safe safe = model_safe(m, verdict, sizeof verdict);
	canvas_clear(c);
	canvas_text(c, 0, 0, c->w, safe_role(safe), ALIGN_LEFT, verdict);
	if (m->summary_ms)
		canvas_fmt(
			c, 1, 0, c->w, ROLE_TEXT, "%lld/%lld today", (long long)s->today_accepted, (long long)s->today_found);
	canvas_fmt(
		c, c->h - 1, 0, c->w, ROLE_QUIET, "%dx%d: needs %dx%d", c->w, c->h, FRAME_WIDTH_LEAST, FRAME_HEIGHT_LEAST);
	canvas_cursor(c, 0, 0);
}

/* --- help --- */

static void help_key(const struct screen_key *k, bool read_only, struct pager *p) {
	const struct action_row *row = &action_rows[k->action];
	pager_add(
		p, ROLE_TEXT, "  %-12s %s%s", row->keys, row->words, read_only && k->changes ? " (read-only: not now)" : "");
}

void frame_help(const struct screen *here, bool read_only, struct pager *p) {
	pager_clear(p);
	pager_add(p, ROLE_HEADING, "%s", here->title);
	const char *at = here->help;
	while (at && *at) {
		size_t n = strcspn(at, "\n");
		pager_add(p, ROLE_TEXT, "%.*s", (int)n, at);
		at += n + (at[n] == '\n');
	}
	pager_add(p, ROLE_TEXT, " ");
	pager_add(p, ROLE_HEADING, "Keys of this screen");
	for (size_t i = 0; i < here->key_n; i++) help_key(&here->keys[i], read_only, p);
	pager_add(p, ROLE_HEADING, "Keys everywhere");
	for (size_t i = 0; screens[i]; i++)
		if (screens[i]->digit) pager_add(p, ROLE_TEXT, "  %-12c %s", screens[i]->digit, screens[i]->title);
	for (size_t i = 0; i < frame_key_n; i++) help_key(&frame_keys[i], read_only, p);
}
