/* SPDX-License-Identifier: MIT */
/* The catalog's engine room: one writer thread that commits in groups, a pool of read connections, waiting for changes.
 *
 * Why groups: a commit costs a flush of the disk (0.1 to 50 ms, measured.md). While one group is flushed, what arrives
 * queues up and is flushed together next; a caller waits for its own group and for no other, and a reader for none.
 * Invariants: the queue, `closing` and `last_change` change under `lock`; the writer's connection belongs to its
 * thread; an operation's results and err are written before its `done`. */
#include "cloud/store/catalog_core.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#define OBJECTS_DEPTH 2 /* objects/BUCKET/xx/ holds objects */
#define GROUP_MAX 256	/* operations a commit at most */
#define READERS_MAX 64	/* open at once; a further reader waits */
#define READERS_IDLE 16 /* kept open */

static const char *const catalog_statements[] = {
#define X(id, sql) [SQL_##id] = sql,
	CATALOG_STATEMENTS(X)
#undef X
};
static_assert(ARRAY_LEN(catalog_statements) == SQL_N, "a text for every statement");
static const char *const catalog_migrations[] = {CATALOG_MIGRATION_1, CATALOG_MIGRATION_2};
static const struct db_schema catalog_schema = {
	.migrations = catalog_migrations,
	.version = ARRAY_LEN(catalog_migrations),
	.statements = catalog_statements,
	.statement_n = SQL_N,
};

struct operation {
	catalog_operation *run;
	void *arg;
	struct error *err; /* the caller's; NULL when posted */
	pthread_cond_t finished;
	bool done, posted;
	int result;
	struct operation *next;
};

struct catalog {
	char *path;
	struct db *writer;
	dev_t device; /* of the file that is open */
	ino_t inode;
	char instance[9];
	pthread_t thread;
	bool thread_runs;

	pthread_mutex_t lock;
	pthread_cond_t queued;	  /* the writer waits for work */
	pthread_cond_t changed;	  /* catalog_wait_change waits (monotonic clock) */
	pthread_cond_t reader_in; /* catalog_reader_take waits for a connection */
	struct operation *first, **last;
	bool closing, woken;
	int64_t last_change;
	struct db *idle[READERS_IDLE];
	size_t idle_n, reader_n;
};

/* --- the writer --- */

static void statements_reset(struct db *db) {
	sqlite3 *h = db_handle(db);
	for (sqlite3_stmt *s = sqlite3_next_stmt(h, NULL); s; s = sqlite3_next_stmt(h, s))
		if (sqlite3_stmt_busy(s)) sqlite3_reset(s);
}

static bool in_transaction(struct db *db) { return !sqlite3_get_autocommit(db_handle(db)); }

static int operation_run(struct catalog_write *w, struct operation *o, struct error *err) {
	int64_t change = w->change;
	if (db_exec(w->db, SQL_SAVE, err, "")) return -1;
	int result = o->run(w, o->arg, err);
	statements_reset(w->db);
	if (!result && !db_exec(w->db, SQL_SAVE_END, err, "")) return 0;
	w->change = change;
	struct error undo = ERROR_INIT;
	/* A full disk has undone the whole group already. When undoing fails the group must not be committed. */
	if (in_transaction(w->db) && (db_exec(w->db, SQL_SAVE_UNDO, &undo, "") || db_exec(w->db, SQL_SAVE_END, &undo, "")))
		db_rollback(w->db);
	return -1;
}

static void operation_fail(struct operation *o, const struct error *why) {
	if (o->result) return; /* it has a reason of its own */
	o->result = -1;
	if (o->err) *o->err = *why;
}

/* Runs and commits what is listed; a group that cannot be committed fails as a whole. */
static void group_run(struct catalog_write *w, struct operation *first) {
	struct error why = ERROR_INIT;
	bool failed = db_begin(w->db, &why);
	for (struct operation *o = first; o && !failed; o = o->next) {
		struct error own = ERROR_INIT;
		o->result = operation_run(w, o, &own);
		if (o->result && o->err) *o->err = own;
		failed = !in_transaction(w->db);
		if (failed) why = own;
	}
	if (!failed) failed = db_commit(w->db, &why);
	if (!failed) return;
	db_rollback(w->db);
	w->change = 0;
	for (struct operation *o = first; o; o = o->next) operation_fail(o, &why);
}

