/* SPDX-License-Identifier: MIT */
/* Both ends' share of the control socket: its address, and requests and answers as text. Internal to control*.c and
 * client.c. */
#pragma once

#include <sys/un.h>

#include "station/control/server.h"

/* Where the socket of a state folder is. A path above sun_path's 107 bytes goes through the folder's descriptor, which
 * must stay open until bind or connect: *ret_dir, else -1. */
MUST_USE int control_address(const char *state_dir, struct sockaddr_un *ret, int *ret_dir, struct error *err);

struct rpc_client { /* what a client has said so far */
	bool greeted, subscribed;
};
/* The answer to one line, ended by '\n', or NULL for a notification; the caller frees. `greeted` becomes true with a
 * hello of our protocol; other methods are refused before. */
char *rpc_answer(const struct control_options *o, struct rpc_client *client, const char *line, size_t n);
/* A notification as a line; params is taken. The caller frees. */
char *rpc_notification(const char *method, cJSON *params);
/* The answer to what is no line of ours: no id, error `code` of the specification. */
char *rpc_refusal(int code, const char *text);
