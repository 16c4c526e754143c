/* SPDX-License-Identifier: MIT */
/* What the engine says, into the model. The other side is trusted with nothing: a member of the wrong type counts as
 * missing, numbers and texts are bounded, lists are cut. The JSON is that of station/control/client.h. */
#include "ui/model/source_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "station/control/client.h"

#define NUMBER_MOST 9007199254740992.0

static const cJSON *get(const cJSON *o, const char *name) {
	return cJSON_IsObject(o) ? cJSON_GetObjectItemCaseSensitive(o, name) : NULL;
}

static int64_t get_i64(const cJSON *o, const char *name, int64_t without) {
	const cJSON *m = get(o, name);
	bool sound = cJSON_IsNumber(m) && m->valuedouble >= -NUMBER_MOST && m->valuedouble <= NUMBER_MOST;
	return sound ? (int64_t)m->valuedouble : without;
}

static int64_t get_count(const cJSON *o, const char *name) { return MAX(get_i64(o, name, 0), 0); }

static int64_t get_time(const cJSON *o, const char *name) {
	const cJSON *m = get(o, name);
	int64_t ms = 0;
	return cJSON_IsString(m) && time_parse_rfc3339(m->valuestring, &ms) == 0 ? ms : 0;
}

static void get_text(char *to, size_t size, const cJSON *o, const char *name) {
	const cJSON *m = get(o, name);
	text_copy(to, size, cJSON_IsString(m) ? m->valuestring : "");
}

/* NULL, over which nothing is walked, when it is no list. */
static const cJSON *get_list(const cJSON *m) { return cJSON_IsArray(m) ? m : NULL; }

#define GET_TEXT(to, o, name) get_text((to), sizeof(to), (o), (name))

static void take_cloud(struct status *s, const cJSON *cloud) {
	char code[32];
	GET_TEXT(s->station, cloud, "station");
	GET_TEXT(s->endpoint, cloud, "endpoint");
	GET_TEXT(s->cloud_error, get(cloud, "error"), "message");
	get_text(code, sizeof code, get(cloud, "error"), "code");
	s->key_refused = strcmp(code, error_classes[ERR_KEY].name) == 0;
	s->cloud_ok = cJSON_IsTrue(get(cloud, "ok"));
	s->latency_ms = get_i64(cloud, "latency_ms", -1);
	s->token_expires_ms = get_time(cloud, "token_expires_at");
	s->clock_offset_ms = get_i64(cloud, "clock_offset_ms", 0);
	s->cloud_answer_ms = get_time(cloud, "last_answer_at");
}

static void take_queue(struct status *s, const cJSON *queue) {
	int64_t eta_s = get_i64(queue, "eta_s", -1);
	s->active = get_count(queue, "active");
	s->queued = get_count(queue, "queued");
	s->bytes_left = get_count(queue, "bytes_left");
	s->rate = (double)get_count(queue, "rate_bytes_per_s");
	s->eta_ms = eta_s < 0 || eta_s > INT64_MAX / 1000 ? -1 : eta_s * 1000;
	const cJSON *rate = get(queue, "rates");
	rate = cJSON_IsArray(rate) ? rate->child : NULL;
	for (size_t i = 0; i < RATE_SAMPLES; i++) {
		bool known = cJSON_IsNumber(rate) && rate->valuedouble >= 0 && rate->valuedouble <= NUMBER_MOST;
		s->rates[i] = known ? rate->valuedouble : (double)NAN;
		rate = rate ? rate->next : NULL;
	}
}

static void take_names(struct status *s, const char *root, const cJSON *names) {
	const cJSON *o;
	cJSON_ArrayForEach (o, get_list(names)) {
		if (s->name_n == ARRAY_LEN(s->names)) break;
		size_t i = s->name_n++;
		text_copy(s->names[i].root, sizeof s->names[i].root, root);
		GET_TEXT(s->names[i].path, o, "path");
		GET_TEXT(s->names[i].reason, o, "reason");
	}
}

static void take_folders(struct status *s, const cJSON *folders) {
	const cJSON *o;
	cJSON_ArrayForEach (o, get_list(folders)) {
		if (s->folder_n == ARRAY_LEN(s->folders)) break;
		size_t i = s->folder_n++;
		GET_TEXT(s->folders[i].path, o, "path");
		GET_TEXT(s->folders[i].watching, o, "watching");
		GET_TEXT(s->folders[i].error, get(o, "error"), "message");
		s->folders[i].ok = cJSON_IsTrue(get(o, "ok"));
		take_names(s, s->folders[i].path, get(o, "names"));
	}
}

