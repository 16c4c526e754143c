/* SPDX-License-Identifier: MIT */
/* Log groups in logs.db. One thread writes: what was queued since its last commit goes in as one transaction, after a
 * short linger so that a busy server does not flush the disk for each line. Events stay queued while the disk refuses
 * them, up to a ceiling; beyond it the newest are dropped and counted, and the count becomes an event of its own.
 * Invariants: the queue, its size and `closing` change under `lock`; the writer's connection belongs to its thread. */
#include "cloud/store/logs.h"

#include <assert.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/file.h"
#include "base/log.h"
#include "cloud/store/deadline.h"

#define LINGER_MS 50
#define AGAIN_MS 1000 /* after a commit that failed */
#define QUEUE_BYTES_MAX (64 << 20)
#define BATCH_MAX 5000

#define LOGS_STATEMENTS(X)                                                                                             \
	X(ADD, "INSERT INTO event (group_name, stream, at_ms, json) VALUES (?1, ?2, ?3, ?4)")                              \
	X(ADD_KNOWN, "INSERT OR IGNORE INTO event (group_name, stream, at_ms, json, known) VALUES (?1, ?2, ?3, ?4, ?5)")   \
	X(READ,                                                                                                            \
		"SELECT id, group_name, stream, at_ms, json FROM event WHERE id > ?1 AND at_ms >= ?2 ORDER BY id LIMIT ?3")    \
	X(READ_GROUP,                                                                                                      \
		"SELECT id, group_name, stream, at_ms, json FROM event WHERE group_name = ?4 AND id > ?1 AND at_ms >= ?2"      \
		" ORDER BY id LIMIT ?3")
enum logs_statement {
#define X(id, sql) LOGS_##id,
	LOGS_STATEMENTS(X)
#undef X
		LOGS_N
};
static const char *const logs_statements[] = {
#define X(id, sql) [LOGS_##id] = sql,
	LOGS_STATEMENTS(X)
#undef X
};
static_assert(ARRAY_LEN(logs_statements) == LOGS_N, "a text for every statement");
static const char *const logs_migrations[] = {
	"CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, group_name TEXT NOT NULL, stream TEXT NOT NULL,"
	" at_ms INTEGER NOT NULL, json TEXT NOT NULL, known TEXT);"
	"CREATE INDEX event_group ON event (group_name, id);"
	"CREATE UNIQUE INDEX event_known ON event (group_name, stream, known) WHERE known IS NOT NULL;",
};
static const struct db_schema logs_schema = {
	.migrations = logs_migrations,
	.version = ARRAY_LEN(logs_migrations),
	.statements = logs_statements,
	.statement_n = LOGS_N,
};

struct line {
	char *group, *stream, *json;
	int64_t at_ms;
	size_t bytes;
	struct line *next;
};

/* A caller of logs_add_known, waiting on its own stack. */
struct known_request {
	const char *group;
	const struct log_known *events;
	size_t n;
	int64_t stored;
	struct error *err;
	int result;
	bool done;
	pthread_cond_t finished;
	struct known_request *next;
};

struct logs {
	char *path;
	struct db *writer;
	pthread_t thread;
	bool thread_runs;
	pthread_mutex_t lock;
	pthread_cond_t queued; /* monotonic clock */
	struct line *first, **last;
	struct known_request *known, **known_last;
	size_t bytes;
	int64_t dropped;
	bool closing;
};

static void line_free(struct line *l) {
	xfree(l->group);
	xfree(l->stream);
	xfree(l->json);
	xfree(l);
}

/* --- the writer --- */

static int lines_write(struct db *db, const struct line *l, struct error *err) {
	for (; l; l = l->next)
		if (db_exec(db, LOGS_ADD, err, "ttit", l->group, l->stream, l->at_ms, l->json)) return -1;
	return 0;
}

