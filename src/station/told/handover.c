/* SPDX-License-Identifier: MIT */
/* One walk over the events since the time; what needs a person now is asked for apart. */
#include "station/told/handover.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "station/told/lists.h"

#define KEPT_FILE "handover.json"
#define KEPT_MAX (64 << 10)
#define CHANGED_LISTED 200
#define LISTED 20

/* --- the last look --- */

/* NULL: this user has no home. */
static char *kept_path(char **ret_folder) {
	char *folder = *ret_folder = path_state_home("headgate");
	return *folder == '/' ? path_join(folder, KEPT_FILE) : NULL;
}

static cJSON *kept_read(const char *path) {
	AUTO(buf_done) struct buf text = BUF_INIT(KEPT_MAX + 1);
	struct error none = ERROR_INIT;
	cJSON *kept = NULL;
	if (file_read(path, KEPT_MAX, &text, &none) || json_parse(buf_text(&text), text.len, &kept, &none)) return NULL;
	if (json_is_object(kept)) return kept;
	json_free(kept);
	return NULL;
}

/* Two ways of writing one folder are one station. */
static char *kept_name(const char *state_dir) {
	char *real = realpath(state_dir, NULL);
	return real ? real : xstrdup(state_dir);
}

static int64_t kept_time(const char *text) {
	int64_t ms;
	return text && time_parse_rfc3339(text, &ms) == 0 ? ms : 0;
}

void handover_seen(const char *state_dir, struct handover_look *ret) {
	AUTO(xfree) char *folder = NULL, *path = kept_path(&folder);
	AUTO(xfree) char *name = kept_name(state_dir);
	AUTO(json_free) cJSON *kept = path ? kept_read(path) : NULL;
	const cJSON *look = json_get(kept, name); /* a time alone: of an older headgate */
	const char *at = json_is_object(look) ? json_get_text(look, "at") : json_as_text(look);
	*ret = (struct handover_look){.at_ms = kept_time(at)};
	int64_t event = json_get_i64(look, "event", 0);
	if (!ret->at_ms || event < 1) return;
	ret->event = event;
	ret->event_ms = kept_time(json_get_text(look, "event_at"));
}

/* State folders that are gone are forgotten: scratch ones would pile up. */
static cJSON *kept_prune(const cJSON *kept) {
	const cJSON *look;
	cJSON *to = json_object();
	json_each (look, kept)
		if (access(json_name(look), F_OK) == 0) json_add(to, json_name(look), json_copy(look));
	return to;
}

int handover_set_seen(const char *state_dir, const struct handover_look *look, struct error *err) {
	AUTO(xfree) char *folder = NULL, *path = kept_path(&folder);
	AUTO(xfree) char *name = kept_name(state_dir), *text = NULL;
	AUTO(json_free) cJSON *before = path ? kept_read(path) : NULL;
	if (!path)
		return error_set(
			err, ERR_CONFIG, "the time of this look cannot be kept: you have no home folder, set XDG_STATE_HOME");
	AUTO(json_free) cJSON *kept = kept_prune(before);
	json_free(json_take(kept, name));
	cJSON *o = json_object();
	json_add_time(o, "at", look->at_ms);
	if (look->event) json_add_i64(o, "event", look->event), json_add_time(o, "event_at", look->event_ms);
	json_add(kept, name, o);
	text = json_text(kept);
	if (file_mkdirs(folder, 0700, err)) return -1;
	return file_write_atomic(path, text, strlen(text), 0600, err);
}

/* --- what happened --- */

struct came { /* the last state that a session came to */
	int64_t session, at_ms;
	char name[16];
	enum session_state state;
};
struct walk {
	struct came *came; /* in order of session */
	size_t n, capacity;
	int64_t found, station_n, decided_n;
	struct handover_look look; /* its event: the last one of the walk */
	cJSON *station, *decided;  /* oldest first while they are gathered */
};

/* The place of the session, made when it is not there yet. Ids grow, so that most are appended. */
static struct came *walk_place(struct walk *w, int64_t session) {
	size_t low = 0, high = w->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (w->came[middle].session < session) low = middle + 1;
		else high = middle;
	}
	if (low < w->n && w->came[low].session == session) return &w->came[low];
	ARRAY_RESERVE(w->came, w->n, w->capacity);
	memmove(&w->came[low + 1], &w->came[low], (w->n - low) * sizeof *w->came);
	w->n++;
	w->came[low] = (struct came){.session = session};
	return &w->came[low];
}

