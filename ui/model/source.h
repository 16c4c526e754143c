/* SPDX-License-Identifier: MIT */
/* Fills the model: the journal's read side in the thread pool (one query a kind in flight), the engine's socket on the
 * loop (ui/model/attach.h). All calls from the loop's thread; on_change is called from the loop with the parts that
 * changed.
 */
#pragma once

#include <uv.h>

#include "ui/model/model.h"

struct source;
struct source_options {
	const char *state_dir;			 /* of the station */
	const char *engine_path;		 /* this program, for `run`; NULL: start none */
	const char *const *engine_flags; /* for that, beyond --linger; NULL-terminated; may be NULL */
	const struct config_line *config;
	size_t config_n;
	bool read_only;
	void (*on_change)(void *arg, unsigned changed);
	void (*on_say)(void *arg, bool failed, const char *text); /* the outcome of a command */
	void *arg;
};
MUST_USE int source_open(
	struct source **ret, uv_loop_t *loop, const struct source_options *o, struct model *m, struct error *err);
void source_close(struct source *s, void (*on_closed)(void *arg), void *arg);
/* After source_close: nothing is outstanding but a metadata file on a disk that does not answer, for which no thread
 * can be told to stop; the journal is closed then, and only _exit leads out. */
bool source_stuck(struct source *s);
/* What to keep fresh. wish: what is asked of the part, of its wish_size; a later one replaces the earlier one. */
void source_show(struct source *s, const struct part *p, const void *wish);
void source_hide(struct source *s, const struct part *p);
char *source_metadata_path(const struct source *s, const char *root, const char *session); /* the caller frees it */
void source_command(struct source *s, const char *method, const char *const *sessions, size_t n);
