/* SPDX-License-Identifier: MIT */
/* S3's error words and their HTTP status (AWS "Error responses"; aws-wire.md 3), and which of them says what one of our
 * own faults means. */
#pragma once

#include "cloud/call/reply.h"

#define S3_ERRORS(X)                                                                                                   \
	X(ACCESS_DENIED, "AccessDenied", 403)                                                                              \
	X(HEADER_MALFORMED, "AuthorizationHeaderMalformed", 400)                                                           \
	X(QUERY_MALFORMED, "AuthorizationQueryParametersError", 400)                                                       \
	X(BAD_DIGEST, "BadDigest", 400)                                                                                    \
	X(CONFLICT_NOW, "ConditionalRequestConflict", 409)                                                                 \
	X(ENTITY_TOO_LARGE, "EntityTooLarge", 400)                                                                         \
	X(INCOMPLETE_BODY, "IncompleteBody", 400)                                                                          \
	X(INTERNAL, "InternalError", 500)                                                                                  \
	X(INVALID_ACCESS_KEY, "InvalidAccessKeyId", 403)                                                                   \
	X(INVALID_RANGE, "InvalidRange", 416)                                                                              \
	X(INVALID_REQUEST, "InvalidRequest", 400)                                                                          \
	X(KEY_TOO_LONG, "KeyTooLongError", 400)                                                                            \
	X(METHOD_NOT_ALLOWED, "MethodNotAllowed", 405)                                                                     \
	X(MISSING_LENGTH, "MissingContentLength", 411)                                                                     \
	X(NO_SUCH_BUCKET, "NoSuchBucket", 404)                                                                             \
	X(NO_SUCH_KEY, "NoSuchKey", 404)                                                                                   \
	X(NOT_IMPLEMENTED, "NotImplemented", 501)                                                                          \
	X(PRECONDITION_FAILED, "PreconditionFailed", 412)                                                                  \
	X(REQUEST_TIMEOUT, "RequestTimeout", 400)                                                                          \
	X(TIME_SKEWED, "RequestTimeTooSkewed", 403)                                                                        \
	X(SERVICE_UNAVAILABLE, "ServiceUnavailable", 503)                                                                  \
	X(SIGNATURE_MISMATCH, "SignatureDoesNotMatch", 403)                                                                \
	X(SLOW_DOWN, "SlowDown", 503)                                                                                      \
	X(SHA256_MISMATCH, "XAmzContentSHA256Mismatch", 400)

enum s3_error {
	S3_NONE,
#define X(id, word, status) S3_##id,
	S3_ERRORS(X)
#undef X
		S3_ERROR_N
};
extern const struct fault_class s3_classes[S3_ERROR_N];
enum s3_error s3_error_of(enum fault f);
void reply_s3(struct reply *r, enum s3_error e, const char *fmt, ...) PRINTF_LIKE(3, 4);
