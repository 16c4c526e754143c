/* SPDX-License-Identifier: MIT */
/* GET /healthz: whether objects and catalog can be written, and something new be promised. Each probe syncs the disk,
 * and anybody may ask: an answer is good for HEALTH_KEEP_MS. */
#include "base/clock.h"
#include "base/log.h"
#include "cloud/api/handlers.h"

#define HEALTH_KEEP_MS 1000

static void health_probe(struct api *a) {
	struct error err = ERROR_INIT;
	bool before = a->health.good || !a->health.checked_mono_ms;
	a->health.good = catalog_in_place(a->catalog, &err) == 0 && objects_in_place(a->objects, &err) == 0 &&
					 catalog_writable(a->catalog, &err) == 0 && objects_writable(a->objects, &err) == 0 &&
					 api_room(a, 0, &err) == 0;
	memcpy(a->health.why, err.text, sizeof a->health.why);
	a->health.checked_mono_ms = clock_mono_ms();
	if (before && !a->health.good) log_event(LOG_ERROR, "health", err.text, NULL);
}

void health_get(struct call *c, struct reply *r) {
	struct api *a = c->api;
	pthread_mutex_lock(&a->health.lock);
	if (!a->health.checked_mono_ms || clock_mono_ms() - a->health.checked_mono_ms > HEALTH_KEEP_MS) health_probe(a);
	bool good = a->health.good;
	if (!good) reply_fault(r, FAULT_UNAVAILABLE, "%s", a->health.why);
	pthread_mutex_unlock(&a->health.lock);
	if (!good) return;
	cJSON *answer = json_object();
	json_add_text(answer, "status", "ok");
	reply_json(r, 200, answer);
}
