/* SPDX-License-Identifier: MIT */
/* The journal's operations on the loop: the public functions that make them, each with copies of all it was given, so
 * that the caller may go on changing its rows while the writer thread is behind. */
#include "station/journal/writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "station/journal/op.h"

/* The time is taken here, on the loop: events stand in the order in which the engine decided, whatever the disk does.
 */
static struct journal_op *op_new(enum journal_op_kind kind, int64_t session, journal_on_commit *on_commit, void *arg) {
	struct journal_op *op = xcalloc(1, sizeof *op);
	op->kind = kind;
	op->session = session;
	op->on_commit = on_commit;
	op->arg = arg;
	op->at_ms = clock_wall_ms();
	return op;
}

/* The event's id is made before it is written: the local log and the cloud's carry the same one, so that a line there
 * is found here. */
static void op_explain(struct journal_op *op, const char *level, const char *code, const char *message) {
	random_id(op->event_id, sizeof op->event_id);
	text_copy(op->level, sizeof op->level, level);
	text_copy(op->code, sizeof op->code, code);
	op->message = xstrdup(message);
}

static void op_copy_row(struct journal_op *op, const struct session_row *row) {
	op->row = session_row_copy(row);
	text_copy(op->session_name, sizeof op->session_name, row->name);
}

/* Whole rows, their parts included: the caller may free its own. */
static void op_copy_files(struct journal_op *op, const struct file_row *files, size_t n) {
	op->files = xcalloc(n, sizeof *files);
	for (size_t i = 0; i < n; i++) op->files[i] = file_row_copy(&files[i]);
	op->file_n = n;
}

/* --- sessions --- */

/* The row knows its id before it is written, so that whatever follows can be submitted without waiting: operations are
 * written in their order, the session's first. */
void journal_add_session(struct journal *j, struct session_row *row, journal_on_commit *on_commit, void *arg) {
	struct journal_op *op = op_new(OP_ADD_SESSION, journal_next_id(j), on_commit, arg);
	row->id = op->session;
	row->state = STATE_FOUND;
	row->present = true;
	row->revision = MAX(row->revision, 1);
	row->updated_ms = op->at_ms;
	if (!row->found_ms) row->found_ms = op->at_ms;
	op_copy_row(op, row);
	AUTO(xfree) char *message = xasprintf("found in %s", row->root);
	op_explain(op, "info", "found", message);
	journal_submit(j, op);
}

/* The row changes at once, the journal in its turn: until the callback the engine may look at the new state, and must
 * not act on it. What the row was is kept with the operation, and the journal compares (op_step). */
int session_step(struct journal *j, struct session_row *row, enum session_event event, int mask, const char *level,
	const char *message, journal_on_commit *on_commit, void *arg, struct error *err) {
	int next = state_next(row->state, event);
	if (next < 0)
		return error_set(err, ERR_INTERNAL,
			"session %s is %s, in which \"%s\" cannot happen; this is a bug of headgate", row->name,
			state_name(row->state), session_event_name(event));
	struct journal_op *op = op_new(OP_STEP, row->id, on_commit, arg);
	op->old_state = row->state;
	op->mask = mask;
	row->state = (enum session_state)next;
	row->updated_ms = op->at_ms;
	op_copy_row(op, row);
	op_explain(op, level, session_event_name(event), message);
	journal_submit(j, op);
	return 0;
}

/* The columns of the mask alone: the row may carry an older value of what another operation sets. */
static void update(struct journal *j, const struct session_row *row, int mask, const char *code, const char *message,
	journal_on_commit *on_commit, void *arg) {
	struct journal_op *op = op_new(OP_UPDATE, row->id, on_commit, arg);
	op->mask = mask;
	op_copy_row(op, row);
	if (message) op_explain(op, "info", code, message);
	journal_submit(j, op);
}

void journal_update(struct journal *j, const struct session_row *row, int mask, const char *message,
	journal_on_commit *on_commit, void *arg) {
	update(j, row, mask, "noted", message, on_commit, arg);
}

/* Who it was is asked of the socket's other end by the caller; here it becomes a name, which outlives the account. */
void journal_decide(struct journal *j, const struct session_row *row, int mask, const char *verb, unsigned uid,
	journal_on_commit *on_commit, void *arg) {
	char who[64];
	user_name(who, sizeof who, uid);
	AUTO(xfree) char *message = xasprintf("%s by %s", verb, who);
	update(j, row, mask, EVENT_CODE_DECIDED, message, on_commit, arg);
}

/* As with a step, the row has its new number at once; the operation keeps the old one, under which the rows stand. */
void journal_renumber(struct journal *j, struct session_row *row, int64_t revision, const char *message,
	journal_on_commit *on_commit, void *arg) {
	struct journal_op *op = op_new(OP_RENUMBER, row->id, on_commit, arg);
	op_copy_row(op, row);
	op->revision = revision;
	op_explain(op, "info", "renumbered", message);
	row->revision = revision;
	row->updated_ms = op->at_ms;
	journal_submit(j, op);
}

