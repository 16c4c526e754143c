/* SPDX-License-Identifier: MIT */
/* session/content: the value of api.md, computed elsewhere; order and what must tell two contents apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "session/content.h"

static struct sha256 of(const char *text) {
	struct sha256 ret;
	sha256_of(text, strlen(text), &ret);
	return ret;
}

static void assert_content(struct content_file *files, size_t n, const char *want) {
	struct sha256 id;
	char hex[SHA256_HEX];
	content_id(files, n, &id);
	assert_string_equal(sha256_hex(hex, &id), want);
}

/* printf 'a.bin\0003\000%s\nb\0000\000%s\n' $(printf abc | sha256sum) ... | sha256sum, by coreutils */
#define TWO_FILES "aa397d9f9668b091aa02fdb9306338d57be4ece0799277c15160de29439038c1"
#define NO_FILES "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_known(void **state) {
	(void)state;
	struct sha256 abc = of("abc"), empty = of("");
	struct content_file sorted[] = {{"a.bin", 3, &abc}, {"b", 0, &empty}}, turned[] = {sorted[1], sorted[0]};
	assert_content(sorted, 2, TWO_FILES);
	assert_content(turned, 2, TWO_FILES);
	assert_string_equal(turned[0].name, "a.bin");
	assert_content(NULL, 0, NO_FILES);
}

/* Names are compared as bytes, whatever the locale: 'B' before 'a' before 'ä', and "a" before "a/b". */
static void test_order(void **state) {
	(void)state;
	struct sha256 x = of("x"), first, second;
	struct content_file one[] = {{"B", 1, &x}, {"a", 1, &x}, {"a/b", 1, &x}, {"\xc3\xa4", 1, &x}};
	struct content_file two[] = {one[3], one[1], one[0], one[2]};
	content_id(two, 4, &second);
	for (size_t i = 0; i < 4; i++) assert_string_equal(two[i].name, one[i].name);
	content_id(one, 4, &first);
	assert_true(sha256_equal(&first, &second));
}

static void test_apart(void **state) {
	(void)state;
	struct sha256 abc = of("abc"), abd = of("abd"), base, other;
	struct content_file plain[] = {{"a", 3, &abc}};
	struct content_file changes[] = {{"b", 3, &abc}, {"a", 4, &abc}, {"a", 3, &abd}};
	content_id(plain, 1, &base);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		content_id(&changes[i], 1, &other);
		assert_false(sha256_equal(&base, &other));
	}
}

static void test_parse(void **state) {
	(void)state;
	struct sha256 id;
	char hex[SHA256_HEX];
	assert_int_equal(content_parse(NO_FILES, &id), 0);
	assert_string_equal(sha256_hex(hex, &id), NO_FILES);
	const char *const bad[] = {"", "e3b0", (NO_FILES "0"), (" " NO_FILES),
		"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
		"g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(content_parse(bad[i], &id), -1);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_known), cmocka_unit_test(test_order),
		cmocka_unit_test(test_apart), cmocka_unit_test(test_parse)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
