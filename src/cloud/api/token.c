/* SPDX-License-Identifier: MIT */
/* JWT through libjwt, with the algorithm pinned. Any thread. */
#include "cloud/api/token.h"

#include <errno.h>
#include <jwt.h>

#include "base/text.h"
#include "cloud/store/catalog.h"

#define TOKEN_ISSUER "headgate-cloud"
DEFINE_AUTO_PTR(jwt_t, jwt_free)

int token_make(const struct secret *key, const struct principal *who, int64_t now_ms, int64_t life_ms, char **ret,
	struct error *err) {
	AUTO(jwt_free) jwt_t *jwt = NULL;
	char scopes[64];
	if (jwt_new(&jwt)) return error_set(err, ERR_INTERNAL, "token: libjwt gave no memory");
	int bad = jwt_add_grant(jwt, "iss", TOKEN_ISSUER) | jwt_add_grant(jwt, "sub", who->station) |
			  jwt_add_grant(jwt, "key", who->key_id) |
			  jwt_add_grant(jwt, "scope", scopes_text(who->scopes, scopes, sizeof scopes)) |
			  jwt_add_grant_int(jwt, "iat", (long)(now_ms / 1000)) |
			  jwt_add_grant_int(jwt, "exp", (long)((now_ms + life_ms + 999) / 1000)) |
			  jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)key->bytes, (int)key->len);
	char *text = bad ? NULL : jwt_encode_str(jwt);
	if (!text) return error_set(err, ERR_INTERNAL, "token: libjwt cannot sign");
	*ret = text;
	return 0;
}

/* The grants of a token whose signature is good, or -1. */
static int token_grants(jwt_t *jwt, struct principal *ret) {
	struct error ignored = ERROR_INIT;
	const char *issuer = jwt_get_grant(jwt, "iss"), *station = jwt_get_grant(jwt, "sub");
	const char *key_id = jwt_get_grant(jwt, "key"), *scopes = jwt_get_grant(jwt, "scope");
	if (!issuer || strcmp(issuer, TOKEN_ISSUER) != 0 || !station || !key_id || !scopes) return -1;
	struct principal who = {0};
	if (strlen(station) >= sizeof who.station || strlen(key_id) >= sizeof who.key_id) return -1;
	text_copy(who.station, sizeof who.station, station);
	text_copy(who.key_id, sizeof who.key_id, key_id);
	if (scopes_parse(scopes, &who.scopes, &ignored)) return -1;
	*ret = who;
	return 0;
}

enum token_verdict token_read(const struct secret *key, const char *token, int64_t now_ms, struct principal *ret) {
	AUTO(jwt_free) jwt_t *jwt = NULL;
	struct principal who;
	if (strlen(token) > TOKEN_MAX) return TOKEN_BAD;
	if (jwt_decode(&jwt, token, (const unsigned char *)key->bytes, (int)key->len)) return TOKEN_BAD;
	if (jwt_get_alg(jwt) != JWT_ALG_HS256) return TOKEN_BAD; /* libjwt verifies what the token names, "none" too */
	errno = 0;
	long end_s = jwt_get_grant_int(jwt, "exp");
	if (errno || end_s <= 0 || token_grants(jwt, &who)) return TOKEN_BAD;
	if (now_ms / 1000 >= end_s) return TOKEN_OVER;
	*ret = who;
	return TOKEN_OK;
}
