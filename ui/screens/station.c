/* SPDX-License-Identifier: MIT */
/* The station itself: the engine, cloud, queue, disk and folders with the rates of the last minutes; its events; its
 * configuration with the place of each value; and every station of this cloud, the silent ones first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "station/control/client.h"
#include "ui/screens/screens.h"
#include "ui/widgets/chart.h"

#define EVENTS_SHOWN 1000
#define CHART_LEAST 6 /* rows; below, the chart is left out */
#define CHART_MOST 12

enum pane { PANE_OVERVIEW, PANE_EVENTS, PANE_CONFIG, PANE_FLEET, PANE_N };

struct station_screen {
	enum pane pane;
	struct pane_bar bar;
	char filter[64];
	struct pager overview;
	struct table_view views[PANE_N];
	size_t *fit; /* rows of the pane that fit the filter, in their order; made anew by each draw */
	size_t fit_n, fit_capacity;
	const struct model *model;
};

/* --- overview --- */

static void fact_engine(struct pager *p, const struct model *m) {
	static const char *const words[] = {
		[LINK_NONE] = "none runs on this station: nothing uploads",
		[LINK_CONNECTING] = "connecting",
		[LINK_LOST] = "gone",
		[LINK_SILENT] = "silent",
		[LINK_REFUSED] = "refused",
	};
	const struct status *s = &m->status;
	char text[400], age[UNIT_TEXT];
	if (m->link == LINK_UP)
		snprintf(text, sizeof text, "running for %s, headgate %s, process %lld, instance %s",
			s->since_ms ? span_text(age, m->now_ms - s->since_ms) : "-", s->version, (long long)s->pid, s->instance);
	else
		snprintf(text, sizeof text, "%s%s%s%s%s", words[m->link], m->link_since_ms ? ", for " : "",
			m->link_since_ms ? span_text(age, m->now_ms - m->link_since_ms) : "", m->link_err.code ? ": " : "",
			m->link_err.code ? m->link_err.text : "");
	fact_add(p, m->link == LINK_UP ? ROLE_TEXT : ROLE_BAD, "engine", text);
	if (m->link != LINK_UP && s->at_ms) {
		snprintf(text, sizeof text, "what follows is %s old", span_text(age, m->now_ms - s->at_ms));
		fact_add(p, ROLE_STALE, "", text);
	}
}

static const char *seconds_text(char to[32], int64_t ms) {
	snprintf(to, 32, "%.1f s", (double)ms / 1000);
	return to;
}

static void fact_cloud(struct pager *p, enum role role, const struct model *m) {
	const struct status *s = &m->status;
	char text[700], age[UNIT_TEXT];
	int n;
	fact_add(p, role, "cloud", s->endpoint[0] ? s->endpoint : "-");
	if (s->cloud_ok && s->latency_ms >= 0)
		n = snprintf(text, sizeof text, "answers in %lld ms", (long long)s->latency_ms);
	else if (s->cloud_ok) n = snprintf(text, sizeof text, "answers");
	else if (s->key_refused) n = snprintf(text, sizeof text, "%s", s->cloud_error);
	else
		n = snprintf(text, sizeof text, "lost%s%s%s: %s", s->cloud_answer_ms ? ", it last answered " : "",
			s->cloud_answer_ms ? span_text(age, m->now_ms - s->cloud_answer_ms) : "", s->cloud_answer_ms ? " ago" : "",
			s->cloud_error[0] ? s->cloud_error : "no answer yet");
	if (s->token_expires_ms && n > 0 && (size_t)n < sizeof text)
		snprintf(text + n, sizeof text - (size_t)n,
			s->token_expires_ms > m->now_ms ? "; token good for %s" : "; token expired",
			UNIT_DURATION(s->token_expires_ms - m->now_ms));
	fact_add(p, s->cloud_ok ? role : ROLE_BAD, "", text);
	int64_t off_ms = s->clock_offset_ms < 0 ? -s->clock_offset_ms : s->clock_offset_ms;
	if (off_ms < 1000) snprintf(text, sizeof text, "as the cloud's, to the second"); /* as its answers tell the time */
	else
		snprintf(text, sizeof text, "%s %s the cloud's%s",
			off_ms < 60000 ? seconds_text((char[32]){0}, off_ms) : UNIT_DURATION(off_ms),
			s->clock_offset_ms < 0 ? "ahead of" : "behind",
			off_ms > CLOCK_OFF_MS ? ": set it, requests are refused" : "");
	fact_add(p, off_ms > CLOCK_OFF_MS ? ROLE_BAD : role, "clock", s->cloud_answer_ms ? text : "-");
}

