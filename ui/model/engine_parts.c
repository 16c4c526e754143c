/* SPDX-License-Identifier: MIT */
/* The parts that the engine tells. The other side is trusted with nothing: a member of the wrong type counts as
 * missing, numbers and texts are bounded, lists are cut. The JSON is that of station/control/client.h. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "station/control/client.h"
#include "station/control/rpc.h"
#include "ui/model/model.h"

#define NUMBER_MOST 9007199254740992.0
#define STATIONS_MOST 1000
#define FLEET_EVERY_MS 60000 /* a station's heartbeat */
#define STATUS_OLD_MS 10000

const struct part part_link = {.name = "link", .always = true};

static int64_t get_count(const cJSON *o, const char *name) { return MAX(json_get_i64(o, name, 0), 0); }

static int64_t get_time(const cJSON *o, const char *name) {
	const char *text = json_get_text(o, name);
	int64_t ms = 0;
	return text && time_parse_rfc3339(text, &ms) == 0 ? ms : 0;
}

static void get_text(char *to, size_t size, const cJSON *o, const char *name) {
	const char *text = json_get_text(o, name);
	text_copy(to, size, text ? text : "");
}

#define GET_TEXT(to, o, name) get_text((to), sizeof(to), (o), (name))

/* --- status --- */

static void take_cloud(struct status *s, const cJSON *cloud) {
	char code[32];
	GET_TEXT(s->station, cloud, "station");
	GET_TEXT(s->endpoint, cloud, "endpoint");
	GET_TEXT(s->cloud_error, json_get(cloud, "error"), "message");
	get_text(code, sizeof code, json_get(cloud, "error"), "code");
	s->key_refused = strcmp(code, error_classes[ERR_KEY].name) == 0;
	s->cloud_ok = json_get_bool(cloud, "ok");
	s->latency_ms = json_get_i64(cloud, "latency_ms", -1);
	s->token_expires_ms = get_time(cloud, "token_expires_at");
	s->clock_offset_ms = json_get_i64(cloud, "clock_offset_ms", 0);
	s->cloud_answer_ms = get_time(cloud, "last_answer_at");
}

static double get_rate(const cJSON *j) {
	double rate;
	return json_as_double(j, &rate) && rate >= 0 && rate <= NUMBER_MOST ? rate : (double)NAN;
}

static void take_queue(struct status *s, const cJSON *queue) {
	int64_t eta_s = json_get_i64(queue, "eta_s", -1);
	s->active = get_count(queue, "active");
	s->queued = get_count(queue, "queued");
	s->bytes_left = get_count(queue, "bytes_left");
	s->rate = (double)get_count(queue, "rate_bytes_per_s");
	s->eta_ms = eta_s < 0 || eta_s > INT64_MAX / 1000 ? -1 : eta_s * 1000;
	const cJSON *rate = json_get_array(queue, "rates"), *element;
	size_t n = 0;
	json_each (element, rate)
		if (n < CONTROL_RATES) s->rates[n++] = get_rate(element);
	while (n < CONTROL_RATES) s->rates[n++] = (double)NAN;
}

static void take_names(struct status *s, const char *root, const cJSON *names) {
	const cJSON *o;
	json_each (o, names) {
		if (s->name_n == ARRAY_LEN(s->names)) break;
		size_t i = s->name_n++;
		text_copy(s->names[i].root, sizeof s->names[i].root, root);
		GET_TEXT(s->names[i].path, o, "path");
		GET_TEXT(s->names[i].reason, o, "reason");
	}
}

static void take_folders(struct status *s, const cJSON *folders) {
	const cJSON *o;
	json_each (o, folders) {
		if (s->folder_n == ARRAY_LEN(s->folders)) break;
		size_t i = s->folder_n++;
		GET_TEXT(s->folders[i].path, o, "path");
		GET_TEXT(s->folders[i].watching, o, "watching");
		GET_TEXT(s->folders[i].error, json_get(o, "error"), "message");
		s->folders[i].ok = json_get_bool(o, "ok");
		take_names(s, s->folders[i].path, json_get_array(o, "names"));
	}
}

