/* SPDX-License-Identifier: MIT */
/* What the loop hands to the journal's writer thread: an operation with its own copies of everything. Made and freed on
 * the loop, written in the thread; owned by one of them at a time. Internal to journal*.c. */
#pragma once

#include "base/db_writer.h"
#include "station/journal/journal.h"

enum journal_op_kind {
	OP_ADD_SESSION,
	OP_STEP,
	OP_UPDATE,
	OP_SET_FILES,
	OP_FILE_STORED,
	OP_FILE_SAME,
	OP_ADD_ATTEMPT,
	OP_RENUMBER,
	OP_RELOCATE,
	OP_SET_CHECKS,
	OP_ADD_CHECK,
	OP_ADD_EVENT,
	OP_PRUNE,
	OP_SET,
	OP_OUTBOX_ADD,
	OP_OUTBOX_DELETE,
	OP_N
};

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
/* Takes the operation. Loop thread. */
void journal_submit(struct journal *j, struct journal_op *op);
int64_t journal_next_id(struct journal *j);
