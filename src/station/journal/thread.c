/* SPDX-License-Identifier: MIT */
/* The journal on the loop: its writer (base/db_writer.h) commits, and what is done comes back.
 *
 *   loop thread                  db_writer's thread                  loop thread
 *   journal_submit -> queued --> BEGIN, write, COMMIT ---> done ---> uv_async -> on_commit, in order
 *
 * Invariants. Operations are written, committed and called back in the order of their submission; each is called back
 * exactly once, with the truth about whether it is in the journal. When an operation of a group cannot be written,
 * those before it are committed without it, it and all later ones fail with the same error, and nothing is written any
 * more.
 *
 * The mutex guards `done` and `ended`; all else is the loop's. */
#include "station/journal/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/db_writer.h"
#include "base/file.h"
#include "base/log.h"
#include "station/journal/op.h"
#include "station/journal/sql.h"

#define GROUP_MAX 1024 /* so that the first callback of a long queue does not wait for the last */

struct op_list {
	struct journal_op *first, **end;
};

struct journal {
	uv_loop_t *loop;
	uv_async_t wake;
	struct db_writer *writer;
	struct journal_file file;
	int64_t next_id;

	uv_mutex_t mutex;
	struct op_list done;
	bool ended; /* the writer's thread */

	struct error closed_failure;
	int64_t submitted, delivered, committed;
	void (*on_moved)(void *arg);
	void *on_moved_arg;
	bool closing, stop; /* stop: nothing is taken any more */
	void (*on_closed)(void *arg);
	void *on_closed_arg;
};

static void list_init(struct op_list *l) { *l = (struct op_list){.end = &l->first}; }

static void list_add(struct op_list *l, struct journal_op *op) {
	op->next = NULL;
	*l->end = op;
	l->end = &op->next;
}

/* --- in the writer's thread --- */

/* A file that was removed takes every commit and keeps none. */
int journal_there(const struct journal_file *f, struct error *err) {
	struct stat st;
	if (stat(f->path, &st) == 0 && st.st_dev == f->device && st.st_ino == f->inode) return 0;
	return error_set(err, ERR_DISK,
		"the journal %s was removed or replaced while it was in use; put it back as it was, or start again: recordings "
		"are found anew, and the cloud is asked what it has",
		f->path);
}

const struct journal_file *journal_file(const struct journal *j) { return &j->file; }

/* Before each group: what is written into a file that nobody finds any more must not be told as kept. */
static int before_group(void *arg, struct error *err) {
	const struct journal *j = arg;
	return journal_there(&j->file, err);
}

static int on_write(struct db_job *job, struct db *db, struct error *err) {
	return journal_op_write(db, (struct journal_op *)(void *)job, err);
}

/* Kept in the order in which they were written; told of together (on_told). */
static void on_done(struct db_job *job, const struct error *failure) {
	struct journal_op *op = (struct journal_op *)(void *)job;
	op->failure = failure;
	uv_mutex_lock(&op->journal->mutex);
	list_add(&op->journal->done, op);
	uv_mutex_unlock(&op->journal->mutex);
}

static void on_told(void *arg) {
	struct journal *j = arg;
	uv_async_send(&j->wake);
}

static void on_ended(void *arg) {
	struct journal *j = arg;
	uv_mutex_lock(&j->mutex);
	j->ended = true;
	uv_async_send(&j->wake);
	uv_mutex_unlock(&j->mutex);
}

/* --- the loop --- */

/* After the commit, never before: what the log says is in the journal. */
static void log_committed(const struct journal_op *op) {
	enum log_level level = LOG_INFO;
	if (log_level_parse(op->level, &level)) level = LOG_INFO;
	log_event(level, "journal", op->message, "code", op->code, "event", op->event_id,
		*op->session_name ? "session" : NULL, op->session_name, NULL);
}

/* The operation ends here, in its callback or without one; its texts are valid until then. */
static void deliver(struct journal *j, struct journal_op *op) {
	static const struct error none = ERROR_INIT;
	if (op->message && !op->failure) log_committed(op);
	if (op->on_commit) op->on_commit(op->arg, op->failure ? op->failure : &none);
	j->delivered++;
	if (!op->failure) j->committed++;
	journal_op_free(op);
}

/* The handle is the last to go: until it is closed the thread may still send to it. */
static void on_handle_closed(uv_handle_t *handle) {
	struct journal *j = handle->data;
	void (*on_closed)(void *) = j->on_closed;
	void *arg = j->on_closed_arg;
	uv_mutex_destroy(&j->mutex);
	free(j->file.path);
	free(j);
	if (on_closed) on_closed(arg);
}

/* What was told since, the first of it. */
static struct journal_op *done_take(struct journal *j, bool *ret_ended) {
	uv_mutex_lock(&j->mutex);
	struct journal_op *first = j->done.first;
	list_init(&j->done);
	*ret_ended = j->ended;
	uv_mutex_unlock(&j->mutex);
	return first;
}

