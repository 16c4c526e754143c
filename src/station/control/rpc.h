/* SPDX-License-Identifier: MIT */
/* The control socket as both its ends have it: where it is, the lines of JSON-RPC 2.0 that they write and read
 * (https://www.jsonrpc.org/specification; params by name, no batches, one object a line), and the greeting. */
#pragma once

#include <sys/un.h>

#include "base/json.h"

#define CONTROL_PROTOCOL 1
#define CONTROL_SOCKET "control.sock"
#define CONTROL_LINE_MAX (1 << 20)	/* of a request */
#define CONTROL_QUEUE_MAX (4 << 20) /* of answers that wait for a client: no line of the engine is longer */

/* Of the specification, section 5.1; RPC_OURS: an error of ours, data.code is its name in base/error.h. */
enum { RPC_PARSE = -32700, RPC_REQUEST = -32600, RPC_METHOD = -32601, RPC_PARAMS = -32602, RPC_OURS = -32000 };

/* Where the socket of a state folder is. A path above sun_path's 107 bytes goes through the folder's descriptor, which
 * must stay open until bind or connect: *ret_dir, else -1. */
MUST_USE int control_address(const char *state_dir, struct sockaddr_un *ret, int *ret_dir, struct error *err);

/* --- what is said: a line with its '\n', the caller frees; params and result are taken, may be NULL --- */

char *rpc_request(int64_t id, const char *method, cJSON *params);
char *rpc_notification(const char *method, cJSON *params);
char *rpc_result(const cJSON *id, cJSON *result);
char *rpc_error(const cJSON *id, int code, const struct error *err); /* id NULL: of what is no line of ours */

/* --- what is heard: a line without its end; what stands in it is of `line` --- */

struct rpc_asked { /* by the engine */
	cJSON *line;
	const char *method;
	const cJSON *id;	 /* NULL: a notification, which is not answered */
	const cJSON *params; /* of any type; NULL: there are none */
};
/* -1: it is no request; *ret_code says why in the specification's numbers. */
MUST_USE int rpc_asked(struct rpc_asked *ret, const char *line, size_t n, int *ret_code, struct error *err);
void rpc_asked_done(struct rpc_asked *a);

struct rpc_said { /* by the engine: a notification (method), or an answer: result, or else refusal */
	cJSON *line;
	const char *method;
	const cJSON *params; /* an object; NULL: there is none */
	int64_t id;			 /* of the request that is answered; -1: of none */
	const cJSON *result;
	struct error refusal;
};
MUST_USE int rpc_said(struct rpc_said *ret, const char *line, size_t n, struct error *err); /* ERR_INPUT: neither */
void rpc_said_done(struct rpc_said *s);
DEFINE_AUTO_VAL(struct rpc_asked, rpc_asked_done)
DEFINE_AUTO_VAL(struct rpc_said, rpc_said_done)

/* The engine's own error, as it stands in a member "error". */
void rpc_take_error(const cJSON *body, struct error *err);

/* --- the greeting --- */

cJSON *rpc_hello(void); /* a client's params */
/* Whether we can speak with who says so (params of a hello, or its result, in which `engine` greets). ERR_INPUT: no
 * protocol is named; ERR_CONFIG: another one. */
MUST_USE int rpc_greeted(const cJSON *greeting, bool by_engine, struct error *err);