static void fact_queue(struct pager *p, enum role role, const struct model *m) {
	const struct status *s = &m->status;
	char text[300];
	const char *connections = NULL;
	for (size_t i = 0; i < m->config_n && !connections; i++)
		if (strcmp(m->config[i].section, "upload") == 0 && strcmp(m->config[i].name, "connections") == 0)
			connections = m->config[i].value;
	snprintf(text, sizeof text, "%lld uploading, %lld queued, %s left, %s, ready in %s%s%s%s", (long long)s->active,
		(long long)s->queued, UNIT_BYTES(s->bytes_left), m->link == LINK_UP ? UNIT_RATE(s->rate) : "no rate",
		s->eta_ms >= 0 && m->link == LINK_UP ? UNIT_DURATION(s->eta_ms) : "-", connections ? ", over " : "",
		connections ? connections : "", connections ? " connections" : "");
	fact_add(p, role, "queue", text);
}

static void fact_disk(struct pager *p, enum role role, const struct model *m) {
	const struct status *s = &m->status;
	char text[400], when[32];
	if (!s->disk_total) snprintf(text, sizeof text, "-");
	else if (s->disk_full_ms)
		snprintf(text, sizeof text, "%s of %s free on %s, full at %s by the rates of now", UNIT_BYTES(s->disk_free),
			UNIT_BYTES(s->disk_total), s->disk_path, when_text(when, s->disk_full_ms, m->now_ms));
	else
		snprintf(text, sizeof text, "%s of %s free on %s, not filling up", UNIT_BYTES(s->disk_free),
			UNIT_BYTES(s->disk_total), s->disk_path);
	fact_add(p, s->disk_full_ms ? ROLE_WARN : role, "disk", text);
}

/* How old the look is, and what looks like a recording and is not named like one. */
static void fact_look(struct pager *p, enum role role, const struct model *m) {
	const struct status *s = &m->status;
	char text[700], age[UNIT_TEXT], compared[UNIT_TEXT];
	if (!s->look.at_ms) return;
	snprintf(text, sizeof text, "at every folder %s ago%s%s", span_text(age, MAX(0, m->now_ms - s->look.at_ms)),
		s->look.oldest_ms ? "; each accepted session compared within " : "",
		s->look.oldest_ms ? span_text(compared, MAX(0, m->now_ms - s->look.oldest_ms)) : "");
	fact_add(p, role, "looked", text);
	for (size_t i = 0; i < s->name_n; i++) {
		snprintf(text, sizeof text, "%s/%s %s", s->names[i].root, s->names[i].path, s->names[i].reason);
		fact_add(p, ROLE_BAD, i ? "" : "rename", text);
	}
	if (s->look.names <= (int64_t)s->name_n) return;
	snprintf(text, sizeof text, "and %lld more: headgate status", (long long)(s->look.names - (int64_t)s->name_n));
	fact_add(p, ROLE_BAD, "", text);
}

static void fill_overview(struct pager *p, const struct model *m) {
	const struct status *s = &m->status;
	enum role role = m->link == LINK_UP ? ROLE_TEXT : ROLE_STALE;
	char text[600];
	pager_clear(p);
	p->hang = 13;
	fact_engine(p, m);
	if (!s->at_ms) {
		fact_add(p, ROLE_QUIET, "", "cloud, queue, disk and folders are known to a running engine only");
		return;
	}
	fact_cloud(p, role, m);
	fact_queue(p, role, m);
	fact_disk(p, role, m);
	for (size_t i = 0; i < s->folder_n; i++) {
		snprintf(text, sizeof text, "%s  %s%s%s", s->folders[i].path,
			s->folders[i].ok ? s->folders[i].watching : "cannot be read", s->folders[i].error[0] ? ": " : "",
			s->folders[i].error);
		fact_add(p, s->folders[i].ok ? role : ROLE_BAD, i ? "" : "folders", text);
	}
	fact_look(p, role, m);
}

