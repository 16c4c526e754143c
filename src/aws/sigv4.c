/* SPDX-License-Identifier: MIT */
/* Signature Version 4, the signing side. Three stages: canonical request, string to sign, signature; the Authorization
 * header and the presigned URL are two ways to carry the result. What is signed is the URL as it is on the wire: one
 * byte of difference between signer and server is a 403, so nothing here guesses what a URL "means". Any thread. */
#include "aws/sigv4.h"

#include <ctype.h>

#include "aws/query.h"
#include "base/clock.h"
#include "base/text.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SCOPE_END "aws4_request"
#define HEADERS_MAX 128

/* --- canonical request --- */

static void path_pop(struct buf *path) {
	while (path->len > 0 && path->data[path->len - 1] != '/') path->len--;
	if (path->len > 0) path->len--;
	if (path->data) path->data[path->len] = '\0';
}

/* Dot segments and empty segments go, as RFC 3986 5.2.4 plus doubled slashes; a final slash stays. */
static void path_normalize(struct buf *out, const char *path) {
	bool slash_end = false;
	for (const char *s = path; *s;) {
		const char *end = strchrnul(s, '/');
		size_t n = (size_t)(end - s);
		bool dot = n == 1 && s[0] == '.', up = n == 2 && s[0] == '.' && s[1] == '.';
		if (up) {
			path_pop(out);
		} else if (n > 0 && !dot) {
			buf_char(out, '/');
			buf_add(out, s, n);
		}
		slash_end = *end == '/' || dot || up;
		s = *end ? end + 1 : end;
	}
	if (slash_end || out->len == 0) buf_char(out, '/');
}

static int canonical_path(struct buf *out, const char *path, const struct sigv4_scope *s, struct error *err) {
	AUTO(buf_done) struct buf plain = BUF_INIT(SIGV4_CANONICAL_MAX);
	AUTO(buf_done) struct buf decoded = BUF_INIT(SIGV4_CANONICAL_MAX);
	if (s->normalize_path) path_normalize(&plain, path);
	else buf_str(&plain, *path ? path : "/");
	const struct buf *from = &plain;
	if (!s->double_encode) {
		if (text_uri_decode(&decoded, plain.data, plain.len) < 0)
			return error_set(err, ERR_INPUT, "the URL's path has a bad percent escape; encode it anew");
		from = &decoded;
	}
	text_uri_encode(out, buf_text(from), from->len, true);
	buf_char(out, '\n');
	return buf_check(from, "the URL's path", err);
}

static int query_order(const void *a, const void *b) {
	const struct query_item *x = a, *y = b;
	int names = strcmp(x->name, y->name);
	return names ? names : strcmp(x->value, y->value);
}

/* Sorted by encoded name, then encoded value: not by the joined pair ("Param" before "Param-3"). */
static int canonical_query(struct buf *out, const char *raw, struct error *err) {
	AUTO(query_done) struct query q = {0};
	AUTO(buf_done) struct buf encoded = BUF_INIT(SIGV4_CANONICAL_MAX);
	if (query_parse(&q, raw, err) < 0) return -1;
	for (size_t i = 0; i < q.n; i++) {
		text_uri_encode(&encoded, q.items[i].name, strlen(q.items[i].name), false);
		buf_char(&encoded, '\0');
		text_uri_encode(&encoded, q.items[i].value, strlen(q.items[i].value), false);
		buf_char(&encoded, '\0');
	}
	if (buf_check(&encoded, "the URL's query", err) < 0) return -1;
	const char *at = encoded.data;
	for (size_t i = 0; i < q.n; i++) {
		q.items[i].name = at;
		q.items[i].value = at + strlen(at) + 1;
		at = q.items[i].value + strlen(q.items[i].value) + 1;
	}
	qsort(q.items, q.n, sizeof q.items[0], query_order);
	const char *between = "";
	for (size_t i = 0; i < q.n; i++) {
		if (!strcmp(q.items[i].name, "X-Amz-Signature")) continue;
		buf_fmt(out, "%s%s=%s", between, q.items[i].name, q.items[i].value);
		between = "&";
	}
	buf_char(out, '\n');
	return 0;
}

