/* SPDX-License-Identifier: MIT */
/* base/text: UTF-8, escaping, numbers, near misses. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void test_utf8(void **state) {
	(void)state;
	static const char *const good[] = {"", "plain", "ü", "€", "𝄞", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) assert_true(text_is_utf8(good[i], strlen(good[i]), NULL));
	static const struct {
		const char *s;
		size_t n, bad;
	} wrong[] = {
		{"a\x80", 2, 1},				/* a continuation without a lead */
		{"ab\xC3", 3, 2},				/* cut */
		{"\xC0\xAF", 2, 0},				/* overlong '/' */
		{"\xE0\x80\xAF", 3, 0},			/* overlong */
		{"\xF0\x80\x80\xAF", 4, 0},		/* overlong */
		{"x\xED\xA0\x80", 4, 1},		/* surrogate */
		{"\xF4\x90\x80\x80", 4, 0},		/* above U+10FFFF */
		{"\xF8\x88\x80\x80\x80", 5, 0}, /* five bytes */
		{"\xFF", 1, 0},
		{"a\0b", 3, 1},
		{"\xE2\x28\xA1", 3, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		size_t bad = SIZE_MAX;
		assert_false(text_is_utf8(wrong[i].s, wrong[i].n, &bad));
		assert_int_equal(bad, wrong[i].bad);
	}
}

static void test_escape(void **state) {
	(void)state;
	static const struct {
		const char *s, *shown;
	} rows[] = {
		{"plain ü €", "plain ü €"},
		{"\033]0;x\007", "\\x1b]0;x\\x07"},
		{"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
		{"\xC2\x9B"
		 "1m",
			"\\u{009b}1m"}, /* C1's CSI */
		{"a\xE2\x80\xAE"
		 "b",
			"a\\u{202e}b"}, /* right-to-left override */
		{"\xE2\x81\xA6", "\\u{2066}"},
		{"\xC3(", "\\xc3("},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_done) struct buf b = BUF_INIT(1000);
		text_escape(&b, rows[i].s, strlen(rows[i].s));
		assert_string_equal(buf_text(&b), rows[i].shown);
		assert_string_equal(TEXT_SAFE(rows[i].s), rows[i].shown);
	}
	AUTO(buf_done) struct buf b = BUF_INIT(1000);
	text_escape(&b, "a\0b", 3);
	assert_string_equal(buf_text(&b), "a\\x00b");
	assert_string_equal(TEXT_SAFE(NULL), "");
}

static void test_safe_is_cut_with_an_ellipsis(void **state) {
	(void)state;
	char to[16];
	assert_string_equal(text_safe(to, 8, "1234567"), "1234567");
	assert_string_equal(text_safe(to, 8, "12345678"), "1234…");
	assert_string_equal(text_safe(to, 8, "123üü"), "123üü");
	assert_string_equal(text_safe(to, 8, "123üüx"), "123…");
	assert_string_equal(text_safe(to, 8, "12\033\033"), "12…");
	assert_string_equal(text_safe(to, 4, "abcd"), "…");
	assert_string_equal(text_safe(to, 3, "abcd"), "");
	assert_string_equal(text_safe(to, 1, "abcd"), "");
	/* whatever the size, it is terminated, whole characters, and no longer than asked */
	for (size_t size = 1; size <= sizeof to; size++) {
		memset(to, 'Z', sizeof to);
		text_safe(to, size, "a€ü\001€€€€€€€€");
		assert_true(strnlen(to, size) < size);
		assert_true(text_is_utf8(to, strlen(to), NULL));
	}
}

static void test_comparison_and_trim(void **state) {
	(void)state;
	assert_true(text_starts("abc", "ab") && text_starts("abc", "") && !text_starts("ab", "abc"));
	assert_true(text_ends("abc", "bc") && text_ends("abc", "") && !text_ends("bc", "abc"));
	assert_true(text_equal_nocase("Content-Type", "content-tYPE"));
	assert_false(text_equal_nocase("ab", "abc"));
	assert_false(text_equal_nocase("abc", "ab"));
	assert_false(text_equal_nocase("\xC3\x84", "\xC3\xA4")); /* ASCII only */
	char a[] = " \t two words \r\n", b[] = "   ", c[] = "";
	assert_string_equal(text_trim(a), "two words");
	assert_string_equal(text_trim(b), "");
	assert_string_equal(text_trim(c), "");
	char to[4];
	text_copy(to, sizeof to, "abcdef");
	assert_string_equal(to, "abc");
	text_copy(to, sizeof to, "");
	assert_string_equal(to, "");
	text_copy(to, 0, "x");
}

