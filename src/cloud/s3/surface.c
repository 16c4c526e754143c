/* SPDX-License-Identifier: MIT */
/* S3's routes, whose signature is good, and its error form. The query chooses the operation: one that no row names
 * (?acl, ?versionId) is another operation than the plain one, and is answered NotImplemented. Constant. */
#include "cloud/s3/surface.h"

#include "aws/xml.h"
#include "base/clock.h"
#include "base/text.h"
#include "cloud/s3/s3.h"
#include "session/part.h"

/* clang-format off */
static const struct route routes[] = {
	{"GET",  "/{bucket}/{key+}", AUTH_SIGNATURE, BODY_NONE,   0,       s3_get},
	{"HEAD", "/{bucket}/{key+}", AUTH_SIGNATURE, BODY_NONE,   0,       s3_get},
	{"PUT",  "/{bucket}/{key+}", AUTH_SIGNATURE, BODY_STREAM, PUT_MAX, s3_put, &s3_put_stream},
};
/* clang-format on */

/* Any path may be a bucket's; who signs as AWS does means it so. */
static enum surface_match s3_match(const struct call *c) {
	const char *authorization = call_header(c, "authorization");
	bool is_signed = (authorization && text_starts(authorization, "AWS4-")) || strstr(c->query, "X-Amz-");
	return is_signed ? MATCH_SURE : MATCH_MAYBE;
}

/* Of the signature, and an SDK's name for the operation. */
static bool s3_query_passes(const char *name) { return text_starts(name, "X-Amz-") || strcmp(name, "x-id") == 0; }

/* --- who may --- */

#define S3_SKEW_MS (15 * 60 * 1000)

static bool key_lookup(void *arg, const char *access_key, struct secret *ret) {
	const struct api *a = arg;
	if (strcmp(access_key, a->access_key) != 0) return false;
	secret_set(ret, a->url_key.bytes, a->url_key.len);
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
	bool put = strcmp(c->method, "PUT") == 0 && c->params[1] && strcmp(c->params[0], c->api->config->raw_bucket) == 0;
	return put && !call_header(c, "authorization") ? recording : NULL;
}

/* A URL was counted when it was asked for: a thousand small files do not end in SlowDown, but sending one again and
 * again does. Who reads by signature is counted by address, beside those without one. */
static bool admit_rate(struct call *c, struct reply *r) {
	struct sha256 digest;
	char name[SHA256_HEX] = "signed ";
	if (strcmp(c->method, "PUT") != 0 || !c->params[1]) {
		address_group(&c->address, name + strlen(name));
		return call_limit(r, c->api->by_key, name);
	}
	AUTO(xfree) char *object = xasprintf("%s/%s", c->params[0], c->params[1]); /* however the path spells it */
	sha256_of(object, strlen(object), &digest);
	return call_limit(r, c->api->by_url, sha256_hex(name, &digest));
}

static bool signature_admit(struct call *c, struct reply *r) {
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
	if (c->params[0] && !objects_has_bucket(c->api->objects, c->params[0]))
		reply_s3(r, S3_NO_SUCH_BUCKET, "there is no such bucket");
	else if (c->params[1] && strlen(c->params[1]) >= sizeof((struct object_row){0}).key)
		reply_s3(r, S3_KEY_TOO_LONG, "a key has at most 1024 bytes");
	else return true;
	return false;
}

static bool s3_admit(struct call *c, struct reply *r) {
	if (c->other_operation) return signature_admit(c, r); /* who asks, before what for */
	if (!c->route) return call_limit_address(c, r);
	if (c->route->auth == AUTH_SIGNATURE) return signature_admit(c, r);
	reply_s3(r, S3_ACCESS_DENIED, "nobody may do this");
	return false;
}

/* --- its words --- */

static void render_element(struct buf *out, const char *name, const char *text) {
	buf_fmt(out, "<%s>", name);
	xml_escape(out, text);
	buf_fmt(out, "</%s>", name);
}

static void render_error(const struct call *c, struct reply *r) {
	AUTO(buf_done) struct buf out = BUF_INIT(64 << 10);
	buf_str(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
	render_element(&out, "Code", r->own->word);
	render_element(&out, "Message", r->message);
	render_element(&out, "Resource", c->path);
	render_element(&out, "RequestId", c->request_id);
	buf_str(&out, "</Error>");
	size_t n = out.len;
	reply_bytes(r, r->own->status, "application/xml", buf_take(&out), n);
}

static void s3_render(const struct call *c, struct reply *r) {
	if (r->fault != FAULT_NONE) r->own = &s3_classes[s3_error_of(r->fault)];
	if (r->own) render_error(c, r);
	reply_header(r, "x-amz-request-id", "%s", c->request_id);
}

/* The object's key. */
static void s3_log(const struct call *c, cJSON *event) {
	if (c->known && c->params[1]) json_add_text(event, "key", c->params[1]);
}

const struct surface s3_surface = {.routes = routes,
	.route_n = ARRAY_LEN(routes),
	.match = s3_match,
	.admit = s3_admit,
	.render = s3_render,
	.log = s3_log,
	.query_passes = s3_query_passes,
	.body_first = true};