/* Trims, and makes each run of white space one blank. */
static void add_collapsed(struct buf *out, const char *value) {
	bool blank = false, any = false;
	for (const char *s = value; *s; s++) {
		if (isspace((unsigned char)*s)) {
			blank = true;
			continue;
		}
		if (blank && any) buf_char(out, ' ');
		buf_char(out, *s);
		blank = false;
		any = true;
	}
}

/* One line of the canonical headers: every header of that name, in order of the request, joined by ','. */
static int canonical_header(
	struct buf *out, const struct sigv4_request *r, const char *name, size_t name_n, struct error *err) {
	size_t found = 0;
	buf_add(out, name, name_n);
	for (size_t i = 0; i < r->header_n; i++) {
		const struct sigv4_header *h = &r->headers[i];
		if (strlen(h->name) != name_n || strncasecmp(h->name, name, name_n) != 0) continue;
		buf_char(out, found++ ? ',' : ':');
		add_collapsed(out, h->value);
	}
	buf_char(out, '\n');
	if (found == 0)
		return error_set(
			err, ERR_INPUT, "the header %.*s is signed but not on the request", (int)MIN(name_n, 64), name);
	return 0;
}

int sigv4_canonical(const struct sigv4_request *r, const struct sigv4_scope *s, const char *signed_headers,
	struct buf *out, struct error *err) {
	buf_fmt(out, "%s\n", r->method);
	if (canonical_path(out, r->path, s, err) < 0 || canonical_query(out, r->query, err) < 0) return -1;
	for (const char *name = signed_headers; *name;) {
		const char *end = strchrnul(name, ';');
		if (canonical_header(out, r, name, (size_t)(end - name), err) < 0) return -1;
		name = *end ? end + 1 : end;
	}
	buf_fmt(out, "\n%s\n%s", signed_headers, r->payload_hash ? r->payload_hash : "UNSIGNED-PAYLOAD");
	return buf_check(out, "the canonical request", err);
}

/* --- string to sign, signature --- */

/* "20260821/eu-central-1/s3/aws4_request" */
static void add_scope(struct buf *out, const struct sigv4_scope *s) {
	char when[TIME_TEXT];
	buf_fmt(out, "%.8s/%s/%s/" SCOPE_END, time_iso_basic(when, s->time_ms), s->region, s->service);
}

void sigv4_string_to_sign(const struct sigv4_scope *s, const char *canonical, size_t n, struct buf *out) {
	struct sha256 hash;
	char hex[SHA256_HEX], when[TIME_TEXT];
	sha256_of(canonical, n, &hash);
	buf_fmt(out, ALGORITHM "\n%s\n", time_iso_basic(when, s->time_ms));
	add_scope(out, s);
	buf_fmt(out, "\n%s", sha256_hex(hex, &hash));
}

void sigv4_signature(const struct sigv4_scope *s, const char *string_to_sign, size_t n, char ret_hex[SHA256_HEX]) {
	char when[TIME_TEXT];
	time_iso_basic(when, s->time_ms);
	when[8] = '\0';
	const char *const chain[] = {when, s->region, s->service, SCOPE_END};
	struct sha256 key, next;
	size_t seed_n = 4 + s->secret_key->len;
	char *seed = xcalloc(seed_n + 1, 1);
	memcpy(seed, "AWS4", 4);
	if (s->secret_key->len > 0) memcpy(seed + 4, s->secret_key->bytes, s->secret_key->len);
	hmac_sha256(seed, seed_n, chain[0], strlen(chain[0]), &key);
	secret_wipe(seed, seed_n);
	free(seed);
	for (size_t i = 1; i < ARRAY_LEN(chain); i++) {
		hmac_sha256(key.bytes, sizeof key.bytes, chain[i], strlen(chain[i]), &next);
		key = next;
	}
	hmac_sha256(key.bytes, sizeof key.bytes, string_to_sign, n, &next);
	secret_wipe(&key, sizeof key);
	sha256_hex(ret_hex, &next);
}

/* --- the two carriers --- */

