/* SPDX-License-Identifier: MIT */
/* GET /v1/sessions and /v1/sessions/{id}: a station sees its own, an admin all; another's is not there (404). */
#include "base/clock.h"
#include "base/text.h"
#include "cloud/api/handlers.h"
#include "cloud/api/member.h"
#include "cloud/api/rows.h"
#include "cloud/jobs/content.h"
#include "session/name.h"

#define LIST_MEMORY (16LL << 20) /* of a page while it is made */

static bool query_state(struct call *c, struct reply *r, int *ret) {
	char text[32] = "";
	if (!call_query_text(c, r, "state", text, sizeof text)) return false;
	if (!query_get(&c->asked, "state")) return true;
	for (int i = 0; i < CLOUD_STATE_N; i++)
		if (strcmp(text, cloud_state_names[i]) == 0) *ret = i;
	if (*ret >= 0) return true;
	reply_fault(r, FAULT_BAD_REQUEST, "?state= must be uploading, accepted or rejected");
	return false;
}

/* The words of api.md's `processing`. */
static bool query_processing(struct call *c, struct reply *r, const char **ret) {
	static const char *const words[] = {"none", "pending", "running", "done", "failed"};
	char text[32] = "";
	if (!call_query_text(c, r, "processing", text, sizeof text)) return false;
	if (!query_get(&c->asked, "processing")) return true;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(text, words[i]) == 0) *ret = words[i];
	if (*ret) return true;
	reply_fault(r, FAULT_BAD_REQUEST, "?processing= must be none, pending, running, done or failed");
	return false;
}

static bool query_station(struct reply *r, const char *station) {
	struct error err = ERROR_INIT;
	if (!station[0] || station_name_check(station, &err) == 0) return true;
	reply_fault(r, FAULT_BAD_REQUEST, "?station= %s", err.text);
	return false;
}

static bool query_since(struct call *c, struct reply *r, int64_t *ret) {
	char text[64] = "";
	if (!call_query_text(c, r, "since", text, sizeof text)) return false;
	if (!text[0] || member_time(text, ret) == 0) return true;
	reply_fault(r, FAULT_BAD_REQUEST, "?since= must be a time like 2026-11-21T14:02:11.042Z");
	return false;
}

void sessions_get(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	char cursor[CATALOG_NEXT] = "", station[80] = "", next[CATALOG_NEXT];
	struct session_query q = {.state = -1, .limit = LIST_LIMIT, .cursor = cursor};
	cJSON *array = NULL;
	if (!query_state(c, r, &q.state) || !query_since(c, r, &q.since_ms) ||
		!call_query_i64(c, r, "limit", 1, LIST_LIMIT_MAX, &q.limit) ||
		!call_query_text(c, r, "cursor", cursor, sizeof cursor) ||
		!call_query_text(c, r, "station", station, sizeof station) || !query_processing(c, r, &q.processing) ||
		!query_station(r, station))
		return;
	if (!call_allows(c, SCOPE_ADMIN)) q.station = c->who.station;
	else if (station[0]) q.station = station;
	if (!call_memory(c, r, MIN(q.limit * 64 * 1024, LIST_MEMORY))) return;
	if (rows_sessions(c->api->catalog, &q, &array, next, &err)) reply_error(r, &err);
	else reply_page(r, "sessions", array, next);
}

static void session_reply(struct call *c, struct reply *r, const char *station, const char *session) {
	struct error err = ERROR_INIT;
	const struct stores stores = api_stores(c->api);
	cJSON *found = NULL;
	if (!call_memory(c, r, LIST_MEMORY / 2)) return;
	/* A revision of an older catalog has its content id when it is asked for. */
	if (content_complete(&stores, station, session, &err) ||
		rows_session(stores.catalog, station, session, &found, &err))
		reply_error(r, &err);
	else if (found) reply_json(r, 200, found);
	else reply_fault(r, FAULT_NOT_FOUND, "there is no such session");
}

void session_get_own(struct call *c, struct reply *r) { session_reply(c, r, c->who.station, c->params[0]); }

void session_get(struct call *c, struct reply *r) {
	if (call_allows(c, SCOPE_ADMIN) || strcmp(c->params[0], c->who.station) == 0)
		session_reply(c, r, c->params[0], c->params[1]);
	else reply_fault(r, FAULT_NOT_FOUND, "there is no such session");
}
