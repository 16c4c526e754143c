/* SPDX-License-Identifier: MIT */
/* JSON-RPC 2.0 as the control socket speaks it: params by name, no batches. Pure but for the handlers it calls; loop
 * thread (control_address: any). Error codes below -32000 are the specification's (section 5.1); our own errors are
 * -32000 with data.code, the name in base/error.h. */
#include "station/control/rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "station/journal/journal.h"

enum { RPC_PARSE = -32700, RPC_REQUEST = -32600, RPC_METHOD = -32601, RPC_PARAMS = -32602, RPC_OURS = -32000 };

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

static char *rpc_line(cJSON *answer) {
	AUTO(json_free) cJSON *owned = answer;
	AUTO(xfree) char *text = json_text(owned);
	return xasprintf("%s\n", text);
}

static cJSON *rpc_envelope(const cJSON *id) {
	cJSON *answer = json_object();
	json_add_text(answer, "jsonrpc", "2.0");
	json_add(answer, "id", id ? cJSON_Duplicate(id, true) : cJSON_CreateNull());
	return answer;
}

static char *rpc_error(const cJSON *id, int code, const struct error *err) {
	cJSON *answer = rpc_envelope(id), *body = json_object(), *data = json_object();
	json_add_i64(body, "code", code);
	json_add_text(body, "message", err->text);
	json_add_text(data, "code", error_classes[err->code].name);
	json_add(body, "data", data);
	json_add(answer, "error", body);
	return rpc_line(answer);
}

static char *rpc_result(const cJSON *id, cJSON *result) {
	cJSON *answer = rpc_envelope(id);
	json_add(answer, "result", result ? result : json_object());
	return rpc_line(answer);
}

char *rpc_notification(const char *method, cJSON *params) {
	cJSON *o = json_object();
	json_add_text(o, "jsonrpc", "2.0");
	json_add_text(o, "method", method);
	json_add(o, "params", params ? params : json_object());
	return rpc_line(o);
}

char *rpc_refusal(int code, const char *text) {
	struct error err = ERROR_INIT;
	error_set(&err, ERR_INPUT, "%s", text);
	return rpc_error(NULL, code, &err);
}

static int hello(
	const struct control_options *o, struct rpc_client *client, const cJSON *params, cJSON **ret, struct error *err) {
	int64_t protocol = 0;
	if (json_want_i64(params, "protocol", NULL, 0, INT32_MAX, &protocol, err)) return -1;
	if (protocol != CONTROL_PROTOCOL) {
		return error_set(err, ERR_CONFIG,
			"the engine that runs is headgate " HEADGATE_VERSION
			" and speaks control protocol %d, this program speaks %lld; use the same version for both",
			CONTROL_PROTOCOL, (long long)protocol);
	}
	client->greeted = true;
	cJSON *result = json_object();
	json_add_i64(result, "protocol", CONTROL_PROTOCOL);
	json_add_text(result, "version", HEADGATE_VERSION);
	json_add_text(result, "instance", o->instance);
	json_add_i64(result, "schema", journal_schema());
	*ret = result;
	return 0;
}

static const struct control_method *method_of(const struct control_options *o, const char *name) {
	for (size_t i = 0; i < o->method_n; i++) {
		if (strcmp(o->methods[i].name, name) == 0) return &o->methods[i];
	}
	return NULL;
}

/* A call whose envelope is sound. *ret_code is what the specification calls a failure of it. */
static int rpc_call(const struct control_options *o, struct rpc_client *client, const char *name, const cJSON *params,
	cJSON **ret, int *ret_code, struct error *err) {
	const struct control_method *method = method_of(o, name);
	bool is_hello = strcmp(name, "hello") == 0, is_subscribe = o->status && strcmp(name, "subscribe") == 0;
	if (!method && !is_hello && !is_subscribe) {
		*ret_code = RPC_METHOD;
		return error_set(err, ERR_USAGE, "the engine has no method \"%s\"", name);
	}
	if ((params && !cJSON_IsObject(params)) || (is_hello && !params)) {
		*ret_code = RPC_PARAMS;
		return error_set(err, ERR_USAGE, "the params of \"%s\" must be an object", name);
	}
	*ret_code = RPC_OURS;
	if (is_hello) return hello(o, client, params, ret, err);
	if (!client->greeted) return error_set(err, ERR_USAGE, "say hello before \"%s\"", name);
	if (is_subscribe) return client->subscribed = true, 0;
	return method->handle(o->arg, params, ret, err);
}

char *rpc_answer(const struct control_options *o, struct rpc_client *client, const char *line, size_t n) {
	struct error err = ERROR_INIT;
	AUTO(json_free) cJSON *request = NULL;
	if (json_parse(line, n, &request, &err)) return rpc_error(NULL, RPC_PARSE, &err);
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(request, "id");
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(request, "jsonrpc");
	const cJSON *method = cJSON_GetObjectItemCaseSensitive(request, "method");
	bool id_sound = !id || cJSON_IsString(id) || cJSON_IsNumber(id) || cJSON_IsNull(id);
	if (!id_sound || !cJSON_IsString(method) || !cJSON_IsString(version) || strcmp(version->valuestring, "2.0") != 0) {
		return rpc_refusal(RPC_REQUEST, "a request is an object with jsonrpc \"2.0\", a method and an id");
	}
	cJSON *result = NULL;
	int code = 0;
	int failed = rpc_call(
		o, client, method->valuestring, cJSON_GetObjectItemCaseSensitive(request, "params"), &result, &code, &err);
	if (!id) return json_free(result), NULL;
	return failed ? rpc_error(id, code, &err) : rpc_result(id, result);
}
