/* SPDX-License-Identifier: MIT */
/* The catalog's engine room: its writer (db_writer.h), a pool of read connections, waiting for changes.
 *
 * Why a writer that commits in groups: a commit costs a flush of the disk (0.1 to 50 ms, measured.md). A caller waits
 * for its own group and for no other, and a reader for none. Invariants: `last_change`, `woken` and the pool change
 * under `lock`; `write` belongs to the writer's thread. */
#include "cloud/store/catalog_core.h"

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

static const char *const catalog_statements[SQL_N] = {
#define X(id, sql) [SQL_##id] = sql,
	CATALOG_STATEMENTS(X)
#undef X
};
static const char *const catalog_migrations[] = {CATALOG_MIGRATION_1, CATALOG_MIGRATION_2};
static const struct db_schema catalog_schema = {
	.migrations = catalog_migrations,
	.version = ARRAY_LEN(catalog_migrations),
	.statements = catalog_statements,
	.statement_n = SQL_N,
};

struct catalog {
	char *path;
	dev_t device; /* of the file that is open */
	ino_t inode;
	char instance[9];
	struct db_writer *writer;
	struct catalog_write write; /* of the group that is being written */

	pthread_mutex_t lock;
	pthread_cond_t changed;	  /* catalog_wait_change waits (monotonic clock) */
	pthread_cond_t reader_in; /* catalog_reader_take waits for a connection */
	bool woken;
	int64_t last_change;
	struct db *idle[READERS_IDLE];
	size_t idle_n, reader_n;
};

/* --- the writer --- */

struct operation {
	struct db_job job;
	struct catalog *catalog;
	catalog_operation *run;
	void *arg;
};

static int on_write(struct db_job *job, struct db *db, struct error *err) {
	const struct operation *o = (const struct operation *)(const void *)job;
	(void)db; /* catalog_write has it */
	return o->run(&o->catalog->write, o->arg, err);
}

static void on_posted(struct db_job *job, const struct error *failure) {
	struct operation *o = (struct operation *)(void *)job;
	(void)failure;
	xfree(o->arg);
	xfree(o);
}

int catalog_run(struct catalog *c, catalog_operation *op, void *arg, struct error *err) {
	struct operation o = {.job.write = on_write, .catalog = c, .run = op, .arg = arg};
	return db_writer_run(c->writer, &o.job, err);
}

void catalog_post(struct catalog *c, catalog_operation *op, const void *arg, size_t n) {
	struct operation *o = xcalloc(1, sizeof *o);
	*o = (struct operation){
		.job = {.write = on_write, .done = on_posted}, .catalog = c, .run = op, .arg = xcalloc(1, n)};
	memcpy(o->arg, arg, n);
	db_writer_add(c->writer, &o->job);
}

static int before_group(void *arg, struct error *err) {
	struct catalog *c = arg;
	(void)err;
	c->write.now_ms = clock_wall_ms();
	c->write.changed = false;
	return 0;
}

static int change_last(struct db *db, int64_t *ret, struct error *err) {
	if (db_one(db, SQL_CHANGE_LAST, err, "") < 1) return -1;
	*ret = db_i64(db, SQL_CHANGE_LAST, 0);
	db_reset(db, SQL_CHANGE_LAST);
	return 0;
}

/* Wakes those who wait for a change. What cannot be read now is there at the next one. */
static void after_group(void *arg, int committed, const struct error *why) {
	struct catalog *c = arg;
	struct error err = ERROR_INIT;
	int64_t last = 0;
	(void)why; /* its callers are told */
	if (!committed || !c->write.changed || change_last(c->write.db, &last, &err)) return;
	pthread_mutex_lock(&c->lock);
	c->last_change = last;
	pthread_cond_broadcast(&c->changed);
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
	db_reset_all(r->db);
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

static int identity_load(struct catalog *c, struct db *db, struct error *err) {
	char fresh[sizeof c->instance];
	random_id(fresh, sizeof fresh);
	if (db_exec(db, SQL_SETTING_FIRST, err, "tt", "instance", fresh)) return -1;
	if (db_one(db, SQL_SETTING_GET, err, "t", "instance") < 1) return -1;
	snprintf(c->instance, sizeof c->instance, "%s", db_text(db, SQL_SETTING_GET, 0));
	db_reset(db, SQL_SETTING_GET);
	return change_last(db, &c->last_change, err);
}

static void conditions_init(struct catalog *c) {
	pthread_mutex_init(&c->lock, NULL);
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

static int writer_start(struct catalog *c, struct db *db, struct error *err) {
	const struct db_writer_setup setup = {.db = db,
		.name = "the catalog",
		.failure = DB_FAILS_ONE,
		.group_max = GROUP_MAX,
		.before = before_group,
		.after = after_group,
		.arg = c};
	c->write.db = db;
	return db_writer_start(&c->writer, &setup, err);
}

int catalog_open(struct catalog **ret, const char *data_dir, struct error *err) {
	if (file_mkdirs(data_dir, 0700, err)) return -1;
	AUTO(catalog_close) struct catalog *c = xcalloc(1, sizeof *c);
	AUTO(db_close) struct db *db = NULL;
	conditions_init(c);
	c->path = path_join(data_dir, "catalog.db");
	if (orphans_check(data_dir, c->path, err) || db_open(&db, c->path, DB_WRITER, &catalog_schema, err) ||
		file_remember(c, err) || identity_load(c, db, err) || writer_start(c, TAKE(db), err))
		return -1;
	*ret = TAKE(c);
	return 0;
}

void catalog_close(struct catalog *c) {
	if (!c) return;
	catalog_wake(c);
	while (c->idle_n) db_close(c->idle[--c->idle_n]);
	db_writer_close(c->writer); /* the last one closed writes the write-ahead log back, which no reader can */
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
