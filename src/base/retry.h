/* SPDX-License-Identifier: MIT */
/* Retrying: what an answer means, and how long to wait.
 * The classification is one table, looked up by the peer's parsed error code first and the HTTP status second
 * (architecture.md "Retry"). A 4xx whose body is neither the ingest API's JSON nor S3's XML came from a box in the
 * middle. What a class asks for is in error_classes. Any thread. */
#pragma once

#include "base/http.h"

enum answer_kind { ANSWER_JSON_API, ANSWER_S3, ANSWER_KIND_N };
/* Reads status and body of an answer that arrived (or the transport error that ended it) and fills err: 0 when it is a
 * success (2xx with a body of the expected kind), -1 with err->code, err->http, err->word and a sentence. For S3, a 200
 * whose body is an <Error> is an error, and HTML with 200 is ERR_MIDDLEBOX. `what` begins the sentence. Not for the
 * answer to a GET of an object, whose body is anything. */
MUST_USE int answer_check(const struct http_answer *a, enum answer_kind kind, const char *what, struct error *err);
/* Seconds or HTTP date; 0 when absent; capped at 1 h, and at 1 min when it is not the peer itself who asks (why, from
 * answer_check): a box in the middle may be gone sooner than it says. */
int64_t answer_retry_after_ms(const struct http_answer *a, const struct error *why, int64_t now_ms);

/* The table, in order of precedence: rows with a word come first. */
struct answer_rule {
	int kinds;					/* bits: ANSWER_ALL, or 1 << kind */
	const char *word;			/* the peer's error code; NULL: any or none */
	int status_min, status_max; /* both 0: any */
	bool any_body;				/* holds whatever the body is; else the body must be the peer's own */
	enum error_code code;
	const char *mend; /* the end of the sentence: why, or what to do; "" */
};
#define ANSWER_ALL ((1 << ANSWER_KIND_N) - 1)
extern const struct answer_rule answer_rules[];
extern const size_t answer_rule_n;

struct backoff {
	int64_t base_ms, cap_ms;
};
extern const struct backoff backoff_request_transient; /* inside a request: AWS standard mode, 3 attempts, cap 20 s */
extern const struct backoff backoff_request_throttle;
#define RETRY_ATTEMPTS 3
int64_t backoff_ms(const struct backoff *b, int attempt); /* full jitter; attempt counts from 1 */
/* The same, and never less than half of it: where a pause must be one. */
int64_t backoff_steady_ms(const struct backoff *b, int attempt);

/* Retry tokens of one endpoint (AWS standard mode: 500 in all, 5 a retry, 10 after a time-out; a success gives 1 back,
 * after a retry 5). */
struct retry_budget {
	int tokens;
};
#define RETRY_BUDGET_INIT ((struct retry_budget){.tokens = 500})
bool retry_budget_take(struct retry_budget *b, const struct error *why);
void retry_budget_success(struct retry_budget *b, bool after_retry);