static void take_files_now(struct status *s, const char *session, const cJSON *files) {
	const cJSON *o;
	json_each (o, files) {
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
	json_each (o, sessions) {
		if (s->work_n == ARRAY_LEN(s->work)) break;
		struct work *w = &s->work[s->work_n++];
		GET_TEXT(w->session, o, "session");
		w->bytes = get_count(o, "bytes");
		w->sent_bytes = MIN(get_count(o, "sent_bytes"), w->bytes);
		w->files = get_count(o, "files");
		w->stored_files = get_count(o, "stored_files");
		w->tries = get_count(o, "tries");
		w->rate = (double)get_count(o, "rate_bytes_per_s");
		take_files_now(s, w->session, json_get_array(o, "files_now"));
	}
}

static bool hear_status(void *data, const cJSON *said, struct error *err) {
	const cJSON *engine = json_get(said, "engine"), *disk = json_get(said, "disk");
	struct status *to = data;
	(void)err;
	*to = (struct status){.at_ms = get_time(said, "at")};
	if (!to->at_ms) to->at_ms = clock_wall_ms();
	to->pid = get_count(engine, "pid");
	to->since_ms = get_time(engine, "since");
	GET_TEXT(to->instance, engine, "instance");
	GET_TEXT(to->version, engine, "version");
	take_cloud(to, json_get(said, "cloud"));
	take_queue(to, json_get(said, "queue"));
	take_folders(to, json_get_array(said, "folders"));
	safe_look_take(&to->look, json_get(said, "look"));
	take_work(to, json_get_array(said, "sessions"));
	GET_TEXT(to->disk_path, disk, "path");
	to->disk_free = get_count(disk, "free_bytes");
	to->disk_total = get_count(disk, "total_bytes");
	to->disk_full_ms = get_time(disk, "full_at");
	return true;
}

const struct part part_status = {
	.name = "status",
	.place = offsetof(struct model, status),
	.size = sizeof(struct status),
	.always = true,
	.old_ms = STATUS_OLD_MS,
	.method = "status",
	.hear = hear_status,
};

/* --- fleet --- */

/* Silent ones first, who is silent for longest before all; the others by name. */
static int fleet_order(const void *a, const void *b, void *silent_since) {
	const struct fleet_station *x = a, *y = b;
	int64_t most = *(const int64_t *)silent_since, x_ms = MIN(x->beat_ms, most), y_ms = MIN(y->beat_ms, most);
	if (x_ms != y_ms) return x_ms < y_ms ? -1 : 1;
	return strcmp(x->station, y->station);
}

static bool hear_fleet(void *data, const cJSON *said, struct error *err) {
	const cJSON *list = json_get_array(said, "stations"), *o, *why = json_get_object(said, "error");
	struct fleet *fleet = data;
	if (why) rpc_take_error(why, err);
	fleet->at_ms = get_time(said, "at");
	if (!fleet->at_ms) return false; /* the cloud was not heard yet */
	fleet->stations = xcalloc(MAX(MIN(json_count(list), STATIONS_MOST), 1), sizeof *fleet->stations);
	json_each (o, list) {
		if (fleet->n == STATIONS_MOST) break;
		struct fleet_station *f = &fleet->stations[fleet->n++];
		GET_TEXT(f->station, o, "station");
		GET_TEXT(f->version, o, "version");
		f->beat_ms = get_time(o, "last_heartbeat_at");
		f->queue = get_count(o, "queue");
		f->bytes_left = get_count(o, "bytes_left");
		f->held = get_count(o, "held");
		f->disk_free = get_count(o, "disk_free");
		f->oldest_unsafe_ms = get_time(o, "oldest_unsafe_at");
	}
	int64_t silent_since = fleet->at_ms - STATION_SILENT_MS;
	qsort_r(fleet->stations, fleet->n, sizeof *fleet->stations, fleet_order, &silent_since);
	return true;
}

static void fleet_done(void *data) { free(((struct fleet *)data)->stations); }

const struct part part_fleet = {
	.name = "fleet",
	.place = offsetof(struct model, fleet),
	.size = sizeof(struct fleet),
	.method = "stations",
	.every_ms = FLEET_EVERY_MS,
	.hear = hear_fleet,
	.done = fleet_done,
};
