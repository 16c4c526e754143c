/* SPDX-License-Identifier: MIT */
/* Waiting: back-off and budget. What answers mean is tested with the peers that give them (aws/test_s3.c,
 * ingest/test_peer.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/retry.h"

static void test_backoff(void **state) {
	(void)state;
	static const struct backoff *const all[] = {&backoff_request_transient, &backoff_request_throttle};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		int64_t limit_ms = all[i]->base_ms, most_ms = 0;
		for (int attempt = 1; attempt < 80; attempt++) {
			for (int n = 0; n < 50; n++) {
				int64_t ms = backoff_ms(all[i], attempt);
				assert_true(ms >= 0 && ms <= limit_ms);
				most_ms = MAX(most_ms, ms);
			}
			limit_ms = MIN(limit_ms * 2, all[i]->cap_ms);
		}
		assert_int_equal(limit_ms, all[i]->cap_ms);
		assert_true(most_ms > all[i]->cap_ms / 2); /* jitter over the whole range */
	}
}

static void test_budget(void **state) {
	(void)state;
	struct retry_budget b = RETRY_BUDGET_INIT;
	struct error reset = {.code = ERR_UNREACHABLE}, timeout = {.code = ERR_TIMEOUT};
	int taken = 0;
	while (retry_budget_take(&b, &reset)) taken++;
	assert_int_equal(taken, 100);
	for (int i = 0; i < 4; i++) retry_budget_success(&b, false);
	assert_false(retry_budget_take(&b, &reset));
	retry_budget_success(&b, false);
	assert_false(retry_budget_take(&b, &timeout));
	assert_true(retry_budget_take(&b, &reset));
	retry_budget_success(&b, true);
	retry_budget_success(&b, true);
	assert_true(retry_budget_take(&b, &timeout));
	for (int i = 0; i < 1000; i++) retry_budget_success(&b, true);
	assert_int_equal(b.tokens, 500);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_budget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
