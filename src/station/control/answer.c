/* SPDX-License-Identifier: MIT */
/* Pure but for the handlers it calls; loop thread. */
#include "station/control/answer.h"

#include <string.h>

#include "station/control/rpc.h"
#include "station/journal/view.h"

static int hello(
	const struct answers *a, struct answer_client *client, const cJSON *params, cJSON **ret, struct error *err) {
	if (rpc_greeted(params, false, err)) return -1;
	client->greeted = true;
	*ret = rpc_hello();
	json_add_text(*ret, "instance", a->instance);
	json_add_i64(*ret, "schema", journal_schema());
	return 0;
}

static const struct control_method *method_of(const struct answers *a, const char *name) {
	for (size_t i = 0; i < a->method_n; i++) {
		if (strcmp(a->methods[i].name, name) == 0) return &a->methods[i];
	}
	return NULL;
}

/* A call whose envelope is sound. *ret_code is what the specification calls a failure of it. */
static int answer_call(const struct answers *a, struct answer_client *client, const char *name, const cJSON *params,
	cJSON **ret, int *ret_code, struct error *err) {
	const struct control_method *method = method_of(a, name);
	bool is_hello = strcmp(name, "hello") == 0, is_subscribe = a->subscribes && strcmp(name, "subscribe") == 0;
	if (!method && !is_hello && !is_subscribe) {
		*ret_code = RPC_METHOD;
		return error_set(err, ERR_USAGE, "the engine has no method \"%s\"", name);
	}
	if ((params && !json_is_object(params)) || (is_hello && !params)) {
		*ret_code = RPC_PARAMS;
		return error_set(err, ERR_USAGE, "the params of \"%s\" must be an object", name);
	}
	*ret_code = RPC_OURS;
	if (is_hello) return hello(a, client, params, ret, err);
	if (!client->greeted) return error_set(err, ERR_USAGE, "say hello before \"%s\"", name);
	if (is_subscribe) return client->subscribed = true, 0;
	return method->handle(a->arg, params, ret, err);
}

char *answer_line(const struct answers *a, struct answer_client *client, const char *line, size_t n) {
	struct error err = ERROR_INIT;
	AUTO(rpc_asked_done) struct rpc_asked asked = {0};
	AUTO(json_free) cJSON *result = NULL;
	int code = 0;
	if (rpc_asked(&asked, line, n, &code, &err)) return rpc_error(NULL, code, &err);
	int failed = answer_call(a, client, asked.method, asked.params, &result, &code, &err);
	if (!asked.id) return NULL;
	return failed ? rpc_error(asked.id, code, &err) : rpc_result(asked.id, TAKE(result));
}
