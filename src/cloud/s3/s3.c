/* SPDX-License-Identifier: MIT */
/* GET and HEAD of an object, and who may ask. Any thread. */
#include "cloud/s3/s3.h"

#include "base/clock.h"
#include "base/text.h"
#include "cloud/api/handlers.h"

#define S3_SKEW_MS (15 * 60 * 1000)

static bool key_lookup(void *arg, const char *access_key, struct secret *ret) {
	const struct api *a = arg;
	if (strcmp(access_key, a->access_key) != 0) return false;
	secret_set(ret, a->url_key.bytes, a->url_key.len);
	return true;
}

/* Subresources (?acl, ?uploads, ?versionId=) are other operations: better refused than taken for a plain one. */
static bool query_is_plain(const struct call *c) {
	struct error ignored = ERROR_INIT;
	AUTO(query_done) struct query q = {0};
	if (query_parse(&q, c->query, &ignored)) return false;
	for (size_t i = 0; i < q.n; i++)
		if (!text_starts(q.items[i].name, "X-Amz-") && strcmp(q.items[i].name, "x-id") != 0) return false;
	return true;
}

static const struct verdict_word {
	enum s3_error error;
	const char *message;
} verdict_words[SIGV4_VERDICT_N] = {
	[SIGV4_ANONYMOUS] = {S3_ACCESS_DENIED, "the request is not signed; ask /v1/presign for a URL"},
	[SIGV4_MALFORMED] = {S3_HEADER_MALFORMED, "the signature cannot be read"},
	[SIGV4_UNKNOWN_KEY] = {S3_INVALID_ACCESS_KEY, "the access key is not one of this cloud's"},
	[SIGV4_MISMATCH] = {S3_SIGNATURE_MISMATCH, "the signature is not that of this request"},
	[SIGV4_EXPIRED] = {S3_ACCESS_DENIED, "Request has expired"},
	[SIGV4_SKEWED] = {S3_TIME_SKEWED, "the request's time is too far from the server's"},
	[SIGV4_MISSING_HEADER] = {S3_ACCESS_DENIED, "a header that must be signed is missing or is not signed"},
};

/* What the URL of a recording must cover (api.md "Presigned PUT"): one that leaves it open is none of ours. */
static const char *const *headers_required(struct call *c) {
	static const char *const recording[] = {"content-length", "if-none-match", "x-amz-checksum-sha256", NULL};
	bool put = strcmp(c->method, "PUT") == 0 && strcmp(c->params[0], c->api->config->raw_bucket) == 0;
	return put && !call_header(c, "authorization") ? recording : NULL;
}

/* A URL was counted when it was asked for: a thousand small files do not end in SlowDown, but sending one again and
 * again does. Who reads by signature is counted by address, beside those without one. */
static bool admit_rate(struct call *c, struct reply *r) {
	struct sha256 digest;
	char name[SHA256_HEX] = "signed ";
	if (strcmp(c->method, "PUT") != 0) {
		address_group(&c->address, name + strlen(name));
		return call_limit(r, c->api->by_key, name);
	}
	AUTO(xfree) char *object = xasprintf("%s/%s", c->params[0], c->params[1]); /* however the path spells it */
	sha256_of(object, strlen(object), &digest);
	return call_limit(r, c->api->by_url, sha256_hex(name, &digest));
}

bool s3_admit(struct call *c, struct reply *r) {
	const struct sigv4_request request = {
		.method = c->method, .path = c->path, .query = c->query, .headers = c->headers, .header_n = c->header_n};
	const struct sigv4_verify verify = {.lookup = key_lookup,
		.arg = c->api,
		.region = c->api->config->region,
		.service = "s3",
		.now_ms = clock_wall_ms(),
		.skew_ms = S3_SKEW_MS,
		.required = headers_required(c)};
	enum sigv4_verdict v = sigv4_verify(&request, &verify, NULL);
	if (v != SIGV4_OK) {
		if (!call_limit_address(c, r)) return false;
		const char *header = call_header(c, "authorization");
		bool in_query = v == SIGV4_MALFORMED && !header;
		if (header && !text_starts(header, "AWS4-HMAC-SHA256")) {
			reply_s3(r, S3_ACCESS_DENIED, "this Authorization is none of S3's; objects go by a URL of /v1/presign");
			return false;
		}
		reply_s3(r, in_query ? S3_QUERY_MALFORMED : verdict_words[v].error, "%s", verdict_words[v].message);
		return false;
	}
	c->known = true;
	if (!admit_rate(c, r)) return false;
	if (!query_is_plain(c)) reply_s3(r, S3_NOT_IMPLEMENTED, "this cloud serves plain PUT, GET and HEAD of objects");
	else if (!objects_has_bucket(c->api->objects, c->params[0]))
		reply_s3(r, S3_NO_SUCH_BUCKET, "there is no such bucket");
	else if (strlen(c->params[1]) >= sizeof((struct object_row){0}).key)
		reply_s3(r, S3_KEY_TOO_LONG, "a key has at most 1024 bytes");
	else return true;
	return false;
}