static const char *rate_label(char to[32], double value) { return unit_rate(to, value); }

static void draw_overview(struct station_screen *s, const struct model *m, const struct canvas *c) {
	struct canvas none = canvas_sub(c, 0, 0, 0, c->w);
	fill_overview(&s->overview, m);
	pager_draw(&s->overview, &none); /* lays it out: how many rows it needs */
	int room = c->h - (int)s->overview.row_n - 1,
		chart = m->status.at_ms && room >= CHART_LEAST ? MIN(room, CHART_MOST) : 0;
	int above = chart ? (int)s->overview.row_n + 1 : c->h;
	struct canvas text = canvas_sub(c, 0, 0, above, c->w);
	pager_draw(&s->overview, &text);
	if (!chart) return;
	const struct chart k = {.values = m->status.rates,
		.n = CONTROL_RATES,
		.step_ms = CONTROL_RATE_MS,
		.end_ms = m->status.at_ms,
		.label = rate_label};
	struct canvas below = canvas_sub(c, above, 1, chart, MIN(c->w - 2, CONTROL_RATES + 11));
	canvas_text(c, above, 0, c->w, ROLE_HEADING, ALIGN_LEFT, " Upload rate");
	struct canvas plot = canvas_sub(&below, 1, 0, chart - 1, below.w);
	chart_draw(&k, &plot);
}

/* --- rows of the other panes --- */

static bool draw_event(
	void *arg, int64_t row, int column, const struct canvas *c, const struct canvas *rest, bool selected) {
	(void)rest;
	const struct station_screen *s = arg;
	const struct model *m = s->model;
	event_cell(&m->events.rows[s->fit[row]], column, m->now_ms, c, selected);
	return false;
}

enum { CONFIG_NAME, CONFIG_VALUE, CONFIG_SOURCE };
static const struct column config_columns[] = {
	[CONFIG_NAME] = {" KEY", 20, 28, 0, ALIGN_LEFT},
	[CONFIG_VALUE] = {"VALUE", 12, 0, 0, ALIGN_LEFT},
	[CONFIG_SOURCE] = {"FROM", 12, 34, 1, ALIGN_LEFT},
};

static bool draw_config(
	void *arg, int64_t row, int column, const struct canvas *c, const struct canvas *rest, bool selected) {
	(void)rest;
	const struct station_screen *s = arg;
	const struct config_line *l = &s->model->config[s->fit[row]];
	enum role role = selected ? ROLE_SELECTED : strcmp(l->source, "default") == 0 ? ROLE_QUIET : ROLE_TEXT;
	if (column == CONFIG_NAME) canvas_fmt(c, 0, 0, c->w, role, " %s.%s", l->section, l->name);
	else
		canvas_text(c, 0, 0, c->w, role, ALIGN_LEFT, column == CONFIG_VALUE ? (*l->value ? l->value : "-") : l->source);
	return false;
}

enum { FLEET_NAME, FLEET_SEEN, FLEET_QUEUE, FLEET_LEFT, FLEET_HELD, FLEET_OLDEST, FLEET_DISK, FLEET_VERSION };
static const struct column fleet_columns[] = {
	[FLEET_NAME] = {" STATION", 12, 24, 0, ALIGN_LEFT},
	[FLEET_SEEN] = {"HEARTBEAT", 15, 16, 0, ALIGN_LEFT},
	[FLEET_QUEUE] = {"QUEUE", 6, 6, 2, ALIGN_RIGHT},
	[FLEET_LEFT] = {"LEFT", 9, 9, 3, ALIGN_RIGHT},
	[FLEET_HELD] = {"HELD", 5, 5, 1, ALIGN_RIGHT},
	[FLEET_OLDEST] = {"OLDEST UNSAFE", 13, 16, 1, ALIGN_RIGHT},
	[FLEET_DISK] = {"DISK FREE", 9, 9, 4, ALIGN_RIGHT},
	[FLEET_VERSION] = {"VERSION", 8, 0, 5, ALIGN_LEFT},
};

