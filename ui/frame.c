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

#define RUNWAY_MS (24 * 3600000) /* a time of day says when it is full, within a day only */

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
	int priority; /* the highest drops first; 0 stays */
};

static const char *const link_words[] = {
	[LINK_NONE] = "no engine",
	[LINK_CONNECTING] = "engine -",
	[LINK_LOST] = "gone",
	[LINK_SILENT] = "silent",
	[LINK_REFUSED] = "refused",
};

static void item_cloud(const struct model *m, struct item *i) {
	const struct status *s = &m->status;
	char age[UNIT_TEXT];
	i->role = ROLE_TITLE;
	if (m->link != LINK_UP && m->link < LINK_LOST) {
		snprintf(i->text, sizeof i->text, "%s", link_words[m->link]);
		i->role = ROLE_TITLE_WARN;
	} else if (m->link != LINK_UP) {
		snprintf(i->text, sizeof i->text, "! engine %s %s", link_words[m->link],
			span_text(age, m->now_ms - m->link_since_ms));
		i->role = ROLE_TITLE_BAD;
	} else if (!s->cloud_ok) {
		if (s->key_refused) snprintf(i->text, sizeof i->text, "! key refused");
		else if (s->cloud_answer_ms)
			snprintf(i->text, sizeof i->text, "! cloud lost %s", span_text(age, m->now_ms - s->cloud_answer_ms));
		else snprintf(i->text, sizeof i->text, "! cloud not reached");
		i->role = ROLE_TITLE_BAD;
	} else if (s->latency_ms < 0) snprintf(i->text, sizeof i->text, "cloud -");
	else snprintf(i->text, sizeof i->text, "● cloud ok %lld ms", (long long)s->latency_ms);
}

static void item_rate(const struct model *m, struct item *i) {
	const struct status *s = &m->status;
	char age[UNIT_TEXT];
	int64_t age_ms = part_age_ms(m, &part_status);
	i->role = ROLE_TITLE;
	if (!s->at_ms) snprintf(i->text, sizeof i->text, "up -");
	else if (age_ms >= 0) snprintf(i->text, sizeof i->text, "up - (%s)", unit_age(age, age_ms));
	else snprintf(i->text, sizeof i->text, "up %s", UNIT_RATE(s->rate));
}

static void item_disk(const struct model *m, struct item *i) {
	const struct status *s = &m->status;
	char hms[TIME_TEXT], age[UNIT_TEXT];
	int64_t age_ms = part_age_ms(m, &part_status);
	i->role = ROLE_TITLE;
	if (!s->disk_total) snprintf(i->text, sizeof i->text, "disk -");
	else if (age_ms >= 0)
		snprintf(i->text, sizeof i->text, "disk %s (%s)", UNIT_BYTES(s->disk_free), unit_age(age, age_ms));
	else if (s->disk_full_ms && s->disk_full_ms - m->now_ms < RUNWAY_MS) {
		snprintf(i->text, sizeof i->text, "disk full at %.5s", time_local_hms(hms, s->disk_full_ms));
		i->role = s->disk_full_ms - m->now_ms < 3600000 ? ROLE_TITLE_BAD : ROLE_TITLE_WARN;
		i->priority = 1;
	} else snprintf(i->text, sizeof i->text, "disk %s free", UNIT_BYTES(s->disk_free));
}

static const char *endpoint_host(const char *endpoint) {
	const char *mark = strstr(endpoint, "://");
	return mark ? mark + 3 : endpoint;
}

/* The left part, from the fullest (0) to the shortest. */
#define LEFT_N 3
static void header_left(const struct model *m, int shortness, char *to, size_t size) {
	const struct status *s = &m->status;
	const char *host = shortness < 2 ? endpoint_host(s->endpoint) : "";
	snprintf(to, size, " %s%s%s%s%s", shortness == 0 || !s->station[0] ? "headgate  " : "", s->station,
		*host ? " > " : "", host,
		!m->read_only	? ""
		: shortness < 2 ? "  (read-only)"
						: " read-only");
}

#define ITEM_N 4
#define ITEM_GAP 3

static int items_need(const struct item items[ITEM_N]) {
	int need = 0;
	for (int i = 0; i < ITEM_N; i++)
		if (items[i].text[0]) need += text_columns(items[i].text) + (need ? ITEM_GAP : 0);
	return need;
}

/* The figure that is worth least goes; false: only what must stay is left. */
static bool items_drop(struct item items[ITEM_N]) {
	int worst = -1;
	for (int i = 0; i < ITEM_N; i++)
		if (items[i].text[0] && items[i].priority > 0 && (worst < 0 || items[i].priority > items[worst].priority))
			worst = i;
	if (worst >= 0) items[worst].text[0] = '\0';
	return worst >= 0;
}

