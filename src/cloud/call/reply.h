/* SPDX-License-Identifier: MIT */
/* An answer while it is made: a handler gives JSON, bytes of a type of its own, a piece of a file, or an error; the
 * surface renders the error in its words. Everything an answer holds belongs to it. */
#pragma once

#include "base/json.h"
#include "cloud/call/fault.h"

#define REPLY_HEADERS_MAX 10
struct reply_header {
	const char *name; /* constant text */
	char *value;
};
struct reply {
	int status;
	const char *type; /* content type, constant text; NULL: none is said */
	char *body;		  /* malloc'd, or NULL */
	size_t body_n;
	int fd; /* -1, or the body is size bytes from offset of this file */
	int64_t offset, size;
	struct reply_header headers[REPLY_HEADERS_MAX];
	size_t header_n;
	enum fault fault;			   /* FAULT_NONE: none */
	const struct fault_class *own; /* an error in a word that only its surface has, constant; NULL: none */
	char message[512];			   /* of an error, for the caller */
	char why[512];				   /* of an error of ours, for the log only */
	bool files_out;				   /* it was that no file could be opened any more */
};
void reply_init(struct reply *r);
void reply_done(struct reply *r);

/* Each replaces the body that there was. */
void reply_bytes(struct reply *r, int status, const char *type, char *bytes, size_t n);	  /* takes bytes */
void reply_file(struct reply *r, const char *type, int fd, int64_t offset, int64_t size); /* takes fd */
void reply_json(struct reply *r, int status, cJSON *body);								  /* takes body */
void reply_page(struct reply *r, const char *member, cJSON *array, const char *next); /* takes array; next "": null */
void reply_header(struct reply *r, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);

void reply_fault(struct reply *r, enum fault f, const char *fmt, ...) PRINTF_LIKE(3, 4);
void reply_own(struct reply *r, const struct fault_class *own, const char *fmt, va_list args);
/* An error of a store: the caller's fault is told in its words, one of ours is only named and goes to the log. */
void reply_error(struct reply *r, const struct error *err);
/* Word and status of an error, NULL when it is none. */
const struct fault_class *reply_class(const struct reply *r);
