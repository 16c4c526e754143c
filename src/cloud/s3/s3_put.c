/* SPDX-License-Identifier: MIT */
/* PUT of an object: everything is checked before the first byte is taken, bytes are hashed and written as they come,
 * and the object is named in the catalog only when it is whole on the disk. Recordings are write-once: what is there
 * answers 412, whatever the headers say. */
#include "base/clock.h"
#include "base/text.h"
#include "cloud/s3/s3.h"
#include "cloud/store/reconcile.h"

struct put {
	struct object_row row; /* as promised; of another bucket than the recordings' only bucket and key */
	struct object_write *write;
	struct sha256 expect;
	bool has_expect;
};

/* --- before the first byte --- */

static bool put_checksum(struct call *c, struct reply *r, struct put *u) {
	const char *checksum = call_header(c, "x-amz-checksum-sha256"), *hash = call_header(c, "x-amz-content-sha256");
	struct sha256 of_payload;
	if (checksum && sha256_from_base64(checksum, &u->expect)) {
		reply_s3(r, S3_INVALID_REQUEST, "x-amz-checksum-sha256 is not the base64 of a SHA-256");
		return false;
	}
	u->has_expect = checksum != NULL;
	if (!hash || strcmp(hash, "UNSIGNED-PAYLOAD") == 0) {
		if (u->has_expect || strcmp(c->params[0], c->api->config->raw_bucket) != 0) return true;
		reply_s3(r, S3_INVALID_REQUEST, "recordings go with their checksum: send x-amz-checksum-sha256");
		return false;
	}
	if (sha256_from_hex(hash, &of_payload)) {
		reply_s3(r, S3_NOT_IMPLEMENTED, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or the hex of a SHA-256");
		return false;
	}
	if (u->has_expect && !sha256_equal(&of_payload, &u->expect)) {
		reply_s3(r, S3_SHA256_MISMATCH, "x-amz-content-sha256 and x-amz-checksum-sha256 differ");
		return false;
	}
	u->expect = of_payload;
	u->has_expect = true;
	return true;
}

static bool put_headers(struct call *c, struct reply *r) {
	const char *none_match = call_header(c, "if-none-match");
	bool raw = strcmp(c->params[0], c->api->config->raw_bucket) == 0;
	if (none_match && strcmp(none_match, "*") != 0) {
		reply_s3(r, S3_NOT_IMPLEMENTED, "If-None-Match must be *");
		return false;
	}
	if (raw && !none_match) {
		reply_s3(r, S3_INVALID_REQUEST, "recordings are write-once: send If-None-Match: *");
		return false;
	}
	if (call_header(c, "content-encoding")) {
		reply_s3(r, S3_NOT_IMPLEMENTED, "Content-Encoding (aws-chunked among them) is not served; send plain bytes");
		return false;
	}
	return true;
}

/* Something is stored under the key. A crash or a full disk may have kept the catalog from hearing of it: it hears now.
 */
static void put_exists(struct call *c, struct reply *r, struct object_row *row) {
	struct error err = ERROR_INIT;
	enum reconciled result;
	if (object_reconcile(c->api->catalog, c->api->objects, row->bucket, row->key, &result, row, &err)) {
		reply_error(r, &err);
		return;
	}
	if (result != RECONCILED_ABSENT) validator_object_stored(c->api->validator, row);
	reply_s3(r, S3_PRECONDITION_FAILED, "an object is stored under this key; recordings are write-once");
}

/* Whether what the catalog has as stored is gone from the store, and may come again. */
static bool put_lost(struct call *c, struct reply *r, struct put *u) {
	struct error err = ERROR_INIT;
	const struct stores stores = api_stores(c->api);
	struct examined e;
	if (object_examine(&stores, &u->row, EXAMINE_SIZE, &e, &err)) {
		reply_error(r, &err);
		return false;
	}
	return e.finding != FOUND_WHOLE;
}

/* What was promised to this URL, and to no newer one since. */
static bool put_promised(struct call *c, struct reply *r, struct put *u) {
	struct error err = ERROR_INIT;
	int there = catalog_object(c->api->catalog, c->params[0], c->params[1], &u->row, &err);
	if (there < 0) {
		reply_error(r, &err);
		return false;
	}
	if (!there) {
		u->row = (struct object_row){0};
		text_copy(u->row.bucket, sizeof u->row.bucket, c->params[0]);
		text_copy(u->row.key, sizeof u->row.key, c->params[1]);
		if (strcmp(c->params[0], c->api->config->raw_bucket) != 0) return true;
		reply_s3(r, S3_ACCESS_DENIED, "no such recording was announced; ask /v1/presign for a URL");
		return false;
	}
	if (u->row.stored_ms && !put_lost(c, r, u)) {
		if (!r->fault)
			reply_s3(r, S3_PRECONDITION_FAILED, "an object is stored under this key; recordings are write-once");
		return false;
	}
	if (u->row.size == c->body_announced && (!u->has_expect || sha256_equal(&u->row.sha256, &u->expect))) return true;
	reply_s3(r, S3_ACCESS_DENIED, "this file was announced anew with other content; ask /v1/presign for a new URL");
	return false;
}

/* One of two that bring the same object at once: S3's word for it, which clients try again after. */
static void put_refused(struct reply *r, const struct error *err) {
	if (err->code == ERR_CONFLICT) reply_s3(r, S3_CONFLICT_NOW, "%s", err->text);
	else reply_error(r, err);
}

static bool put_begin(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	if (!put_headers(c, r)) return false;
	struct put *u = c->streamed = xcalloc(1, sizeof *u);
	if (!put_checksum(c, r, u) || !put_promised(c, r, u)) return false;
	if (object_begin(c->api->objects, u->row.bucket, u->row.key, c->body_announced, &u->write, &err) == 0) return true;
	if (err.code == ERR_EXISTS) put_exists(c, r, &u->row);
	else put_refused(r, &err);
	return false;
}

/* --- the bytes --- */

static bool put_take(struct call *c, struct reply *r, const char *bytes, size_t n) {
	struct error err = ERROR_INIT;
	const struct put *u = c->streamed;
	if (object_append(u->write, bytes, n, &err) == 0) return true;
	put_refused(r, &err);
	return false;
}

static void put_drop(struct call *c) {
	struct put *u = TAKE(c->streamed);
	object_abort(u->write);
	xfree(u);
}

const struct stream s3_put_stream = {.begin = put_begin, .take = put_take, .drop = put_drop};

/* --- the end --- */

static void put_failed(struct call *c, struct reply *r, const struct error *err) {
	struct put *u = c->streamed;
	if (err->code == ERR_EXISTS) put_exists(c, r, &u->row);
	else if (err->code == ERR_CHECKSUM) reply_s3(r, S3_BAD_DIGEST, "the bytes that came have another SHA-256");
	else if (err->code == ERR_INPUT) reply_s3(r, S3_INCOMPLETE_BODY, "the body has another length than was announced");
	else put_refused(r, err);
}

void s3_put(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	struct put *u = c->streamed;
	struct api *a = c->api;
	char etag[S3_ETAG], checksum[SHA256_BASE64];
	if (object_commit(TAKE(u->write), u->has_expect ? &u->expect : NULL, &u->row.sha256, &err)) {
		put_failed(c, r, &err);
		return;
	}
	u->row.size = c->body_bytes;
	u->row.stored_ms = clock_wall_ms();
	if (catalog_object_arrived(a->catalog, &u->row, &err)) {
		reply_error(r, &err);
		return;
	}
	validator_object_stored(a->validator, &u->row);
	reply_header(r, "ETag", "%s", s3_etag(etag, &u->row.sha256));
	reply_header(r, "x-amz-checksum-sha256", "%s", sha256_base64(checksum, &u->row.sha256));
	reply_header(r, "x-amz-checksum-type", "FULL_OBJECT");
}
