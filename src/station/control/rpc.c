/* SPDX-License-Identifier: MIT */
/* Pure, but for control_address; any thread. */
#include "station/control/rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ID_MOST (INT64_C(1) << 53)

int control_address(const char *state_dir, struct sockaddr_un *ret, int *ret_dir, struct error *err) {
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	*ret_dir = -1;
	int n = snprintf(a.sun_path, sizeof a.sun_path, "%s/" CONTROL_SOCKET, state_dir);
	if (n >= (int)sizeof a.sun_path) {
		int dir = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0) {
			enum error_code code = errno == ENOENT ? ERR_NOT_FOUND : ERR_DISK;
			return error_errno(err, code, errno, "cannot open the state folder %s", state_dir);
		}
		*ret_dir = dir;
		snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/" CONTROL_SOCKET, dir);
	}
	*ret = a;
	return 0;
}

/* --- what is said --- */

static char *rpc_line(cJSON *o) {
	AUTO(json_free) cJSON *owned = o;
	AUTO(xfree) char *text = json_text(owned);
	return xasprintf("%s\n", text);
}

static cJSON *rpc_envelope(void) {
	cJSON *o = json_object();
	json_add_text(o, "jsonrpc", "2.0");
	return o;
}

char *rpc_request(int64_t id, const char *method, cJSON *params) {
	cJSON *o = rpc_envelope();
	json_add_i64(o, "id", id);
	json_add_text(o, "method", method);
	if (params) json_add(o, "params", params);
	return rpc_line(o);
}

char *rpc_notification(const char *method, cJSON *params) {
	cJSON *o = rpc_envelope();
	json_add_text(o, "method", method);
	json_add(o, "params", params ? params : json_object());
	return rpc_line(o);
}

char *rpc_result(const cJSON *id, cJSON *result) {
	cJSON *o = rpc_envelope();
	json_add(o, "id", id ? json_copy(id) : json_null());
	json_add(o, "result", result ? result : json_object());
	return rpc_line(o);
}

char *rpc_error(const cJSON *id, int code, const struct error *err) {
	cJSON *o = rpc_envelope(), *body = json_object(), *data = json_object();
	json_add(o, "id", id ? json_copy(id) : json_null());
	json_add_i64(body, "code", code);
	json_add_text(body, "message", err->text);
	json_add_text(data, "code", error_classes[err->code].name);
	json_add(body, "data", data);
	json_add(o, "error", body);
	return rpc_line(o);
}

/* --- what is heard --- */

/* Null is a member too. */
static const cJSON *member(const cJSON *o, const char *name) {
	struct error ignored = ERROR_INIT;
	const cJSON *j = NULL;
	return json_want_member(o, name, NULL, &j, &ignored) ? NULL : j;
}

static bool id_sound(const cJSON *id) {
	double number;
	return !id || json_is_null(id) || json_as_text(id) || json_as_double(id, &number);
}

int rpc_asked(struct rpc_asked *ret, const char *line, size_t n, int *ret_code, struct error *err) {
	AUTO(json_free) cJSON *o = NULL;
	*ret_code = RPC_PARSE;
	if (json_parse(line, n, &o, err)) return -1;
	const char *version = json_get_text(o, "jsonrpc"), *method = json_get_text(o, "method");
	const cJSON *id = member(o, "id");
	*ret_code = RPC_REQUEST;
	if (!id_sound(id) || !method || !version || strcmp(version, "2.0") != 0)
		return error_set(err, ERR_INPUT, "a request is an object with jsonrpc \"2.0\", a method and an id");
	*ret = (struct rpc_asked){.method = method, .id = id, .params = member(o, "params")};
	ret->line = TAKE(o);
	return 0;
}

void rpc_asked_done(struct rpc_asked *a) {
	json_free(a->line);
	*a = (struct rpc_asked){0};
}

static enum error_code code_by_name(const char *name) {
	for (int i = 1; i < ERR_N; i++) {
		if (name && strcmp(error_classes[i].name, name) == 0) return (enum error_code)i;
	}
	return ERR_INTERNAL;
}

void rpc_take_error(const cJSON *body, struct error *err) {
	const char *message = json_get_text(body, "message"), *code = json_get_text(json_get(body, "data"), "code");
	error_set(err, code_by_name(code), "%s", message ? message : "the engine refused without a reason");
}

int rpc_said(struct rpc_said *ret, const char *line, size_t n, struct error *err) {
	AUTO(json_free) cJSON *o = NULL;
	if (json_parse(line, n, &o, err)) return -1;
	if (!json_is_object(o)) return error_set(err, ERR_INPUT, "it is no object");
	const cJSON *refused = json_get_object(o, "error");
	*ret = (struct rpc_said){.id = -1};
	if (!json_get(o, "id")) ret->method = json_get_text(o, "method");
	if (ret->method) {
		ret->params = json_get_object(o, "params");
	} else {
		int64_t id = json_get_i64(o, "id", -1);
		ret->id = id >= 0 && id <= ID_MOST ? id : -1;
		ret->result = json_get(o, "result");
		if (!ret->result && !refused)
			return error_set(err, ERR_INPUT, "it has neither a method nor a result nor an error");
		if (!ret->result) rpc_take_error(refused, &ret->refusal);
	}
	ret->line = TAKE(o);
	return 0;
}

void rpc_said_done(struct rpc_said *s) {
	json_free(s->line);
	*s = (struct rpc_said){0};
}

/* --- the greeting --- */

cJSON *rpc_hello(void) {
	cJSON *params = json_object();
	json_add_i64(params, "protocol", CONTROL_PROTOCOL);
	json_add_text(params, "version", HEADGATE_VERSION);
	return params;
}

int rpc_greeted(const cJSON *greeting, bool by_engine, struct error *err) {
	static const char us[] = " (headgate " HEADGATE_VERSION ")";
	int64_t theirs = json_get_i64(greeting, "protocol", -1), engine = by_engine ? theirs : CONTROL_PROTOCOL,
			program = by_engine ? CONTROL_PROTOCOL : theirs;
	if (theirs < 0)
		return error_set(err, ERR_INPUT, "the %s's greeting names no protocol", by_engine ? "engine" : "program");
	if (theirs == CONTROL_PROTOCOL) return 0;
	return error_set(err, ERR_CONFIG,
		"the engine%s speaks control protocol %lld, this program%s speaks %lld; use the same version for both",
		by_engine ? "" : us, (long long)engine, by_engine ? us : "", (long long)program);
}
