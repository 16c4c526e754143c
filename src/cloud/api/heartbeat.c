/* SPDX-License-Identifier: MIT */
/* POST /v1/heartbeat: a station says that it lives and how it fares. */
#include "base/clock.h"
#include "cloud/api/handlers.h"
#include "cloud/api/member.h"
#include "cloud/api/rows.h"

#define INSTANCE_MAX 128
#define VERSION_MAX 64
#define VERDICT_MAX 16
#define TEXT_MAX 128

static int heartbeat_check(const cJSON *beat, const char **ret_instance, struct error *err) {
	static const char *const counts[] = {"queue", "bytes_left", "disk_free", "held"};
	const char *instance, *text = NULL, *version = NULL;
	int64_t n, at_ms;
	if (json_want_text(beat, "instance", NULL, &instance, err) || json_want_text(beat, "version", NULL, &version, err))
		return -1;
	if (!member_short(instance, INSTANCE_MAX, true))
		return error_set(err, ERR_INPUT, "instance must have 1 to %d characters", INSTANCE_MAX);
	if (!member_short(version, VERSION_MAX, false))
		return error_set(err, ERR_INPUT, "version may have %d characters", VERSION_MAX);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (json_want_i64(beat, counts[i], NULL, 0, JSON_WHOLE_MAX, &n, err)) return -1;
	if (json_may_text(beat, "oldest_unsafe_at", NULL, &text, err)) return -1;
	if (text && member_time(text, &at_ms))
		return error_set(err, ERR_INPUT, "oldest_unsafe_at must be a time like 2026-11-21T14:02:11.042Z");
	*ret_instance = instance;
	return 0;
}

/* What the station's verdict says; a station of before has none of it. */
static int verdict_check(const cJSON *beat, struct error *err) {
	static const char *const counts[] = {"needs_person", "unsafe", "folders_bad", "names"};
	const char *verdict = NULL, *text = NULL, *looked = NULL;
	int64_t n, at_ms;
	if (json_may_text(beat, "verdict", NULL, &verdict, err) || json_may_text(beat, "verdict_text", NULL, &text, err) ||
		json_may_text(beat, "looked_at", NULL, &looked, err))
		return -1;
	if (verdict && !member_short(verdict, VERDICT_MAX, true))
		return error_set(err, ERR_INPUT, "verdict must have 1 to %d characters", VERDICT_MAX);
	if (text && !member_short(text, TEXT_MAX, false))
		return error_set(err, ERR_INPUT, "verdict_text may have %d characters", TEXT_MAX);
	if (looked && member_time(looked, &at_ms))
		return error_set(err, ERR_INPUT, "looked_at must be a time like 2026-11-21T14:02:11.042Z");
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (json_may_i64(beat, counts[i], NULL, 0, JSON_WHOLE_MAX, &n, err)) return -1;
	return 0;
}

void heartbeat_post(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	const char *instance = NULL;
	int stations = 0;
	if (!call_room(c, r, 0)) return;
	AUTO(xfree) char *kept = rows_beat_kept(c->body);
	if (heartbeat_check(c->body, &instance, &err) || verdict_check(c->body, &err) ||
		catalog_heartbeat(c->api->catalog, c->who.station, c->who.key_id, instance, kept, &stations, &err)) {
		reply_error(r, &err);
		return;
	}
	cJSON *answer = json_object();
	json_add_time(answer, "now", clock_wall_ms());
	json_add_i64(answer, "stations_with_this_key", stations);
	reply_json(r, 200, answer);
}
