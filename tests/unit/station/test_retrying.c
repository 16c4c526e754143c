/* SPDX-License-Identifier: MIT */
/* Every error code has a decision, and an endpoint that is down is probed by one request at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "station/engine/retrying.h"

static const struct backoff patient = {.base_ms = 1000, .cap_ms = 3600000}, brisk = {.base_ms = 1000, .cap_ms = 3000};

static struct retry_decision decide(enum error_code code, int attempts, int64_t retry_after_ms) {
	struct error why = {.code = code};
	struct retry_budget budget = RETRY_BUDGET_INIT;
	return retry_decide(&why, attempts, retry_after_ms, &budget);
}

/* What each class means for the first and for the last attempt of a request. */
static const struct {
	enum retry_step first, last;
} steps[] = {
	[RETRY_NEVER] = {STEP_N, STEP_N}, /* by code: below */
	[RETRY_TRANSIENT] = {STEP_AGAIN, STEP_PAUSE},
	[RETRY_THROTTLE] = {STEP_AGAIN, STEP_PAUSE},
	[RETRY_ONCE] = {STEP_AGAIN, STEP_PAUSE},
	[RETRY_PRESIGN] = {STEP_PRESIGN, STEP_PAUSE},
	[RETRY_AUTHENTICATE] = {STEP_PRESIGN, STEP_PAUSE},
	[RETRY_RESTART] = {STEP_PRESIGN, STEP_PAUSE},
	[RETRY_COMPARE] = {STEP_COMPARE, STEP_COMPARE},
};
_Static_assert(ARRAY_LEN(steps) == RETRY_N, "a row for each class");

static void test_every_code(void **state) {
	(void)state;
	for (int code = 0; code < ERR_N; code++) {
		enum retry_class retry = error_classes[code].retry;
		enum retry_step first = decide((enum error_code)code, 1, 0).step;
		enum retry_step last = decide((enum error_code)code, RETRY_ATTEMPTS, 0).step;
		if (retry != RETRY_NEVER) {
			assert_int_equal(first, steps[retry].first);
			assert_int_equal(last, steps[retry].last);
			continue;
		}
		enum retry_step want = code == ERR_CONFLICT ? STEP_FATAL : STEP_PAUSE;
		if (code == ERR_CHANGED || code == ERR_NOT_FOUND) want = STEP_CHANGED;
		if (code == ERR_CONFLICT) want = STEP_REVISE;
		if (code == ERR_KEY) want = STEP_KEY;
		if (code == ERR_CANCELLED) want = STEP_NONE;
		assert_int_equal(first, want);
		assert_int_equal(last, want);
	}
}

/* A session fails only by what is in it: by these words alone, whatever else is refused, and however often. */
static void test_content_alone_is_fatal(void **state) {
	(void)state;
	static const char *const fatal[] = {"name_invalid", "file_too_large", "object_conflict", "EntityTooLarge"};
	static const char *const passing[] = {
		"", "bad_request", "body_too_large", "internal", "InvalidRequest", "forbidden"};
	struct retry_budget budget = RETRY_BUDGET_INIT;
	for (size_t i = 0; i < ARRAY_LEN(fatal) + ARRAY_LEN(passing); i++) {
		bool is_fatal = i < ARRAY_LEN(fatal);
		const char *word = is_fatal ? fatal[i] : passing[i - ARRAY_LEN(fatal)];
		struct error why = {.code = ERR_REFUSED, .http = 400};
		memcpy(why.word, word, strlen(word));
		assert_int_equal(error_blame(&why), is_fatal ? BLAME_CONTENT : BLAME_CALL);
		assert_int_equal(retry_decide(&why, RETRY_ATTEMPTS, 0, &budget).step, is_fatal ? STEP_FATAL : STEP_PAUSE);
	}
	static const struct {
		enum error_code code;
		enum blame blame;
	} rows[] = {
		{ERR_NONE, BLAME_NOBODY},
		{ERR_CANCELLED, BLAME_NOBODY},
		{ERR_CONFIG, BLAME_ENDPOINT},
		{ERR_UNREACHABLE, BLAME_ENDPOINT},
		{ERR_MIDDLEBOX, BLAME_ENDPOINT},
		{ERR_CLOCK, BLAME_ENDPOINT},
		{ERR_SERVER, BLAME_CALL},
		{ERR_ANSWER, BLAME_CALL},
		{ERR_DENIED, BLAME_CALL},
		{ERR_NOT_FOUND, BLAME_CALL},
		{ERR_TOKEN, BLAME_CALL},
		{ERR_CONFLICT, BLAME_CONTENT},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error why = {.code = rows[i].code};
		assert_int_equal(error_blame(&why), rows[i].blame);
	}
}

