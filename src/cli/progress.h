/* SPDX-License-Identifier: MIT */
/* Progress on standard error: one line that is rewritten on a terminal, whole lines now and then elsewhere. Made from
 * the engine's status (station/control/client.h). One thread. */
#pragma once

#include "base/json.h"

#define PROGRESS_CLEAR "\r\033[K"
struct progress;
/* NULL when standard error is no terminal that can rewrite a line (or TERM is dumb). */
struct progress *progress_new_line(void);
/* For the demo: a bar over bytes on a terminal, a line each few seconds elsewhere. total may grow. */
struct progress *progress_new_bar(void);
void progress_free(struct progress *p); /* clears the line */
DEFINE_AUTO_PTR(struct progress, progress_free)
void progress_clear(struct progress *p);
/* A status as JSON text; for struct engine_options. */
void progress_on_status(void *progress, const char *status_json);
/* What the bar shows; rate and time left are worked out from a sliding window, the time being least_left_ms or more. */
void progress_bytes(struct progress *p, int64_t done, int64_t total, int64_t least_left_ms, const char *note);