static void take_files_now(struct status *s, const char *session, const cJSON *files) {
	const cJSON *o;
	cJSON_ArrayForEach (o, get_list(files)) {
		if (s->files_now_n == ARRAY_LEN(s->files_now)) break;
		struct file_now *f = &s->files_now[s->files_now_n++];
		text_copy(f->session, sizeof f->session, session);
		GET_TEXT(f->name, o, "name");
		f->bytes = get_count(o, "bytes");
		f->sent_bytes = MIN(get_count(o, "sent_bytes"), f->bytes);
	}
}

static void take_work(struct status *s, const cJSON *sessions) {
	const cJSON *o;
	cJSON_ArrayForEach (o, get_list(sessions)) {
		if (s->work_n == ARRAY_LEN(s->work)) break;
		struct work *w = &s->work[s->work_n++];
		GET_TEXT(w->session, o, "session");
		w->bytes = get_count(o, "bytes");
		w->sent_bytes = MIN(get_count(o, "sent_bytes"), w->bytes);
		w->files = get_count(o, "files");
		w->stored_files = get_count(o, "stored_files");
		w->tries = get_count(o, "tries");
		w->rate = (double)get_count(o, "rate_bytes_per_s");
		take_files_now(s, w->session, get(o, "files_now"));
	}
}

void status_take(struct status *to, const cJSON *params) {
	static_assert(RATE_SAMPLES == CONTROL_RATES, "as many as the engine tells");
	const cJSON *engine = get(params, "engine"), *disk = get(params, "disk");
	*to = (struct status){.at_ms = get_time(params, "at")};
	if (!to->at_ms) to->at_ms = clock_wall_ms();
	to->pid = get_count(engine, "pid");
	to->since_ms = get_time(engine, "since");
	GET_TEXT(to->instance, engine, "instance");
	GET_TEXT(to->version, engine, "version");
	take_cloud(to, get(params, "cloud"));
	take_queue(to, get(params, "queue"));
	take_folders(to, get(params, "folders"));
	safe_look_take(&to->look, get(params, "look"));
	take_work(to, get(params, "sessions"));
	GET_TEXT(to->disk_path, disk, "path");
	to->disk_free = get_count(disk, "free_bytes");
	to->disk_total = get_count(disk, "total_bytes");
	to->disk_full_ms = get_time(disk, "full_at");
}

/* Silent ones first, who is silent for longest before all; the others by name. */
static int fleet_order(const void *a, const void *b, void *silent_since) {
	const struct fleet_station *x = a, *y = b;
	int64_t most = *(const int64_t *)silent_since, x_ms = MIN(x->beat_ms, most), y_ms = MIN(y->beat_ms, most);
	if (x_ms != y_ms) return x_ms < y_ms ? -1 : 1;
	return strcmp(x->station, y->station);
}

void fleet_take(struct model *m, const cJSON *params) {
	const cJSON *list = get(params, "stations"), *o, *why = get(params, "error");
	size_t n = 0, most = cJSON_IsArray(list) ? (size_t)MIN(cJSON_GetArraySize(list), LIMIT_MOST) : 0;
	m->fleet_err = ERROR_INIT;
	if (cJSON_IsObject(why)) control_error(why, &m->fleet_err);
	int64_t at = get_time(params, "at");
	if (!at) return; /* the cloud was not heard yet */
	struct fleet_station *fleet = xcalloc(MAX(most, 1), sizeof *fleet);
	cJSON_ArrayForEach (o, get_list(list)) {
		if (n == most) break;
		struct fleet_station *f = &fleet[n++];
		GET_TEXT(f->station, o, "station");
		GET_TEXT(f->version, o, "version");
		f->beat_ms = get_time(o, "last_heartbeat_at");
		f->queue = get_count(o, "queue");
		f->bytes_left = get_count(o, "bytes_left");
		f->held = get_count(o, "held");
		f->disk_free = get_count(o, "disk_free");
		f->oldest_unsafe_ms = get_time(o, "oldest_unsafe_at");
	}
	int64_t silent_since = at - STATION_SILENT_MS;
	qsort_r(fleet, n, sizeof *fleet, fleet_order, &silent_since);
	free(m->fleet);
	m->fleet = fleet;
	m->fleet_n = n;
	m->fleet_ms = at;
}
