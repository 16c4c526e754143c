/* SPDX-License-Identifier: MIT */
/* SHA-256 and HMAC through libcrypto's EVP, fetched once. Any thread. */
#pragma once

#include "base/error.h"

#define SHA256_LEN 32
#define SHA256_HEX 65	 /* with NUL */
#define SHA256_BASE64 45 /* with NUL */

struct sha256 {
	uint8_t bytes[SHA256_LEN];
};
struct digest; /* a running SHA-256 */
struct digest *digest_new(void);
void digest_add(struct digest *d, const void *bytes, size_t n);
void digest_end(struct digest *d, struct sha256 *ret); /* and begins anew */
void digest_free(struct digest *d);
DEFINE_AUTO_PTR(struct digest, digest_free)

void sha256_of(const void *bytes, size_t n, struct sha256 *ret);
void hmac_sha256(const void *key, size_t key_n, const void *bytes, size_t n, struct sha256 *ret);
bool sha256_equal(const struct sha256 *a, const struct sha256 *b); /* constant time */
const char *sha256_hex(char to[SHA256_HEX], const struct sha256 *s);
const char *sha256_base64(char to[SHA256_BASE64], const struct sha256 *s);
MUST_USE int sha256_from_base64(const char *s, struct sha256 *ret); /* -1 when it is not 32 bytes of base64 */
MUST_USE int sha256_from_hex(const char *s, struct sha256 *ret);
void random_bytes(void *to, size_t n); /* from the kernel; aborts when there are none */
void random_id(char *to, size_t n);	   /* n - 1 characters of [a-z0-9] */
double random_unit(void);			   /* [0, 1) for jitter; not for secrets */
