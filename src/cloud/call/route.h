/* SPDX-License-Identifier: MIT */
/* The one table of what is served: method, path, who may, what body, and the function. */
#pragma once

#include "base/buf.h"

#define ROUTE_PARAMS 2
/* Of a JSON body: a thousand files with four members each and some hundred digests of parts are far below. */
#define BODY_VALUES_MAX 40000
struct call;
struct reply;

enum surface { SURFACE_API, SURFACE_S3 };
enum body_kind {
	BODY_NONE,	/* whatever comes is thrown away */
	BODY_JSON,	/* kept up to body_max and BODY_VALUES_MAX values, parsed before the handler */
	BODY_STREAM /* given to take as it comes */
};
/* A handler that takes its body as it comes: begin runs before it and may refuse (false). */
struct stream {
	bool (*begin)(struct call *c, struct reply *r);
	bool (*take)(struct call *c, struct reply *r, const char *bytes, size_t n);
	void (*drop)(struct call *c); /* frees c->upload, whatever happened */
};
struct route {
	const char *method;
	const char *pattern; /* "/v1/sessions/{station}/{id}"; "{key+}" takes the rest, slashes included */
	enum surface surface;
	int scope; /* of enum scope: any of these; 0: no token is asked for */
	enum body_kind body;
	int64_t body_max;
	void (*handle)(struct call *c, struct reply *r);
	const struct stream *stream;
};
extern const struct route routes[];
extern const size_t route_n;

/* Buckets share the root with the API, whose own words are never a bucket: who answers for this path, an unknown one
 * too. */
enum surface route_surface(const char *path);
/* The route of method and raw path; parameters decoded into params (the caller frees). NULL when there is none: then
 * `allow` names the methods that this path has, or is empty. HEAD is served where GET is. */
const struct route *route_find(const char *method, const char *path, char *params[ROUTE_PARAMS], struct buf *allow);
