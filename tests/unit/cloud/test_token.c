/* SPDX-License-Identifier: MIT */
/* Tokens: only ours, only HS256, only for their time. */
#include "api_help.h"

static const struct principal somebody = {.station = "lab-1", .key_id = "k1234", .scopes = SCOPE_STATION};
#define NOW_MS 1795234071500

static void key_init(struct secret *key) { secret_set(key, "0123456789abcdef0123456789abcdef", 32); }

static char *base64url(const char *text) {
	struct buf b = BUF_INIT(8192);
	text_base64(&b, (const uint8_t *)text, strlen(text));
	char *s = buf_take(&b);
	for (char *p = s; *p; p++) *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	s[strcspn(s, "=")] = '\0';
	return s;
}

/* HEADER.CLAIMS signed with HMAC-SHA256 of key; without a signature when key is NULL. */
static char *token_forge(const char *header, const char *claims, const struct secret *key) {
	AUTO(xfree) char *h = base64url(header), *c = base64url(claims);
	AUTO(xfree) char *body = xasprintf("%s.%s", h, c);
	if (!key) return xasprintf("%s.", body);
	struct sha256 mac;
	hmac_sha256(key->bytes, key->len, body, strlen(body), &mac);
	AUTO(buf_done) struct buf b = BUF_INIT(8192);
	text_base64(&b, mac.bytes, sizeof mac.bytes);
	AUTO(xfree) char *signature = xstrdup(buf_text(&b));
	for (char *p = signature; *p; p++) *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	signature[strcspn(signature, "=")] = '\0';
	return xasprintf("%s.%s", body, signature);
}

static void a_token_tells_who(void **state) {
	(void)state;
	AUTO(secret_done) struct secret key = {0};
	key_init(&key);
	AUTO(xfree) char *token = NULL;
	struct principal who;
	OK(token_make(&key, &somebody, NOW_MS, 60000, &token, &err));
	assert_int_equal(token_read(&key, token, NOW_MS, &who), TOKEN_OK);
	assert_string_equal(who.station, "lab-1");
	assert_string_equal(who.key_id, "k1234");
	assert_int_equal(who.scopes, SCOPE_STATION);
	assert_int_equal(token_read(&key, token, NOW_MS + 59000, &who), TOKEN_OK);
	assert_int_equal(token_read(&key, token, NOW_MS + 61000, &who), TOKEN_OVER);
}

static void a_token_of_another_key_or_changed_is_none(void **state) {
	(void)state;
	AUTO(secret_done) struct secret key = {0}, other = {0};
	key_init(&key);
	secret_set(&other, "another secret of thirty-two byte", 32);
	AUTO(xfree) char *token = NULL;
	struct principal who;
	OK(token_make(&other, &somebody, NOW_MS, 60000, &token, &err));
	assert_int_equal(token_read(&key, token, NOW_MS, &who), TOKEN_BAD);
	xfree(TAKE(token));
	OK(token_make(&key, &somebody, NOW_MS, 60000, &token, &err));
	for (char *p = token; *p; p++) { /* every character counts */
		char was = *p;
		*p = was == 'A' ? 'Q' : 'A';
		assert_int_equal(token_read(&key, token, NOW_MS, &who), TOKEN_BAD);
		*p = was;
	}
	assert_int_equal(token_read(&key, token, NOW_MS, &who), TOKEN_OK);
	static const char *const nonsense[] = {"", ".", "..", "a.b.c", "eyJhbGciOiJIUzI1NiJ9", "\xff\xfe"};
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++)
		assert_int_equal(token_read(&key, nonsense[i], NOW_MS, &who), TOKEN_BAD);
	char huge[TOKEN_MAX + 2];
	memset(huge, 'a', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	assert_int_equal(token_read(&key, huge, NOW_MS, &who), TOKEN_BAD);
}

#define CLAIMS                                                                                                         \
	"{\"iss\":\"headgate-cloud\",\"sub\":\"lab-1\",\"key\":\"k1234\",\"scope\":\"station\",\"exp\":1795234100}"

static void the_algorithm_is_pinned(void **state) {
	(void)state;
	AUTO(secret_done) struct secret key = {0};
	key_init(&key);
	struct principal who;
	AUTO(xfree) char *good = token_forge("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", CLAIMS, &key);
	assert_int_equal(token_read(&key, good, NOW_MS, &who), TOKEN_OK); /* so the forger itself is right */
	static const char *const headers[] = {"{\"alg\":\"none\"}", "{\"alg\":\"None\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS512\",\"typ\":\"JWT\"}", "{\"alg\":\"HS384\"}", "{\"alg\":\"RS256\"}", "{\"typ\":\"JWT\"}", "{}",
		"[]", "{\"alg\":5}"};
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		AUTO(xfree) char *signed_one = token_forge(headers[i], CLAIMS, &key);
		AUTO(xfree) char *bare = token_forge(headers[i], CLAIMS, NULL);
		assert_int_equal(token_read(&key, signed_one, NOW_MS, &who), TOKEN_BAD);
		assert_int_equal(token_read(&key, bare, NOW_MS, &who), TOKEN_BAD);
	}
}

static void claims_must_be_whole(void **state) {
	(void)state;
	AUTO(secret_done) struct secret key = {0};
	key_init(&key);
	struct principal who;
	static const char *const claims[] = {
		"{}",
		"{\"sub\":\"lab-1\",\"key\":\"k\",\"scope\":\"station\",\"exp\":1795234100}",
		"{\"iss\":\"other\",\"sub\":\"lab-1\",\"key\":\"k\",\"scope\":\"station\",\"exp\":1795234100}",
		"{\"iss\":\"headgate-cloud\",\"key\":\"k\",\"scope\":\"station\",\"exp\":1795234100}",
		"{\"iss\":\"headgate-cloud\",\"sub\":\"lab-1\",\"scope\":\"station\",\"exp\":1795234100}",
		"{\"iss\":\"headgate-cloud\",\"sub\":\"lab-1\",\"key\":\"k\",\"exp\":1795234100}",
		"{\"iss\":\"headgate-cloud\",\"sub\":\"lab-1\",\"key\":\"k\",\"scope\":\"root\",\"exp\":1795234100}",
		"{\"iss\":\"headgate-cloud\",\"sub\":\"lab-1\",\"key\":\"k\",\"scope\":\"station\"}",
		"{\"iss\":\"headgate-cloud\",\"sub\":\"lab-1\",\"key\":\"k\",\"scope\":\"station\",\"exp\":\"never\"}",
		("{\"iss\":\"headgate-cloud\",\"sub\":\"lab-1\",\"key\":\"a-key-id-that-is-longer-than-any-of-ours\","
		 "\"scope\":\"station\",\"exp\":1795234100}"),
	};
	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		AUTO(xfree) char *token = token_forge("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", claims[i], &key);
		assert_int_equal(token_read(&key, token, NOW_MS, &who), TOKEN_BAD);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_tells_who),
		cmocka_unit_test(a_token_of_another_key_or_changed_is_none),
		cmocka_unit_test(the_algorithm_is_pinned),
		cmocka_unit_test(claims_must_be_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
