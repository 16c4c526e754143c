/* SPDX-License-Identifier: MIT */
/* The metadata rules in force: the cloud's, kept in the journal for when it is away, tightened by the station's own;
 * and the key, which is read again when its file changes. Loop thread. */
#include "station/talk/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "station/engine/rules.h"
#include "station/engine/session.h"

#define SCHEMA_MS 600000 /* how often the cloud's schema is asked for again */
#define KEY_FILE_MS 2000 /* while the key is refused its file is read again: a person may have put a new one there */

struct own_rules {
	struct rules *own;		/* read anew since the start, or NULL */
	bool asking, asked;		/* for the cloud's; an answer about them was there */
	int64_t ask_ms, key_ms; /* monotonic: then; the key file, while it is refused */
};

static struct own_rules *own_of(const struct engine *e) { return engine_part(e, PART_RULES); }

/* The station's own, as its configuration was read last. */
static const struct schema *own_schema(const struct engine *e) {
	return own_of(e)->own ? &own_of(e)->own->schema : &e->config->schema;
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
	own_of(e)->asked = true;
}

/* One that failed is asked for again as soon as the call may be made: it is the probe of an engine at rest. */
static void schema_answered(struct engine *e, const struct ingest_result *r) {
	e->cloud.heard = true;
	own_of(e)->asked = true;
	e->rules_awaited = false;
	own_of(e)->ask_ms = now_ms() + (r->err.code == ERR_NONE ? SCHEMA_MS : 0);
}

static void on_schema(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s, (void)arg;
	own_of(e)->asking = false;
	if (!r || e->stopping) return;
	AUTO(json_free) cJSON *kept = NULL;
	struct error err = ERROR_INIT;
	schema_answered(e, r);
	if (r->err.code != ERR_NONE) return;
	if (rules_take(e, r->json, &kept, &err)) {
		err.code = ERR_ANSWER;
		error_prefix(&err, "GET /v1/schema");
		api_unmet(e, ANSWER_SCHEMA, &err);
		own_of(e)->ask_ms = now_ms();
		return;
	}
	AUTO(xfree) char *text = json_text(kept);
	journal_set(e->journal, SETTING_CLOUD_SCHEMA, text, NULL, NULL);
}

static void on_hello(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s, (void)arg;
	own_of(e)->asking = false;
	if (r && !e->stopping) schema_answered(e, r);
}

/* The first call of a run; it proves the key. A station that keeps to its own rules asks for the same answer. */
static void schema_ask(struct engine *e) {
	own_of(e)->asking = true;
	e->rules_awaited = !own_of(e)->asked;
	api_call(e, NULL, "GET", "/v1/schema", NULL, 0, e->config->cloud_schema ? on_schema : on_hello, NULL);
}

static int rules_start(struct engine *e, struct error *err) {
	(void)err;
	rules_load(e);
	schema_ask(e);
	return 0;
}

static void key_read(struct engine *e) {
	AUTO(secret_done) struct secret key = {0};
	struct error err = ERROR_INIT;
	if (secret_read_file(&key, e->config->api_key_file, &err) || !ingest_use_key(e->ingest, &key)) return;
	journal_add_event(e->journal, 0, "info", "key_replaced", "the key file holds another API key, which is used now");
	cloud_key_is_new(e);
	own_of(e)->ask_ms = 0; /* proves it at once */
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
	rules_drop(own_of(e)->own);
	own_of(e)->own = r;
	rules_load(e);
}

/* The file of certificates is read anew every few seconds anyway (http_easy.c). */
static void rules_reload(struct engine *e) {
	if (e->config->api_key_of_file) key_read(e);
	if (e->o->on_rules) own_rules_read(e);
	own_of(e)->ask_ms = 0;
	engine_poke(e);
}

/* A key file that is being replaced may be away or open to others for a moment: it is looked at again. */
static void key_pump(struct engine *e) {
	if (!e->cloud.key_refused || !e->config->api_key_of_file || e->stopping) return;
	if (now_ms() < own_of(e)->key_ms) {
		engine_wake_at(e, own_of(e)->key_ms);
		return;
	}
	own_of(e)->key_ms = now_ms() + KEY_FILE_MS;
	engine_wake_at(e, own_of(e)->key_ms);
	key_read(e);
}

static void rules_pump(struct engine *e) {
	key_pump(e);
	if (own_of(e)->asking) return;
	if (now_ms() < own_of(e)->ask_ms) {
		engine_wake_at(e, own_of(e)->ask_ms);
		return;
	}
	if (api_may_ask(e, ANSWER_SCHEMA)) schema_ask(e);
}

/* The first answer proves the key, or that the cloud is away. */
static enum busy rules_busy(const struct engine *e) { return e->cloud.heard ? BUSY_NOT : BUSY_PASSING; }

static void rules_done(struct engine *e) { rules_drop(own_of(e)->own); }

const struct part rules_part = {
	.engine_size = sizeof(struct own_rules),
	.start = rules_start,
	.pump = rules_pump,
	.busy = rules_busy,
	.reload = rules_reload,
	.done = rules_done,
};