/* The newest LISTED ones. */
static cJSON *walk_list(cJSON *list, int64_t *n, const struct event_row *e) {
	cJSON *o = json_object();
	json_add_time(o, "at", e->at_ms);
	json_add_text(o, "level", e->level);
	json_add_text(o, "code", e->code);
	json_add_text(o, "message", e->message);
	json_push(list, o);
	if (++*n > LISTED) json_free(json_take_first(list));
	return o;
}

static void walk_note(struct walk *w, const struct event_row *e) {
	if (!e->session && strcmp(e->level, "debug") != 0) walk_list(w->station, &w->station_n, e);
	else if (strcmp(e->code, EVENT_CODE_DECIDED) == 0)
		json_add_text(walk_list(w->decided, &w->decided_n, e), "session", e->session_name);
}

static int on_seen(void *arg, const struct event_row *e) {
	struct handover_look *found = arg;
	found->event = e->id;
	found->event_ms = e->at_ms;
	return 0;
}

static int on_event(void *arg, const struct event_row *e) {
	struct walk *w = arg;
	on_seen(&w->look, e);
	walk_note(w, e);
	if (e->state < 0) return 0;
	struct came *c = walk_place(w, e->session);
	w->found += e->state == STATE_FOUND;
	c->state = (enum session_state)e->state;
	c->at_ms = e->at_ms;
	text_copy(c->name, sizeof c->name, e->session_name);
	return 0;
}

static int came_newest_first(const void *a, const void *b) {
	const struct came *x = a, *y = b;
	return x->at_ms == y->at_ms ? strcmp(y->name, x->name) : x->at_ms < y->at_ms ? 1 : -1;
}

static cJSON *counts_json(const struct walk *w) {
	cJSON *o = json_object();
	int64_t by_state[STATE_N] = {0}, under_way = 0;
	for (size_t i = 0; i < w->n; i++) {
		by_state[w->came[i].state]++;
		under_way += !state_is_final(w->came[i].state);
	}
	json_add_i64(o, "found", w->found);
	json_add_i64(o, state_name(STATE_ACCEPTED), by_state[STATE_ACCEPTED]);
	for (int i = 0; i < STATE_N; i++)
		if (state_needs_person((enum session_state)i)) json_add_i64(o, state_name((enum session_state)i), by_state[i]);
	json_add_i64(o, "under_way", under_way);
	return o;
}

static cJSON *changed_json(struct walk *w) {
	cJSON *list = json_array();
	if (w->n) qsort(w->came, w->n, sizeof *w->came, came_newest_first);
	for (size_t i = 0; i < w->n && i < CHANGED_LISTED; i++) {
		cJSON *o = json_object();
		json_add_text(o, "session", w->came[i].name);
		json_add_text(o, "state", state_name(w->came[i].state));
		json_add_time(o, "at", w->came[i].at_ms);
		json_push(list, o);
	}
	return list;
}

/* Takes the list, of at most LISTED. */
static cJSON *reversed(cJSON *list) {
	cJSON *items[LISTED], *to = json_array();
	size_t n = 0;
	while (n < LISTED && (items[n] = json_take_first(list))) n++;
	while (n) json_push(to, items[--n]);
	json_free(list);
	return to;
}

static int walk_read(struct journal_view *v, const struct handover_look *since, struct walk *w, struct error *err) {
	int64_t after = since->event;
	if (after && journal_events(v, 0, after - 1, 1, on_seen, &w->look, err)) return -1;
	if (!after || w->look.event != after || w->look.event_ms != since->event_ms) {
		w->look.event = 0;
		if (journal_events_before(v, since->at_ms, &after, err)) return -1;
		if (after && journal_events(v, 0, after - 1, 1, on_seen, &w->look, err)) return -1;
	}
	return journal_events(v, 0, after, 0, on_event, w, err);
}

