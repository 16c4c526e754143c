/* SPDX-License-Identifier: MIT */
/* The journal as it is open for writing: its writer thread, which owns the only writing connection. The loop hands it
 * operations; it commits them in groups (synchronous=FULL) in the order they came and then calls back on the loop. What
 * entering a state means runs in that callback, so that nothing is done that the journal does not know. An operation
 * that cannot be written calls back with the error and the journal takes no further one: the engine stops, shows it and
 * exits with 74. The thread is that of base/db_writer. Loop thread. */
#pragma once

#include <uv.h>

#include "base/error.h"

struct journal;
struct journal_options {
	bool allow_volatile;		 /* tmpfs or a network file system */
	const char *group;			 /* NULL: 0600 */
	void (*on_moved)(void *arg); /* or NULL: on the loop, after each group that was committed */
	void *arg;
};
MUST_USE int journal_open(
	struct journal **ret, uv_loop_t *loop, const char *state_dir, const struct journal_options *o, struct error *err);
/* Commits what is queued, calls those callbacks, ends the thread; then on_closed from the loop. */
void journal_close(struct journal *j, void (*on_closed)(void *arg), void *arg);
struct journal_file {
	char *path;
	uint64_t device, inode; /* as it was opened */
};
const struct journal_file *journal_file(const struct journal *j); /* until journal_close */
/* It still stands where it was opened; else ERR_DISK. Any thread. */
MUST_USE int journal_there(const struct journal_file *f, struct error *err);
/* Operations that were given to it, and those of them that were called back, whether they came to be or not. */
int64_t journal_submitted(const struct journal *j);
int64_t journal_delivered(const struct journal *j);
int64_t journal_pending(const struct journal *j); /* handed over, not called back yet */

struct journal_op; /* op.h */
/* Takes the operation. Called by writer.c, which makes them. */
void journal_submit(struct journal *j, struct journal_op *op);
int64_t journal_next_id(struct journal *j); /* of a session that is added now */
