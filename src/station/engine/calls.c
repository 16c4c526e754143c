/* SPDX-License-Identifier: MIT */
/* Each call's answer says something of the cloud: it is away, refuses the key, refuses this call, or does as it is
 * asked. Loop thread. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "station/engine/session.h"

#define KEY_AGAIN_FIRST_MS 5000 /* a refused key is tried again: it may have been given its rights */
#define KEY_AGAIN_MOST_MS 300000
#define IDLE_BASE_MS 1000 /* the first pause after an answer that brought nothing */
#define DOUBT_MS 5000	  /* so long after its pause something that did not work is still held not to */
#define IDLE_SAID 5		  /* so many of them in a row are said */

struct api_call {
	TAILQ_ENTRY(api_call) link;
	struct engine *engine;
	bool of_session;
	struct ticket ticket;
	enum answer_id answer;
	api_on_done *on_done;
	void *arg;
	uint64_t id;
};

struct backoff cloud_pause(const struct engine *e) {
	return (struct backoff){.base_ms = e->config->retry_base_ms, .cap_ms = e->config->retry_cap_ms};
}

bool api_may(struct engine *e) {
	if (e->stopping || !e->ingest) return false;
	if (health_may(&e->cloud.api, now_ms())) return true;
	if (e->cloud.api.next_ms > now_ms()) engine_wake_at(e, e->cloud.api.next_ms);
	return false;
}

bool api_may_ask(struct engine *e, enum answer_id id) {
	const struct health *pace = &e->cloud.pace[id];
	if (!api_may(e)) return false;
	if (health_may(pace, now_ms())) return true;
	if (pace->next_ms > now_ms()) engine_wake_at(e, pace->next_ms);
	return false;
}

bool cloud_ok(const struct engine *e) {
	struct ingest_state state = {0};
	if (!e->ingest) return false;
	ingest_state(e->ingest, &state);
	return state.last_answer_ms && !cloud_trouble(e);
}

/* --- what stands between the station's sessions and the cloud --- */

/* It was bad when it was last tried, and whoever needs it tries again: one that nobody has tried since its pause ended
 * stands in nobody's way. */
static bool still_bad(const struct health *h) {
	return h->down && h->why.code != ERR_NONE && (h->probing || now_ms() < h->next_ms + DOUBT_MS);
}

void cloud_doubt(struct engine *e, const struct health *h) { engine_wake_at(e, h->next_ms + DOUBT_MS + 1); }

const struct error *cloud_trouble(const struct engine *e) {
	static const enum answer_id of_sessions[] = {ANSWER_PRESIGN, ANSWER_STAT, ANSWER_SESSION, ANSWER_CHANGES};
	if (e->cloud.key_refused || e->cloud.api.down) return &e->cloud.api.why;
	if (still_bad(&e->cloud.objects)) return &e->cloud.objects.why;
	for (size_t i = 0; i < ARRAY_LEN(of_sessions); i++) {
		const struct health *pace = &e->cloud.pace[of_sessions[i]];
		if (still_bad(pace)) return &pace->why;
	}
	return NULL;
}

enum error_code cloud_trouble_code(const struct error *why) {
	static const char *const rights[] = {"scope_missing", "address_refused"};
	if (why->code == ERR_KEY || why->code == ERR_CONFIG) return why->code;
	for (size_t i = 0; i < ARRAY_LEN(rights); i++)
		if (strcmp(why->word, rights[i]) == 0) return ERR_KEY;
	return strcmp(why->word, "route_unknown") == 0 ? ERR_CONFIG : ERR_UNREACHABLE;
}

/* --- what an answer says of the cloud --- */

static void say(struct engine *e, const char *code, const char *what, const struct error *why) {
	char message[640];
	snprintf(message, sizeof message, "%s: %s", what, why->text);
	journal_add_event(e->journal, 0, "warn", code, message);
}

static void key_was_refused(struct engine *e, const struct error *why) {
	if (!e->cloud.key_refused) {
		journal_add_event(e->journal, 0, "error", "key_refused", why->text);
		e->cloud.key_refusals = 0;
	}
	e->cloud.key_refused = true;
	struct backoff pause = {.base_ms = KEY_AGAIN_FIRST_MS, .cap_ms = KEY_AGAIN_MOST_MS};
	e->cloud.api = (struct health){.down = true,
		.since_ms = now_ms(),
		.next_ms = now_ms() + backoff_steady_ms(&pause, ++e->cloud.key_refusals),
		.why = *why};
}

