/* SPDX-License-Identifier: MIT */
/* An answer while it is made: a handler gives JSON, bytes, a piece of a file, or an error word; reply_render writes an
 * error in the words of the surface (api.md "Errors", S3's XML). Everything an answer holds belongs to it. */
#pragma once

#include "base/json.h"
#include "cloud/call/fault.h"
#include "cloud/call/route.h"
#include "cloud/s3/s3_error.h"

#define REPLY_HEADERS_MAX 10
struct reply_header {
	const char *name; /* constant text */
	char *value;
};
struct reply {
	int status;
	const char *type; /* content type, constant text */
	char *body;		  /* malloc'd, or NULL */
	size_t body_n;
	int fd; /* -1, or the body is size bytes from offset of this file */
	int64_t offset, size;
	struct reply_header headers[REPLY_HEADERS_MAX];
	size_t header_n;
	enum fault fault;  /* FAULT_NONE: none */
	enum s3_error s3;  /* S3_NONE: none */
	char message[512]; /* of an error, for the caller */
	char why[512];	   /* of an error of ours, for the log only */
	bool files_out;	   /* it was that no file could be opened any more */
};
void reply_init(struct reply *r);
void reply_done(struct reply *r);
void reply_json(struct reply *r, int status, cJSON *body);							  /* takes body */
void reply_page(struct reply *r, const char *member, cJSON *array, const char *next); /* takes array; next "": null */
void reply_fault(struct reply *r, enum fault f, const char *fmt, ...) PRINTF_LIKE(3, 4);
void reply_s3(struct reply *r, enum s3_error e, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* An error of a store: the caller's fault is told in its words, one of ours is only named and goes to the log. */
void reply_error(struct reply *r, const struct error *err);
void reply_header(struct reply *r, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
const char *reply_word(const struct reply *r); /* the error's code word, NULL when it is none */
/* Writes an error's body; resource is the path that S3's errors name. Once, last. */
void reply_render(struct reply *r, enum surface surface, const char *resource, const char *request_id);