/* --- what belongs to a session --- */

void journal_set_files(struct journal *j, int64_t session, int64_t revision, const struct file_row *files, size_t n,
	journal_on_commit *on_commit, void *arg) {
	struct journal_op *op = op_new(OP_SET_FILES, session, on_commit, arg);
	op->revision = revision;
	op_copy_files(op, files, n);
	journal_submit(j, op);
}

void journal_file_stored(
	struct journal *j, int64_t session, const struct file_row *file, journal_on_commit *on_commit, void *arg) {
	struct journal_op *op = op_new(OP_FILE_STORED, session, on_commit, arg);
	op_copy_files(op, file, 1);
	journal_submit(j, op);
}

void journal_file_same(struct journal *j, int64_t session, const struct file_row *file) {
	struct journal_op *op = op_new(OP_FILE_SAME, session, NULL, NULL);
	op_copy_files(op, file, 1);
	journal_submit(j, op);
}

/* Attempts are for people: nobody waits for them to be written. */
void journal_add_attempt(struct journal *j, int64_t session, const struct attempt_row *a) {
	struct journal_op *op = op_new(OP_ADD_ATTEMPT, session, NULL, NULL);
	op->attempt = *a;
	op->attempt.name = xstrdup(a->name ? a->name : "");
	op->attempt.reason = xstrdup(a->reason);
	journal_submit(j, op);
}

/* No callback: the step that follows from the checks is submitted after them, and is committed with or after them. */
void journal_set_checks(
	struct journal *j, int64_t session, int64_t revision, const char *side, const struct check_list *checks) {
	struct journal_op *op = op_new(OP_SET_CHECKS, session, NULL, NULL);
	op->revision = revision;
	text_copy(op->side, sizeof op->side, side);
	for (size_t i = 0; i < checks->n; i++) {
		const struct check *c = &checks->items[i];
		check_add(&op->checks, c->id, c->verdict, c->found, c->rule, c->mend);
	}
	journal_submit(j, op);
}

void journal_relocate(struct journal *j, int64_t session, const char *root, const char *message,
	journal_on_commit *on_commit, void *arg) {
	struct journal_op *op = op_new(OP_RELOCATE, session, on_commit, arg);
	op->value = xstrdup(root);
	op_explain(op, "info", "relocated", message);
	journal_submit(j, op);
}

void journal_add_check(
	struct journal *j, int64_t session, int64_t revision, const char *side, const struct check *check) {
	struct journal_op *op = op_new(OP_ADD_CHECK, session, NULL, NULL);
	op->revision = revision;
	text_copy(op->side, sizeof op->side, side);
	check_add(&op->checks, check->id, check->verdict, check->found, check->rule, check->mend);
	journal_submit(j, op);
}

/* --- of the station --- */

void journal_add_event(struct journal *j, int64_t session, const char *level, const char *code, const char *message) {
	struct journal_op *op = op_new(OP_ADD_EVENT, session, NULL, NULL);
	op_explain(op, level, code, message);
	journal_submit(j, op);
}

/* How far it came is written in the same transaction: a prune that is interrupted is not begun anew from nothing. */
void journal_prune(struct journal *j, int64_t after, int64_t until) {
	struct journal_op *op = op_new(OP_PRUNE, 0, NULL, NULL);
	op->after = after;
	op->until = until;
	op->name = xstrdup(SETTING_PRUNED);
	op->value = xasprintf("%lld", (long long)until);
	journal_submit(j, op);
}

void journal_set(struct journal *j, const char *name, const char *value, journal_on_commit *on_commit, void *arg) {
	struct journal_op *op = op_new(OP_SET, 0, on_commit, arg);
	op->name = xstrdup(name);
	op->value = xstrdup(value);
	journal_submit(j, op);
}

/* Twice the same id is one report (W_OUTBOX_ADD): what is told again after a restart is not delivered twice. */
void journal_outbox_add(struct journal *j, const char *id, const char *json, journal_on_commit *on_commit, void *arg) {
	struct journal_op *op = op_new(OP_OUTBOX_ADD, 0, on_commit, arg);
	op->name = xstrdup(id);
	op->value = xstrdup(json);
	journal_submit(j, op);
}

void journal_outbox_delete(
	struct journal *j, const char *const *ids, size_t n, journal_on_commit *on_commit, void *arg) {
	struct journal_op *op = op_new(OP_OUTBOX_DELETE, 0, on_commit, arg);
	op->ids = xcalloc(n, sizeof *op->ids);
	for (size_t i = 0; i < n; i++) op->ids[i] = xstrdup(ids[i]);
	op->id_n = n;
	journal_submit(j, op);
}