static void api_answered(struct engine *e) {
	if (e->cloud.api.down) {
		e->cloud.recoveries++;
		journal_add_event(e->journal, 0, "info", "cloud_back", "the cloud answers again");
	}
	e->cloud.key_refused = false;
	health_good(&e->cloud.api);
}

static void endpoint_failed(struct engine *e, const struct ingest_result *r) {
	const struct backoff pause = cloud_pause(e);
	bool was_down = e->cloud.api.down;
	e->cloud.key_refused = false;
	health_bad(&e->cloud.api, &r->err, HEALTH_FAILURES, &pause, now_ms());
	e->cloud.api.next_ms = MAX(e->cloud.api.next_ms, now_ms() + r->retry_after_ms);
	if (!was_down) say(e, "cloud_down", "the cloud does not answer", &r->err);
}

/* This call alone is not answered as it should be: others go on, and it is asked less and less often. */
static void call_failed(struct engine *e, enum answer_id id, const struct ingest_result *r) {
	const struct backoff pause = cloud_pause(e);
	struct health *pace = &e->cloud.pace[id];
	bool was_bad = pace->down && pace->why.code != ERR_NONE;
	health_bad(pace, &r->err, HEALTH_FAILURES, &pause, now_ms());
	pace->next_ms = MAX(pace->next_ms, now_ms() + r->retry_after_ms);
	cloud_doubt(e, pace);
	if (was_bad || e->cloud.api.down) return; /* that is said already */
	e->cloud.refusal_said[id] = true;
	say(e, "cloud_refuses", "the cloud does not do what it is asked", &r->err);
}

static void call_succeeded(struct engine *e, enum answer_id id) {
	struct health *pace = &e->cloud.pace[id];
	if (pace->down && pace->why.code != ERR_NONE) {
		e->cloud.recoveries++;
		if (e->cloud.refusal_said[id])
			journal_add_event(e->journal, 0, "info", "cloud_back", "the cloud does again what it is asked");
		e->cloud.refusal_said[id] = false;
	}
	health_good(pace);
}

void api_unmet(struct engine *e, enum answer_id id, const struct error *why) {
	struct health *pace = &e->cloud.pace[id];
	bool was_bad = pace->down && pace->why.code != ERR_NONE, idle = why->code == ERR_NONE;
	const struct backoff pause = idle ? (struct backoff){IDLE_BASE_MS, HEALTH_PROBE_CAP_MS} : cloud_pause(e);
	e->cloud.unmet = true;
	health_bad(pace, why, HEALTH_FAILURES, &pause, now_ms());
	cloud_doubt(e, pace);
	if (!idle && !was_bad) {
		e->cloud.refusal_said[id] = true;
		say(e, "cloud_refuses", "the cloud does not do what it is asked", why);
	}
	if (idle && pace->failures == IDLE_SAID * HEALTH_FAILURES)
		say(e, "cloud_idle", "the cloud is asked less often", why);
}

/* An error that is an answer to what was asked, not a failure to answer it. */
static bool is_lawful(enum answer_id id, const struct error *why) {
	if (id == ANSWER_SESSION) return why->http == 404 && strcmp(why->word, "not_found") == 0;
	if (id == ANSWER_EVENTS) return why->code == ERR_REFUSED && why->http == 400;
	return error_blame(why) == BLAME_CONTENT;
}

static void api_failed(struct engine *e, enum answer_id id, const struct ingest_result *r) {
	if (r->err.code == ERR_KEY) {
		key_was_refused(e, &r->err);
		health_cancelled(&e->cloud.pace[id]);
		return;
	}
	switch (error_blame(&r->err)) {
	case BLAME_ENDPOINT:
		endpoint_failed(e, r);
		if (r->err.http) call_failed(e, id, r); /* a box that lets the others through */
		else health_cancelled(&e->cloud.pace[id]);
		break;
	case BLAME_NOBODY:
		health_cancelled(&e->cloud.api);
		health_cancelled(&e->cloud.pace[id]);
		break;
	default:
		api_answered(e);
		call_failed(e, id, r);
		break;
	}
}

