/* SPDX-License-Identifier: MIT */
/* Calls of the ingest API: each through api_call, which keeps the API's health and tells a refused key from a cloud
 * that is away. The metadata rules in force: the cloud's, kept in the journal for when it is away, tightened by the
 * station's own. Loop thread. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "station/engine/engine_internal.h"

#define KEY_AGAIN_FIRST_MS 5000 /* a refused key is tried again: it may have been given its rights */
#define KEY_AGAIN_MOST_MS 300000
#define KEY_FILE_MS 2000  /* and its file is read again: a person may have put a new one there */
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
	if (health_may(&e->api, now_ms())) return true;
	if (e->api.next_ms > now_ms()) engine_wake_at(e, e->api.next_ms);
	return false;
}

bool api_may_ask(struct engine *e, enum answer_id id) {
	const struct health *pace = &e->pace[id];
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
	if (e->key_refused || e->api.down) return &e->api.why;
	if (still_bad(&e->objects)) return &e->objects.why;
	for (size_t i = 0; i < ARRAY_LEN(of_sessions); i++) {
		const struct health *pace = &e->pace[of_sessions[i]];
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
	if (!e->key_refused) {
		journal_add_event(e->journal, 0, "error", "key_refused", why->text);
		e->key_refusals = 0;
	}
	e->key_refused = true;
	struct backoff pause = {.base_ms = KEY_AGAIN_FIRST_MS, .cap_ms = KEY_AGAIN_MOST_MS};
	e->api = (struct health){.down = true,
		.since_ms = now_ms(),
		.next_ms = now_ms() + backoff_steady_ms(&pause, ++e->key_refusals),
		.why = *why};
}

static void api_answered(struct engine *e) {
	if (e->api.down) {
		e->recoveries++;
		journal_add_event(e->journal, 0, "info", "cloud_back", "the cloud answers again");
	}
	e->key_refused = false;
	health_good(&e->api);
}

static void endpoint_failed(struct engine *e, const struct ingest_result *r) {
	const struct backoff pause = cloud_pause(e);
	bool was_down = e->api.down;
	e->key_refused = false;
	health_bad(&e->api, &r->err, HEALTH_FAILURES, &pause, now_ms());
	e->api.next_ms = MAX(e->api.next_ms, now_ms() + r->retry_after_ms);
	if (!was_down) say(e, "cloud_down", "the cloud does not answer", &r->err);
}

/* This call alone is not answered as it should be: others go on, and it is asked less and less often. */
static void call_failed(struct engine *e, enum answer_id id, const struct ingest_result *r) {
	const struct backoff pause = cloud_pause(e);
	struct health *pace = &e->pace[id];
	bool was_bad = pace->down && pace->why.code != ERR_NONE;
	health_bad(pace, &r->err, HEALTH_FAILURES, &pause, now_ms());
	pace->next_ms = MAX(pace->next_ms, now_ms() + r->retry_after_ms);
	cloud_doubt(e, pace);
	if (was_bad || e->api.down) return; /* that is said already */
	e->refusal_said[id] = true;
	say(e, "cloud_refuses", "the cloud does not do what it is asked", &r->err);
}

static void call_succeeded(struct engine *e, enum answer_id id) {
	struct health *pace = &e->pace[id];
	if (pace->down && pace->why.code != ERR_NONE) {
		e->recoveries++;
		if (e->refusal_said[id])
			journal_add_event(e->journal, 0, "info", "cloud_back", "the cloud does again what it is asked");
		e->refusal_said[id] = false;
	}
	health_good(pace);
}

void api_unmet(struct engine *e, enum answer_id id, const struct error *why) {
	struct health *pace = &e->pace[id];
	bool was_bad = pace->down && pace->why.code != ERR_NONE, idle = why->code == ERR_NONE;
	const struct backoff pause = idle ? (struct backoff){IDLE_BASE_MS, HEALTH_PROBE_CAP_MS} : cloud_pause(e);
	e->unmet = true;
	health_bad(pace, why, HEALTH_FAILURES, &pause, now_ms());
	cloud_doubt(e, pace);
	if (!idle && !was_bad) {
		e->refusal_said[id] = true;
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
		health_cancelled(&e->pace[id]);
		return;
	}
	switch (error_blame(&r->err)) {
	case BLAME_ENDPOINT:
		endpoint_failed(e, r);
		if (r->err.http) call_failed(e, id, r); /* a box that lets the others through */
		else health_cancelled(&e->pace[id]);
		break;
	case BLAME_NOBODY:
		health_cancelled(&e->api);
		health_cancelled(&e->pace[id]);
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
		json_push(list, cJSON_CreateString(text));
	}
	if (ingest_clock_sentence(state.clock_offset_ms, text, sizeof text)) json_push(list, cJSON_CreateString(text));
	return list;
}

/* Each once, until it is mended. */
static void warn_once(struct engine *e) {
	struct ingest_state state;
	char text[512];
	ingest_state(e->ingest, &state);
	bool differs = name_differs(e, &state),
		 off = ingest_clock_sentence(state.clock_offset_ms, text, sizeof text) != NULL;
	if (off && !e->clock_said) journal_add_event(e->journal, 0, "warn", "clock_off", text);
	if (differs && !e->name_said) {
		name_sentence(e, &state, text, sizeof text);
		journal_add_event(e->journal, 0, "warn", "station_name", text);
	}
	e->name_said = differs;
	e->clock_said = off;
}

static void on_api_done(void *arg, const struct ingest_result *r) {
	struct api_call *c = arg;
	struct engine *e = c->engine;
	bool good = r->err.code == ERR_NONE || is_lawful(c->answer, &r->err);
	TAILQ_REMOVE(&e->calls, c, link);
	if (good) api_answered(e);
	else api_failed(e, c->answer, r);
	warn_once(e);
	e->unmet = false;
	c->on_done(e, c->of_session ? ticket_session(&c->ticket) : NULL, c->arg, r);
	if (good && !e->unmet) call_succeeded(e, c->answer);
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
	health_started(&e->api);
	health_started(&e->pace[c->answer]);
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

/* --- the metadata rules --- */

struct rules *rules_hold(struct engine *e) {
	e->rules->refs++;
	return e->rules;
}

void rules_drop(struct rules *r) {
	if (!r || --r->refs) return;
	schema_done(&r->schema);
	free(r);
}

static void rules_replace(struct engine *e, struct rules *r) {
	r->refs = 1;
	rules_drop(e->rules);
	e->rules = r;
}

/* The station's own, as its configuration was read last. */
static const struct schema *own_schema(const struct engine *e) {
	return e->own_rules ? &e->own_rules->schema : &e->config->schema;
}

static struct rules *rules_own(const struct engine *e) {
	struct rules *r = xcalloc(1, sizeof *r);
	struct error err = ERROR_INIT;
	AUTO(json_free) cJSON *own = schema_to_json(own_schema(e));
	schema_init(&r->schema);
	if (schema_from_json(&r->schema, own, &err)) log_event(LOG_ERROR, "cloud", err.text, NULL);
	return r;
}

/* A file name that was given here and is not the cloud's is a mistake in one of the two: never kept silent. */
static void rules_conflict(struct engine *e, const struct rules *r) {
	const struct config *c = e->config;
	bool was = e->metadata_conflict;
	e->metadata_conflict = c->metadata_file_sets > 1 && strcmp(c->schema.file, r->schema.file) != 0;
	if (!e->metadata_conflict || was) return;
	char message[512];
	snprintf(message, sizeof message,
		"[metadata] file names %.150s, the cloud's rules %.150s, which is in force: give both the same name",
		c->schema.file, r->schema.file);
	journal_add_event(e->journal, 0, "error", "metadata_conflict", message);
}

/* -1: it is no schema; then what was in force stays. *ret_kept (may be NULL): the cloud's own, as it is to be kept. */
static int rules_take(struct engine *e, const cJSON *json, cJSON **ret_kept, struct error *err) {
	struct rules *r = xcalloc(1, sizeof *r);
	schema_init(&r->schema);
	if (schema_from_json(&r->schema, json, err)) {
		schema_done(&r->schema);
		free(r);
		return -1;
	}
	if (ret_kept) *ret_kept = schema_to_json(&r->schema);
	if (schema_tighten(&r->schema, own_schema(e), err)) {
		journal_add_event(e->journal, 0, "error", "looser_rule", err->text);
	}
	rules_conflict(e, r);
	rules_replace(e, r);
	return 0;
}

static void rules_load(struct engine *e) {
	rules_replace(e, rules_own(e));
	if (!e->config->cloud_schema) return;
	AUTO(journal_view_close) struct journal_view *v = NULL;
	AUTO(xfree) char *kept = NULL;
	AUTO(json_free) cJSON *json = NULL;
	struct error err = ERROR_INIT;
	if (journal_view_open(&v, e->config->state_dir, &err) || journal_get(v, SETTING_CLOUD_SCHEMA, &kept, &err) || !kept)
		return;
	if (json_parse(kept, strlen(kept), &json, &err) || rules_take(e, json, NULL, &err)) {
		log_event(LOG_WARN, "cloud", err.text, NULL);
		return;
	}
	e->schema_asked = true;
}

/* One that failed is asked for again as soon as the call may be made: it is the probe of an engine at rest. */
static void schema_answered(struct engine *e, const struct ingest_result *r) {
	e->cloud_heard = true;
	e->schema_asked = true;
	e->schema_ms = now_ms() + (r->err.code == ERR_NONE ? SCHEMA_MS : 0);
}

static void on_schema(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s, (void)arg;
	e->schema_asking = false;
	if (!r || e->stopping) return;
	AUTO(json_free) cJSON *kept = NULL;
	struct error err = ERROR_INIT;
	schema_answered(e, r);
	if (r->err.code != ERR_NONE) return;
	if (rules_take(e, r->json, &kept, &err)) {
		err.code = ERR_ANSWER;
		error_prefix(&err, "GET /v1/schema");
		api_unmet(e, ANSWER_SCHEMA, &err);
		e->schema_ms = now_ms();
		return;
	}
	AUTO(xfree) char *text = json_text(kept);
	journal_set(e->journal, SETTING_CLOUD_SCHEMA, text, NULL, NULL);
}

static void on_hello(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s, (void)arg;
	e->schema_asking = false;
	if (r && !e->stopping) schema_answered(e, r);
}

/* The first call of a run; it proves the key. A station that keeps to its own rules asks for the same answer. */
static void schema_ask(struct engine *e) {
	e->schema_asking = true;
	api_call(e, NULL, "GET", "/v1/schema", NULL, 0, e->config->cloud_schema ? on_schema : on_hello, NULL);
}

void cloud_start(struct engine *e) {
	rules_load(e);
	schema_ask(e);
}

static void key_read(struct engine *e) {
	AUTO(secret_done) struct secret key = {0};
	struct error err = ERROR_INIT;
	if (secret_read_file(&key, e->config->api_key_file, &err) || !ingest_use_key(e->ingest, &key)) return;
	journal_add_event(e->journal, 0, "info", "key_replaced", "the key file holds another API key, which is used now");
	e->key_refused = false;
	health_good(&e->api);
	e->schema_ms = 0; /* proves it at once */
}

/* What cannot be read leaves in force what was. */
static void own_rules_read(struct engine *e) {
	struct error err = ERROR_INIT;
	struct rules *r = xcalloc(1, sizeof *r);
	r->refs = 1;
	schema_init(&r->schema);
	if (e->o->on_rules(e->o->rules_arg, &r->schema, &err)) {
		error_prefix(&err, "the metadata rules stay as they were");
		journal_add_event(e->journal, 0, "warn", "rules_unread", err.text);
		rules_drop(r);
		return;
	}
	rules_drop(e->own_rules);
	e->own_rules = r;
	rules_load(e);
}

/* The file of certificates is read anew every few seconds anyway (http_easy.c). */
void cloud_reload(struct engine *e) {
	if (e->config->api_key_of_file) key_read(e);
	if (e->o->on_rules) own_rules_read(e);
	e->schema_ms = 0;
	engine_poke(e);
}

/* A key file that is being replaced may be away or open to others for a moment: it is looked at again. */
static void key_pump(struct engine *e) {
	if (!e->key_refused || !e->config->api_key_of_file || e->stopping) return;
	if (now_ms() < e->key_ms) {
		engine_wake_at(e, e->key_ms);
		return;
	}
	e->key_ms = now_ms() + KEY_FILE_MS;
	engine_wake_at(e, e->key_ms);
	key_read(e);
}

void cloud_pump(struct engine *e) {
	key_pump(e);
	if (e->schema_asking) return;
	if (now_ms() < e->schema_ms) {
		engine_wake_at(e, e->schema_ms);
		return;
	}
	if (api_may_ask(e, ANSWER_SCHEMA)) schema_ask(e);
}