/* Takes at most GROUP_MAX from the queue. Called with the lock. */
static struct operation *group_take(struct catalog *c) {
	struct operation *first = c->first, *end = first;
	for (int i = 1; i < GROUP_MAX && end->next; i++) end = end->next;
	c->first = end->next;
	if (!c->first) c->last = &c->first;
	end->next = NULL;
	return first;
}

static void group_finish(struct operation *first) {
	for (struct operation *o = first, *next; o; o = next) {
		next = o->next; /* o is gone once its caller is awake */
		if (o->posted) {
			xfree(o->arg);
			xfree(o);
			continue;
		}
		o->done = true;
		pthread_cond_signal(&o->finished);
	}
}

static void *writer_main(void *arg) {
	struct catalog *c = arg;
	pthread_mutex_lock(&c->lock);
	for (;;) {
		while (!c->first && !c->closing) pthread_cond_wait(&c->queued, &c->lock);
		if (!c->first) break;
		struct operation *group = group_take(c);
		pthread_mutex_unlock(&c->lock);
		struct catalog_write w = {.db = c->writer, .now_ms = clock_wall_ms()};
		group_run(&w, group);
		pthread_mutex_lock(&c->lock);
		if (w.change > c->last_change) {
			c->last_change = w.change;
			pthread_cond_broadcast(&c->changed);
		}
		group_finish(group);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void enqueue(struct catalog *c, struct operation *o) {
	*c->last = o;
	c->last = &o->next;
	pthread_cond_signal(&c->queued);
}

int catalog_run(struct catalog *c, catalog_operation *op, void *arg, struct error *err) {
	struct operation o = {.run = op, .arg = arg, .err = err};
	pthread_cond_init(&o.finished, NULL);
	pthread_mutex_lock(&c->lock);
	enqueue(c, &o);
	while (!o.done) pthread_cond_wait(&o.finished, &c->lock);
	pthread_mutex_unlock(&c->lock);
	pthread_cond_destroy(&o.finished);
	return o.result;
}

void catalog_post(struct catalog *c, catalog_operation *op, const void *arg, size_t n) {
	struct operation *o = xcalloc(1, sizeof *o);
	*o = (struct operation){.run = op, .arg = xcalloc(1, n), .posted = true};
	memcpy(o->arg, arg, n);
	pthread_mutex_lock(&c->lock);
	enqueue(c, o);
	pthread_mutex_unlock(&c->lock);
}

/* --- readers --- */

int catalog_reader_take(struct catalog *c, struct catalog_reader *ret, struct error *err) {
	struct db *db = NULL;
	pthread_mutex_lock(&c->lock);
	while (!c->idle_n && c->reader_n == READERS_MAX) pthread_cond_wait(&c->reader_in, &c->lock);
	if (c->idle_n) db = c->idle[--c->idle_n];
	else c->reader_n++;
	pthread_mutex_unlock(&c->lock);
	if (!db && db_open(&db, c->path, DB_READER, &catalog_schema, err)) {
		pthread_mutex_lock(&c->lock);
		c->reader_n--;
		pthread_cond_signal(&c->reader_in);
		pthread_mutex_unlock(&c->lock);
		return -1;
	}
	*ret = (struct catalog_reader){.catalog = c, .db = db};
	return 0;
}

void catalog_reader_done(struct catalog_reader *r) {
	struct catalog *c = r->catalog;
	if (!r->db) return;
	/* One statement left in mid-read would keep the write-ahead log from ever being emptied. */
	statements_reset(r->db);
	db_rollback(r->db);
	pthread_mutex_lock(&c->lock);
	bool keep = c->idle_n < READERS_IDLE;
	if (keep) c->idle[c->idle_n++] = TAKE(r->db);
	else c->reader_n--;
	pthread_cond_signal(&c->reader_in);
	pthread_mutex_unlock(&c->lock);
	db_close(r->db);
	r->db = NULL;
}

/* --- waiting for changes --- */

void catalog_wait_beyond(struct catalog *c, int64_t seq, int64_t wait_ms) {
	const struct timespec until = deadline_after(MAX(wait_ms, 0));
	pthread_mutex_lock(&c->lock);
	while (c->last_change <= seq && !c->woken)
		if (pthread_cond_timedwait(&c->changed, &c->lock, &until)) break;
	pthread_mutex_unlock(&c->lock);
}

void catalog_wake(struct catalog *c) {
	pthread_mutex_lock(&c->lock);
	c->woken = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* --- settings: secrets, the catalog's own name --- */

struct setting {
	const char *name, *value;
};

static int setting_put(struct catalog_write *w, void *arg, struct error *err) {
	const struct setting *s = arg;
	return db_exec(w->db, SQL_SETTING_PUT, err, "tt", s->name, s->value);
}

static int setting_first(struct catalog_write *w, void *arg, struct error *err) {
	const struct setting *s = arg;
	return db_exec(w->db, SQL_SETTING_FIRST, err, "tt", s->name, s->value);
}

/* 1 found, 0 none. */
static int secret_read(struct catalog *c, const char *name, struct secret *ret, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	if (catalog_reader_take(c, &r, err)) return -1;
	int found = db_one(r.db, SQL_SETTING_GET, err, "t", name);
	if (found <= 0) return found;
	const char *value = db_text(r.db, SQL_SETTING_GET, 0);
	secret_set(ret, value, strlen(value));
	return 1;
}

/* Two that ask at once, even from two processes, get the same: the first one written stays. */
int catalog_secret(struct catalog *c, const char *name, struct secret *ret, struct error *err) {
	char stored_as[64], value[CATALOG_SECRET_LEN + 1];
	snprintf(stored_as, sizeof stored_as, "secret.%s", name);
	int found = secret_read(c, stored_as, ret, err);
	if (found) return found < 0 ? -1 : 0;
	random_id(value, sizeof value);
	struct setting s = {.name = stored_as, .value = value};
	int failed = catalog_run(c, setting_first, &s, err);
	secret_wipe(value, sizeof value);
	if (failed) return -1;
	found = secret_read(c, stored_as, ret, err);
	if (!found) return error_set(err, ERR_INTERNAL, "the secret %s was written and cannot be read back", name);
	return found < 0 ? -1 : 0;
}

int catalog_writable(struct catalog *c, struct error *err) {
	struct setting s = {.name = "probe", .value = catalog_instance(c)};
	return catalog_run(c, setting_put, &s, err);
}

int catalog_in_place(const struct catalog *c, struct error *err) {
	struct stat st;
	if (stat(c->path, &st) == 0 && st.st_dev == c->device && st.st_ino == c->inode) return 0;
	return error_set(err, ERR_DISK,
		"%s was moved or replaced while it was in use: put it back, or start headgate-cloud again", c->path);
}

const char *catalog_instance(const struct catalog *c) { return c->instance; }

/* --- opening --- */

/* Before the writer's thread runs, its connection is ours. */
static int identity_load(struct catalog *c, struct error *err) {
	char fresh[sizeof c->instance];
	random_id(fresh, sizeof fresh);
	if (db_exec(c->writer, SQL_SETTING_FIRST, err, "tt", "instance", fresh)) return -1;
	if (db_one(c->writer, SQL_SETTING_GET, err, "t", "instance") < 1) return -1;
	snprintf(c->instance, sizeof c->instance, "%s", db_text(c->writer, SQL_SETTING_GET, 0));
	db_reset(c->writer, SQL_SETTING_GET);
	if (db_one(c->writer, SQL_CHANGE_LAST, err, "") < 1) return -1;
	c->last_change = db_i64(c->writer, SQL_CHANGE_LAST, 0);
	db_reset(c->writer, SQL_CHANGE_LAST);
	return 0;
}

static void conditions_init(struct catalog *c) {
	pthread_mutex_init(&c->lock, NULL);
	condition_init(&c->queued);
	condition_init(&c->changed);
	condition_init(&c->reader_in);
}

/* Whether anything lies in one of its folders: 0 when it is none, or holds none. */
static bool folder_holds(const char *path, int depth) {
	DIR *d = opendir(path);
	bool holds = false;
	if (!d) return false;
	for (const struct dirent *e; !holds && (e = readdir(d));) {
		if (e->d_name[0] == '.') continue;
		AUTO(xfree) char *entry = path_join(path, e->d_name);
		holds = depth ? folder_holds(entry, depth - 1) : true;
	}
	closedir(d);
	return holds;
}

/* A new catalog beside objects that it does not know would refuse every key and forget every decision. */
static int orphans_check(const char *data_dir, const char *path, struct error *err) {
	struct stat st;
	AUTO(xfree) char *objects = path_join(data_dir, "objects");
	if ((stat(path, &st) == 0 && st.st_size) || !folder_holds(objects, OBJECTS_DEPTH)) return 0;
	return error_set(err, ERR_CONFIG,
		"%s is missing, and %s holds objects that only it knows: put catalog.db back (with catalog.db-wal where there "
		"is one), or move %s away to begin anew",
		path, objects, objects);
}

static int file_remember(struct catalog *c, struct error *err) {
	struct stat st;
	if (stat(c->path, &st)) return error_errno(err, ERR_DISK, errno, "look at %s", c->path);
	c->device = st.st_dev;
	c->inode = st.st_ino;
	if (!(st.st_mode & (S_IWOTH | S_IWGRP))) return 0;
	return error_set(
		err, ERR_CONFIG, "others can write %s, and so change what is kept there: chmod go-w %s", c->path, c->path);
}

int catalog_open(struct catalog **ret, const char *data_dir, struct error *err) {
	if (file_mkdirs(data_dir, 0700, err)) return -1;
	AUTO(catalog_close) struct catalog *c = xcalloc(1, sizeof *c);
	conditions_init(c);
	c->last = &c->first;
	c->path = path_join(data_dir, "catalog.db");
	if (orphans_check(data_dir, c->path, err) || db_open(&c->writer, c->path, DB_WRITER, &catalog_schema, err) ||
		file_remember(c, err) || identity_load(c, err))
		return -1;
	int e = pthread_create(&c->thread, NULL, writer_main, c);
	if (e) return error_errno(err, ERR_INTERNAL, e, "start the catalog's writer thread");
	c->thread_runs = true;
	*ret = TAKE(c);
	return 0;
}

void catalog_close(struct catalog *c) {
	if (!c) return;
	catalog_wake(c);
	pthread_mutex_lock(&c->lock);
	c->closing = true;
	pthread_cond_signal(&c->queued);
	pthread_mutex_unlock(&c->lock);
	if (c->thread_runs) pthread_join(c->thread, NULL);
	while (c->idle_n) db_close(c->idle[--c->idle_n]);
	db_close(c->writer);
	pthread_cond_destroy(&c->queued);
	pthread_cond_destroy(&c->changed);
	pthread_cond_destroy(&c->reader_in);
	pthread_mutex_destroy(&c->lock);
	xfree(c->path);
	xfree(c);
}

/* The lock is on the folder itself, which nobody can take away while it serves; serve.lock only says whose it is. */
static int folder_held(const char *data_dir, const char *path, struct error *err) {
	AUTO(buf_done) struct buf pid = BUF_INIT(32);
	struct error ignored = ERROR_INIT;
	int64_t number;
	char *text = file_read(path, 32, &pid, &ignored) ? NULL : pid.data ? text_trim(pid.data) : NULL;
	if (!text || text_to_i64(text, 1, INT32_MAX, &number)) number = 0;
	if (!number)
		return error_set(err, ERR_BUSY, "another headgate-cloud serves %s: end it, or name another --data", data_dir);
	return error_set(err, ERR_BUSY, "another headgate-cloud, process %d, serves %s: end it, or name another --data",
		(int)number, data_dir);
}

int catalog_lock(const char *data_dir, int *ret_fd, struct error *err) {
	char pid[16];
	if (file_mkdirs(data_dir, 0700, err)) return -1;
	AUTO(xfree) char *path = path_join(data_dir, "serve.lock");
	AUTO(fd_close) int fd = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return error_errno(err, ERR_DISK, errno, "open the folder %s", data_dir);
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EINTR) continue;
		if (errno == EWOULDBLOCK) return folder_held(data_dir, path, err);
		return error_errno(err, ERR_DISK, errno, "lock the folder %s (is its file system a local one?)", data_dir);
	}
	int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	struct error unsaid = ERROR_INIT;
	/* On a full disk the next one is not told whose it is: no reason not to serve. */
	if (file_write_brisk(path, pid, (size_t)n, 0600, &unsaid)) log_event(LOG_WARN, "server", unsaid.text, NULL);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