/* --- what of the station does not fit the cloud --- */

static bool name_differs(const struct engine *e, const struct ingest_state *state) {
	bool told = config_origin(e->config, &e->config->name)->source != SOURCE_DEFAULT;
	return told && *state->station && strcmp(state->station, e->config->name) != 0;
}

static void name_sentence(const struct engine *e, const struct ingest_state *state, char *to, size_t size) {
	snprintf(to, size,
		"station.name is %s, the key belongs to %s: sessions are stored under %s; set name = %s, or use a key of %s",
		e->config->name, state->station, state->station, state->station, e->config->name);
}

cJSON *cloud_warnings(const struct engine *e) {
	cJSON *list = json_array();
	struct ingest_state state = {0};
	char text[512];
	if (e->ingest) ingest_state(e->ingest, &state);
	if (name_differs(e, &state)) {
		name_sentence(e, &state, text, sizeof text);
		json_push_text(list, text);
	}
	if (ingest_clock_sentence(state.clock_offset_ms, text, sizeof text)) json_push_text(list, text);
	return list;
}

/* Each once, until it is mended. */
static void warn_once(struct engine *e) {
	struct ingest_state state;
	char text[512];
	ingest_state(e->ingest, &state);
	bool differs = name_differs(e, &state),
		 off = ingest_clock_sentence(state.clock_offset_ms, text, sizeof text) != NULL;
	if (off && !e->cloud.clock_said) journal_add_event(e->journal, 0, "warn", "clock_off", text);
	if (differs && !e->cloud.name_said) {
		name_sentence(e, &state, text, sizeof text);
		journal_add_event(e->journal, 0, "warn", "station_name", text);
	}
	e->cloud.name_said = differs;
	e->cloud.clock_said = off;
}

static void on_api_done(void *arg, const struct ingest_result *r) {
	struct api_call *c = arg;
	struct engine *e = c->engine;
	bool good = r->err.code == ERR_NONE || is_lawful(c->answer, &r->err);
	TAILQ_REMOVE(&e->calls, c, link);
	if (good) api_answered(e);
	else api_failed(e, c->answer, r);
	warn_once(e);
	e->cloud.unmet = false;
	c->on_done(e, c->of_session ? ticket_session(&c->ticket) : NULL, c->arg, r);
	if (good && !e->cloud.unmet) call_succeeded(e, c->answer);
	free(c);
	engine_poke(e);
}

void api_call(struct engine *e, struct session *s, const char *method, const char *path, cJSON *body, int64_t hold_ms,
	api_on_done *on_done, void *arg) {
	struct api_call *c = xcalloc(1, sizeof *c);
	*c = (struct api_call){
		.engine = e, .of_session = s != NULL, .answer = answer_of(method, path), .on_done = on_done, .arg = arg};
	if (s) c->ticket = ticket_of(s);
	TAILQ_INSERT_TAIL(&e->calls, c, link);
	health_started(&e->cloud.api);
	health_started(&e->cloud.pace[c->answer]);
	c->id = ingest_call(e->ingest, method, path, body, hold_ms, on_api_done, c);
}

void api_calls_free(struct engine *e) {
	struct api_call *c;
	while ((c = TAILQ_FIRST(&e->calls)) != NULL) {
		TAILQ_REMOVE(&e->calls, c, link);
		c->on_done(e, NULL, c->arg, NULL);
		free(c);
	}
}

void cloud_key_is_new(struct engine *e) {
	e->cloud.key_refused = false;
	health_good(&e->cloud.api);
}

static void probe_now(struct health *h) {
	if (h->down) h->next_ms = now_ms();
}

void cloud_probe_now(struct engine *e) {
	probe_now(&e->cloud.api);
	probe_now(&e->cloud.objects);
	for (size_t i = 0; i < ARRAY_LEN(e->cloud.pace); i++) probe_now(&e->cloud.pace[i]);
	engine_poke(e);
}

void cloud_history_lost(struct engine *e) {
	journal_set(e->journal, SETTING_RECALL, "all", NULL, NULL);
	journal_add_event(e->journal, 0, "warn", "cloud_history",
		"the cloud's history is another than it was: everything that it accepted is looked for again");
	e->history_lost = true;
	engine_poke(e);
}
