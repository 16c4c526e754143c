/* SPDX-License-Identifier: MIT */
/* Signature Version 4, the verifying side: first what the request claims (read strictly, from the query or from the
 * Authorization header, never from both), then which headers the claim must cover, then the signature itself, computed
 * anew and compared in constant time, and the clock last: what is told about time is told to a holder of the key only.
 * Any thread. */
#include "aws/sigv4.h"

#include <assert.h>
#include <ctype.h>

#include "aws/query.h"
#include "base/clock.h"
#include "base/text.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

/* What a request says of its own signature. Texts are copies in `text`, or point into the query. */
struct claim {
	bool presigned;
	struct query query;
	char credential[512]; /* taken apart in place: the pointers below */
	const char *access_key, *date, *region, *service;
	char signed_headers[4096];
	char signature[SHA256_HEX];
	const char *payload_hash;
	int64_t time_ms, expires_ms;
};
static void claim_done(struct claim *c) { query_done(&c->query); }
DEFINE_AUTO_VAL(struct claim, claim_done)

static const char *request_header(const struct sigv4_request *r, const char *name) {
	for (size_t i = 0; i < r->header_n; i++)
		if (text_equal_nocase(r->headers[i].name, name)) return r->headers[i].value;
	return NULL;
}

/* "KEY/20260821/region/service/aws4_request"; a key may hold slashes, so it is read from the end. */
static bool credential_split(struct claim *c) {
	char *part[4];
	for (size_t i = ARRAY_LEN(part); i-- > 0;) {
		part[i] = strrchr(c->credential, '/');
		if (!part[i]) return false;
		*part[i]++ = '\0';
	}
	c->access_key = c->credential;
	c->date = part[0];
	c->region = part[1];
	c->service = part[2];
	return *c->access_key && !strcmp(part[3], "aws4_request");
}

static bool copy_bounded(char *to, size_t size, const char *from, size_t n) {
	if (n >= size) return false;
	memcpy(to, from, n);
	to[n] = '\0';
	return true;
}

static bool signature_valid(const char *hex) {
	struct sha256 ignored;
	return sha256_from_hex(hex, &ignored) == 0;
}

/* --- the claim in the query --- */

