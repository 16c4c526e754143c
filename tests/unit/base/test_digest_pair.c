/* SPDX-License-Identifier: MIT */
/* Both forms of a digest pair against libcrypto's digests of the same bytes, over lengths and pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/digest_pair.h"

#define BYTES (1 << 16)
static uint8_t bytes[BYTES];

static struct digest_pair *(*const forms[])(void) = {digest_pair_new, digest_pair_new_portable};

static void assert_digest(const struct sha256 *got, const uint8_t *from, size_t n) {
	struct sha256 want;
	sha256_of(from, n, &want);
	assert_true(sha256_equal(got, &want));
}

static void every_length_up_to_some_blocks(void **state) {
	(void)state;
	for (size_t form = 0; form < ARRAY_LEN(forms); form++) {
		for (size_t n = 0; n <= 300; n++) {
			AUTO(digest_pair_free) struct digest_pair *p = forms[form]();
			struct sha256 whole, part;
			digest_pair_add(p, bytes, n);
			digest_pair_end_part(p, &part);
			digest_pair_end(p, &whole);
			assert_digest(&whole, bytes, n);
			assert_digest(&part, bytes, n);
		}
	}
}

/* Parts of `part` bytes, given in pieces that respect no boundary but theirs. */
static void check_parts(struct digest_pair *p, size_t total, size_t part) {
	size_t at = 0, part_from = 0;
	struct sha256 got;
	while (at < total) {
		size_t some = (size_t)(1 + rand() % 700), piece = MIN(some, MIN(part_from + part, total) - at);
		digest_pair_add(p, bytes + at, piece);
		at += piece;
		if (at < part_from + part && at < total) continue;
		digest_pair_end_part(p, &got);
		assert_digest(&got, bytes + part_from, at - part_from);
		part_from = at;
	}
	digest_pair_end(p, &got);
	assert_digest(&got, bytes, total);
}

static void parts_in_any_pieces(void **state) {
	(void)state;
	srand(3);
	for (int round = 0; round < 200; round++) {
		AUTO(digest_pair_free) struct digest_pair *p = forms[round % 2]();
		check_parts(p, (size_t)(rand() % BYTES), 64 * (size_t)(1 + rand() % 100));
	}
}

/* A published vector (FIPS 180-4's "abc"), so that the two are not merely equally wrong. */
static void knows_abc(void **state) {
	(void)state;
	for (size_t form = 0; form < ARRAY_LEN(forms); form++) {
		AUTO(digest_pair_free) struct digest_pair *p = forms[form]();
		struct sha256 got;
		char hex[SHA256_HEX];
		digest_pair_add(p, "abc", 3);
		digest_pair_end(p, &got);
		assert_string_equal(sha256_hex(hex, &got), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	}
}

int main(void) {
	for (size_t i = 0; i < BYTES; i++) bytes[i] = (uint8_t)rand();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_up_to_some_blocks),
		cmocka_unit_test(parts_in_any_pieces),
		cmocka_unit_test(knows_abc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
