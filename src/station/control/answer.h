/* SPDX-License-Identifier: MIT */
/* What the engine answers to a line: `hello` itself, the rest by its table of methods. */
#pragma once

#include "base/json.h"

/* params is an object, or NULL when none were given. 0 and *ret_result (taken; NULL answers {}), or -1 with err, which
 * the client gets back with its code by name. */
typedef int control_handler(void *arg, const cJSON *params, cJSON **ret_result, struct error *err);
struct control_method {
	const char *name;
	control_handler *handle;
};
struct answers {		  /* borrowed, as what stands in it */
	const char *instance; /* of this engine, for hello */
	const struct control_method *methods;
	size_t method_n;
	void *arg;		 /* given to each handler */
	bool subscribes; /* there is a `subscribe` */
};
struct answer_client { /* what a client has said so far */
	bool greeted, subscribed;
};
/* The answer to one line, ended by '\n', or NULL for a notification; the caller frees. `greeted` becomes true with a
 * hello of our protocol; other methods are refused before. */
char *answer_line(const struct answers *a, struct answer_client *client, const char *line, size_t n);