static void frame_header(const struct model *m, const struct canvas *c) {
	char left[512], hms[TIME_TEXT];
	struct item items[ITEM_N] = {
		{.priority = 0}, {.priority = 4}, {.priority = 3}, {.priority = 2, .role = ROLE_TITLE}};
	int shortness = 0, need;
	item_cloud(m, &items[0]);
	item_rate(m, &items[1]);
	item_disk(m, &items[2]);
	snprintf(items[3].text, sizeof items[3].text, "%.5s", time_local_hms(hms, m->now_ms));
	for (;;) {
		header_left(m, shortness, left, sizeof left);
		need = items_need(items) + 1;
		if (text_columns(left) + 2 + need <= c->w) break;
		if (shortness + 1 < LEFT_N) shortness++;
		else if (!items_drop(items)) break;
	}
	canvas_text(c, 0, 0, c->w, ROLE_TITLE, ALIGN_LEFT, "");
	int x = MAX(c->w - need, 0);
	struct canvas before = canvas_sub(c, 0, 0, 1, MAX(x - 1, 0));
	canvas_put(&before, 0, 0, ROLE_TITLE, left);
	for (int i = 0; i < ITEM_N; i++)
		if (items[i].text[0]) x += canvas_put(c, 0, x, items[i].role, items[i].text) + ITEM_GAP;
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

/* Draws the tabs (those that are not shown by their digit alone when `brief`); measures only when c is NULL.
 * *ret_at, when not NULL: the one in column `at`. */
static int tabs_put(
	const struct screen *here, bool brief, const struct canvas *c, int at, const struct screen **ret_at) {
	char tab[64];
	int x = 0;
	for (size_t i = 0; screens[i]; i++) {
		const struct screen *s = screens[i];
		if (!s->digit) continue;
		if (s == here) snprintf(tab, sizeof tab, "[%c %s]", s->digit, s->title);
		else if (brief) snprintf(tab, sizeof tab, " %c ", s->digit);
		else snprintf(tab, sizeof tab, " %c %s ", s->digit, s->title);
		if (c) canvas_put(c, 1, x, s == here ? ROLE_TAB_HERE : ROLE_TAB, tab);
		if (ret_at && at >= x && at < x + text_columns(tab)) *ret_at = s;
		x += text_columns(tab);
	}
	return x;
}

static bool tabs_brief(const struct screen *here, const char *verdict, int width) {
	return tabs_put(here, false, NULL, 0, NULL) + text_columns(verdict) + 2 > width;
}

const struct screen *frame_tab(const struct model *m, const struct screen *here, int width, int x) {
	char verdict[200];
	const struct screen *at = NULL;
	model_safe(m, verdict, sizeof verdict);
	tabs_put(here, tabs_brief(here, verdict, width), NULL, x, &at);
	return at;
}

static void frame_tabs(const struct model *m, const struct screen *here, const struct canvas *c) {
	char verdict[200];
	enum safe safe = model_safe(m, verdict, sizeof verdict);
	bool brief = tabs_brief(here, verdict, c->w);
	canvas_text(c, 1, 0, c->w, ROLE_TAB, ALIGN_LEFT, "");
	int x = tabs_put(here, brief, c, 0, NULL), columns = MIN(text_columns(verdict), c->w - x - 2);
	if (columns > 8) canvas_text(c, 1, c->w - columns - 1, columns, safe_role(safe), ALIGN_RIGHT, verdict);
}

void frame_draw(const struct model *m, const struct screen *here, const struct canvas *c) {
	frame_header(m, c);
	frame_tabs(m, here, c);
}

/* --- the footer --- */

/* Draws a key and its word, up to column `right`; measures only when c is NULL. */
static int footer_key(const struct canvas *c, int x, int right, enum action action, const char *word) {
	char key[16];
	int columns = text_columns(action_key_text(action, key, sizeof key)), need = columns + 1 + text_columns(word) + 2;
	if (!c || x + need > right + 2) return c ? 0 : need;
	canvas_put(c, c->h - 1, x, ROLE_KEY, key);
	canvas_put(c, c->h - 1, x + columns + 1, ROLE_TEXT, word);
	return need;
}

static const char *footer_word(const struct screen_key *k, const struct screen *here) {
	return k->action == ACTION_BACK && here == screens[0] ? "quit" : k->footer;
}

void frame_footer(
	const struct model *m, const struct screen *here, const char *say, enum role say_role, const struct canvas *c) {
	int x = 1, own = 0;
	canvas_text(c, c->h - 1, 0, c->w, say ? say_role : ROLE_TEXT, ALIGN_LEFT, say ? say : "");
	if (say) return;
	for (size_t i = 0; i < frame_key_n; i++)
		if (frame_keys[i].footer)
			own += footer_key(NULL, 0, 0, frame_keys[i].action, footer_word(&frame_keys[i], here));
	for (size_t i = 0; i < here->key_n; i++) /* the console's own must fit behind them */
		if (here->keys[i].footer && !(m->read_only && here->keys[i].changes))
			x += footer_key(c, x, c->w - own, here->keys[i].action, here->keys[i].footer);
	for (size_t i = 0; i < frame_key_n; i++)
		if (frame_keys[i].footer) x += footer_key(c, x, c->w, frame_keys[i].action, footer_word(&frame_keys[i], here));
}

/* --- very small terminals --- */

void frame_small(const struct model *m, const struct canvas *c) {
	char verdict[200];
	const struct journal_summary *s = &m->summary.journal;
	struct canvas above = canvas_sub(c, 0, 0, MAX(c->h - 1, 1), c->w);
	canvas_clear(c);
	int y = canvas_block(&above, 0, safe_role(model_safe(m, verdict, sizeof verdict)), verdict);
	if (m->summary.at_ms)
		canvas_fmt(
			&above, y, 0, c->w, ROLE_TEXT, "%lld/%lld today", (long long)s->today_accepted, (long long)s->today_found);
	if (c->h > 1)
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
	p->hang = 1;
	pager_add(p, ROLE_HEADING, " %s", here->title);
	if (here->help) pager_add(p, ROLE_TEXT, " %s", here->help);
	p->hang = 16;
	pager_add(p, ROLE_TEXT, " ");
	pager_add(p, ROLE_HEADING, " Keys of this screen");
	for (size_t i = 0; i < here->key_n; i++) help_key(&here->keys[i], read_only, p);
	pager_add(p, ROLE_HEADING, " Keys everywhere");
	for (size_t i = 0; screens[i]; i++)
		if (screens[i]->digit) pager_add(p, ROLE_TEXT, "  %-12c %s", screens[i]->digit, screens[i]->title);
	for (size_t i = 0; i < frame_key_n; i++) help_key(&frame_keys[i], read_only, p);
}
