/* SPDX-License-Identifier: MIT */
/* GET and HEAD of an object. Any thread. */
#include "base/text.h"
#include "cloud/s3/s3.h"
#include "cloud/store/examine.h"

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
	reply_file(r, "binary/octet-stream", fd, 0, size);
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
	int there = catalog_object(c->api->catalog, c->params[0], c->params[1], &row, &err);
	if (there < 0) reply_error(r, &err);
	else if (!there || !row.stored_ms) reply_s3(r, S3_NO_SUCH_KEY, "there is no such object");
	else if (!get_whole(c, r, &row) || !get_conditions(c, r, &row)) return;
	else if (object_open(c->api->objects, row.bucket, row.key, &fd, &size, &err)) {
		err.code = ERR_INTERNAL; /* the catalog has it and the store does not: ours, not the caller's */
		reply_error(r, &err);
	} else get_reply(c, r, &row, fd, size);
}
