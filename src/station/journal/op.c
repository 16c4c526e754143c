/* SPDX-License-Identifier: MIT */
/* The journal's operations in the writer thread: what each writes, whole or not at all, inside the group's transaction
 * of thread.c. */
#include <assert.h>
#include <stdlib.h>

#include "base/text.h"
#include "station/journal/op.h"
#include "station/journal/sql.h"

/* The bits that SESSION_SET in sql_sessions.h spells out. */
static_assert(SET_REVISION == 1 && SET_FINGERPRINT == 2 && SET_COUNTS == 4 && SET_NEXT_ATTEMPT == 8 &&
				  SET_TRIES == 16 && SET_REASON == 32 && SET_PROCESSING == 64 && SET_FLAGS == 128 &&
				  SET_STORED == 256 && SET_TIMES == 512 && SET_CONTENT == 1024,
	"sql_sessions.h and rows.h agree");

#define CONTENT_OF(r) ((r)->has_content ? (r)->content.bytes : NULL), (size_t)SHA256_LEN
#define MASKED_TYPES "iiniitiiinttnnnniiiiinbt"
#define MASKED_FIELDS(op, r)                                                                                           \
	(op)->session, (op)->at_ms, (op)->mask, (r)->revision, (r)->fingerprint_ms, (r)->fingerprint, (r)->files,          \
		(r)->bytes, (r)->next_attempt_ms, (r)->tries, (r)->reason, (r)->processing, (r)->paused, (r)->ignored,         \
		(r)->present, (r)->data_safe, (r)->stored_files, (r)->stored_bytes, (r)->settled_ms, (r)->uploaded_ms,         \
		(r)->accepted_ms, (r)->released, CONTENT_OF(r), (r)->folder

/* The table refuses a name that is there already under that root. */
static int op_add_session(struct db *db, const struct journal_op *op, struct error *err) {
	const struct session_row *r = &op->row;
	return db_exec(db, W_SESSION_ADD, err, "ittitnnnniiiiiitiiiiinttnbt", r->id, r->name, r->root, r->revision,
		state_name(r->state), r->paused, r->ignored, r->present, r->data_safe, r->found_ms, r->updated_ms,
		r->settled_ms, r->uploaded_ms, r->accepted_ms, r->fingerprint_ms, r->fingerprint, r->files, r->bytes,
		r->stored_files, r->stored_bytes, r->next_attempt_ms, r->tries, r->processing, r->reason, r->released,
		CONTENT_OF(r), r->folder);
}

/* The journal's own look at the state: whoever stepped a stale row is told, and nothing is written. */
static int op_step(struct db *db, const struct journal_op *op, struct error *err) {
	const struct session_row *r = &op->row;
	if (db_exec(db, W_SESSION_STEP, err, MASKED_TYPES "tt", MASKED_FIELDS(op, r), state_name(r->state),
			state_name(op->old_state))) {
		return -1;
	}
	if (db_changes(db) == 1) return db_exec(db, W_ATTEMPTS_PRUNE, err, "in", op->session, ATTEMPTS_KEPT);
	return error_set(err, ERR_INTERNAL, "session %s is not %s in the journal, so it cannot become %s", r->name,
		state_name(op->old_state), state_name(r->state));
}

/* No state is compared: the columns of the mask belong to whoever writes them, in every state. */
static int op_update(struct db *db, const struct journal_op *op, struct error *err) {
	const struct session_row *r = &op->row;
	if (db_exec(db, W_SESSION_UPDATE, err, MASKED_TYPES, MASKED_FIELDS(op, r))) return -1;
	if (db_changes(db) == 1) return 0;
	return error_set(err, ERR_INTERNAL, "session %s is not in the journal", r->name);
}

/* Parts only of what was hashed: their number is a function of the size, and a file without digests has none. */
static int file_add(struct db *db, const struct journal_op *op, const struct file_row *f, struct error *err) {
	if (db_exec(db, W_FILE_ADD, err, "iitiiiibntti", op->session, op->revision, f->name, f->size, f->mtime_ns,
			f->ctime_ns, f->inode, f->hashed ? f->sha256.bytes : NULL, (size_t)SHA256_LEN, (int)f->state, f->bucket,
			f->key, f->stored_ms)) {
		return -1;
	}
	int64_t id = db_last_id(db);
	for (size_t i = 0; f->hashed && i < f->part_n; i++) {
		if (db_exec(db, W_PART_ADD, err, "iib", id, (int64_t)i + 1, f->parts[i].bytes, (size_t)SHA256_LEN)) return -1;
	}
	return 0;
}

/* All rows of the revision anew: a snapshot is whole or it is none. Those of earlier revisions stay, they say what the
 * cloud has. */
static int op_set_files(struct db *db, const struct journal_op *op, struct error *err) {
	if (db_exec(db, W_FILE_DELETE, err, "ii", op->session, op->revision)) return -1;
	for (size_t i = 0; i < op->file_n; i++) {
		if (file_add(db, op, &op->files[i], err)) return -1;
	}
	return 0;
}

/* A late answer about bytes that the current revision no longer has finds no row, and changes nothing. */
static int op_file_stored(struct db *db, const struct journal_op *op, struct error *err) {
	const struct file_row *f = op->files;
	return db_exec(db, W_FILE_STORED, err, "ttiitib", f->bucket, f->key, f->stored_ms, op->session, f->name, f->size,
		f->hashed ? f->sha256.bytes : NULL, (size_t)SHA256_LEN);
}

