/* SPDX-License-Identifier: MIT */
/* The control socket's methods, as one table; those over sessions are in acts.c. Loop thread. */
#include "station/run/methods.h"

#include "session/name.h"
#include "station/engine/session.h"
#include "station/run/acts.h"
#include "station/run/status.h"
#include "station/talk/fleet.h"
#include "station/talk/recall.h"

static int on_status(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	(void)params, (void)err;
	*ret_result = engine_status(arg);
	return 0;
}

static cJSON *on_push_status(void *arg) { return engine_status(arg); }

/* --- over sessions --- */

#define X(id, word, what)                                                                                              \
	static int on_##word(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {                      \
		return engine_act(arg, ACT_##id, params, ret_result, err);                                                     \
	}
ACTS(X)
#undef X

/* --- of the station --- */

static int on_verify(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	struct engine *e = arg;
	const struct json_at at = {.name = "params"};
	const cJSON *names, *name;
	bool all = false;
	if (json_may_bool(params, "all", &at, &all, err) ||
		json_want_array(params, "sessions", &at, ACT_NAMES_MAX, &names, err))
		return -1;
	if (all) recall_whole(e);
	json_each (name, names) {
		const char *text = json_as_text(name);
		if (!text || !session_name_is(text))
			return error_set(err, ERR_INPUT, "params.sessions must hold names of sessions");
		if (recall_one(e, text, err)) return -1;
	}
	*ret_result = recall_json(e);
	return 0;
}

static int on_rescan(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	(void)params, (void)ret_result, (void)err;
	engine_rescan(arg);
	return 0;
}

static int on_shutdown(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	(void)params, (void)ret_result, (void)err;
	engine_end(arg);
	return 0;
}

static int on_stations(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	(void)params, (void)err;
	*ret_result = fleet_ask(arg);
	return 0;
}

static const struct control_method methods[] = {
	{"status", on_status},
#define X(id, word, what) {#word, on_##word},
	ACTS(X)
#undef X
		{"verify", on_verify},
	{"rescan", on_rescan},
	{"stations", on_stations},
	{"shutdown", on_shutdown},
};

static void on_client(void *arg) { engine_poke(arg); }

static int64_t on_submitted(void *arg) { return journal_submitted(((struct engine *)arg)->journal); }

static int methods_start(struct engine *e, struct error *err) {
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

static void methods_stop(struct engine *e) {
	if (e->control) control_server_close(e->control, on_closed, e);
}

const struct part methods_part = {
	.start = methods_start,
	.stop = methods_stop,
};