static int known_write(struct db *db, struct known_request *k, struct error *err) {
	for (; k; k = k->next) {
		k->stored = 0;
		for (size_t i = 0; i < k->n; i++) {
			const struct log_known *e = &k->events[i];
			if (db_exec(db, LOGS_ADD_KNOWN, err, "ttitt", k->group, e->stream, e->at_ms, e->json, e->id)) return -1;
			k->stored += db_changes(db);
		}
	}
	return 0;
}

static int batch_write(struct db *db, const struct line *lines, struct known_request *known, struct error *err) {
	if (db_begin(db, err)) return -1;
	if (!lines_write(db, lines, err) && !known_write(db, known, err)) return db_commit(db, err);
	db_rollback(db);
	return -1;
}

/* At most BATCH_MAX lines from the queue. Called with the lock. */
static struct line *batch_take(struct logs *l, struct line **ret_end) {
	struct line *first = l->first, *end = first;
	if (!first) return NULL;
	for (int i = 1; i < BATCH_MAX && end->next; i++) end = end->next;
	l->first = end->next;
	if (!l->first) l->last = &l->first;
	end->next = NULL;
	*ret_end = end;
	return first;
}

/* Puts a batch that could not be written back to the head. Called with the lock. */
static void batch_return(struct logs *l, struct line *first, struct line *end) {
	if (!first) return;
	end->next = l->first;
	if (!l->first) l->last = &end->next;
	l->first = first;
}

static void batch_free(struct logs *l, struct line *first) {
	for (struct line *next; first; first = next) {
		next = first->next;
		l->bytes -= first->bytes;
		line_free(first);
	}
}

static void known_finish(struct known_request *k, int result, const struct error *why) {
	for (struct known_request *next; k; k = next) {
		next = k->next; /* k is gone once its caller is awake */
		k->result = result;
		if (result) *k->err = *why;
		k->done = true;
		pthread_cond_signal(&k->finished);
	}
}

static void linger(struct logs *l, int64_t ms) {
	const struct timespec until = deadline_after(ms);
	while (!l->closing && !l->known)
		if (pthread_cond_timedwait(&l->queued, &l->lock, &until)) break;
}

/* One round. Called with the lock, which is not held over the commit. */
static void writer_round(struct logs *l) {
	struct line *end = NULL, *lines = batch_take(l, &end);
	struct known_request *known = l->known;
	struct error err = ERROR_INIT;
	l->known = NULL;
	l->known_last = &l->known;
	pthread_mutex_unlock(&l->lock);
	int failed = batch_write(l->writer, lines, known, &err);
	if (failed) log_event(LOG_ERROR, "logs", "log events could not be stored", "why", err.text, NULL);
	pthread_mutex_lock(&l->lock);
	known_finish(known, failed, &err);
	if (!failed) {
		batch_free(l, lines);
		return;
	}
	batch_return(l, lines, end);
	linger(l, AGAIN_MS);
}

static struct line *line_new(const char *group, const char *stream, int64_t at_ms, char *json) {
	struct line *line = xcalloc(1, sizeof *line);
	*line = (struct line){.group = xstrdup(group), .stream = xstrdup(stream), .json = json, .at_ms = at_ms};
	line->bytes = sizeof *line + strlen(group) + strlen(stream) + strlen(json);
	return line;
}

/* Called with the lock. */
static void enqueue(struct logs *l, struct line *line) {
	*l->last = line;
	l->last = &line->next;
	l->bytes += line->bytes;
	pthread_cond_signal(&l->queued);
}

/* Called with the lock. */
static void dropped_report(struct logs *l) {
	if (!l->dropped || l->bytes > QUEUE_BYTES_MAX / 2) return;
	char *json = xasprintf("{\"level\":\"error\",\"code\":\"events_dropped\",\"count\":%lld,"
						   "\"message\":\"the log could not be written for too long\"}",
		(long long)l->dropped);
	l->dropped = 0;
	enqueue(l, line_new(LOG_GROUP_AUDIT, "logs", clock_wall_ms(), json));
}