static bool draw_fleet(
	void *arg, int64_t row, int column, const struct canvas *c, const struct canvas *rest, bool selected) {
	(void)rest;
	const struct station_screen *s = arg;
	const struct model *m = s->model;
	const struct fleet_station *f = &m->fleet.stations[s->fit[row]];
	bool silent = m->now_ms - f->beat_ms > STATION_SILENT_MS;
	enum role role = selected						   ? ROLE_SELECTED
					 : silent						   ? ROLE_BAD
					 : f->held && column == FLEET_HELD ? ROLE_WARN
													   : ROLE_TEXT;
	char text[128] = "-", age[UNIT_TEXT];
	bool said = f->beat_ms || column == FLEET_NAME || column == FLEET_SEEN; /* else nothing is known of it */
	switch (said ? column : -1) {
	case FLEET_NAME: snprintf(text, sizeof text, " %s", f->station); break;
	case FLEET_SEEN:
		if (!f->beat_ms) snprintf(text, sizeof text, "never");
		else snprintf(text, sizeof text, "%s%s", silent ? "SILENT " : "", unit_age(age, m->now_ms - f->beat_ms));
		break;
	case FLEET_QUEUE: snprintf(text, sizeof text, "%lld", (long long)f->queue); break;
	case FLEET_LEFT: unit_bytes(text, f->bytes_left); break;
	case FLEET_HELD: snprintf(text, sizeof text, "%lld", (long long)f->held); break;
	case FLEET_OLDEST:
		if (f->oldest_unsafe_ms) unit_age(text, m->now_ms - f->oldest_unsafe_ms);
		break;
	case FLEET_DISK:
		if (f->disk_free > 0) unit_bytes(text, f->disk_free);
		break;
	case FLEET_VERSION: text_copy(text, sizeof text, f->version); break;
	}
	canvas_text(c, 0, 0, c->w, role, fleet_columns[column].align, text);
	return false;
}

/* --- the filter --- */

static size_t rows_of(const struct model *m, enum pane pane) {
	const size_t n[PANE_N] = {[PANE_EVENTS] = m->events.n, [PANE_CONFIG] = m->config_n, [PANE_FLEET] = m->fleet.n};
	return n[pane];
}

static void row_text(const struct model *m, enum pane pane, size_t i, char *to, size_t size) {
	if (pane == PANE_EVENTS)
		snprintf(to, size, "%s %s%s%s %s", m->events.rows[i].level, m->events.rows[i].code,
			m->events.rows[i].session_name[0] ? " " : "", m->events.rows[i].session_name,
			m->events.rows[i].message ? m->events.rows[i].message : "");
	else if (pane == PANE_CONFIG)
		snprintf(
			to, size, "%s.%s %s %s", m->config[i].section, m->config[i].name, m->config[i].value, m->config[i].source);
	else snprintf(to, size, "%s %s", m->fleet.stations[i].station, m->fleet.stations[i].version);
}

static void fit_make(struct station_screen *s, const struct model *m) {
	char text[1200];
	s->fit_n = 0;
	for (size_t i = 0; i < rows_of(m, s->pane); i++) {
		row_text(m, s->pane, i, text, sizeof text);
		if (s->filter[0] && !strcasestr(text, s->filter)) continue;
		ARRAY_RESERVE(s->fit, s->fit_n, s->fit_capacity);
		s->fit[s->fit_n++] = i;
	}
}

/* --- panes --- */

