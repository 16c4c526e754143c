/* SPDX-License-Identifier: MIT */
/* What the engine says of itself: the JSON of station/control/client.h, made from memory alone. Loop thread. */
#include "station/run/status.h"

#include <unistd.h>

#include "base/clock.h"
#include "station/engine/facts.h"
#include "station/engine/session.h"

#define SHOWN_MAX 200 /* sessions in work; the journal has them all */

static cJSON *status_engine(const struct engine *e) {
	cJSON *o = json_object();
	json_add_i64(o, "pid", getpid());
	json_add_text(o, "instance", e->instance);
	json_add_text(o, "version", HEADGATE_VERSION);
	json_add_time(o, "since", e->started_wall_ms);
	return o;
}

static cJSON *status_cloud(const struct engine *e) {
	struct ingest_state state = {.latency_ms = -1};
	if (e->ingest) ingest_state(e->ingest, &state);
	const struct error *why = cloud_trouble(e);
	bool ok = cloud_ok(e);
	cJSON *o = json_object();
	json_add_bool(o, "ok", ok);
	json_add_text(o, "endpoint", e->config->endpoint);
	char proxy[400];
	json_add_text(o, "proxy", http_proxy(proxy, sizeof proxy, e->config->endpoint));
	if (state.latency_ms >= 0) json_add_i64(o, "latency_ms", state.latency_ms);
	else json_add_text(o, "latency_ms", NULL);
	json_add_text(o, "station", *state.station ? state.station : e->config->name);
	json_add_time(o, "token_expires_at", state.has_token ? state.token_expires_ms : 0);
	json_add_i64(o, "clock_offset_ms", state.clock_offset_ms);
	json_add_time(o, "last_answer_at", state.last_answer_ms);
	json_add(o, "warnings", cloud_warnings(e));
	if (why) status_add_error(o, why);
	return o;
}

static cJSON *status_folders(const struct engine *e) {
	cJSON *list = json_array();
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[i];
		if (!r->configured) continue;
		cJSON *o = json_object();
		json_add_text(o, "path", r->path);
		struct error why = root_trouble(e, i);
		json_add_bool(o, "ok", why.code == ERR_NONE);
		json_add_text(o, "watching", r->events ? "events" : "rescan");
		json_add_text(o, "state", folder_state_name(root_state(r)));
		json_add_time(o, "listed_at", r->listed_ms);
		for (size_t k = 0; k < PART_N; k++)
			if (e->parts[k]->status_root) e->parts[k]->status_root(e, i, o);
		status_add_error(o, &why);
		json_push(list, o);
	}
	return list;
}

static bool is_shown(const struct session *s) {
	if (s->dead || s->row.ignored) return false;
	return !state_is_final(s->row.state) || s->transfers > 0;
}

static cJSON *status_session(const struct engine *e, const struct session *s) {
	cJSON *o = json_object();
	int64_t sent = s->row.state == STATE_CHECKING ? 0 : MIN(s->row.stored_bytes + s->sent_bytes, s->row.bytes);
	json_add_text(o, "session", s->row.name);
	json_add_text(o, "state", state_name(s->row.state));
	json_add_i64(o, "bytes", s->row.bytes);
	json_add_i64(o, "sent_bytes", sent);
	json_add_i64(o, "files", s->row.files);
	json_add_i64(o, "stored_files", s->row.stored_files);
	json_add_i64(o, "tries", s->row.tries);
	json_add_time(o, "next_attempt_at", s->row.state == STATE_QUEUED ? s->row.next_attempt_ms : 0);
	json_add_text(o, "reason", s->row.reason);
	for (size_t i = 0; i < PART_N; i++)
		if (e->parts[i]->status_session) e->parts[i]->status_session(s, o);
	return o;
}

static cJSON *status_sessions(const struct engine *e) {
	cJSON *list = json_array();
	int shown = 0;
	for (size_t i = 0; i < e->sessions.n && shown < SHOWN_MAX; i++) {
		if (!is_shown(e->sessions.items[i])) continue;
		json_push(list, status_session(e, e->sessions.items[i]));
		shown++;
	}
	return list;
}

static cJSON *status_look(const struct engine *e) {
	struct safe_look look;
	look_gather(e, &look);
	return safe_look_json(&look);
}

cJSON *engine_status(struct engine *e) {
	cJSON *status = json_object();
	json_add(status, "engine", status_engine(e));
	json_add(status, "cloud", status_cloud(e));
	json_add(status, "folders", status_folders(e));
	json_add(status, "look", status_look(e));
	json_add(status, "sessions", status_sessions(e));
	for (size_t i = 0; i < PART_N; i++)
		if (e->parts[i]->status) e->parts[i]->status(e, status);
	json_add_time(status, "at", clock_wall_ms());
	return status;
}

/* --- for whoever runs the engine --- */

#define PROGRESS_MS 250

struct progress {
	uv_timer_t timer;
	bool open;
};
static struct progress *mine(const struct engine *e) { return engine_part(e, PART_PROGRESS); }

static void on_progress(uv_timer_t *timer) {
	struct engine *e = timer->data;
	AUTO(json_free) cJSON *status = engine_status(e);
	AUTO(xfree) char *text = json_text(status);
	e->o->on_progress(e->o->arg, text);
}

static int progress_start(struct engine *e, struct error *err) {
	struct progress *p = mine(e);
	if (!e->o->on_progress) return 0;
	p->open = uv_timer_init(&e->loop, &p->timer) == 0;
	p->timer.data = e;
	if (!p->open || uv_timer_start(&p->timer, on_progress, PROGRESS_MS, PROGRESS_MS))
		return error_set(err, ERR_INTERNAL, "cannot set up the event loop");
	return 0;
}

static void progress_stop(struct engine *e) {
	if (mine(e)->open) uv_close((uv_handle_t *)&mine(e)->timer, NULL);
}

const struct part progress_part = {
	.engine_size = sizeof(struct progress),
	.start = progress_start,
	.stop = progress_stop,
};