static const char *const query_wanted[] = {
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"};

static enum sigv4_verdict claim_from_query(struct claim *c) {
	int64_t expires_s;
	const struct query *q = &c->query;
	for (size_t i = 0; i < ARRAY_LEN(query_wanted); i++)
		if (query_count(q, query_wanted[i]) != 1) return SIGV4_MALFORMED;
	const char *credential = query_get(q, "X-Amz-Credential"), *names = query_get(q, "X-Amz-SignedHeaders");
	const char *signature = query_get(q, "X-Amz-Signature");
	if (strcmp(query_get(q, "X-Amz-Algorithm"), ALGORITHM) != 0 ||
		time_parse_iso_basic(query_get(q, "X-Amz-Date"), &c->time_ms) < 0 ||
		text_to_i64(query_get(q, "X-Amz-Expires"), 1, SIGV4_EXPIRES_MAX_S, &expires_s) < 0 ||
		!copy_bounded(c->credential, sizeof c->credential, credential, strlen(credential)) ||
		!copy_bounded(c->signed_headers, sizeof c->signed_headers, names, strlen(names)) ||
		!copy_bounded(c->signature, sizeof c->signature, signature, strlen(signature)))
		return SIGV4_MALFORMED;
	c->expires_ms = expires_s * 1000;
	return SIGV4_OK;
}

/* --- the claim in the Authorization header --- */

/* Finds "Name=value" among parts divided by commas with any white space around (s3cmd writes none). */
static bool authorization_part(const char *parts, const char *name, char *to, size_t size) {
	size_t name_n = strlen(name);
	for (const char *s = parts; *s;) {
		while (isspace((unsigned char)*s)) s++;
		const char *end = strchrnul(s, ',');
		if (!strncmp(s, name, name_n) && s[name_n] == '=') {
			const char *value = s + name_n + 1, *stop = end;
			while (stop > value && isspace((unsigned char)stop[-1])) stop--;
			return copy_bounded(to, size, value, (size_t)(stop - value));
		}
		s = *end ? end + 1 : end;
	}
	return false;
}

static bool request_time(const struct sigv4_request *r, int64_t *ret_ms) {
	const char *amz = request_header(r, "x-amz-date"), *date = request_header(r, "date");
	if (amz) return time_parse_iso_basic(amz, ret_ms) == 0;
	return date && (time_parse_http(date, ret_ms) == 0 || time_parse_iso_basic(date, ret_ms) == 0);
}

static enum sigv4_verdict claim_from_header(struct claim *c, const struct sigv4_request *r, const char *authorization) {
	size_t n = strlen(ALGORITHM);
	if (!text_starts(authorization, ALGORITHM) || !isspace((unsigned char)authorization[n])) return SIGV4_MALFORMED;
	const char *parts = authorization + n;
	if (!authorization_part(parts, "Credential", c->credential, sizeof c->credential) ||
		!authorization_part(parts, "SignedHeaders", c->signed_headers, sizeof c->signed_headers) ||
		!authorization_part(parts, "Signature", c->signature, sizeof c->signature) || !request_time(r, &c->time_ms))
		return SIGV4_MALFORMED;
	c->payload_hash = r->payload_hash ? r->payload_hash : request_header(r, "x-amz-content-sha256");
	return c->payload_hash ? SIGV4_OK : SIGV4_MISSING_HEADER;
}

static enum sigv4_verdict claim_read(struct claim *c, const struct sigv4_request *r) {
	struct error err;
	if (query_parse(&c->query, r->query, &err) < 0) return SIGV4_MALFORMED;
	const char *authorization = request_header(r, "authorization");
	c->presigned = query_get(&c->query, "X-Amz-Signature") || query_get(&c->query, "X-Amz-Algorithm");
	if (!authorization && !c->presigned) return SIGV4_ANONYMOUS;
	if (authorization && c->presigned) return SIGV4_MALFORMED;
	enum sigv4_verdict v = c->presigned ? claim_from_query(c) : claim_from_header(c, r, authorization);
	if (v != SIGV4_OK) return v;
	if (c->presigned) c->payload_hash = r->payload_hash ? r->payload_hash : "UNSIGNED-PAYLOAD";
	char when[TIME_TEXT];
	if (!credential_split(c) || !signature_valid(c->signature) ||
		strncmp(time_iso_basic(when, c->time_ms), c->date, 8) != 0 || strlen(c->date) != 8)
		return SIGV4_MALFORMED;
	return SIGV4_OK;
}

/* --- which headers are covered --- */

static bool names_contain(const char *names, const char *name) {
	size_t n = strlen(name);
	for (const char *s = names; *s;) {
		const char *end = strchrnul(s, ';');
		if ((size_t)(end - s) == n && !strncasecmp(s, name, n)) return true;
		s = *end ? end + 1 : end;
	}
	return false;
}

/* Lower-case header names, none empty. */
static bool names_valid(const char *names) {
	char last = ';';
	for (const char *s = names; *s; last = *s++)
		if (*s == ';' ? last == ';' : !(islower((unsigned char)*s) || isdigit((unsigned char)*s) || strchr("-_.", *s)))
			return false;
	return last != ';';
}

static bool names_present(const char *names, const struct sigv4_request *r) {
	char name[256];
	for (const char *s = names; *s;) {
		const char *end = strchrnul(s, ';');
		if (!copy_bounded(name, sizeof name, s, (size_t)(end - s)) || !request_header(r, name)) return false;
		s = *end ? end + 1 : end;
	}
	return true;
}

static bool header_must_be_signed(const char *name, const char *const *required) {
	if (!strncasecmp(name, "x-amz-", 6)) return true;
	for (; required && *required; required++)
		if (text_equal_nocase(name, *required)) return true;
	return false;
}

static enum sigv4_verdict check_headers(
	const struct claim *c, const struct sigv4_request *r, const struct sigv4_verify *v) {
	if (!names_valid(c->signed_headers)) return SIGV4_MALFORMED;
	if (!names_contain(c->signed_headers, "host") || !names_present(c->signed_headers, r)) return SIGV4_MISSING_HEADER;
	for (size_t i = 0; i < r->header_n; i++)
		if (header_must_be_signed(r->headers[i].name, v->required) &&
			!names_contain(c->signed_headers, r->headers[i].name))
			return SIGV4_MISSING_HEADER;
	return SIGV4_OK;
}

/* --- signature and clock --- */

static enum sigv4_verdict check_signature(
	const struct claim *c, const struct sigv4_request *r, const struct sigv4_verify *v) {
	AUTO(secret_done) struct secret key = {0};
	AUTO(buf_done) struct buf canonical = BUF_INIT(SIGV4_CANONICAL_MAX);
	AUTO(buf_done) struct buf to_sign = BUF_INIT(4096);
	struct sigv4_scope scope = {.access_key = c->access_key,
		.region = c->region,
		.service = c->service,
		.secret_key = &key,
		.time_ms = c->time_ms,
		.normalize_path = v->normalize_path,
		.double_encode = v->double_encode};
	struct sigv4_request signed_request = *r;
	struct sha256 claimed, computed;
	struct error err;
	char hex[SHA256_HEX];

	if (!v->lookup(v->arg, c->access_key, &key)) return SIGV4_UNKNOWN_KEY;
	signed_request.payload_hash = c->payload_hash;
	if (sigv4_canonical(&signed_request, &scope, c->signed_headers, &canonical, &err) < 0) return SIGV4_MALFORMED;
	sigv4_string_to_sign(&scope, canonical.data, canonical.len, &to_sign);
	if (!buf_ok(&to_sign)) return SIGV4_MALFORMED;
	sigv4_signature(&scope, to_sign.data, to_sign.len, hex);
	if (sha256_from_hex(hex, &computed) < 0 || sha256_from_hex(c->signature, &claimed) < 0) return SIGV4_MALFORMED;
	return sha256_equal(&claimed, &computed) ? SIGV4_OK : SIGV4_MISMATCH;
}

/* A presigned URL may be young by the skew, and ends by its own expiry; a signed request is good within the skew. */
static enum sigv4_verdict check_time(const struct claim *c, const struct sigv4_verify *v) {
	if (c->time_ms - v->now_ms > v->skew_ms) return SIGV4_SKEWED;
	if (c->presigned) return v->now_ms > c->time_ms + c->expires_ms ? SIGV4_EXPIRED : SIGV4_OK;
	return v->now_ms - c->time_ms > v->skew_ms ? SIGV4_SKEWED : SIGV4_OK;
}

enum sigv4_verdict sigv4_verify(const struct sigv4_request *r, const struct sigv4_verify *v, struct buf *ret_signed) {
	AUTO(claim_done) struct claim c = {0};
	enum sigv4_verdict verdict = claim_read(&c, r);
	if (verdict != SIGV4_OK) return verdict;
	if (strcmp(c.region, v->region) != 0 || strcmp(c.service, v->service) != 0) return SIGV4_MALFORMED;
	verdict = check_headers(&c, r, v);
	if (verdict == SIGV4_OK) verdict = check_signature(&c, r, v);
	if (verdict == SIGV4_OK) verdict = check_time(&c, v);
	if (verdict == SIGV4_OK && ret_signed) buf_str(ret_signed, c.signed_headers);
	return verdict;
}

int64_t sigv4_url_lasts_ms(const char *url) {
	AUTO(query_done) struct query q = {0};
	struct error err;
	int64_t begin_ms, lasts_s;
	const char *mark = strchr(url, '?');
	if (!mark || query_parse(&q, mark + 1, &err) < 0) return -1;
	const char *date = query_get(&q, "X-Amz-Date"), *expires = query_get(&q, "X-Amz-Expires");
	if (!date || !expires || time_parse_iso_basic(date, &begin_ms) < 0 ||
		text_to_i64(expires, 1, SIGV4_EXPIRES_MAX_S, &lasts_s) < 0)
		return -1;
	return lasts_s * 1000;
}
