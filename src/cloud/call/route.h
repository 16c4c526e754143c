/* SPDX-License-Identifier: MIT */
/* A row of what a surface serves: method, path, who may, what body, and the function; and how a call finds its row. */
#pragma once

#include "aws/query.h"

#define ROUTE_PARAMS 2
/* Of a JSON body: a thousand files with four members each and some hundred digests of parts are far below. */
#define BODY_VALUES_MAX 40000
struct call;
struct reply;
struct surface;

/* Who may: the surface's admit holds the caller against it before the handler. */
enum auth {
	AUTH_NOBODY, /* the column was forgotten: refused */
	AUTH_ANYONE,
	AUTH_KEY,		/* anyone: the body carries an API key, which the handler judges and counts */
	AUTH_STATION,	/* a token with the scope station */
	AUTH_TOKEN,		/* a token of a station or of an admin */
	AUTH_SIGNATURE, /* Signature Version 4, which is counted where it is looked at */
};
enum body_kind {
	BODY_NONE,	/* whatever comes is thrown away */
	BODY_JSON,	/* kept up to body_max and BODY_VALUES_MAX values, parsed before the handler */
	BODY_STREAM /* given to take as it comes */
};
/* A handler that takes its body as it comes: begin runs before it and may refuse (false). */
struct stream {
	bool (*begin)(struct call *c, struct reply *r);
	bool (*take)(struct call *c, struct reply *r, const char *bytes, size_t n);
	void (*drop)(struct call *c); /* frees c->streamed, whatever happened */
};
struct route {
	const char *method;
	const char *pattern; /* "/v1/sessions/{station}/{id}"; "{key+}" takes the rest, slashes included */
	enum auth auth;
	enum body_kind body;
	int64_t body_max;
	void (*handle)(struct call *c, struct reply *r);
	const struct stream *stream;
	/* Where the query chooses the route: the names that must stand in it, and those that may, "partNumber uploadId" and
	 * "prefix delimiter"; NULL: none. A name that is in neither is another operation's. */
	const char *query, *query_may;
};

struct route_ask {
	const char *method, *path; /* path raw, as on the wire */
	const struct query *query; /* taken apart */
};
/* Why there is no route. */
struct route_miss {
	bool path;		/* some route has this path: */
	char allow[64]; /* the methods that it takes */
	bool query;		/* one of them is this method, and the query names what is not served */
};
/* NULL when there is none. Parameters are decoded into params (the caller frees). HEAD is served where GET is. */
const struct route *route_find(
	const struct surface *s, const struct route_ask *ask, char *params[ROUTE_PARAMS], struct route_miss *ret_miss);
