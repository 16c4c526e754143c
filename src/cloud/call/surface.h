/* SPDX-License-Identifier: MIT */
/* A surface: one protocol that the cloud speaks (its ingest API, S3), as one const struct. What the surfaces differ in
 * stands here and in their routes; everything else is the same for all (call.c). A new one is a file with its struct
 * and its rows of routes, and a row in serve/surfaces.c. Constant. */
#pragma once

#include "cloud/call/call.h"

enum surface_match {
	MATCH_NO,
	MATCH_MAYBE, /* nothing speaks against it: where it has no such path, the call is nobody's */
	MATCH_SURE
};
struct surface {
	const struct route *routes;
	size_t route_n;
	/* Whether a call is this surface's, by path, query and headers, before any route is known. The first of the table
	 * that does not say no has it. */
	enum surface_match (*match)(const struct call *c);
	/* Counts the caller, and holds him against the auth of c->route; false: refused, r says why. Without a route it
	 * counts only. No handler runs before it said yes. */
	bool (*admit)(struct call *c, struct reply *r);
	/* Writes an error's status and body in the words of this surface, and the headers that all its answers have. */
	void (*render)(const struct call *c, struct reply *r);
	/* Adds to the event of a call what joins it to a recording. */
	void (*log)(const struct call *c, cJSON *event);
	/* NULL: the query chooses no route. Else it does (route.query), but for the names of which this is true. */
	bool (*query_passes)(const char *name);
	const char *json_type; /* content type of its JSON bodies; NULL: no route of it takes one */
	bool nobodys;		   /* what is no surface's is refused in the words of this one: of one in the table */
	bool body_first;	   /* a body that cannot be taken is refused before it is asked who sends it */
};
