/* SPDX-License-Identifier: MIT */
/* The control socket's methods, as one table; those over sessions are in engine_act.c. Loop thread. */
#include <string.h>

#include "base/clock.h"
#include "session/name.h"
#include "station/control/server.h"
#include "station/engine/engine_internal.h"

#define FLEET_EVERY_MS 2000 /* the cloud is asked for its stations at most so often */
#define FLEET_PATH "/v1/stations?limit=1000"

static int on_status(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	(void)params, (void)err;
	*ret_result = engine_status(arg);
	return 0;
}

/* For subscribers: while anything moves, look again after this one, so that rates fall to nothing when it ends. */
static cJSON *on_push_status(void *arg) {
	struct engine *e = arg;
	if (e->sending || checking_count(e) || rate_now(&e->rate, now_ms()) > 0) control_changed(e->control);
	return engine_status(e);
}

/* --- over sessions --- */

#define ACT(method)                                                                                                    \
	static int on_##method(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {                    \
		return engine_act(arg, #method, params, ret_result, err);                                                      \
	}
ACT(retry)
ACT(pause)
ACT(resume)
ACT(ignore)
ACT(unignore)
ACT(release)

/* --- the fleet --- */

static cJSON *fleet_json(const struct engine *e) {
	cJSON *o = json_object();
	json_add_time(o, "at", e->fleet_ms);
	json_add_bool(o, "asking", e->fleet_asking);
	json_add(o, "stations", e->fleet ? cJSON_Duplicate(e->fleet, true) : json_array());
	status_add_error(o, &e->fleet_why);
	return o;
}

static void on_fleet(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s, (void)arg;
	e->fleet_asking = false;
	if (!r || e->stopping) return;
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(r->json, "stations");
	e->fleet_why = r->err;
	if (r->err.code == ERR_NONE && cJSON_IsArray(list)) {
		json_free(e->fleet);
		e->fleet = cJSON_Duplicate(list, true);
		e->fleet_ms = clock_wall_ms();
	}
	control_notify(e->control, "stations", fleet_json(e));
}

static int on_stations(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	struct engine *e = arg;
	(void)params, (void)err;
	bool recent = e->fleet_asked_ms && now_ms() - e->fleet_asked_ms < FLEET_EVERY_MS;
	if (!e->fleet_asking && !recent && api_may_ask(e, ANSWER_STATIONS)) {
		e->fleet_asking = true;
		e->fleet_asked_ms = now_ms();
		api_call(e, NULL, "GET", FLEET_PATH, NULL, 0, on_fleet, NULL);
	} else if (e->api.down) {
		e->fleet_why = e->api.why;
	}
	*ret_result = fleet_json(e);
	return 0;
}

/* --- of the station --- */

static int on_verify(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	struct engine *e = arg;
	const struct json_at at = {.name = "params"};
	const cJSON *names, *name;
	bool all = false;
	if (json_may_bool(params, "all", &at, &all, err) ||
		json_want_array(params, "sessions", &at, ACT_NAMES_MAX, &names, err))
		return -1;
	if (all) recall_whole(e->recall);
	cJSON_ArrayForEach (name, names) {
		if (!cJSON_IsString(name) || !session_name_is(name->valuestring))
			return error_set(err, ERR_INPUT, "params.sessions must hold names of sessions");
		if (recall_one(e->recall, name->valuestring, err)) return -1;
	}
	*ret_result = recall_json(e->recall);
	return 0;
}

static int on_rescan(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	(void)params, (void)ret_result, (void)err;
	rescan_soon(arg);
	return 0;
}

static int on_shutdown(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	(void)params, (void)ret_result, (void)err;
	engine_end(arg);
	return 0;
}

static const struct control_method methods[] = {
	{"status", on_status},
	{"retry", on_retry},
	{"pause", on_pause},
	{"resume", on_resume},
	{"release", on_release},
	{"ignore", on_ignore},
	{"unignore", on_unignore},
	{"verify", on_verify},
	{"rescan", on_rescan},
	{"stations", on_stations},
	{"shutdown", on_shutdown},
};

static void on_client(void *arg) { engine_poke(arg); }

static int64_t on_submitted(void *arg) { return journal_submitted(((struct engine *)arg)->journal); }

int control_begin(struct engine *e, struct error *err) {
	struct control_options o = {
		.state_dir = e->config->state_dir,
		.instance = e->instance,
		.group = e->config->group,
		.methods = methods,
		.method_n = ARRAY_LEN(methods),
		.arg = e,
		.status = on_push_status,
		.on_client = on_client,
		.submitted = on_submitted,
	};
	return control_server_open(&e->control, &e->loop, &o, err);
}

static void on_closed(void *arg) { ((struct engine *)arg)->control = NULL; }

void control_end(struct engine *e) {
	if (e->control) control_server_close(e->control, on_closed, e);
}
