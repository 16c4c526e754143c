/* SPDX-License-Identifier: MIT */
/* Rates of the last quarter of an hour, and the time until the disk is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "station/engine/engine_internal.h"

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

static void a_disk_that_fills_will_be_full(void **state) {
	struct disk_history d = {0};
	(void)state;
	assert_int_equal(disk_full_in_ms(&d), -1);
	disk_note(&d, 1000, 0);
	assert_int_equal(disk_full_in_ms(&d), -1);
	disk_note(&d, 900, 30000);
	assert_int_equal(disk_full_in_ms(&d), -1); /* too short a time */
	disk_note(&d, 800, 60000);
	assert_int_equal(disk_full_in_ms(&d), 240000);
	disk_note(&d, 1000, 120000); /* somebody made room */
	assert_int_equal(disk_full_in_ms(&d), -1);
	for (int i = 0; i < DISK_SAMPLES; i++) disk_note(&d, INT64_C(1) << 44, 180000 + i * 60000);
	assert_int_equal(disk_full_in_ms(&d), -1);
	assert_int_equal(d.n, DISK_SAMPLES);
	disk_note(&d, (INT64_C(1) << 44) - 1, 900000); /* in a million years */
	assert_int_equal(disk_full_in_ms(&d), -1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_known_since_the_start),
		cmocka_unit_test(old_rates_are_forgotten),
		cmocka_unit_test(a_disk_that_fills_will_be_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
