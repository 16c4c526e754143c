/* SPDX-License-Identifier: MIT */
/* One call of the API, and its last answer with its age. Loop thread. */
#include "station/talk/fleet.h"

#include "base/clock.h"
#include "station/engine/session.h"

#define FLEET_EVERY_MS 2000 /* the cloud is asked for its stations at most so often */
#define FLEET_PATH "/v1/stations?limit=1000"

struct fleet {
	cJSON *stations; /* of the last answer (owned) */
	bool asking;
	int64_t at_ms, asked_ms; /* wall clock of that answer; monotonic */
	struct error why;
};
static struct fleet *mine(const struct engine *e) { return engine_part(e, PART_FLEET); }

static cJSON *fleet_json(const struct engine *e) {
	const struct fleet *f = mine(e);
	cJSON *o = json_object();
	json_add_time(o, "at", f->at_ms);
	json_add_bool(o, "asking", f->asking);
	json_add(o, "stations", f->stations ? json_copy(f->stations) : json_array());
	status_add_error(o, &f->why);
	return o;
}

static void on_fleet(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	struct fleet *f = mine(e);
	(void)s, (void)arg;
	f->asking = false;
	if (!r || e->stopping) return;
	const cJSON *list = json_get_array(r->json, "stations");
	f->why = r->err;
	if (r->err.code == ERR_NONE && list) {
		json_free(f->stations);
		f->stations = json_copy(list);
		f->at_ms = clock_wall_ms();
	}
	control_notify(e->control, "stations", fleet_json(e));
}

cJSON *fleet_ask(struct engine *e) {
	struct fleet *f = mine(e);
	bool recent = f->asked_ms && now_ms() - f->asked_ms < FLEET_EVERY_MS;
	if (!f->asking && !recent && api_may_ask(e, ANSWER_STATIONS)) {
		f->asking = true;
		f->asked_ms = now_ms();
		api_call(e, NULL, "GET", FLEET_PATH, NULL, 0, on_fleet, NULL);
	} else if (e->cloud.api.down) {
		f->why = e->cloud.api.why;
	}
	return fleet_json(e);
}

static void fleet_done(struct engine *e) { json_free(mine(e)->stations); }

const struct part fleet_part = {
	.engine_size = sizeof(struct fleet),
	.done = fleet_done,
};
