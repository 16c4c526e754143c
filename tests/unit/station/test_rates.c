/* SPDX-License-Identifier: MIT */
/* Bytes a second over the last quarter of an hour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "station/sending/rates.h"

#define SLOT CONTROL_RATE_MS

static double sample(const cJSON *list, int i) {
	const cJSON *n = cJSON_GetArrayItem(list, i);
	return cJSON_IsNull(n) ? -1 : n->valuedouble;
}

static void rates_are_known_since_the_start(void **state) {
	struct rate_history h = {0};
	int64_t start = 1000 * (int64_t)SLOT + 5, now = 1003 * (int64_t)SLOT + 7;
	(void)state;
	history_add(&h, 15000, 1001 * (int64_t)SLOT);
	history_add(&h, 15000, 1001 * (int64_t)SLOT + SLOT - 1);
	history_add(&h, 99, now); /* the running one is not told */
	AUTO(json_free) cJSON *list = history_json(&h, start, now);
	assert_int_equal(cJSON_GetArraySize(list), CONTROL_RATES);
	assert_true(sample(list, CONTROL_RATES - 1) == 0);
	assert_true(sample(list, CONTROL_RATES - 2) == 2000);
	assert_true(sample(list, CONTROL_RATES - 3) == -1); /* begun in the middle */
	assert_true(sample(list, 0) == -1);
}

static void old_rates_are_forgotten(void **state) {
	struct rate_history h = {0};
	(void)state;
	for (int64_t slot = 10; slot < 200; slot++) history_add(&h, 15 * slot, slot * SLOT);
	AUTO(json_free) cJSON *list = history_json(&h, 0, 200 * (int64_t)SLOT);
	assert_true(sample(list, 0) == 140 && sample(list, CONTROL_RATES - 1) == 199);
	AUTO(json_free) cJSON *later = history_json(&h, 0, 100000 * (int64_t)SLOT); /* nothing was sent for days */
	for (int i = 0; i < CONTROL_RATES; i++) assert_true(sample(later, i) == 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_known_since_the_start),
		cmocka_unit_test(old_rates_are_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
