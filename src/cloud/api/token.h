/* SPDX-License-Identifier: MIT */
/* Tokens: JWT (RFC 7519) signed with HS256 by a secret of this cloud, and nothing else: a token that names another
 * algorithm, "none" among them, is refused whatever its signature (RFC 8725 3.1). Any thread. */
#pragma once

#include "base/secret.h"
#include "cloud/call/principal.h"

#define TOKEN_MAX 2048
/* *ret is the token (the caller frees). It ends life_ms after now_ms, rounded up to a whole second. */
MUST_USE int token_make(const struct secret *key, const struct principal *who, int64_t now_ms, int64_t life_ms,
	char **ret, struct error *err);
enum token_verdict { TOKEN_OK, TOKEN_BAD, TOKEN_OVER };
enum token_verdict token_read(const struct secret *key, const char *token, int64_t now_ms, struct principal *ret);
