/* SPDX-License-Identifier: MIT */
/* The journal's writer thread: a queue from the loop to it, a list of done operations back.
 *
 *   loop thread                    writer thread                       loop thread
 *   journal_submit -> queued ----> take all, BEGIN, write, COMMIT ---> done -> uv_async -> on_commit, in order
 *
 * Invariants. Operations are written, committed and called back in the order of their submission; each is called back
 * exactly once, with the truth about whether it is in the journal. A group is whatever queued up while the one before
 * it was committed, at most GROUP_MAX. When an operation of a group cannot be written, the group is rolled back, those
 * before it are committed without it, it and all later ones fail with the same error, and nothing is written any more.
 *
 * The mutex guards `queued`, `done`, `stop` and `ended`. `submitted - delivered` belongs to the loop, the database to
 * the thread from its start to its end. `failure` is written once by the thread, before `broken`. */
#include "station/journal/journal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "station/journal/op.h"
#include "station/journal/sql.h"

#define GROUP_MAX 1024

struct op_list {
	struct journal_op *first, **end;
};

struct journal {
	uv_loop_t *loop;
	uv_async_t wake;
	uv_thread_t thread;
	struct db *db;
	struct journal_file file;
	int64_t next_id;

	uv_mutex_t mutex;
	uv_cond_t work;
	struct op_list queued, done;
	bool stop, ended;

	atomic_bool broken;
	struct error failure, closed_failure;

	int64_t submitted, delivered, committed;
	void (*on_moved)(void *arg);
	void *on_moved_arg;
	bool closing;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
};

static void list_init(struct op_list *l) { *l = (struct op_list){.end = &l->first}; }

static void list_add(struct op_list *l, struct journal_op *op) {
	op->next = NULL;
	*l->end = op;
	l->end = &op->next;
}

/* Moves at most max operations; returns how many. */
static int list_move(struct op_list *from, struct op_list *to, int max) {
	int n = 0;
	while (from->first && n < max) {
		struct journal_op *op = from->first;
		from->first = op->next;
		list_add(to, op);
		n++;
	}
	if (!from->first) list_init(from);
	return n;
}

/* --- the writer thread --- */

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

/* The first n operations of the group in one transaction. *ret_at is where it failed: n when it was the commit. */
static int group_write(struct journal *j, struct op_list *group, int n, int *ret_at, struct error *err) {
	*ret_at = 0;
	if (journal_there(&j->file, err) || db_begin(j->db, err)) return -1;
	struct journal_op *op = group->first;
	for (int i = 0; i < n; i++, op = op->next) {
		*ret_at = i;
		if (!journal_op_write(j->db, op, err)) continue;
		db_rollback(j->db);
		return -1;
	}
	*ret_at = n;
	return db_commit(j->db, err);
}

static void journal_fail(struct journal *j, const struct error *err) {
	j->failure = *err;
	error_prefix(&j->failure, "the journal stopped");
	atomic_store(&j->broken, true);
}

/* Commits the group, or as much of it as there is before the operation that fails; marks the others. */
static void group_commit(struct journal *j, struct op_list *group, int n) {
	struct error err = ERROR_INIT;
	int good = 0;
	if (!atomic_load(&j->broken)) {
		int at;
		good = n;
		if (group_write(j, group, n, &at, &err)) {
			struct error again = ERROR_INIT;
			good = at < n ? at : 0;
			if (good && group_write(j, group, good, &at, &again)) good = 0;
			journal_fail(j, &err);
		}
	}
	struct journal_op *op = group->first;
	for (int i = 0; i < n; i++, op = op->next) op->failure = i < good ? NULL : &j->failure;
}

static void journal_main(void *arg) {
	struct journal *j = arg;
	uv_mutex_lock(&j->mutex);
	for (;;) {
		struct op_list group;
		list_init(&group);
		int n = list_move(&j->queued, &group, GROUP_MAX);
		if (!n && j->stop) break;
		if (!n) {
			uv_cond_wait(&j->work, &j->mutex);
			continue;
		}
		uv_mutex_unlock(&j->mutex);
		group_commit(j, &group, n);
		uv_mutex_lock(&j->mutex);
		list_move(&group, &j->done, n);
		uv_async_send(&j->wake);
	}
	uv_mutex_unlock(&j->mutex);
	db_close(j->db);
	uv_mutex_lock(&j->mutex);
	j->ended = true;
	uv_async_send(&j->wake);
	uv_mutex_unlock(&j->mutex);
}

