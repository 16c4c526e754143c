/* SPDX-License-Identifier: MIT */
/* The control socket's methods, as one table. Loop thread. */
#include <string.h>

#include "session/name.h"
#include "station/control.h"
#include "station/engine_internal.h"

#define RETRY_MAX 10000 /* names a call */

static int on_status(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	(void)params, (void)err;
	*ret_result = engine_status(arg);
	return 0;
}

/* The one of this name that a retry can help: the newest where two roots have it. */
static struct session *retryable(struct engine *e, const char *name, struct error *err) {
	struct session *found = NULL;
	for (size_t root = 0; root < e->root_n; root++) {
		struct session *s = sessions_find(&e->sessions, name, root);
		if (s && !s->dead && (!found || s->row.id > found->row.id)) found = s;
		if (s || !accepted_find(&e->accepted, session_stamp(name), root)) continue;
		error_set(err, ERR_INPUT, "session %s is accepted: there is nothing to try again", name);
		return NULL;
	}
	if (!found) {
		error_set(err, ERR_NOT_FOUND, "there is no session %s in the journal", name);
	} else if (found->row.state != STATE_QUEUED && state_next(found->row.state, EVENT_RETRIED) < 0) {
		error_set(err, ERR_INPUT, "session %s is %s: only held, rejected, failed and waiting ones are tried again",
			name, state_name(found->row.state));
		found = NULL;
	}
	return found;
}

static void probe_now(struct health *h) {
	if (h->down) h->next_ms = now_ms();
}

static int on_retry(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	struct engine *e = arg;
	const cJSON *names, *name;
	struct json_at at = {.name = "params"};
	if (json_want_array(params, "sessions", &at, RETRY_MAX, &names, err)) return -1;
	cJSON_ArrayForEach (name, names) { /* all of them, or none */
		if (!cJSON_IsString(name) || !session_name_is(name->valuestring)) {
			return error_set(err, ERR_INPUT, "params.sessions must hold names of sessions");
		}
		if (!retryable(e, name->valuestring, err)) return -1;
	}
	cJSON_ArrayForEach (name, names) {
		struct session *s = retryable(e, name->valuestring, err);
		if (!s) return -1;
		s->retry_wanted = true;
		session_poke(s);
	}
	probe_now(&e->api);
	probe_now(&e->objects);
	engine_poke(e);
	*ret_result = json_object();
	json_add_i64(*ret_result, "retried", cJSON_GetArraySize(names));
	return 0;
}

static int on_rescan(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	(void)params, (void)ret_result, (void)err;
	rescan_soon(arg);
	return 0;
}

static int on_shutdown(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	(void)params, (void)ret_result, (void)err;
	engine_stop(arg);
	return 0;
}

static const struct control_method methods[] = {
	{"status", on_status},
	{"retry", on_retry},
	{"rescan", on_rescan},
	{"shutdown", on_shutdown},
};

int control_begin(struct engine *e, struct error *err) {
	struct control_options o = {
		.state_dir = e->config->state_dir,
		.instance = e->instance,
		.methods = methods,
		.method_n = ARRAY_LEN(methods),
		.arg = e,
	};
	return control_server_open(&e->control, &e->loop, &o, err);
}

static void on_closed(void *arg) { ((struct engine *)arg)->control = NULL; }

void control_end(struct engine *e) {
	if (e->control) control_server_close(e->control, on_closed, e);
}