static int name_order(const void *a, const void *b) {
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lower-case names of all headers given, each once, in order, joined by ';'. */
static int signed_names(const struct sigv4_request *r, struct buf *out, struct error *err) {
	const char *names[HEADERS_MAX];
	bool host = false;
	if (r->header_n > HEADERS_MAX) return error_set(err, ERR_INPUT, "more than %d headers to sign", HEADERS_MAX);
	for (size_t i = 0; i < r->header_n; i++) {
		names[i] = r->headers[i].name;
		host = host || text_equal_nocase(names[i], "host");
	}
	if (!host) return error_set(err, ERR_INTERNAL, "a request is to be signed without its host header");
	qsort(names, r->header_n, sizeof names[0], name_order);
	for (size_t i = 0; i < r->header_n; i++) {
		if (i > 0 && text_equal_nocase(names[i], names[i - 1])) continue;
		if (out->len > 0) buf_char(out, ';');
		for (const char *s = names[i]; *s; s++) buf_char(out, (char)tolower((unsigned char)*s));
	}
	return buf_check(out, "the names of the signed headers", err);
}

static int sign(const struct sigv4_request *r, const struct sigv4_scope *s, const char *names, char ret_hex[SHA256_HEX],
	struct error *err) {
	AUTO(buf_done) struct buf canonical = BUF_INIT(SIGV4_CANONICAL_MAX);
	AUTO(buf_done) struct buf to_sign = BUF_INIT(4096);
	if (sigv4_canonical(r, s, names, &canonical, err) < 0) return -1;
	sigv4_string_to_sign(s, canonical.data, canonical.len, &to_sign);
	if (buf_check(&to_sign, "the string to sign", err) < 0) return -1;
	sigv4_signature(s, to_sign.data, to_sign.len, ret_hex);
	return 0;
}

int sigv4_authorization(
	const struct sigv4_request *r, const struct sigv4_scope *s, struct buf *out, struct error *err) {
	AUTO(buf_done) struct buf names = BUF_INIT(8192);
	char signature[SHA256_HEX];
	if (signed_names(r, &names, err) < 0 || sign(r, s, buf_text(&names), signature, err) < 0) return -1;
	buf_fmt(out, ALGORITHM " Credential=%s/", s->access_key);
	add_scope(out, s);
	buf_fmt(out, ", SignedHeaders=%s, Signature=%s", buf_text(&names), signature);
	return buf_check(out, "the Authorization header", err);
}

static void add_parameter(struct buf *query, const char *name, const char *value) {
	buf_fmt(query, "%s%s=", query->len > 0 ? "&" : "", name);
	text_uri_encode(query, value, strlen(value), false);
}

static void presign_query(
	struct buf *query, const struct sigv4_scope *s, const char *names, int64_t expires_s, const char *original) {
	AUTO(buf_done) struct buf credential = BUF_INIT(1024);
	char when[TIME_TEXT], expires[24];
	buf_fmt(&credential, "%s/", s->access_key);
	add_scope(&credential, s);
	snprintf(expires, sizeof expires, "%lld", (long long)expires_s);
	buf_str(query, original);
	add_parameter(query, "X-Amz-Algorithm", ALGORITHM);
	add_parameter(query, "X-Amz-Credential", buf_text(&credential));
	add_parameter(query, "X-Amz-Date", time_iso_basic(when, s->time_ms));
	add_parameter(query, "X-Amz-SignedHeaders", names);
	add_parameter(query, "X-Amz-Expires", expires);
	if (s->session_token) add_parameter(query, "X-Amz-Security-Token", s->session_token);
}

int sigv4_presign(const char *origin, const struct sigv4_request *r, const struct sigv4_scope *s, int64_t expires_s,
	struct buf *out_url, struct error *err) {
	AUTO(buf_done) struct buf names = BUF_INIT(8192);
	AUTO(buf_done) struct buf query = BUF_INIT(QUERY_BYTES_MAX);
	char signature[SHA256_HEX];
	if (expires_s < 1 || expires_s > SIGV4_EXPIRES_MAX_S)
		return error_set(err, ERR_INTERNAL, "a presigned URL cannot last %lld s, only 1 to %d", (long long)expires_s,
			SIGV4_EXPIRES_MAX_S);
	if (signed_names(r, &names, err) < 0) return -1;
	presign_query(&query, s, buf_text(&names), expires_s, r->query);
	if (buf_check(&query, "the presigned URL's query", err) < 0) return -1;
	struct sigv4_request full = *r;
	full.query = query.data;
	if (sign(&full, s, buf_text(&names), signature, err) < 0) return -1;
	buf_fmt(out_url, "%s%s?%s&X-Amz-Signature=%s", origin, r->path, query.data, signature);
	return buf_check(out_url, "the presigned URL", err);
}