/* Callbacks may submit more, also while the journal is being closed: the writer is ended once nothing is left. */
static void on_wake(uv_async_t *wake) {
	struct journal *j = wake->data;
	bool ended;
	struct journal_op *op = done_take(j, &ended);
	int64_t before = j->committed;
	for (struct journal_op *next; op; op = next) {
		next = op->next;
		deliver(j, op);
	}
	if (j->on_moved && !j->closing && j->committed > before) j->on_moved(j->on_moved_arg);
	if (!j->closing || uv_is_closing((uv_handle_t *)wake) || j->submitted != j->delivered) return;
	if (ended) {
		db_writer_close(j->writer);
		uv_close((uv_handle_t *)wake, on_handle_closed);
	} else {
		j->stop = true;
		db_writer_end(j->writer);
	}
}

/* Once nothing is taken any more an operation fails by the same way as the others, so that its owner hears of it in a
 * callback and not in the middle of submitting. */
void journal_submit(struct journal *j, struct journal_op *op) {
	j->submitted++;
	op->job = (struct db_job){.write = on_write, .done = on_done};
	op->journal = j;
	if (j->stop) {
		on_done(&op->job, &j->closed_failure);
		uv_async_send(&j->wake);
	} else {
		db_writer_add(j->writer, &op->job);
	}
}

int64_t journal_next_id(struct journal *j) { return j->next_id++; }

int64_t journal_submitted(const struct journal *j) { return j->submitted; }

int64_t journal_delivered(const struct journal *j) { return j->delivered; }

int64_t journal_pending(const struct journal *j) { return j->submitted - j->delivered; }

/* --- opening and closing --- */

/* A journal on a network file system can be damaged by two machines that both believe to have its lock; one in memory
 * forgets what was safe. Both are allowed to who says so. */
static int journal_place(const char *state_dir, bool allow_volatile, struct error *err) {
	struct file_system fs;
	if (file_mkdirs(state_dir, 0700, err)) return -1;
	if (file_system_of(state_dir, &fs, err)) return -1;
	if (allow_volatile || (fs.local && fs.durable)) return 0;
	return error_set(err, ERR_CONFIG,
		"the state folder %s is on %s, %s; name a folder on a local disk ([station] state), or allow it ([station] "
		"allow_volatile = yes)",
		state_dir, fs.name,
		fs.durable ? "a network file system, on which a journal can be damaged"
				   : "which forgets everything at power loss");
}

/* A reader of a WAL journal writes its -shm: all three files are the group's. Later ones get it from the folder. */
static int journal_share(const char *state_dir, const char *path, const char *group, struct error *err) {
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	if (!group) return 0;
	if (file_group(state_dir, group, 02770, err)) return -1;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		AUTO(xfree) char *name = xasprintf("%s%s", path, suffixes[i]);
		if (access(name, F_OK) == 0 && file_group(name, group, 0660, err)) return -1;
	}
	return 0;
}

/* The handle before the thread, which sends to it. */
static int journal_start(struct journal *j, struct db *db, struct error *err) {
	const struct db_writer_setup setup = {.db = db,
		.name = "the journal",
		.failure = DB_FAILS_ALL,
		.group_max = GROUP_MAX,
		.before = before_group,
		.told = on_told,
		.ended = on_ended,
		.arg = j};
	int e = uv_async_init(j->loop, &j->wake, on_wake);
	if (e) {
		db_close(db);
		return error_set(err, ERR_INTERNAL, "cannot start the journal: %s", uv_strerror(e));
	}
	j->wake.data = j;
	if (!db_writer_start(&j->writer, &setup, err)) return 0;
	uv_close((uv_handle_t *)&j->wake, on_handle_closed);
	return -1;
}

/* Statements are prepared and the ids counted before the thread exists: the connection is the loop's until then. */
int journal_open(
	struct journal **ret, uv_loop_t *loop, const char *state_dir, const struct journal_options *o, struct error *err) {
	if (journal_place(state_dir, o->allow_volatile, err)) return -1;
	AUTO(xfree) char *path = path_join(state_dir, JOURNAL_FILE);
	AUTO(db_close) struct db *db = NULL;
	if (db_open(&db, path, DB_WRITER, &journal_write_schema, err)) return -1;
	if (journal_share(state_dir, path, o->group, err)) return -1;
	if (db_prepare_all(db, err) || db_one(db, W_SESSION_LAST_ID, err, "") < 0) return -1;
	struct stat st;
	if (stat(path, &st)) return error_errno(err, ERR_DISK, errno, "look at %s", path);
	struct journal *j = xcalloc(1, sizeof *j);
	j->file = (struct journal_file){.path = TAKE(path), .device = st.st_dev, .inode = st.st_ino};
	j->next_id = db_i64(db, W_SESSION_LAST_ID, 0) + 1;
	db_reset(db, W_SESSION_LAST_ID);
	j->loop = loop;
	j->on_moved = o->on_moved;
	j->on_moved_arg = o->arg;
	list_init(&j->done);
	error_set(&j->closed_failure, ERR_CANCELLED, "the journal is closed");
	if (uv_mutex_init(&j->mutex)) abort();
	if (journal_start(j, TAKE(db), err)) return -1;
	*ret = j;
	return 0;
}

/* Nothing is thrown away: the writer is ended when nothing is left, which on_wake sees. */
void journal_close(struct journal *j, void (*on_closed)(void *arg), void *arg) {
	j->closing = true;
	j->on_closed = on_closed;
	j->on_closed_arg = arg;
	uv_async_send(&j->wake);
}