/* --- the loop --- */

static void log_committed(const struct journal_op *op) {
	enum log_level level = LOG_INFO;
	if (log_level_parse(op->level, &level)) level = LOG_INFO;
	log_event(level, "journal", op->message, "code", op->code, "event", op->event_id,
		*op->session_name ? "session" : NULL, op->session_name, NULL);
}

static void deliver(struct journal *j, struct journal_op *op) {
	static const struct error none = ERROR_INIT;
	if (op->message && !op->failure) log_committed(op);
	if (op->on_commit) op->on_commit(op->arg, op->failure ? op->failure : &none);
	j->delivered++;
	if (!op->failure) j->committed++;
	journal_op_free(op);
}

static void on_handle_closed(uv_handle_t *handle) {
	struct journal *j = handle->data;
	void (*on_closed)(void *) = j->on_closed;
	void *arg = j->on_closed_arg;
	uv_cond_destroy(&j->work);
	uv_mutex_destroy(&j->mutex);
	free(j->file.path);
	free(j);
	if (on_closed) on_closed(arg);
}

/* Callbacks may submit more, also while the journal is being closed: the thread is stopped once nothing is left. */
static void on_wake(uv_async_t *wake) {
	struct journal *j = wake->data;
	struct op_list done;
	list_init(&done);
	uv_mutex_lock(&j->mutex);
	list_move(&j->done, &done, INT32_MAX);
	bool ended = j->ended;
	uv_mutex_unlock(&j->mutex);
	int64_t before = j->committed;
	while (done.first) {
		struct journal_op *op = done.first;
		done.first = op->next;
		deliver(j, op);
	}
	if (j->on_moved && !j->closing && j->committed > before) j->on_moved(j->on_moved_arg);
	if (!j->closing || uv_is_closing((uv_handle_t *)wake)) return;
	bool idle = j->submitted == j->delivered;
	if (ended && idle) {
		uv_thread_join(&j->thread);
		uv_close((uv_handle_t *)wake, on_handle_closed);
	} else if (!ended && idle) {
		uv_mutex_lock(&j->mutex);
		j->stop = true;
		uv_cond_signal(&j->work);
		uv_mutex_unlock(&j->mutex);
	}
}

void journal_submit(struct journal *j, struct journal_op *op) {
	j->submitted++;
	uv_mutex_lock(&j->mutex);
	if (j->stop) {
		op->failure = &j->closed_failure;
		list_add(&j->done, op);
		uv_async_send(&j->wake);
	} else {
		list_add(&j->queued, op);
		uv_cond_signal(&j->work);
	}
	uv_mutex_unlock(&j->mutex);
}

int64_t journal_next_id(struct journal *j) { return j->next_id++; }

int64_t journal_commits(const struct journal *j) { return j->committed; }

int64_t journal_submitted(const struct journal *j) { return j->submitted; }

int64_t journal_delivered(const struct journal *j) { return j->delivered; }

int64_t journal_pending(const struct journal *j) { return j->submitted - j->delivered; }

bool journal_broken(const struct journal *j) { return atomic_load(&j->broken); }

/* --- opening and closing --- */

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

static int journal_start(struct journal *j, struct error *err) {
	int e = uv_async_init(j->loop, &j->wake, on_wake);
	if (e) return error_set(err, ERR_INTERNAL, "cannot start the journal: %s", uv_strerror(e));
	j->wake.data = j;
	e = uv_thread_create(&j->thread, journal_main, j);
	if (!e) return 0;
	error_set(err, ERR_INTERNAL, "cannot start the journal's thread: %s", uv_strerror(e));
	uv_close((uv_handle_t *)&j->wake, on_handle_closed);
	return -1;
}

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
	list_init(&j->queued);
	list_init(&j->done);
	error_set(&j->closed_failure, ERR_CANCELLED, "the journal is closed");
	if (uv_mutex_init(&j->mutex) || uv_cond_init(&j->work)) abort();
	j->db = db;
	if (journal_start(j, err)) return -1;
	db = NULL;
	*ret = j;
	return 0;
}

void journal_close(struct journal *j, void (*on_closed)(void *arg), void *arg) {
	j->closing = true;
	j->on_closed = on_closed;
	j->on_closed_arg = arg;
	uv_async_send(&j->wake);
}