int handover_read(struct journal_view *v, const struct handover_look *since, int64_t now_ms, cJSON **ret,
	struct handover_look *ret_look, struct error *err) {
	struct walk w = {.station = json_array(), .decided = json_array(), .look.at_ms = now_ms};
	cJSON *attention = NULL, *names = NULL;
	int64_t attention_n = 0;
	if (walk_read(v, since, &w, err) || names_list(v, &names, err) ||
		attention_list(v, LISTED, &attention, &attention_n, err)) {
		json_free(names);
		json_free(w.station);
		json_free(w.decided);
		free(w.came);
		return -1;
	}
	cJSON *o = json_object();
	json_add_time(o, "since", since->at_ms);
	json_add_time(o, "until", now_ms);
	json_add(o, "names", names);
	json_add(o, "sessions", counts_json(&w));
	json_add(o, "changed", changed_json(&w));
	json_add_i64(o, "changed_n", (int64_t)w.n);
	json_add(o, "attention", attention);
	json_add_i64(o, "attention_n", attention_n);
	json_add(o, "station", reversed(w.station));
	json_add_i64(o, "station_n", w.station_n);
	json_add(o, "decided", reversed(w.decided));
	json_add_i64(o, "decided_n", w.decided_n);
	free(w.came);
	if (ret_look) *ret_look = w.look;
	*ret = o;
	return 0;
}

/* --- as text --- */

static int64_t number(const cJSON *o, const char *name) { return json_get_i64(o, name, 0); }

static const char *text(const cJSON *o, const char *name) {
	const char *s = json_get_text(o, name);
	return s ? s : "";
}

/* "2026-11-20 18:02", local. */
static const char *local_minute(char to[TIME_TEXT], const char *rfc3339) {
	struct tm tm;
	int64_t ms;
	to[0] = '\0';
	if (time_parse_rfc3339(rfc3339, &ms)) return to;
	time_t s = (time_t)(ms / 1000);
	if (localtime_r(&s, &tm)) strftime(to, TIME_TEXT, "%Y-%m-%d %H:%M", &tm);
	return to;
}

static void write_counts(const cJSON *sessions, struct buf *out) {
	const cJSON *count;
	bool any = false;
	double n;
	json_each (count, sessions) {
		const char *name = json_name(count);
		if (!json_as_double(count, &n) || n < 1) continue;
		buf_fmt(out, "%s%.0f %s", any ? ", " : "", n, strcmp(name, "under_way") == 0 ? "under way" : name);
		any = true;
	}
	buf_str(out, any ? "\n" : "no session changed\n");
}

static void write_changed(const cJSON *h, struct buf *out) {
	const cJSON *o;
	char when[TIME_TEXT];
	int64_t n = 0;
	json_each (o, json_get_array(h, "changed")) {
		if (++n > LISTED) break;
		buf_fmt(out, "  %s  %s  %s\n", local_minute(when, text(o, "at")), TEXT_SAFE(text(o, "session")),
			TEXT_SAFE(text(o, "state")));
	}
	if (number(h, "changed_n") > LISTED)
		buf_fmt(out, "  and %lld more: headgate sessions\n", (long long)(number(h, "changed_n") - LISTED));
}

/* A list of what walk_list gathered, and how many more there are. */
static void write_list(const cJSON *h, const char *name, const char *name_n, const char *title, struct buf *out) {
	const cJSON *o;
	char when[TIME_TEXT];
	if (!number(h, name_n)) return;
	buf_fmt(out, "\n%s\n", title);
	json_each (o, json_get_array(h, name)) {
		const char *session = text(o, "session");
		buf_fmt(out, "  %s  %-5s  %s\n", local_minute(when, text(o, "at")),
			TEXT_SAFE(*session ? session : text(o, "level")), TEXT_SAFE(text(o, "message")));
	}
	if (number(h, name_n) > LISTED) buf_fmt(out, "  and %lld before\n", (long long)(number(h, name_n) - LISTED));
}

void handover_write(const cJSON *h, struct buf *out) {
	char when[TIME_TEXT], age[UNIT_TEXT];
	int64_t since_ms = 0, until_ms = 0, waiting = number(h, "attention_n");
	if (time_parse_rfc3339(text(h, "since"), &since_ms) == 0 && time_parse_rfc3339(text(h, "until"), &until_ms) == 0)
		buf_fmt(
			out, "since %s (%s): ", local_minute(when, text(h, "since")), unit_age(age, MAX(0, until_ms - since_ms)));
	write_counts(json_get(h, "sessions"), out);
	write_changed(h, out);
	if (waiting) {
		buf_fmt(out, "\n%lld need%s a person:\n", (long long)waiting, waiting == 1 ? "s" : "");
		attention_write(json_get(h, "attention"), waiting, out);
	}
	if (json_count(json_get_array(h, "names"))) {
		buf_str(out, "\nnot sent, for its name:\n");
		names_write(json_get(h, "names"), 0, out);
	}
	write_list(h, "decided", "decided_n", "by people:", out);
	write_list(h, "station", "station_n", "the station itself:", out);
}
