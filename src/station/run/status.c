/* SPDX-License-Identifier: MIT */
/* What the engine says of itself: the JSON of station/control/client.h, made from memory alone. Loop thread. */
#include <unistd.h>

#include "base/clock.h"
#include "station/engine/engine_internal.h"
#include "station/sending/plan.h"

#define SHOWN_MAX 200 /* sessions in work; the journal has them all */

void status_add_error(cJSON *o, const struct error *why) {
	if (why->code == ERR_NONE) return;
	cJSON *e = json_object();
	json_add_text(e, "code", error_classes[why->code].name);
	json_add_text(e, "message", why->text);
	json_add(o, "error", e);
}

static cJSON *status_engine(const struct engine *e) {
	cJSON *o = json_object();
	json_add_i64(o, "pid", getpid());
	json_add_text(o, "instance", e->instance);
	json_add_text(o, "version", HEADGATE_VERSION);
	json_add_time(o, "since", e->started_wall_ms);
	json_add_i64(o, "commits", e->journal ? journal_commits(e->journal) : 0);
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

static int64_t session_left(const struct session *s) {
	switch (s->row.state) {
	case STATE_FOUND:
	case STATE_SETTLING:
	case STATE_CHECKING:
	case STATE_QUEUED:
	case STATE_UPLOADING: return MAX(s->row.bytes - s->row.stored_bytes - s->sent_bytes, 0);
	case STATE_HELD:
		return s->metadata_held && !s->row.data_safe ? MAX(s->row.bytes - s->row.stored_bytes - s->sent_bytes, 0) : 0;
	default: return 0;
	}
}

static cJSON *status_queue(struct engine *e) {
	int64_t left = 0, active = 0, queued = 0;
	for (size_t i = 0; i < e->sessions.n; i++) {
		const struct session *s = e->sessions.items[i];
		if (s->dead || s->row.ignored || s->row.paused || !s->row.present) continue;
		left += session_left(s);
		active += s->row.state == STATE_CHECKING || s->transfers > 0;
		queued += s->row.state == STATE_QUEUED;
	}
	int64_t rate = rate_now(&e->rate, now_ms());
	cJSON *o = json_object();
	json_add_i64(o, "active", active);
	json_add_i64(o, "queued", queued);
	json_add_i64(o, "bytes_left", left);
	json_add_i64(o, "rate_bytes_per_s", rate);
	/* what cannot be known is no figure */
	if (left && rate > 0) json_add_i64(o, "eta_s", (left + rate - 1) / rate);
	else json_add_text(o, "eta_s", NULL);
	json_add(o, "rates", history_json(&e->history, e->started_ms, now_ms()));
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
		json_add_i64(o, "names_n", (int64_t)r->near_all);
		json_add(o, "names", names_json(r));
		json_add_bool(o, "names_cut", r->near_cut);
		unreadable_json(r, o);
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
	json_add_i64(o, "checked_bytes", checking_done_bytes(s));
	json_add_i64(o, "files", s->row.files);
	json_add_i64(o, "stored_files", s->row.stored_files);
	json_add_i64(o, "rate_bytes_per_s", s->rate ? rate_now(s->rate, now_ms()) : 0);
	json_add_i64(o, "tries", s->row.tries);
	json_add_time(o, "next_attempt_at", s->row.state == STATE_QUEUED ? s->row.next_attempt_ms : 0);
	json_add_text(o, "reason", s->row.reason);
	if (s->transfers) json_add(o, "files_now", transfers_status(e, s));
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

static cJSON *status_disk(const struct engine *e) {
	const struct disk_history *d = &e->disk_history;
	int64_t left = disk_full_in_ms(d);
	cJSON *disk = json_object();
	json_add_text(disk, "path", heartbeat_disk(e));
	json_add_i64(disk, "free_bytes", e->disk_free);
	json_add_i64(disk, "total_bytes", e->disk_total);
	/* to the minute: the same rate is the same time */
	int64_t full = left < 0 ? 0 : clock_wall_ms() - (now_ms() - d->samples[d->n - 1].at_ms) + left;
	json_add_time(disk, "full_at", (full + 30000) / 60000 * 60000);
	return disk;
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
	json_add(status, "queue", status_queue(e));
	json_add(status, "folders", status_folders(e));
	json_add(status, "look", status_look(e));
	json_add(status, "sessions", status_sessions(e));
	json_add(status, "disk", status_disk(e));
	json_add(status, "verify", recall_json(e->recall));
	json_add_time(status, "at", clock_wall_ms());
	return status;
}
