/* SPDX-License-Identifier: MIT */
/* What follows from an error: the decision of one request, and whether an endpoint is worth asking at all. Pure: the
 * clock and the budget are given. Loop thread. */
#pragma once

#include "base/retry.h"

enum retry_step {
	STEP_AGAIN,	  /* the same request once more after delay_ms */
	STEP_PRESIGN, /* ask for a new URL first */
	STEP_COMPARE, /* it is there: ask the cloud for its checksum */
	STEP_PAUSE,	  /* the session goes back to the queue; the journal's back-off decides when */
	STEP_REVISE,  /* other bytes are stored there: the session goes on as another revision */
	STEP_CHANGED, /* the file is not what was hashed: the session settles again */
	STEP_KEY,	  /* nothing can be done until a person gives another key */
	STEP_FATAL,	  /* the session has failed by its own content, until a person acts */
	STEP_NONE,	  /* it was us who ended it */
	STEP_N
};
struct retry_decision {
	enum retry_step step;
	int64_t delay_ms;
};
#define PRESIGNS_MAX 2 /* URLs for one file in a row that are said to be over: it is not their age, then */
/* attempts: how often this request was tried, this time included. */
struct retry_decision retry_decide(
	const struct error *why, int attempts, int64_t retry_after_ms, struct retry_budget *budget);

/* One endpoint (the API, the object store). After HEALTH_FAILURES transient failures in a row it is down: one request
 * at a time probes it, with growing pauses, until one succeeds. */
#define HEALTH_FAILURES RETRY_ATTEMPTS
#define HEALTH_PROBE_CAP_MS 60000
struct health {
	bool down, probing;
	int failures;
	int64_t since_ms, next_ms; /* monotonic */
	struct error why;
};
bool health_may(const struct health *h, int64_t now_ms); /* may a request start? */
void health_started(struct health *h);					 /* it did */
void health_good(struct health *h);
/* failures: how many this answer stands for (a client that tried three times itself: HEALTH_FAILURES). */
/* pause: between its probes; never longer than HEALTH_PROBE_CAP_MS. */
void health_bad(struct health *h, const struct error *why, int failures, const struct backoff *pause, int64_t now_ms);
void health_cancelled(struct health *h); /* the request ended without an answer, by us */
/* Whose trouble is it? Of the endpoint and the way to it (away, slow, cut off, behind a login page, a certificate or an
 * address that is wrong), of the call (the cloud answers, and refuses or does not know what it was asked), or of what
 * is in the session. */
enum blame { BLAME_NOBODY, BLAME_ENDPOINT, BLAME_CALL, BLAME_CONTENT };
enum blame error_blame(const struct error *why);
bool error_is_short(const struct error *why);	  /* of descriptors or memory: it passes */
bool error_is_transient(const struct error *why); /* by its class */