static const struct {
	const char *title;
	const struct column *columns;
	int column_n;
	table_cell_draw *draw;
	const char *none;
} panes[PANE_N] = {
	[PANE_OVERVIEW] = {"Overview", NULL, 0, NULL, NULL},
	[PANE_EVENTS] = {"Events", event_columns, EVENT_COLUMN_N, draw_event, "no event yet"},
	[PANE_CONFIG] = {"Configuration", config_columns, ARRAY_LEN(config_columns), draw_config,
		"the configuration could not be read"},
	[PANE_FLEET] = {"Fleet", fleet_columns, ARRAY_LEN(fleet_columns), draw_fleet, "the cloud knows no station yet"},
};

/* One line about the pane's rows: the filter, their age, why there are none. Its rows: 0 or 1. */
static int draw_note(const struct station_screen *s, const struct model *m, const struct canvas *c) {
	char text[500], age[UNIT_TEXT];
	enum role role = ROLE_QUIET;
	const struct error *fleet_err = part_error(m, &part_fleet);
	if (s->pane == PANE_FLEET && fleet_err->code) {
		int64_t age_ms = part_age_ms(m, &part_fleet);
		snprintf(text, sizeof text, " %s%s%s", fleet_err->text, age_ms < 0 ? "" : "; this is from before, age ",
			age_ms < 0 ? "" : unit_age(age, age_ms));
		role = ROLE_BAD;
	} else if (s->pane == PANE_EVENTS && m->journal_err.code) {
		snprintf(text, sizeof text, " %s", m->journal_err.text);
		role = ROLE_BAD;
	} else if (s->filter[0]) {
		snprintf(text, sizeof text, " filter \"%s\": %zu of %zu fit; / and Enter clear it", s->filter, s->fit_n,
			rows_of(m, s->pane));
		role = ROLE_MARKED;
	} else if (!s->fit_n) {
		bool asked = s->pane == PANE_FLEET ? !m->fleet.at_ms : s->pane == PANE_EVENTS && !m->events.at_ms;
		snprintf(text, sizeof text, " %s", asked ? "asking ..." : panes[s->pane].none);
	} else return 0;
	canvas_text(c, c->h - 1, 0, c->w, role, ALIGN_LEFT, text);
	return 1;
}

/* The selected row in full, where it is cut. */
static int draw_foot(const struct station_screen *s, const struct model *m, const struct canvas *c) {
	const struct table_view *view = &s->views[s->pane];
	char text[1200];
	if (s->pane == PANE_FLEET || !s->fit_n || view->selected >= (int64_t)s->fit_n) return 0;
	row_text(m, s->pane, s->fit[view->selected], text, sizeof text);
	return foot_draw(c, text);
}

static void station_draw(void *self, const struct model *m, const struct canvas *c) {
	struct station_screen *s = self;
	const char *titles[PANE_N];
	for (int i = 0; i < PANE_N; i++) titles[i] = panes[i].title;
	s->model = m;
	canvas_clear(c);
	panes_draw(c, 0, titles, PANE_N, (int)s->pane, &s->bar);
	struct canvas body = canvas_sub(c, 1, 0, c->h - 1, c->w);
	if (s->pane == PANE_OVERVIEW) {
		draw_overview(s, m, &body);
		return;
	}
	fit_make(s, m);
	table_view_keep(&s->views[s->pane], (int64_t)s->fit_n);
	int note = draw_note(s, m, &body);
	struct canvas rest = canvas_sub(&body, 0, 0, body.h - note, body.w);
	int foot = draw_foot(s, m, &rest);
	struct canvas table = canvas_sub(&rest, 0, 0, rest.h - foot, rest.w);
	table_view_draw(
		&s->views[s->pane], panes[s->pane].columns, panes[s->pane].column_n, -1, false, panes[s->pane].draw, s, &table);
}

/* --- keys --- */

static const struct screen_key station_keys[] = {
	{ACTION_PANE, "pane", false},
	{ACTION_SEARCH, "filter", false},
	{ACTION_COPY, "copy", false},
	{ACTION_LEFT, NULL, false},
	{ACTION_RIGHT, NULL, false},
	SCROLL_KEYS(NULL),
};