static void *writer_main(void *arg) {
	struct logs *l = arg;
	pthread_mutex_lock(&l->lock);
	for (;;) {
		while (!l->first && !l->known && !l->closing) pthread_cond_wait(&l->queued, &l->lock);
		linger(l, LINGER_MS);
		struct line *before = l->first;
		writer_round(l);
		dropped_report(l);
		/* Closing: until all is written, or the disk refuses. */
		if (l->closing && !l->known && (!l->first || l->first == before)) break;
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* --- adding --- */

void logs_add(struct logs *l, const char *group, const char *stream, cJSON *event) {
	AUTO(json_free) cJSON *owned = event;
	int64_t now_ms = clock_wall_ms();
	if (!cJSON_HasObjectItem(owned, "at")) json_add_time(owned, "at", now_ms);
	struct line *line = line_new(group, stream, now_ms, json_text(owned));
	pthread_mutex_lock(&l->lock);
	bool room = l->bytes + line->bytes <= QUEUE_BYTES_MAX;
	if (room) enqueue(l, line);
	else l->dropped++;
	pthread_mutex_unlock(&l->lock);
	if (!room) line_free(line);
}

int logs_add_known(struct logs *l, const char *group, const struct log_known *events, size_t n, int64_t *ret_stored,
	struct error *err) {
	struct known_request k = {.group = group, .events = events, .n = n, .err = err};
	pthread_cond_init(&k.finished, NULL);
	pthread_mutex_lock(&l->lock);
	*l->known_last = &k;
	l->known_last = &k.next;
	pthread_cond_signal(&l->queued);
	while (!k.done) pthread_cond_wait(&k.finished, &l->lock);
	pthread_mutex_unlock(&l->lock);
	pthread_cond_destroy(&k.finished);
	if (!k.result) *ret_stored = k.stored;
	return k.result;
}

/* --- reading --- */

int logs_read(struct logs *l, const char *group_or_null, int64_t since_ms, int64_t after_id, int64_t limit,
	logs_on_event *on_event, void *arg, struct error *err) {
	AUTO(db_close) struct db *db = NULL;
	const int s = group_or_null ? LOGS_READ_GROUP : LOGS_READ;
	int more;
	if (db_open(&db, l->path, DB_READER, &logs_schema, err)) return -1;
	if (group_or_null ? db_query(db, s, err, "iiit", after_id, since_ms, limit, group_or_null)
					  : db_query(db, s, err, "iii", after_id, since_ms, limit))
		return -1;
	while ((more = db_step(db, s, err)) > 0)
		if (on_event(arg, db_i64(db, s, 0), db_text(db, s, 1), db_text(db, s, 2), db_i64(db, s, 3), db_text(db, s, 4)))
			return 0;
	return more;
}

/* --- opening --- */

int logs_open(struct logs **ret, const char *data_dir, struct error *err) {
	if (file_mkdirs(data_dir, 0700, err)) return -1;
	AUTO(logs_close) struct logs *l = xcalloc(1, sizeof *l);
	l->last = &l->first;
	l->known_last = &l->known;
	l->path = path_join(data_dir, "logs.db");
	pthread_mutex_init(&l->lock, NULL);
	condition_init(&l->queued);
	if (db_open(&l->writer, l->path, DB_WRITER, &logs_schema, err)) return -1;
	int e = pthread_create(&l->thread, NULL, writer_main, l);
	if (e) return error_errno(err, ERR_INTERNAL, e, "start the log's writer thread");
	l->thread_runs = true;
	*ret = TAKE(l);
	return 0;
}

void logs_close(struct logs *l) {
	if (!l) return;
	pthread_mutex_lock(&l->lock);
	l->closing = true;
	pthread_cond_signal(&l->queued);
	pthread_mutex_unlock(&l->lock);
	if (l->thread_runs) pthread_join(l->thread, NULL);
	batch_free(l, l->first);
	db_close(l->writer);
	pthread_cond_destroy(&l->queued);
	pthread_mutex_destroy(&l->lock);
	xfree(l->path);
	xfree(l);
}
