/* SPDX-License-Identifier: MIT */
/* What is said of an object in its answers, and which piece of it is asked for. Any thread. */
#include "cloud/s3/s3.h"

#include "base/clock.h"
#include "base/text.h"

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
