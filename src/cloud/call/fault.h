/* SPDX-License-Identifier: MIT */
/* The API's own error codes: the one list of code words and their HTTP status (api.md "Errors"). The S3 surface speaks
 * S3's words instead: s3_error.h. */
#pragma once

#include "base/error.h"

#define FAULTS(X)                                                                                                      \
	X(BAD_REQUEST, "bad_request", 400)		   /* malformed JSON, a member missing, mistyped or out of range */        \
	X(NAME_INVALID, "name_invalid", 400)	   /* a file's or session's name that cannot be a key */                   \
	X(HOST_MISSING, "host_missing", 400)	   /* no usable Host header to sign URLs for */                            \
	X(TOKEN_MISSING, "token_missing", 401)	   /* no Authorization: Bearer */                                          \
	X(TOKEN_INVALID, "token_invalid", 401)	   /* not ours, tampered with, or of another algorithm */                  \
	X(TOKEN_EXPIRED, "token_expired", 401)	   /* authenticate again */                                                \
	X(KEY_REFUSED, "key_refused", 401)		   /* authenticate: unknown or revoked, the same words for both */         \
	X(KEY_REVOKED, "key_revoked", 401)		   /* a good token of a key that was revoked since */                      \
	X(SCOPE_MISSING, "scope_missing", 403)	   /* the key may not do this */                                           \
	X(ADDRESS_REFUSED, "address_refused", 403) /* not in the allow-list */                                             \
	X(NOT_FOUND, "not_found", 404)                                                                                     \
	X(ROUTE_UNKNOWN, "route_unknown", 404)                                                                             \
	X(METHOD_REFUSED, "method_refused", 405)                                                                           \
	X(TOO_SLOW, "too_slow", 408)				 /* the head did not come */                                           \
	X(OBJECT_CONFLICT, "object_conflict", 409)	 /* other content is stored under this name and revision */            \
	X(REVISION_DECIDED, "revision_decided", 409) /* it was accepted or rejected: nothing is added to it */             \
	X(REVISION_TAKEN, "revision_taken", 409)	 /* it belongs to another instance of this station */                  \
	X(LENGTH_REQUIRED, "length_required", 411)                                                                         \
	X(BODY_TOO_LARGE, "body_too_large", 413)                                                                           \
	X(FILE_TOO_LARGE, "file_too_large", 413)                                                                           \
	X(TYPE_UNSUPPORTED, "type_unsupported", 415)                                                                       \
	X(RATE_LIMITED, "rate_limited", 429)                                                                               \
	X(HEADERS_TOO_LARGE, "headers_too_large", 431)                                                                     \
	X(INTERNAL, "internal", 500)                                                                                       \
	X(UNAVAILABLE, "unavailable", 503) /* store or catalog cannot be used now */

enum fault {
	FAULT_NONE,
#define X(id, word, status) FAULT_##id,
	FAULTS(X)
#undef X
		FAULT_N
};
struct fault_class {
	const char *word;
	int status;
};
extern const struct fault_class fault_classes[FAULT_N];
/* What a failure of a store means to a caller: ERR_INPUT is the caller's, anything else is ours. */
enum fault fault_of(const struct error *err);