/* As with op_file_stored: bytes that the current revision no longer has are no row. */
static int op_file_same(struct db *db, const struct journal_op *op, struct error *err) {
	const struct file_row *f = op->files;
	return db_exec(db, W_FILE_SAME, err, "iiitib", f->ctime_ns, f->inode, op->session, f->name, f->size,
		f->hashed ? f->sha256.bytes : NULL, (size_t)SHA256_LEN);
}

static int op_add_attempt(struct db *db, const struct journal_op *op, struct error *err) {
	const struct attempt_row *a = &op->attempt;
	return db_exec(db, W_ATTEMPT_ADD, err, "itiiinttt", op->session, a->name, a->at_ms, a->elapsed_ms, a->bytes,
		a->http, a->code, a->request_id, a->reason);
}

/* Whatever was known under the new number goes first: the rows that take its place are unique by name and revision. */
static int op_renumber(struct db *db, const struct journal_op *op, struct error *err) {
	int64_t from = op->row.revision, to = op->revision;
	return db_exec(db, W_FILE_DELETE, err, "ii", op->session, to) ||
				   db_exec(db, W_FILES_RENUMBER, err, "iii", op->session, from, to) ||
				   db_exec(db, W_VERDICTS_FORGET, err, "ii", op->session, to) ||
				   db_exec(db, W_VERDICTS_RENUMBER, err, "iii", op->session, from, to) ||
				   db_exec(db, W_SESSION_RENUMBER, err, "iii", op->session, to, op->at_ms)
			   ? -1
			   : 0;
}

/* The session is the same one: its files, verdicts and events are not touched. */
static int op_relocate(struct db *db, const struct journal_op *op, struct error *err) {
	return db_exec(db, W_SESSION_RELOCATE, err, "iti", op->session, op->value, op->at_ms);
}

/* One of the same id replaces, as the key of the table says. */
static int op_add_check(struct db *db, const struct journal_op *op, struct error *err) {
	for (size_t i = 0; i < op->checks.n; i++) {
		const struct check *c = &op->checks.items[i];
		if (db_exec(db, W_VERDICT_ADD, err, "iitttttt", op->session, op->revision, op->side, check_names[c->id],
				verdict_name(c->verdict), c->found, c->rule, c->mend)) {
			return -1;
		}
	}
	return 0;
}

static int op_set_checks(struct db *db, const struct journal_op *op, struct error *err) {
	return db_exec(db, W_VERDICT_DELETE, err, "iit", op->session, op->revision, op->side) ? -1
																						  : op_add_check(db, op, err);
}

/* The event is all there is to write. */
static int op_add_event(struct db *db, const struct journal_op *op, struct error *err) {
	(void)db, (void)op, (void)err;
	return 0;
}

static int op_set(struct db *db, const struct journal_op *op, struct error *err) {
	if (!op->value) return db_exec(db, W_SETTING_DELETE, err, "t", op->name);
	return db_exec(db, W_SETTING_SET, err, "tt", op->name, op->value);
}

static int op_prune(struct db *db, const struct journal_op *op, struct error *err) {
	return db_exec(db, W_EVENTS_PRUNE, err, "ii", op->after, op->until) ? -1 : op_set(db, op, err);
}

static int op_outbox_add(struct db *db, const struct journal_op *op, struct error *err) {
	return db_exec(db, W_OUTBOX_ADD, err, "tit", op->name, op->at_ms, op->value);
}

/* What is not there any more was delivered before: no error. */
static int op_outbox_delete(struct db *db, const struct journal_op *op, struct error *err) {
	for (size_t i = 0; i < op->id_n; i++) {
		if (db_exec(db, W_OUTBOX_DELETE, err, "t", op->ids[i])) return -1;
	}
	return 0;
}

static int (*const op_writers[OP_N])(struct db *, const struct journal_op *, struct error *) = {
#define X(id, word) [OP_##id] = op_##word,
	JOURNAL_OPS(X)
#undef X
};

/* The log line after the commit names the session as people do. */
static int event_session_name(struct db *db, struct journal_op *op, struct error *err) {
	if (!op->session || *op->session_name) return 0;
	int r = db_one(db, W_SESSION_NAME_OF, err, "i", op->session);
	if (r < 0) return -1;
	if (r) text_copy(op->session_name, sizeof op->session_name, db_text(db, W_SESSION_NAME_OF, 0));
	db_reset(db, W_SESSION_NAME_OF);
	return 0;
}

/* Only an operation that moves the session names a state: the history of states is read from the events (handover). */
static int event_write(struct db *db, struct journal_op *op, struct error *err) {
	bool changes_state = op->kind == OP_STEP || op->kind == OP_ADD_SESSION;
	if (event_session_name(db, op, err)) return -1;
	return db_exec(db, W_EVENT_ADD, err, "tiitttt", op->event_id, op->at_ms, op->session, op->level, op->code,
		op->message, changes_state ? state_name(op->row.state) : NULL);
}

int journal_op_write(struct db *db, struct journal_op *op, struct error *err) {
	if (op_writers[op->kind](db, op, err)) return -1;
	return op->message ? event_write(db, op, err) : 0;
}

/* On the loop, after its callback: the thread has let go of it. */
void journal_op_free(struct journal_op *op) {
	session_row_done(&op->row);
	if (op->files) file_rows_free(op->files, op->file_n);
	for (size_t i = 0; i < op->id_n; i++) free(op->ids[i]);
	check_list_done(&op->checks);
	free(op->ids);
	free(op->attempt.name);
	free(op->attempt.reason);
	free(op->message);
	free(op->name);
	free(op->value);
	free(op);
}
