/* SPDX-License-Identifier: MIT */
/* The control socket as the engine serves it: JSON-RPC 2.0 (https://www.jsonrpc.org/specification; no batches), one
 * object a line, STATE/control.sock (0600). `hello` is answered here, the other methods by the engine's table. All from
 * the loop's thread.
 *
 * No client slows the engine: a line has at most CONTROL_LINE_MAX bytes, answers that a client does not read are kept
 * up to CONTROL_QUEUE_MAX, its further requests wait meanwhile, and so do those above CONTROL_BATCH a tick; who passes
 * a ceiling is dropped.
 *
 * `subscribe` is answered here too: from then on the client gets {"method":"status","params":…} whenever the status has
 * changed, at most every CONTROL_PUSH_MS; while it has not read one, further ones are left out, and the newest follows
 * when it has. Without control_changed nothing runs. */
#pragma once

#include <uv.h>

#include "station/control/answer.h"
#include "station/control/client.h"

#define CONTROL_CLIENTS_MAX 32
#define CONTROL_BATCH 16 /* requests of one client in CONTROL_TICK_MS */
#define CONTROL_TICK_MS 20
#define CONTROL_PUSH_MS 100

struct control_options {
	const char *state_dir;
	const char *instance;				  /* of this engine, for hello */
	const char *group;					  /* whose members may connect; NULL: the user alone */
	const struct control_method *methods; /* without hello; borrowed */
	size_t method_n;
	void *arg;					  /* given to each handler */
	cJSON *(*status)(void *arg);  /* for subscribers, taken; NULL: there is no `subscribe` */
	void (*on_client)(void *arg); /* one came or went; may be NULL */
	/* Changes given to the journal so far, or NULL. A handler that adds some is answered once they are committed. */
	int64_t (*submitted)(void *arg);
};
struct control_server;
/* Listens. The caller holds the station's lock: a socket that is there is a dead engine's, and is replaced. */
MUST_USE int control_server_open(
	struct control_server **ret, uv_loop_t *loop, const struct control_options *o, struct error *err);
/* So many changes are committed: what waited for them is answered. */
void control_committed(struct control_server *s, int64_t delivered);
/* Something that `status` tells may differ: subscribers get it soon. Cheap without any. */
void control_changed(struct control_server *s);
/* A notification to every subscriber that has room for it; params is taken. */
void control_notify(struct control_server *s, const char *method, cJSON *params);
/* The user at the other end of the connection whose request is being answered; in a handler only. */
unsigned control_caller(const struct control_server *s);
int control_clients(const struct control_server *s); /* that said hello */
/* Removes the socket, drops every client once what was answered to it is in the kernel, then on_closed from the loop.
 * May be called in a handler: its answer still goes out. */
void control_server_close(struct control_server *s, void (*on_closed)(void *arg), void *arg);
