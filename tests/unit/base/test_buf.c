/* SPDX-License-Identifier: MIT */
/* base/buf: growth, the ceiling, and what stays valid after each operation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_grows_and_stays_terminated(void **state) {
	(void)state;
	AUTO(buf_done) struct buf b = BUF_INIT(1 << 20);
	assert_string_equal(buf_text(&b), "");
	for (int i = 0; i < 10000; i++) {
		buf_fmt(&b, "%d,", i % 10);
		assert_true(b.data[b.len] == '\0' && b.capacity > b.len);
	}
	assert_int_equal(b.len, 20000);
	assert_memory_equal(b.data, "0,1,2,3,", 8);
	buf_char(&b, 'x');
	buf_str(&b, NULL);
	buf_add(&b, NULL, 0);
	assert_int_equal(b.len, 20001);
	assert_true(buf_ok(&b));
}

static void test_ceiling_is_exact_and_final(void **state) {
	(void)state;
	AUTO(buf_done) struct buf b = BUF_INIT(10);
	buf_str(&b, "0123456789");
	assert_true(buf_ok(&b));
	buf_add(&b, "", 0);
	assert_true(buf_ok(&b));
	buf_char(&b, 'x');
	assert_false(buf_ok(&b));
	assert_string_equal(buf_text(&b), "0123456789");
	struct error err = ERROR_INIT;
	assert_int_equal(buf_check(&b, "the answer", &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.text, "the answer is larger than the 10 bytes that are allowed");
	buf_clear(&b);
	assert_int_equal(buf_check(&b, "the answer", &err), 0);
	assert_string_equal(buf_text(&b), "");
}

static void test_nothing_follows_what_did_not_fit(void **state) {
	(void)state;
	AUTO(buf_done) struct buf b = BUF_INIT(10);
	buf_str(&b, "abc");
	buf_fmt(&b, "%s", "too long to fit");
	buf_char(&b, 'd');
	assert_string_equal(buf_text(&b), "abc");
	buf_add(&b, "x", SIZE_MAX);
	assert_string_equal(buf_text(&b), "abc");
}

static void test_consume_keeps_the_rest(void **state) {
	(void)state;
	AUTO(buf_done) struct buf b = BUF_INIT(100);
	buf_consume(&b, 0);
	buf_str(&b, "one\ntwo\n");
	buf_consume(&b, 4);
	assert_string_equal(buf_text(&b), "two\n");
	buf_consume(&b, 4);
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(b.len, 0);
}

static void test_take_hands_on(void **state) {
	(void)state;
	struct buf b = BUF_INIT(100);
	char *empty = buf_take(&b);
	assert_string_equal(empty, "");
	free(empty);
	buf_str(&b, "text");
	char *text = buf_take(&b);
	assert_string_equal(text, "text");
	assert_null(b.data);
	buf_str(&b, "again");
	assert_string_equal(buf_text(&b), "again");
	buf_done(&b);
	buf_done(&b);
	free(text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows_and_stays_terminated),
		cmocka_unit_test(test_ceiling_is_exact_and_final),
		cmocka_unit_test(test_nothing_follows_what_did_not_fit),
		cmocka_unit_test(test_consume_keeps_the_rest),
		cmocka_unit_test(test_take_hands_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
