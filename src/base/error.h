/* SPDX-License-Identifier: MIT */
/* The one error type. A failing function fills it with a finished sentence: what, where and the mend. Filling one never
 * allocates. One table (error_class) maps a code to its name, exit status and way of retrying. */
#pragma once

#include <stdarg.h>

#include "base/util.h"

/* code, name in JSON and logs, exit status of a command that ends with it, retry class */
#define ERROR_CODES(X)                                                                                                 \
	X(NONE, "none", 0, NEVER)                                                                                          \
	X(ATTENTION, "attention", 1, NEVER) /* a session is held, rejected, failed or gone */                              \
	X(USAGE, "usage", 2, NEVER)                                                                                        \
	X(CONFIG, "configuration", 2, NEVER)                                                                               \
	X(NOT_FOUND, "not_found", 3, NEVER)                                                                                \
	X(UNFINISHED, "unfinished", 4, NEVER)		 /* work is left */                                                    \
	X(UNREACHABLE, "unreachable", 69, TRANSIENT) /* refused, DNS, reset, TLS */                                        \
	X(TIMEOUT, "timeout", 69, TRANSIENT)                                                                               \
	X(MIDDLEBOX, "middlebox", 69, TRANSIENT) /* an answer that is not the peer's own */                                \
	X(ANSWER, "bad_answer", 69, TRANSIENT)	 /* ours by its form, and not as api.md has it */                          \
	X(SERVER, "server", 69, TRANSIENT)		 /* 5xx */                                                                 \
	X(THROTTLED, "throttled", 69, THROTTLE)	 /* 429, 503 */                                                            \
	X(CHECKSUM, "checksum", 69, ONCE)		 /* the bytes, or their checksum, changed on their way */                  \
	X(URL_EXPIRED, "url_expired", 69, PRESIGN)                                                                         \
	X(TOKEN, "token", 69, AUTHENTICATE)	   /* 401 on a token */                                                        \
	X(NO_UPLOAD, "no_upload", 69, RESTART) /* the upload is not known any more */                                      \
	X(EXISTS, "exists", 1, COMPARE)		   /* 412 */                                                                   \
	X(CONFLICT, "conflict", 1, NEVER)	   /* other content under the same key */                                      \
	X(CHANGED, "changed", 1, NEVER)		   /* the file is not what was hashed */                                       \
	X(DENIED, "denied", 1, NEVER)		   /* 403 */                                                                   \
	X(REFUSED, "refused", 1, NEVER)		   /* any other 400; 413 */                                                    \
	X(KEY, "key_refused", 77, NEVER)	   /* the API key */                                                           \
	X(CLOCK, "clock", 69, TRANSIENT)	   /* skew */                                                                  \
	X(DISK, "disk", 74, NEVER)			   /* local disk or journal */                                                 \
	X(BUSY, "busy", 75, NEVER)			   /* another engine holds this station */                                     \
	X(INPUT, "bad_input", 2, NEVER)		   /* malformed data: JSON, metadata, a name */                                \
	X(CANCELLED, "cancelled", 130, NEVER)                                                                              \
	X(INTERNAL, "internal", 70, NEVER)

enum error_code {
#define X(code, name, status, retry) ERR_##code,
	ERROR_CODES(X)
#undef X
		ERR_N
};

enum retry_class {
	RETRY_NEVER,		/* not by itself: who asked decides */
	RETRY_TRANSIENT,	/* back off and try again */
	RETRY_THROTTLE,		/* the same with a longer base; Retry-After obeyed */
	RETRY_ONCE,			/* one more time at once */
	RETRY_PRESIGN,		/* ask for a new URL, no pause */
	RETRY_AUTHENTICATE, /* get a new token, no pause */
	RETRY_RESTART,		/* begin the upload again */
	RETRY_COMPARE,		/* it is there: compare checksums */
	RETRY_N
};

struct error {
	enum error_code code;
	int os;			/* errno, or 0 */
	int http;		/* HTTP status, or 0 */
	char word[48];	/* the peer's own code ("key_revoked"), or "" */
	char text[512]; /* a finished sentence without a full stop at its end; control characters replaced */
};
#define ERROR_INIT ((struct error){0})

struct error_class {
	const char *name;
	int exit_status;
	enum retry_class retry;
};
extern const struct error_class error_classes[ERR_N];

/* Fills err and returns -1, so that `return error_set(err, ERR_DISK, "…")` reads well. The text is cut with "…". */
int error_set(struct error *err, enum error_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same, with errno e kept in err->os and its words appended: "open /x: Permission denied". */
int error_errno(struct error *err, enum error_code code, int e, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Puts "PREFIX: " before the text that is there. Returns -1. */
int error_prefix(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
void error_clear(struct error *err);