const char *s3_etag(char to[S3_ETAG], const struct sha256 *sha256) {
	char hex[SHA256_HEX];
	snprintf(to, S3_ETAG, "\"%s-1\"", sha256_hex(hex, sha256));
	return to;
}

void s3_object_headers(struct reply *r, const struct object_row *row) {
	char etag[S3_ETAG], when[TIME_TEXT];
	reply_header(r, "ETag", "%s", s3_etag(etag, &row->sha256));
	reply_header(r, "Last-Modified", "%s", time_http(when, row->stored_ms));
	reply_header(r, "Accept-Ranges", "bytes");
}

int s3_range_parse(const char *header, int64_t size, struct s3_range *ret) {
	int64_t first = 0, last = size - 1;
	char from[24], to[24];
	if (!header || strncmp(header, "bytes=", 6) != 0) return 0;
	const char *dash = strchr(header + 6, '-');
	if (!dash || (size_t)(dash - header - 6) >= sizeof from || strlen(dash + 1) >= sizeof to) return 0;
	text_copy(from, (size_t)(dash - header - 6) + 1, header + 6);
	text_copy(to, sizeof to, dash + 1);
	if (from[0]) {
		if (text_to_i64(from, 0, INT64_MAX, &first)) return 0;
		if (to[0] && (text_to_i64(to, 0, INT64_MAX, &last) || last < first)) return 0;
		last = MIN(last, size - 1);
	} else {
		int64_t n;
		if (text_to_i64(to, 0, INT64_MAX, &n)) return 0;
		if (n == 0) return -1;
		first = MAX(size - n, 0);
	}
	if (first >= size) return -1;
	*ret = (struct s3_range){first, last - first + 1};
	return 1;
}

/* "*", or a list with the tag in it. */
static bool etag_matches(const char *header, const char *etag) {
	return strcmp(header, "*") == 0 || strstr(header, etag) != NULL;
}

/* False: the condition already gives the answer (RFC 9110 13.2). */
static bool get_conditions(struct call *c, struct reply *r, const struct object_row *row) {
	char etag[S3_ETAG];
	const char *match = call_header(c, "if-match"), *none_match = call_header(c, "if-none-match");
	s3_etag(etag, &row->sha256);
	if (match && !etag_matches(match, etag)) {
		reply_s3(r, S3_PRECONDITION_FAILED, "the object's entity tag is another");
		return false;
	}
	if (none_match && etag_matches(none_match, etag)) {
		r->status = 304;
		s3_object_headers(r, row);
		return false;
	}
	return true;
}

static void get_reply(struct call *c, struct reply *r, const struct object_row *row, int fd, int64_t size) {
	struct s3_range range = {0, size};
	int part = s3_range_parse(call_header(c, "range"), size, &range);
	const char *mode = call_header(c, "x-amz-checksum-mode");
	r->fd = fd;
	if (part < 0) {
		reply_header(r, "Content-Range", "bytes */%lld", (long long)size);
		reply_s3(r, S3_INVALID_RANGE, "the object has %lld bytes", (long long)size);
		return;
	}
	if (part > 0) {
		r->status = 206;
		reply_header(r, "Content-Range", "bytes %lld-%lld/%lld", (long long)range.first,
			(long long)(range.first + range.size - 1), (long long)size);
	} else if (mode && text_equal_nocase(mode, "ENABLED")) {
		char checksum[SHA256_BASE64];
		reply_header(r, "x-amz-checksum-sha256", "%s", sha256_base64(checksum, &row->sha256));
		reply_header(r, "x-amz-checksum-type", "FULL_OBJECT");
	}
	s3_object_headers(r, row);
	r->type = "binary/octet-stream";
	r->offset = range.first;
	r->size = range.size;
}

/* False: it is not there, or not what it was, and r says so. */
static bool get_whole(struct call *c, struct reply *r, const struct object_row *row) {
	struct error err = ERROR_INIT;
	const struct stores stores = api_stores(c->api);
	struct examined e;
	if (object_examine(&stores, row, EXAMINE_SIZE, &e, &err)) reply_error(r, &err);
	else if (e.finding == FOUND_WHOLE) return true;
	else reply_s3(r, S3_NO_SUCH_KEY, "this object was stored and is lost; it can be sent again: ask /v1/presign");
	return false;
}

void s3_get(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	struct object_row row;
	int fd;
	int64_t size;
	if (!s3_admit(c, r)) return;
	int there = catalog_object(c->api->catalog, c->params[0], c->params[1], &row, &err);
	if (there < 0) reply_error(r, &err);
	else if (!there || !row.stored_ms) reply_s3(r, S3_NO_SUCH_KEY, "there is no such object");
	else if (!get_whole(c, r, &row) || !get_conditions(c, r, &row)) return;
	else if (object_open(c->api->objects, row.bucket, row.key, &fd, &size, &err)) {
		err.code = ERR_INTERNAL; /* the catalog has it and the store does not: ours, not the caller's */
		reply_error(r, &err);
	} else get_reply(c, r, &row, fd, size);
}
