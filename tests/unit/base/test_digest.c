/* SPDX-License-Identifier: MIT */
/* base/digest: published vectors, threads, spellings, randomness. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"

#define HEX(s) sha256_hex((char[SHA256_HEX]){0}, (s))

static void test_published_digests(void **state) {
	(void)state;
	static const char *const rows[][2] = {/* FIPS 180-4 examples */
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
	AUTO(digest_free) struct digest *d = digest_new();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sha256 whole, pieces;
		sha256_of(rows[i][0], strlen(rows[i][0]), &whole);
		assert_string_equal(HEX(&whole), rows[i][1]);
		for (const char *c = rows[i][0]; *c; c++) digest_add(d, c, 1);
		digest_end(d, &pieces); /* and begins anew for the next row */
		assert_true(sha256_equal(&whole, &pieces));
	}
}

static void test_published_hmacs(void **state) {
	(void)state;
	struct sha256 mac;
	uint8_t key[131];
	/* RFC 4231, cases 1, 2 and 6 */
	memset(key, 0x0b, 20);
	hmac_sha256(key, 20, "Hi There", 8, &mac);
	assert_string_equal(HEX(&mac), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, &mac);
	assert_string_equal(HEX(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof key);
	const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
	hmac_sha256(key, sizeof key, text, strlen(text), &mac);
	assert_string_equal(HEX(&mac), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	/* an empty key is a key, not the one before */
	hmac_sha256(NULL, 0, "", 0, &mac);
	assert_string_equal(HEX(&mac), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static char wrong_answer;
static void *hash_much(void *arg) {
	for (int i = 0; i < 300; i++) {
		struct sha256 a, b;
		hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, &a);
		sha256_of("abc", 3, &b);
		if (strcmp(HEX(&a), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843") != 0) return arg;
		if (strcmp(HEX(&b), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") != 0) return arg;
	}
	return NULL;
}

static void test_many_threads_at_once(void **state) {
	(void)state;
	pthread_t threads[8];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_much, &wrong_answer), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *wrong = NULL;
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
}

static void test_spellings(void **state) {
	(void)state;
	struct sha256 s, back = {{0}};
	char base64[SHA256_BASE64];
	sha256_of("abc", 3, &s);
	assert_string_equal(sha256_base64(base64, &s), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
	assert_int_equal(sha256_from_base64(base64, &back), 0);
	assert_true(sha256_equal(&s, &back));
	back = (struct sha256){{0}};
	assert_false(sha256_equal(&s, &back));
	assert_int_equal(sha256_from_hex(HEX(&s), &back), 0);
	assert_true(sha256_equal(&s, &back));
	static const char *const wrong[] = {"", "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
		"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=AAAA", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIA",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_int_equal(sha256_from_base64(wrong[i], &back), -1);
	assert_int_equal(sha256_from_hex("ba78", &back), -1);
	assert_true(sha256_equal(&s, &back)); /* untouched on failure */
}

static void test_randomness(void **state) {
	(void)state;
	char a[33], b[33];
	random_id(a, sizeof a);
	random_id(b, sizeof b);
	assert_int_equal(strlen(a), 32);
	assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyz0123456789"), 32);
	assert_string_not_equal(a, b);
	random_id(a, 1);
	assert_string_equal(a, "");
	random_id(a, 0);
	double least = 1, most = 0;
	for (int i = 0; i < 1000; i++) {
		double v = random_unit();
		assert_true(v >= 0 && v < 1);
		if (v < least) least = v;
		if (v > most) most = v;
	}
	assert_true(least < 0.1 && most > 0.9);
	uint8_t bytes[64] = {0}, none[64] = {0};
	random_bytes(bytes, sizeof bytes);
	assert_memory_not_equal(bytes, none, sizeof bytes);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_digests),
		cmocka_unit_test(test_published_hmacs),
		cmocka_unit_test(test_many_threads_at_once),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_randomness),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
