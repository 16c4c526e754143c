/* SPDX-License-Identifier: MIT */
/* What the operations of the S3 surface share: path-style /BUCKET/KEY (params 0 and 1 of the route), SigV4 over the URL
 * as it came, S3's error words. */
#pragma once

#include "cloud/call/call.h"
#include "cloud/s3/s3_error.h"

void s3_get(struct call *c, struct reply *r); /* HEAD too */
void s3_put(struct call *c, struct reply *r);
extern const struct stream s3_put_stream;

#define S3_ETAG (SHA256_HEX + 4)
/* "<sha256>-1" in quotes: an opaque entity tag. Clients take one without "-", as of a multipart upload, for an MD5. */
const char *s3_etag(char to[S3_ETAG], const struct sha256 *sha256);
void s3_object_headers(struct reply *r, const struct object_row *row);

struct s3_range {
	int64_t first, size;
};
/* 1: *ret is the piece of an object of `size` bytes; 0: the whole (no header, or one that is to be ignored: RFC 9110
 * 14.2); -1: nothing of it is there. */
int s3_range_parse(const char *header, int64_t size, struct s3_range *ret);
