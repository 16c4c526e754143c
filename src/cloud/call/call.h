/* SPDX-License-Identifier: MIT */
/* One request and its answer, as every handler sees them: no word of the HTTP server, so that another front (a Lambda
 * runtime) can call the same functions. The life of a call:
 *
 *   call_init -> front fills method, path, query, headers … -> call_begin --refused--> call_finish
 *                                                                |                        ^
 *                                                            call_body (as bytes come) -> call_end
 *
 * call_begin refuses what can be refused before the body, in this order: address; rate (admit); path and method; who
 * calls (admit); query; headers, length and type of the body (before admit where the surface says so); what a streaming
 * handler has against it. A front that can save a refused body does. call_end parses a JSON body and runs the handler.
 * call_finish renders errors, adds the request id and logs. One thread a call. */
#pragma once

#include "aws/sigv4.h"
#include "base/json.h"
#include "cloud/call/api.h"
#include "cloud/call/budget.h"
#include "cloud/call/principal.h"
#include "cloud/call/reply.h"
#include "cloud/call/route.h"

#define CALL_HEADERS_MAX 64
#define REQUEST_ID 17 /* with NUL */

struct call {
	struct api *api;
	const struct surface *surface; /* whose words are spoken; NULL: not looked for yet */
	const struct route *route;	   /* NULL: none matches */
	bool other_operation;		   /* one has the path and the method, and the query asks for what is not served */
	char request_id[REQUEST_ID];
	const char *method, *path, *query; /* path and query raw, as on the wire; query "" when there is none */
	bool tls;
	struct sigv4_header headers[CALL_HEADERS_MAX]; /* borrowed from the front for the life of the call */
	size_t header_n;
	bool headers_cut; /* there were more */
	struct address address;
	char *params[ROUTE_PARAMS]; /* decoded, in order of the pattern */
	struct query asked;			/* the query taken apart */
	struct principal who;		/* scopes 0: nobody */
	bool known;					/* by a good token, key or signature */
	int64_t begun_mono_ms;
	int64_t body_announced; /* Content-Length, -1: none given */
	int64_t body_bytes;		/* come so far */
	struct {
		int64_t begun_mono_ms, bytes; /* 0: with the call */
	} paced;						  /* of the body's rate */
	struct budget_share memory;
	int64_t tree_bytes; /* what body is counted as */
	int64_t window_mono_ms,
		window_bytes; /* since when what has come is looked at, and what had come then; 0: not yet */
	struct buf text;  /* a JSON body */
	cJSON *body;	  /* parsed; NULL when the route takes none */
	void *streamed;	  /* of a streamed body; belongs to its handler */
};
void call_init(struct call *c, struct api *api);
void call_done(struct call *c);

/* False: refused, r says why. */
bool call_begin(struct call *c, struct reply *r);
/* Counts bytes that came, kept or not. False: a trickle; the front is to close the connection. */
bool call_body_in_time(struct call *c, size_t n);
/* False: r says why; what still comes may be thrown away. */
bool call_body(struct call *c, struct reply *r, const char *bytes, size_t n);
/* Instead of call_end: what came is not framed as it says. */
void call_body_broken(struct call *c, struct reply *r);
void call_end(struct call *c, struct reply *r);
void call_finish(struct call *c, struct reply *r);
/* The caller went away before it had its answer. */
void call_abandoned(struct call *c);

const char *call_header(const struct call *c, const char *name); /* first of that name, any case; NULL */
/* False: r says what is wrong with it. *ret stays as it is when the parameter is absent. */
bool call_query_i64(const struct call *c, struct reply *r, const char *name, int64_t min, int64_t max, int64_t *ret);
bool call_query_text(const struct call *c, struct reply *r, const char *name, char *to, size_t size);
/* One of what is not counted by key, of this caller's address. False: too many, r says when to come back. */
bool call_limit_address(struct call *c, struct reply *r);
bool call_limit(struct reply *r, struct limiter *l, const char *client);
/* Before a handler builds something of this size, beside its body, for all it has in hand. False: it is not to be had
 * now, r says so. */
bool call_memory(struct call *c, struct reply *r, int64_t bytes);
/* Before the catalog takes so many bytes that it need not take. False: the disk has no room for them, r says so. */
bool call_room(const struct call *c, struct reply *r, int64_t bytes);
bool call_allows(const struct call *c, int scope);