/* A file of ours that is not there any more is looked for; a 404 of the cloud, or of what stands before it, passes. */
static void test_not_found(void **state) {
	(void)state;
	struct error why = {.code = ERR_NOT_FOUND, .http = 404};
	struct retry_budget budget = RETRY_BUDGET_INIT;
	assert_int_equal(retry_decide(&why, 1, 0, &budget).step, STEP_PAUSE);
}

static void test_retry_after(void **state) {
	(void)state;
	for (int i = 0; i < 20; i++) assert_true(decide(ERR_THROTTLED, 1, 7000).delay_ms >= 7000);
	assert_int_equal(decide(ERR_THROTTLED, RETRY_ATTEMPTS, 7000).step, STEP_PAUSE);
	assert_int_equal(decide(ERR_THROTTLED, RETRY_ATTEMPTS, 7000).delay_ms, 7000);
}

/* Retries share a budget: when an endpoint fails all the time, requests stop being repeated one by one. */
static void test_budget(void **state) {
	(void)state;
	struct error why = {.code = ERR_SERVER};
	struct retry_budget budget = {.tokens = 10};
	assert_int_equal(retry_decide(&why, 1, 0, &budget).step, STEP_AGAIN);
	assert_int_equal(retry_decide(&why, 1, 0, &budget).step, STEP_AGAIN);
	assert_int_equal(retry_decide(&why, 1, 0, &budget).step, STEP_PAUSE);
}

static void test_health(void **state) {
	(void)state;
	struct health h = {0};
	struct error why = {.code = ERR_UNREACHABLE, .text = "refused"};
	assert_true(health_may(&h, 1000));
	for (int i = 1; i < HEALTH_FAILURES; i++) {
		health_bad(&h, &why, 1, &patient, 1000);
		assert_false(h.down);
		assert_true(health_may(&h, 1000));
	}
	health_bad(&h, &why, 1, &patient, 1000);
	assert_true(h.down);
	assert_int_equal(h.since_ms, 1000);
	assert_string_equal(h.why.text, "refused");
	assert_true(h.next_ms >= 1000 && h.next_ms <= 1000 + 2000);

	int64_t probe = h.next_ms;
	if (probe > 1000) assert_false(health_may(&h, probe - 1));
	assert_true(health_may(&h, probe));
	health_started(&h);
	assert_false(health_may(&h, probe + 1000000)); /* one at a time */
	health_cancelled(&h);
	assert_true(health_may(&h, probe)); /* its end says nothing */
	health_started(&h);
	health_bad(&h, &why, 1, &patient, probe);
	assert_true(h.down);
	assert_int_equal(h.since_ms, 1000);
	assert_true(h.next_ms <= probe + HEALTH_PROBE_CAP_MS);

	int64_t next = h.next_ms;
	health_bad(&h, &why, 1, &patient, next + 5); /* a late failure of before */
	assert_int_equal(h.next_ms, next);

	for (int i = 0; i < 20; i++) { /* as brisk as the configuration asks for, and never without a pause */
		next = h.next_ms;
		health_started(&h);
		health_bad(&h, &why, HEALTH_FAILURES, &brisk, next);
		assert_true(h.next_ms > next + 400 && h.next_ms <= next + 3000);
	}
	health_good(&h);
	assert_false(h.down);
	assert_true(health_may(&h, 0));
}

/* Good answers between failures: the endpoint is there. */
static void test_health_forgets(void **state) {
	(void)state;
	struct health h = {0};
	struct error why = {.code = ERR_SERVER};
	for (int i = 0; i < 10; i++) {
		health_bad(&h, &why, 1, &patient, 1000);
		health_bad(&h, &why, 1, &patient, 1000);
		health_good(&h);
	}
	assert_false(h.down);
	health_bad(&h, &why, HEALTH_FAILURES, &patient, 1000);
	assert_true(h.down); /* a client that tried three times itself */
}

static void test_transient(void **state) {
	(void)state;
	struct error why = {.code = ERR_TIMEOUT};
	assert_true(error_is_transient(&why));
	why.code = ERR_THROTTLED;
	assert_true(error_is_transient(&why));
	why.code = ERR_REFUSED;
	assert_false(error_is_transient(&why));
	why.code = ERR_NONE;
	assert_false(error_is_transient(&why));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_content_alone_is_fatal),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_health_forgets),
		cmocka_unit_test(test_transient),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
