/* SPDX-License-Identifier: MIT */
/* POST /v1/events: a station's own events into its log group. An id is known as long as the log keeps its event: a
 * repeat is not stored again. It counts within its station, so that no station can hide another's events. */
#include "base/clock.h"
#include "cloud/api/handlers.h"
#include "cloud/api/member.h"

#define EVENT_ID_MAX 128
#define EVENTS_SHORT (64 * 1024)
struct event_batch {
	struct log_known *rows;
	size_t n, capacity;
};

static void event_batch_done(struct event_batch *b) {
	for (size_t i = 0; i < b->n; i++) {
		free((char *)b->rows[i].id); /* ours: made by event_read */
		free((char *)b->rows[i].json);
	}
	xfree(b->rows);
}
DEFINE_AUTO_VAL(struct event_batch, event_batch_done)

/* Members that an event must have, checked; the others are kept as they are. */
static int event_read(
	const struct call *c, const cJSON *event, const struct json_at *at, struct log_known *ret, struct error *err) {
	const char *id, *time, *level, *code, *message, *session = NULL;
	int64_t at_ms;
	if (json_want_object(event, at, err) || json_want_text(event, "id", at, &id, err) ||
		json_want_text(event, "at", at, &time, err) || json_want_text(event, "level", at, &level, err) ||
		json_want_text(event, "code", at, &code, err) || json_want_text(event, "message", at, &message, err) ||
		json_may_text(event, "session", at, &session, err))
		return -1;
	if (!member_short(id, EVENT_ID_MAX, true))
		return error_set(err, ERR_INPUT, "events[%zu].id must have 1 to %d characters", at->index, EVENT_ID_MAX);
	if (member_time(time, &at_ms))
		return error_set(err, ERR_INPUT, "events[%zu].at must be a time like 2026-11-21T14:02:11.042Z", at->index);
	AUTO(json_free) cJSON *copy = json_copy(event);
	json_free(json_take(copy, "station"));
	json_free(json_take(copy, "request_id"));
	json_add_text(copy, "station", c->who.station);
	json_add_text(copy, "request_id", c->request_id);
	*ret = (struct log_known){.id = xasprintf("%s/%s", c->who.station, id),
		.stream = c->who.station,
		.at_ms = at_ms,
		.json = json_text(copy)};
	return 0;
}

void events_post(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	const cJSON *events, *event;
	AUTO(event_batch_done) struct event_batch batch = {0};
	const struct json_at list = {.name = "events"};
	int64_t stored = 0;
	/* each event once more as a tree, and all as texts until they are on the disk */
	if (c->tree_bytes > EVENTS_SHORT && !call_memory(c, r, c->tree_bytes)) return;
	int bad = json_want_array(c->body, "events", NULL, EVENTS_MAX, &events, &err);
	if (!bad) {
		json_each (event, events) {
			const struct json_at at = {.up = &list, .index = batch.n};
			ARRAY_RESERVE(batch.rows, batch.n, batch.capacity);
			if ((bad = event_read(c, event, &at, &batch.rows[batch.n], &err))) break;
			batch.n++;
		}
	}
	if (bad || logs_add_known(c->api->logs, LOG_GROUP_STATIONS, batch.rows, batch.n, &stored, &err)) {
		reply_error(r, &err);
		return;
	}
	cJSON *answer = json_object();
	json_add_i64(answer, "stored", stored);
	reply_json(r, 200, answer);
}