static void station_copy(struct host *host, const struct station_screen *s) {
	const struct model *m = host->model;
	int64_t row = s->views[s->pane].selected;
	char text[1200];
	if (s->pane == PANE_OVERVIEW) text_copy(text, sizeof text, m->status.station);
	else if (row < (int64_t)s->fit_n && s->fit[row] < rows_of(m, s->pane))
		row_text(m, s->pane, s->fit[row], text, sizeof text);
	else return;
	host_copy(host, text);
}

/* What a pane shows is asked for while it is shown. */
static void pane_enter(struct host *host, const struct station_screen *s) {
	const int64_t events = EVENTS_SHOWN;
	if (s->pane == PANE_EVENTS) host_show(host, &part_events, &events);
	else host_hide(host, &part_events);
	if (s->pane == PANE_FLEET) host_show(host, &part_fleet, NULL);
	else host_hide(host, &part_fleet);
}

static struct after pane_turn(struct host *host, struct station_screen *s, int step) {
	s->pane = (enum pane)(((int)s->pane + PANE_N + step) % PANE_N);
	s->filter[0] = '\0';
	s->fit_n = 0;
	pane_enter(host, s);
	return (struct after){.kind = AFTER_DRAW};
}

static struct after station_act(struct host *host, void *self, enum action action, const struct key_event *key) {
	struct station_screen *s = self;
	bool moved;
	int clicked = panes_click(&s->bar, key);
	if (clicked >= 0) return pane_turn(host, s, clicked - (int)s->pane);
	switch (action) {
	case ACTION_RIGHT:
	case ACTION_PANE: return pane_turn(host, s, 1);
	case ACTION_LEFT: return pane_turn(host, s, -1);
	case ACTION_COPY: station_copy(host, s); return (struct after){.kind = AFTER_DRAW};
	default: break;
	}
	if (s->pane == PANE_OVERVIEW) moved = pager_act(&s->overview, action, key);
	else moved = table_view_act(&s->views[s->pane], action, key);
	return (struct after){.kind = moved ? AFTER_DRAW : AFTER_NOTHING};
}

static void station_search(struct host *host, void *self, const char *text, bool entered) {
	struct station_screen *s = self;
	(void)entered;
	text_copy(s->filter, sizeof s->filter, text);
	if (s->pane == PANE_OVERVIEW) pager_search(&s->overview, text);
	else s->views[s->pane].selected = 0;
	host_draw(host);
}

/* --- coming, going, over runs --- */

static void station_enter(struct host *host, void *self, const char *arg) {
	struct station_screen *s = self;
	for (int i = 0; arg && *arg && i < PANE_N; i++)
		if (text_equal_nocase(arg, panes[i].title)) s->pane = (enum pane)i;
	pane_enter(host, s);
}

static void station_remember(const void *self, cJSON *to) {
	json_add_text(to, "pane", panes[((const struct station_screen *)self)->pane].title);
}

static void station_recall(void *self, const cJSON *from) {
	struct error ignored = ERROR_INIT;
	const char *pane = NULL;
	if (json_may_text(from, "pane", NULL, &pane, &ignored)) return;
	for (int i = 0; pane && i < PANE_N; i++)
		if (strcmp(panes[i].title, pane) == 0) ((struct station_screen *)self)->pane = (enum pane)i;
}

static void station_done(void *self) {
	struct station_screen *s = self;
	pager_done(&s->overview);
	free(s->fit);
}

const struct screen screen_station = {
	.name = "station",
	.title = "Station",
	.digit = '8',
	.help = "The engine of this station, its cloud, queue, disk and folders, with the upload rate of the last minutes; "
			"its events; the configuration with the place each value came from; and the fleet, silent stations first.",
	.keys = station_keys,
	.key_n = ARRAY_LEN(station_keys),
	.parts = (const struct part *const[]){&part_link, &part_status, &part_events, &part_fleet, NULL},
	.state_size = sizeof(struct station_screen),
	.enter = station_enter,
	.draw = station_draw,
	.act = station_act,
	.search = station_search,
	.remember = station_remember,
	.recall = station_recall,
	.done = station_done,
};
