/* SPDX-License-Identifier: MIT */
/* SHA-256 and HMAC over EVP. The algorithms are fetched once for the process: a fetch a digest costs more than hashing
 * a small text (measured.md). libcrypto fails here only without memory or without SHA-256, so failures abort. */
#include "base/digest.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/text.h"

static EVP_MD *sha256_md;
static EVP_MAC_CTX *hmac_template; /* never used itself: copied for each HMAC */

static void must(bool ok) {
	if (!ok) abort();
}

static void fetch(void) {
	sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	must(sha256_md && hmac);
	hmac_template = EVP_MAC_CTX_new(hmac);
	EVP_MAC_free(hmac);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0), OSSL_PARAM_construct_end()};
	must(hmac_template && EVP_MAC_CTX_set_params(hmac_template, params));
}

static void fetch_once(void) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, fetch);
}

/* A struct digest is an EVP_MD_CTX under another name. */
static EVP_MD_CTX *context(struct digest *d) { return (EVP_MD_CTX *)d; }

struct digest *digest_new(void) {
	fetch_once();
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	must(c && EVP_DigestInit_ex2(c, sha256_md, NULL));
	return (struct digest *)c;
}

void digest_add(struct digest *d, const void *bytes, size_t n) { must(EVP_DigestUpdate(context(d), bytes, n)); }

void digest_end(struct digest *d, struct sha256 *ret) {
	must(EVP_DigestFinal_ex(context(d), ret->bytes, NULL) && EVP_DigestInit_ex2(context(d), sha256_md, NULL));
}

void digest_free(struct digest *d) { EVP_MD_CTX_free(context(d)); }

void sha256_of(const void *bytes, size_t n, struct sha256 *ret) {
	fetch_once();
	must(EVP_Digest(bytes, n, ret->bytes, NULL, sha256_md, NULL));
}

void hmac_sha256(const void *key, size_t key_n, const void *bytes, size_t n, struct sha256 *ret) {
	fetch_once();
	EVP_MAC_CTX *c = EVP_MAC_CTX_dup(hmac_template);
	size_t len = 0;
	/* A NULL key would mean "the key it had": an empty one is given as bytes. */
	must(c && EVP_MAC_init(c, key_n ? key : "", key_n, NULL) && EVP_MAC_update(c, bytes, n) &&
		 EVP_MAC_final(c, ret->bytes, &len, SHA256_LEN) && len == SHA256_LEN);
	EVP_MAC_CTX_free(c);
}

bool sha256_equal(const struct sha256 *a, const struct sha256 *b) {
	return CRYPTO_memcmp(a->bytes, b->bytes, SHA256_LEN) == 0;
}

const char *sha256_hex(char to[SHA256_HEX], const struct sha256 *s) {
	text_hex(to, s->bytes, SHA256_LEN);
	return to;
}

const char *sha256_base64(char to[SHA256_BASE64], const struct sha256 *s) {
	EVP_EncodeBlock((unsigned char *)to, s->bytes, SHA256_LEN);
	return to;
}

int sha256_from_base64(const char *s, struct sha256 *ret) {
	struct sha256 got = {{0}};
	size_t n = 0;
	if (text_unbase64(got.bytes, SHA256_LEN, s, &n) || n != SHA256_LEN) return -1;
	*ret = got;
	return 0;
}

int sha256_from_hex(const char *s, struct sha256 *ret) { return text_unhex(ret->bytes, SHA256_LEN, s); }

void random_bytes(void *to, size_t n) {
	uint8_t *at = to;
	while (n) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR) continue;
		must(got > 0);
		at += got;
		n -= (size_t)got;
	}
}

void random_id(char *to, size_t n) {
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	const unsigned kinds = sizeof letters - 1, fair = 256 / kinds * kinds;
	if (!n) return;
	for (size_t at = 0; at + 1 < n;) {
		uint8_t bytes[32];
		random_bytes(bytes, sizeof bytes);
		for (size_t i = 0; i < sizeof bytes && at + 1 < n; i++)
			if (bytes[i] < fair) to[at++] = letters[bytes[i] % kinds];
	}
	to[n - 1] = '\0';
}

double random_unit(void) {
	uint64_t v = 0;
	random_bytes(&v, sizeof v);
	return (double)(v >> 11) * 0x1p-53;
}
