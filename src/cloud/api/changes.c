/* SPDX-License-Identifier: MIT */
/* GET /v1/changes: decisions beyond a cursor, at once when there are some, else when the first comes or the wait is
 * over; at once as well when the cursor is none of this catalog's. A key with the scope station follows its own
 * sessions only, also when it is an admin's as well: a station must never take another's verdict for its own. At most
 * half of the connections may wait; further callers are answered at once. */
#include "base/clock.h"
#include "cloud/api/handlers.h"
#include "cloud/api/rows.h"

#define WAIT_MAX_S 20
#define FEW 8
#define CHANGE_MEMORY (32 * 1024) /* of a change in hand, with its checks as a tree */
#define PAGE_MEMORY (8LL << 20)	  /* of a page, which the catalog ends at a megabyte of text */

static bool poll_enter(struct api *a) {
	if (atomic_fetch_add(&a->polls, 1) < a->config->connections / 2) return true;
	atomic_fetch_sub(&a->polls, 1);
	return false;
}

/* A waiting call has next to nothing in hand: it looks at a few, and takes the memory for more only when there are
 * more.
 */
static int changes_page(struct call *c, struct reply *r, const char *station, const char *after, int64_t limit,
	cJSON **ret, char cursor[CATALOG_CURSOR], bool *ret_reset, struct error *err) {
	cJSON *few = NULL;
	if (rows_changes(c->api->catalog, station, after, MIN(limit, FEW), &few, cursor, ret_reset, err)) return -1;
	if (limit <= FEW || json_count(few) < FEW) {
		*ret = few;
		return 0;
	}
	json_free(few);
	if (!call_memory(c, r, MIN(limit * CHANGE_MEMORY, PAGE_MEMORY))) return -1;
	return rows_changes(c->api->catalog, station, after, limit, ret, cursor, ret_reset, err);
}

static int changes_wait(struct call *c, struct reply *r, const char *station, const char *after, int64_t limit,
	int64_t wait_ms, cJSON **ret, char cursor[CATALOG_CURSOR], bool *ret_reset, struct error *err) {
	struct api *a = c->api;
	int64_t end_ms = clock_mono_ms() + wait_ms;
	for (;;) {
		cJSON *array = NULL;
		if (changes_page(c, r, station, after, limit, &array, cursor, ret_reset, err)) return -1;
		int64_t left_ms = end_ms - clock_mono_ms();
		if (json_count(array) || *ret_reset || left_ms <= 0 || atomic_load(&a->stopping)) {
			*ret = array;
			return 0;
		}
		json_free(array);
		/* Others' changes move the cursor too: wait beyond them. */
		char beyond[CATALOG_CURSOR];
		memcpy(beyond, cursor, sizeof beyond);
		catalog_wait_change(a->catalog, beyond, left_ms);
	}
}

void changes_get(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	int64_t wait_s = 0, limit = LIST_LIMIT;
	char after[CATALOG_CURSOR] = "", cursor[CATALOG_CURSOR];
	bool reset = false;
	cJSON *array = NULL;
	if (!call_query_i64(c, r, "wait", 0, WAIT_MAX_S, &wait_s) ||
		!call_query_i64(c, r, "limit", 1, LIST_LIMIT_MAX, &limit) ||
		!call_query_text(c, r, "after", after, sizeof after))
		return;
	for (const char *byte = after; *byte; byte++)
		if (*byte <= ' ' || *byte > '~') {
			reply_fault(r, FAULT_BAD_REQUEST, "?after= must be a cursor of this call");
			return;
		}
	const char *station = call_allows(c, SCOPE_STATION) ? c->who.station : NULL;
	bool may_wait = wait_s > 0 && poll_enter(c->api);
	int bad = changes_wait(c, r, station, after, limit, may_wait ? wait_s * 1000 : 0, &array, cursor, &reset, &err);
	if (may_wait) atomic_fetch_sub(&c->api->polls, 1);
	if (bad) {
		if (err.code != ERR_NONE) reply_error(r, &err); /* else r says it: there is no memory now */
		return;
	}
	cJSON *answer = json_object();
	json_add(answer, "changes", array);
	json_add_text(answer, "cursor", cursor);
	if (reset) json_add_bool(answer, "reset", true);
	reply_json(r, 200, answer);
}
