/* SPDX-License-Identifier: MIT */
/* S3's error words. Constant. */
#include "cloud/s3/s3_error.h"

const struct fault_class s3_classes[S3_ERROR_N] = {[S3_NONE] = {"none", 200},
#define X(id, word, status) [S3_##id] = {word, status},
	S3_ERRORS(X)
#undef X
};

enum s3_error s3_error_of(enum fault f) {
	switch (f) {
	case FAULT_SCOPE_MISSING:
	case FAULT_ADDRESS_REFUSED: return S3_ACCESS_DENIED;
	case FAULT_NOT_FOUND: return S3_NO_SUCH_KEY;
	case FAULT_ROUTE_UNKNOWN: return S3_NOT_IMPLEMENTED; /* of a bucket: lists and the like */
	case FAULT_METHOD_REFUSED: return S3_METHOD_NOT_ALLOWED;
	case FAULT_TOO_SLOW: return S3_REQUEST_TIMEOUT;
	case FAULT_LENGTH_REQUIRED: return S3_MISSING_LENGTH;
	case FAULT_BODY_TOO_LARGE: return S3_ENTITY_TOO_LARGE;
	case FAULT_RATE_LIMITED: return S3_SLOW_DOWN;
	case FAULT_UNAVAILABLE: return S3_SERVICE_UNAVAILABLE;
	case FAULT_INTERNAL: return S3_INTERNAL;
	default: return S3_INVALID_REQUEST;
	}
}

void reply_s3(struct reply *r, enum s3_error e, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	reply_own(r, &s3_classes[e], fmt, args);
	va_end(args);
}
