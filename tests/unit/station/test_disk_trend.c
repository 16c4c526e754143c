/* SPDX-License-Identifier: MIT */
/* The time until the disk is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "station/talk/disk_trend.h"

static void a_disk_that_fills_will_be_full(void **state) {
	struct disk_trend d = {0};
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
		cmocka_unit_test(a_disk_that_fills_will_be_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
