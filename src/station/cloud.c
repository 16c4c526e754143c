/* SPDX-License-Identifier: MIT */
/* Calls of the ingest API: each through api_call, which keeps the API's health and tells a refused key from a cloud
 * that is away. The metadata rules in force: the cloud's, kept in the journal for when it is away, tightened by the
 * station's own. Loop thread. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "station/engine_internal.h"

#define KEY_AGAIN_MS 300000 /* a refused key is tried again: it may have been given its rights */
#define KEY_FILE_MS 2000	/* and its file is read again: a person may have put a new one there */

struct api_call {
	TAILQ_ENTRY(api_call) link;
	struct engine *engine;
	bool of_session;
	struct ticket ticket;
	api_on_done *on_done;
	void *arg;
	uint64_t id;
};

int64_t cloud_retry_base(const struct engine *e) { return e->config->retry_base_ms; }

int64_t server_now_ms(const struct engine *e) {
	struct ingest_state state;
	ingest_state(e->ingest, &state);
	return clock_wall_ms() + state.clock_offset_ms;
}

bool api_may(struct engine *e) {
	if (e->stopping || !e->ingest) return false;
	if (health_may(&e->api, now_ms())) return true;
	if (e->api.next_ms > now_ms()) engine_wake_at(e, e->api.next_ms);
	return false;
}

/* --- what an answer says of the cloud --- */

static void say_down(struct engine *e, const struct error *why) {
	char message[640];
	snprintf(message, sizeof message, "the cloud does not answer: %s", why->text);
	journal_add_event(e->journal, 0, "warn", "cloud_down", message);
}

static void api_failed(struct engine *e, const struct error *why) {
	bool was_down = e->api.down;
	e->cloud_why = *why;
	if (why->code == ERR_KEY) {
		if (!e->key_refused) journal_add_event(e->journal, 0, "error", "key_refused", why->text);
		e->key_refused = true;
		struct backoff pause = {.base_ms = KEY_AGAIN_MS, .cap_ms = KEY_AGAIN_MS};
		e->api = (struct health){.down = true,
			.since_ms = now_ms(),
			.next_ms = now_ms() + KEY_AGAIN_MS / 2 + backoff_ms(&pause, 1) / 2,
			.why = *why};
		return;
	}
	if (!error_is_transient(why)) { /* it answers; the request is at fault */
		health_good(&e->api);
		return;
	}
	health_bad(&e->api, why, HEALTH_FAILURES, cloud_retry_base(e), now_ms());
	if (!was_down) say_down(e, why);
}

static void api_answered(struct engine *e) {
	if (e->api.down) journal_add_event(e->journal, 0, "info", "cloud_back", "the cloud answers again");
	e->key_refused = false;
	error_clear(&e->cloud_why);
	health_good(&e->api);
}

static void on_api_done(void *arg, const struct ingest_result *r) {
	struct api_call *c = arg;
	struct engine *e = c->engine;
	TAILQ_REMOVE(&e->calls, c, link);
	if (r->err.code == ERR_NONE) api_answered(e);
	else api_failed(e, &r->err);
	c->on_done(e, c->of_session ? ticket_session(&c->ticket) : NULL, c->arg, r);
	free(c);
	engine_poke(e);
}

void api_call(struct engine *e, struct session *s, const char *method, const char *path, cJSON *body, int64_t hold_ms,
	api_on_done *on_done, void *arg) {
	struct api_call *c = xcalloc(1, sizeof *c);
	*c = (struct api_call){.engine = e, .of_session = s != NULL, .on_done = on_done, .arg = arg};
	if (s) c->ticket = ticket_of(s);
	TAILQ_INSERT_TAIL(&e->calls, c, link);
	health_started(&e->api);
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

static struct rules *rules_own(const struct engine *e) {
	struct rules *r = xcalloc(1, sizeof *r);
	struct error err = ERROR_INIT;
	AUTO(json_free) cJSON *own = schema_to_json(&e->config->schema);
	schema_init(&r->schema);
	if (schema_from_json(&r->schema, own, &err)) log_event(LOG_ERROR, "cloud", err.text, NULL);
	return r;
}

/* -1: it is no schema; then what was in force stays. */
static int rules_take(struct engine *e, const cJSON *json) {
	struct error err = ERROR_INIT;
	struct rules *r = xcalloc(1, sizeof *r);
	schema_init(&r->schema);
	if (schema_from_json(&r->schema, json, &err)) {
		log_event(LOG_WARN, "cloud", err.text, NULL);
		schema_done(&r->schema);
		free(r);
		return -1;
	}
	if (schema_tighten(&r->schema, &e->config->schema, &err)) {
		journal_add_event(e->journal, 0, "error", "looser_rule", err.text);
	}
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
	if (json_parse(kept, strlen(kept), &json, &err) == 0 && rules_take(e, json) == 0) e->schema_asked = true;
}

static void on_schema(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s, (void)arg;
	e->schema_asking = false;
	if (!r || e->stopping) return;
	e->schema_asked = true;
	e->schema_ms = now_ms() + SCHEMA_MS;
	if (r->err.code != ERR_NONE || rules_take(e, r->json)) return;
	AUTO(xfree) char *text = json_text(r->json);
	journal_set(e->journal, SETTING_CLOUD_SCHEMA, text, NULL, NULL);
}

static void on_hello(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s, (void)arg, (void)r;
	e->schema_asking = false;
	if (e->stopping) return;
	e->schema_asked = true;
	e->schema_ms = now_ms() + SCHEMA_MS;
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

/* A key file that is being replaced may be away or open to others for a moment: it is looked at again. */
static void key_pump(struct engine *e) {
	if (!e->key_refused || !e->config->api_key_of_file || e->stopping) return;
	if (now_ms() < e->key_ms) {
		engine_wake_at(e, e->key_ms);
		return;
	}
	e->key_ms = now_ms() + KEY_FILE_MS;
	engine_wake_at(e, e->key_ms);
	AUTO(secret_done) struct secret key = {0};
	struct error err = ERROR_INIT;
	if (secret_read_file(&key, e->config->api_key_file, &err) || !ingest_use_key(e->ingest, &key)) return;
	journal_add_event(e->journal, 0, "info", "key_replaced", "the key file holds another API key, which is used now");
	e->key_refused = false;
	health_good(&e->api);
	e->schema_ms = 0; /* proves it at once */
}

void cloud_pump(struct engine *e) {
	key_pump(e);
	if (e->schema_asking) return;
	if (now_ms() < e->schema_ms) {
		engine_wake_at(e, e->schema_ms);
		return;
	}
	if (api_may(e)) schema_ask(e);
}
