/* SPDX-License-Identifier: MIT */
/* The process's own log: JSON lines in a rotated file (or standard error), any thread. Not the cloud's log groups and
 * not the journal's events, though an event that is also logged carries the same id. Control characters are escaped by
 * JSON. */
#pragma once

#include "base/json.h"

#define LOG_LEVELS(X) X(DEBUG, debug) X(INFO, info) X(WARN, warn) X(ERROR, error)
enum log_level {
#define X(id, word) LOG_##id,
	LOG_LEVELS(X)
#undef X
		LOG_LEVEL_N
};
MUST_USE int log_level_parse(const char *s, enum log_level *ret);
/* path NULL: standard error as short lines. Rotated to path.1 .. path.<keep> at max_bytes. */
MUST_USE int log_open(const char *path, enum log_level least, int64_t max_bytes, int keep, struct error *err);
/* The next line opens the file anew: another program moved it away (SIGHUP). */
void log_again(void);
void log_close(void);
void log_reopen(void); /* the file of that name, which another program may have moved away */
/* Written before each line on standard error: clears a line of progress. A constant; "": nothing. */
void log_overwrite(const char *clear);
/* fields: pairs of name and text value ended by NULL: log_event(LOG_WARN, "upload", "retry", "session", id, "why",
 * text, NULL) */
void log_event(enum log_level level, const char *module, const char *message, ...) __attribute__((sentinel));
