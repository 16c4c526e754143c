/* SPDX-License-Identifier: MIT */
/* Retrying: what an answer means, and how long to wait.
 * The classification is by tables, looked up by the peer's parsed error code first and the HTTP status second
 * (architecture.md "Retry"). A 4xx whose body is not the peer's own came from a box in the middle. What a class asks
 * for is in error_classes. Any thread. */
#pragma once

#include "base/http.h"

/* What a body says of itself. */
struct answer_words {
	bool own;	   /* it is the peer's own form of an error */
	char word[48]; /* the error code in it, or "" */
	char message[256];
};
struct answer_rule {
	const char *word;			/* the peer's error code; NULL: any or none */
	int status_min, status_max; /* both 0: any */
	bool any_body;				/* holds whatever the body is; else the body must be the peer's own */
	enum error_code code;
	const char *mend; /* the end of the sentence: why, or what to do */
	/* NULL, or what must hold besides: for words that mean different things by what stands beside them */
	bool (*when)(const struct http_answer *a, const struct answer_words *words);
};
extern const struct answer_rule answer_rules[]; /* those that hold for every peer: what a status says */
extern const size_t answer_rule_n;
/* Who answers: a protocol's form of an error and of a success, and what its words mean. Constant. */
struct answer_form {
	const struct answer_rule *rules; /* in order of precedence, before answer_rules */
	size_t rule_n;
	void (*read)(const struct http_answer *a, struct answer_words *ret); /* ret is zeroed */
	/* Whether the body of a 2xx other than 204 proves that the peer, and no box in the middle, gave it. */
	bool (*success)(const struct http_answer *a);
	bool fails_in_success; /* a 2xx may hold an error */
};
/* Reads status and body of an answer that arrived (or the transport error that ended it) and fills err: 0 when it is a
 * success, -1 with err->code, err->http, err->word and a sentence, which `what` begins. ERR_MIDDLEBOX: it is not the
 * peer's. Not for the answer to a GET of an object, whose body is anything. */
MUST_USE int answer_check(
	const struct http_answer *a, const struct answer_form *form, const char *what, struct error *err);
/* Seconds or HTTP date; 0 when absent; capped at 1 h, and at 1 min when it is not the peer itself who asks (why, from
 * answer_check): a box in the middle may be gone sooner than it says. */
int64_t answer_retry_after_ms(const struct http_answer *a, const struct error *why, int64_t now_ms);

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
