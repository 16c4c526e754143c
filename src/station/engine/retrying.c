/* SPDX-License-Identifier: MIT */
/* One table from an error's class to what follows, and the health of an endpoint. Pure; loop thread. */
#include "station/engine/retrying.h"

#include <errno.h>
#include <string.h>

static struct retry_decision again_or(enum retry_step otherwise, const struct backoff *b, const struct error *why,
	int attempts, int64_t retry_after_ms, struct retry_budget *budget) {
	if (attempts >= RETRY_ATTEMPTS || !retry_budget_take(budget, why)) {
		return (struct retry_decision){otherwise, retry_after_ms};
	}
	return (struct retry_decision){STEP_AGAIN, MAX(backoff_ms(b, attempts), retry_after_ms)};
}

/* The only refusals that speak of what is sent: words of the ingest API and of S3. */
static const char *const content_words[] = {
	"name_invalid", "file_too_large", "object_conflict", "EntityTooLarge", "KeyTooLongError"};

enum blame error_blame(const struct error *why) {
	switch (why->code) {
	case ERR_NONE:
	case ERR_CANCELLED:
	case ERR_CHANGED: return BLAME_NOBODY;
	case ERR_CONFLICT: return BLAME_CONTENT;
	case ERR_REFUSED:
		for (size_t i = 0; i < ARRAY_LEN(content_words); i++)
			if (strcmp(why->word, content_words[i]) == 0) return BLAME_CONTENT;
		return BLAME_CALL;
	case ERR_UNREACHABLE:
	case ERR_TIMEOUT:
	case ERR_MIDDLEBOX:
	case ERR_THROTTLED:
	case ERR_CLOCK:
	case ERR_CONFIG: return BLAME_ENDPOINT;
	default: return BLAME_CALL;
	}
}

/* Errors of RETRY_NEVER. A session fails by its own content alone; all else heals without a word (reliability.md). */
static enum retry_step never_step(const struct error *why) {
	switch (why->code) {
	case ERR_CHANGED: return STEP_CHANGED;
	case ERR_CONFLICT: return STEP_REVISE;
	case ERR_NOT_FOUND: return why->http ? STEP_PAUSE : STEP_CHANGED; /* the cloud's 404, or our file */
	case ERR_KEY: return STEP_KEY;
	case ERR_CANCELLED: return STEP_NONE;
	default: return error_blame(why) == BLAME_CONTENT ? STEP_FATAL : STEP_PAUSE;
	}
}

struct retry_decision retry_decide(
	const struct error *why, int attempts, int64_t retry_after_ms, struct retry_budget *budget) {
	switch (error_classes[why->code].retry) {
	case RETRY_TRANSIENT:
		return again_or(STEP_PAUSE, &backoff_request_transient, why, attempts, retry_after_ms, budget);
	case RETRY_THROTTLE: return again_or(STEP_PAUSE, &backoff_request_throttle, why, attempts, retry_after_ms, budget);
	case RETRY_ONCE: return (struct retry_decision){attempts <= 1 ? STEP_AGAIN : STEP_PAUSE, 0};
	case RETRY_PRESIGN: return (struct retry_decision){attempts < PRESIGNS_MAX ? STEP_PRESIGN : STEP_PAUSE, 0};
	case RETRY_AUTHENTICATE: /* the API's client renews its token itself; on a PUT it is an expired signature */
	case RETRY_RESTART: return (struct retry_decision){attempts < RETRY_ATTEMPTS ? STEP_PRESIGN : STEP_PAUSE, 0};
	case RETRY_COMPARE: return (struct retry_decision){STEP_COMPARE, 0};
	case RETRY_NEVER:
	case RETRY_N: break;
	}
	return (struct retry_decision){never_step(why), 0};
}

bool error_is_short(const struct error *why) { return why->os == EMFILE || why->os == ENFILE || why->os == ENOMEM; }

bool error_is_transient(const struct error *why) {
	enum retry_class retry = error_classes[why->code].retry;
	return retry == RETRY_TRANSIENT || retry == RETRY_THROTTLE;
}

bool health_may(const struct health *h, int64_t now_ms) { return !h->down || (!h->probing && now_ms >= h->next_ms); }

void health_started(struct health *h) {
	if (h->down) h->probing = true;
}

void health_good(struct health *h) { *h = (struct health){0}; }

void health_bad(struct health *h, const struct error *why, int failures, const struct backoff *pause, int64_t now_ms) {
	h->failures += failures;
	h->why = *why;
	if (h->down && !h->probing) return; /* a request that began before it went down */
	h->probing = false;
	if (h->failures < HEALTH_FAILURES) return;
	if (!h->down) h->since_ms = now_ms;
	h->down = true;
	struct backoff b = {
		.base_ms = MIN(pause->base_ms, HEALTH_PROBE_CAP_MS), .cap_ms = MIN(pause->cap_ms, HEALTH_PROBE_CAP_MS)};
	h->next_ms = now_ms + backoff_steady_ms(&b, h->failures / HEALTH_FAILURES);
}

void health_cancelled(struct health *h) { h->probing = false; }