static void test_whole_numbers(void **state) {
	(void)state;
	int64_t v = 7;
	assert_int_equal(text_to_i64("0", 0, 10, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(text_to_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(text_to_i64("9223372036854775807", INT64_MIN, INT64_MAX, &v), 0);
	assert_true(v == INT64_MAX);
	static const char *const wrong[] = {"", "-", "+1", " 1", "1 ", "1x", "0x1", "1.0", "--1", "9223372036854775808",
		"-9223372036854775809", "99999999999999999999999"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_int_equal(text_to_i64(wrong[i], INT64_MIN, INT64_MAX, &v), -1);
	assert_int_equal(text_to_i64("11", 0, 10, &v), -1);
	assert_int_equal(text_to_i64("-1", 0, 10, &v), -1);
	assert_true(v == INT64_MAX); /* untouched on failure */
}

static void test_decimal_numbers(void **state) {
	(void)state;
	static const struct {
		const char *s;
		double v;
	} good[] = {
		{"0", 0}, {"-1.5", -1.5}, {"+2", 2}, {".5", .5}, {"5.", 5}, {"1e3", 1000}, {"1E-2", .01}, {"1e+2", 100}};
	double v = 0;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(text_to_double(good[i].s, &v), 0);
		assert_true(v == good[i].v);
	}
	static const char *const wrong[] = {
		"", ".", "-", "e5", "1e", "1e+", "1,5", "0x10", "inf", "nan", " 1", "1 ", "1.2.3", "1e999", "--1"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_int_equal(text_to_double(wrong[i], &v), -1);
}

static void test_nearest(void **state) {
	(void)state;
	static const char *const names[] = {"settle", "watch", "name", "connections", "endpoint", "api_key_file"};
	assert_string_equal(text_nearest("setle", names, ARRAY_LEN(names)), "settle");
	assert_string_equal(text_nearest("wacth", names, ARRAY_LEN(names)), "watch");
	assert_string_equal(text_nearest("Endpoint", names, ARRAY_LEN(names)), "endpoint");
	assert_string_equal(text_nearest("conn", names, ARRAY_LEN(names)), "connections");
	assert_string_equal(text_nearest("apikey_file", names, ARRAY_LEN(names)), "api_key_file");
	assert_null(text_nearest("zebra", names, ARRAY_LEN(names)));
	assert_null(text_nearest("", names, ARRAY_LEN(names)));
	assert_null(text_nearest("x", names, 0));
	char long_text[200];
	memset(long_text, 'a', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	assert_null(text_nearest(long_text, names, ARRAY_LEN(names)));
	const char *const odd[] = {long_text, "", "ab"};
	assert_string_equal(text_nearest("abc", odd, ARRAY_LEN(odd)), "ab");
}

static void test_hex(void **state) {
	(void)state;
	char hex[9];
	uint8_t bytes[4] = {0};
	text_hex(hex, (const uint8_t[]){0, 0x7f, 0xab, 0xff}, 4);
	assert_string_equal(hex, "007fabff");
	assert_int_equal(text_unhex(bytes, 4, "007FabFf"), 0);
	assert_memory_equal(bytes, ((const uint8_t[]){0, 0x7f, 0xab, 0xff}), 4);
	assert_int_equal(text_unhex(bytes, 4, "007fabf"), -1);
	assert_int_equal(text_unhex(bytes, 4, "007fabff0"), -1);
	assert_int_equal(text_unhex(bytes, 4, "007fabfg"), -1);
}

static void test_base64(void **state) {
	(void)state;
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
		{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xfe", "+//+"}}; /* RFC 4648, section 10 */
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		AUTO(buf_done) struct buf b = BUF_INIT(100);
		text_base64(&b, (const uint8_t *)pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(buf_text(&b), pairs[i][1]);
		uint8_t back[16];
		size_t n = 99;
		assert_int_equal(text_unbase64(back, sizeof back, pairs[i][1], &n), 0);
		assert_int_equal(n, strlen(pairs[i][0]));
		assert_memory_equal(back, pairs[i][0], n);
	}
	static const char *const wrong[] = {
		"Zg", "Zg=", "Zg===", "====", "Z===", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "Zg==Zg==", "Zm9-", "Zm9vZm9vZm9vZm9v"};
	uint8_t back[8];
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_int_equal(text_unbase64(back, sizeof back, wrong[i], &n), -1);
}

static void test_uri(void **state) {
	(void)state;
	const char *s = "a b/ü~-._%+";
	AUTO(buf_done) struct buf b = BUF_INIT(100), c = BUF_INIT(100), d = BUF_INIT(100);
	text_uri_encode(&b, s, strlen(s), true);
	assert_string_equal(buf_text(&b), "a%20b/%C3%BC~-._%25%2B");
	text_uri_encode(&c, s, strlen(s), false);
	assert_string_equal(buf_text(&c), "a%20b%2F%C3%BC~-._%25%2B");
	assert_int_equal(text_uri_decode(&d, c.data, c.len), 0);
	assert_string_equal(buf_text(&d), s);
	static const char *const wrong[] = {"%", "%2", "%zz", "a%00b"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_int_equal(text_uri_decode(&d, wrong[i], strlen(wrong[i])), -1);
	buf_clear(&d);
	assert_int_equal(text_uri_decode(&d, "a+b%2f", 6), 0);
	assert_string_equal(buf_text(&d), "a+b/");
}

static void test_twice(void **state) {
	(void)state;
	enum { N = 10000 };
	char **names = xcalloc(N, sizeof *names);
	const char **texts = xcalloc(N, sizeof *texts);
	for (size_t i = 0; i < N; i++) texts[i] = names[i] = xasprintf("file-%05zu", (i * 7919) % N);
	assert_null(text_twice(texts, N));
	assert_null(text_twice(texts, 0));
	assert_null(text_twice(texts, 1));
	assert_string_equal(texts[1], "file-00001"); /* sorted */
	texts[17] = texts[9000];
	assert_string_equal(text_twice(texts, N), "file-09000");
	for (size_t i = 0; i < N; i++) free(names[i]);
	free(names);
	free(texts);
}

static void test_web_address(void **state) {
	(void)state;
	static const struct {
		const char *text;
		bool with_path, without;
	} rows[] = {
		{"https://host", true, true},
		{"http://127.0.0.1:8443", true, true},
		{"https://host/", true, false},
		{"https://host/base", true, false},
		{"https://host:65535", true, true},
		{"https://host:65536", false, false},
		{"https://host:99999/x", false, false},
		{"https://host:0", false, false},
		{"https://host:", false, false},
		{"https://host:80a", false, false},
		{"https://:443", false, false},
		{"https://[::1]:8443", true, true},
		{"https://[::1]", true, true},
		{"https://[::1]:99999", false, false},
		{"https://h\x01st", false, false},
		{"https://", false, false},
		{"https:///x", false, false},
		{"ftp://host", false, false},
		{"host", false, false},
		{"", false, false},
		{"https://user@host", false, false},
		{"https://host?x", false, false},
		{"https://host#x", false, false},
		{"https://ho st", false, false},
		{"xhttps://host", false, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(text_is_web_address(rows[i].text, true), rows[i].with_path);
		assert_int_equal(text_is_web_address(rows[i].text, false), rows[i].without);
	}
}

int main(void) {
	setlocale(LC_ALL, "");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_web_address),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_safe_is_cut_with_an_ellipsis),
		cmocka_unit_test(test_comparison_and_trim),
		cmocka_unit_test(test_whole_numbers),
		cmocka_unit_test(test_decimal_numbers),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_uri),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
