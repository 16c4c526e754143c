/* SPDX-License-Identifier: MIT */
/* What the loop hands to the journal's writer thread: an operation with its own copies of everything. Made and freed on
 * the loop, written in the thread; owned by one of them at a time. writer.c makes them, thread.c
 * carries them, op.c writes them. */
#pragma once

#include "base/db_writer.h"
#include "session/check.h"
#include "station/journal/rows.h"

#define JOURNAL_OPS(X)                                                                                                 \
	X(ADD_SESSION, add_session)                                                                                        \
	X(STEP, step)                                                                                                      \
	X(UPDATE, update)                                                                                                  \
	X(SET_FILES, set_files)                                                                                            \
	X(FILE_STORED, file_stored)                                                                                        \
	X(FILE_SAME, file_same)                                                                                            \
	X(ADD_ATTEMPT, add_attempt)                                                                                        \
	X(RENUMBER, renumber)                                                                                              \
	X(RELOCATE, relocate)                                                                                              \
	X(SET_CHECKS, set_checks)                                                                                          \
	X(ADD_CHECK, add_check)                                                                                            \
	X(ADD_EVENT, add_event) /* the explaining event is all there is */                                                 \
	X(PRUNE, prune)                                                                                                    \
	X(SET, set)                                                                                                        \
	X(OUTBOX_ADD, outbox_add)                                                                                          \
	X(OUTBOX_DELETE, outbox_delete)
enum journal_op_kind {
#define X(id, word) OP_##id,
	JOURNAL_OPS(X)
#undef X
		OP_N
};

struct journal;
struct journal_op {
	struct db_job job; /* the writer's */
	struct journal *journal;
	struct journal_op *next; /* of what is done */
	enum journal_op_kind kind;
	journal_on_commit *on_commit; /* may be NULL */
	void *arg;
	const struct error *failure; /* NULL: committed */
	int64_t session, revision, at_ms;

	/* The explaining event; message NULL: none. It is logged after the commit under the same id. */
	char event_id[32], level[8], code[48], session_name[16];
	char *message;

	/* Whatever the kind needs of these; the rest is zero. */
	int mask;
	enum session_state old_state;
	struct session_row row; /* owns root and reason */
	struct file_row *files; /* OP_FILE_STORED, OP_FILE_SAME: one */
	size_t file_n;
	struct attempt_row attempt; /* owns name and reason */
	char side[8];
	struct check_list checks;
	char *name, *value;
	char **ids;
	size_t id_n;
	int64_t after, until;
};

/* Writes one operation inside the caller's transaction. Writer thread. */
MUST_USE int journal_op_write(struct db *db, struct journal_op *op, struct error *err);
void journal_op_free(struct journal_op *op);
