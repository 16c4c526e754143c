/* SPDX-License-Identifier: MIT */
/* Log groups in logs.db, bounded in size and age (logs_keep.c). What comes again and again (logs_count) is one row and
 * then a number. The writer (base/db_writer.h) commits what was queued since its last commit, after a short linger so
 * that a busy server does not flush the disk for each line. Events stay queued while the disk refuses them, up to a
 * ceiling; beyond it the newest are dropped and counted, and the count becomes an event of its own. Invariant: what is
 * queued of lines is counted in `bytes`, which changes under `lock` like all that counts; lines are queued under it, in
 * order. */
#include "cloud/store/logs_core.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#define LINGER_MS 50
#define AGAIN_MS 1000 /* after a commit that failed */
#define QUEUE_BYTES_MAX (16 << 20)
#define COUNT_WINDOW_MS 60000
#define COUNT_ROWS 10 /* of a kind, before it is a number */
#define BATCH_MAX 5000

static const char *const logs_statements[LOGS_N] = {
#define X(id, sql) [LOGS_##id] = sql,
	LOGS_STATEMENTS(X)
#undef X
};
static const char *const logs_migrations[] = {
	"CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, group_name TEXT NOT NULL, stream TEXT NOT NULL,"
	" at_ms INTEGER NOT NULL, json TEXT NOT NULL, known TEXT);"
	"CREATE INDEX event_group ON event (group_name, id);"
	"CREATE UNIQUE INDEX event_known ON event (group_name, stream, known) WHERE known IS NOT NULL;",
	/* at_ms is the sender's, whose clock may be wrong; age counts from here. 0: stored before there was a bound. */
	"ALTER TABLE event ADD COLUMN stored_ms INTEGER NOT NULL DEFAULT 0;",
	/* What each stream has, counted as rows come and go. */
	"CREATE INDEX event_stream ON event (group_name, stream, id);"
	"CREATE TABLE share (group_name TEXT NOT NULL, stream TEXT NOT NULL, events INTEGER NOT NULL, bytes INTEGER NOT "
	"NULL,"
	" PRIMARY KEY (group_name, stream)) WITHOUT ROWID;"
	"INSERT INTO share SELECT group_name, stream, count(*), sum(length(CAST(json AS BLOB))) FROM event GROUP BY "
	"group_name, stream;"
	"CREATE TRIGGER event_comes AFTER INSERT ON event BEGIN"
	" INSERT INTO share VALUES (new.group_name, new.stream, 1, length(CAST(new.json AS BLOB))) ON CONFLICT DO UPDATE"
	" SET events = events + 1, bytes = bytes + length(CAST(new.json AS BLOB)); END;"
	"CREATE TRIGGER event_goes AFTER DELETE ON event BEGIN"
	" UPDATE share SET events = events - 1, bytes = bytes - length(CAST(old.json AS BLOB))"
	" WHERE group_name = old.group_name AND stream = old.stream; END;",
};
const struct db_schema logs_schema = {
	.migrations = logs_migrations,
	.version = ARRAY_LEN(logs_migrations),
	.statements = logs_statements,
	.statement_n = LOGS_N,
};

/* --- lines: queued, and written when it suits --- */

struct line {
	struct db_job job;
	struct logs *logs;
	char *group, *stream, *json;
	int64_t at_ms;
};

static void line_free(struct line *l) {
	xfree(l->group);
	xfree(l->stream);
	xfree(l->json);
	xfree(l);
}

static int line_write(struct db_job *job, struct db *db, struct error *err) {
	const struct line *l = (const struct line *)(const void *)job;
	return db_exec(db, LOGS_ADD, err, "ttiti", l->group, l->stream, l->at_ms, l->json, l->at_ms);
}

static void line_done(struct db_job *job, const struct error *failure) {
	struct line *l = (struct line *)(void *)job;
	(void)failure; /* the end: there is nobody to tell */
	pthread_mutex_lock(&l->logs->lock);
	l->logs->bytes -= (size_t)job->weight;
	pthread_mutex_unlock(&l->logs->lock);
	line_free(l);
}

static struct line *line_new(struct logs *logs, const char *group, const char *stream, int64_t at_ms, char *json) {
	struct line *line = xcalloc(1, sizeof *line);
	*line =
		(struct line){.logs = logs, .group = xstrdup(group), .stream = xstrdup(stream), .json = json, .at_ms = at_ms};
	line->job = (struct db_job){.write = line_write,
		.done = line_done,
		.weight = (int64_t)(sizeof *line + strlen(group) + strlen(stream) + strlen(json)),
		.kept = true};
	return line;
}

/* Called with the lock. */
static void enqueue(struct logs *l, struct line *line) {
	l->bytes += (size_t)line->job.weight;
	db_writer_add(l->writer, &line->job);
}

/* Called with the lock. */
static void dropped_report(struct logs *l) {
	if (!l->dropped || l->bytes > QUEUE_BYTES_MAX / 2) return;
	char *json = xasprintf("{\"level\":\"error\",\"code\":\"events_dropped\",\"count\":%lld,"
						   "\"message\":\"the log could not be written for too long\"}",
		(long long)l->dropped);
	l->dropped = 0;
	enqueue(l, line_new(l, LOG_GROUP_AUDIT, "logs", clock_wall_ms(), json));
}

void logs_add(struct logs *l, const char *group, const char *stream, cJSON *event) {
	AUTO(json_free) cJSON *owned = event;
	int64_t now_ms = clock_wall_ms();
	if (!json_get(owned, "at")) json_add_time(owned, "at", now_ms);
	struct line *line = line_new(l, group, stream, now_ms, json_text(owned));
	pthread_mutex_lock(&l->lock);
	bool room = l->bytes + (size_t)line->job.weight <= QUEUE_BYTES_MAX;
	if (room) enqueue(l, line);
	else l->dropped++;
	pthread_mutex_unlock(&l->lock);
	if (!room) line_free(line);
}

/* --- counting --- */

/* Called with the lock: the window's numbers become rows. */
static void counted_report(struct logs *l) {
	int64_t now_ms = clock_wall_ms();
	for (struct counted *c = l->counted; c < l->counted + COUNT_KINDS && c->kind[0]; c++) {
		if (c->more) {
			json_add_i64(c->event, "repeated", c->more);
			json_add_time(c->event, "until", now_ms);
			enqueue(l, line_new(l, c->group, c->stream, now_ms, json_text(c->event)));
		}
		json_free(c->event);
		*c = (struct counted){0};
	}
	if (l->uncounted)
		enqueue(l, line_new(l, LOG_GROUP_API, "api", now_ms,
					   xasprintf("{\"level\":\"info\",\"code\":\"calls_counted\",\"repeated\":%lld,"
								 "\"message\":\"further kinds of calls without a key\"}",
						   (long long)l->uncounted)));
	l->uncounted = 0;
	l->window_end_ms = 0;
}

/* Called with the lock. In how many ms the window ends; 0: nothing is counted. */
static int64_t window_left(struct logs *l) {
	int64_t left_ms = l->window_end_ms - clock_mono_ms();
	if (l->window_end_ms && left_ms <= 0) counted_report(l);
	return l->window_end_ms ? left_ms : 0;
}

/* Called with the lock. The place of that kind, a free one for a new kind, NULL when there is none left. */
static struct counted *counted_place(struct logs *l, const char *kind) {
	for (struct counted *c = l->counted; c < l->counted + COUNT_KINDS; c++)
		if (!c->kind[0] || strncmp(c->kind, kind, KIND_TEXT - 1) == 0) return c;
	return NULL;
}

void logs_count(struct logs *l, const char *group, const char *stream, const char *kind, cJSON *event) {
	json_add_time(event, "at", clock_wall_ms());
	pthread_mutex_lock(&l->lock);
	struct counted *c = counted_place(l, kind);
	bool a_row = c && c->rows < COUNT_ROWS;
	if (!c) l->uncounted++;
	else if (!a_row) c->more++;
	else c->rows++;
	if (c && !c->kind[0]) {
		text_copy(c->kind, sizeof c->kind, kind);
		c->group = group;
		c->stream = stream;
		c->event = json_copy(event);
	}
	if (!l->window_end_ms) {
		l->window_end_ms = clock_mono_ms() + COUNT_WINDOW_MS;
		db_writer_poke(l->writer);
	}
	pthread_mutex_unlock(&l->lock);
	if (a_row) logs_add(l, group, stream, event);
	else json_free(event);
}

/* --- known events: durable when they are answered --- */

struct known_request {
	struct logs *logs;
	const char *group;
	int64_t stored;
	size_t left; /* events that are not told yet, under the lock */
	struct error *err;
	bool failed;
	pthread_cond_t finished;
};
struct known_event {
	struct db_job job;
	struct known_request *of;
	const struct log_known *event;
};

static int known_write(struct db_job *job, struct db *db, struct error *err) {
	const struct known_event *k = (const struct known_event *)(const void *)job;
	const struct log_known *e = k->event;
	if (db_exec(db, LOGS_ADD_KNOWN, err, "ttitti", k->of->group, e->stream, e->at_ms, e->json, e->id, clock_wall_ms()))
		return -1;
	k->of->stored += db_changes(db);
	return 0;
}

static void known_done(struct db_job *job, const struct error *failure) {
	struct known_request *k = ((struct known_event *)(void *)job)->of;
	struct logs *l = k->logs;
	pthread_mutex_lock(&l->lock);
	if (failure && !k->failed) *k->err = *failure;
	k->failed |= failure != NULL;
	if (!--k->left) pthread_cond_signal(&k->finished); /* k is gone once the lock is */
	pthread_mutex_unlock(&l->lock);
}

/* What of them is on the disk when a later one fails is known then. */
int logs_add_known(struct logs *l, const char *group, const struct log_known *events, size_t n, int64_t *ret_stored,
	struct error *err) {
	struct known_request k = {.logs = l, .group = group, .left = n, .err = err};
	struct known_event *all = xcalloc(MAX(n, (size_t)1), sizeof *all);
	pthread_cond_init(&k.finished, NULL);
	for (size_t i = 0; i < n; i++) {
		all[i] = (struct known_event){.of = &k, .event = &events[i]};
		all[i].job = (struct db_job){.write = known_write,
			.done = known_done,
			.weight = (int64_t)strlen(events[i].json) + LOGS_ROW_BYTES,
			.waited_for = true};
		db_writer_add(l->writer, &all[i].job);
	}
	pthread_mutex_lock(&l->lock);
	while (k.left) pthread_cond_wait(&k.finished, &l->lock);
	pthread_mutex_unlock(&l->lock);
	pthread_cond_destroy(&k.finished);
	xfree(all);
	if (!k.failed) *ret_stored = k.stored;
	return k.failed ? -1 : 0;
}

/* --- the writer's thread --- */

static int before_batch(void *arg, struct error *err) { return logs_make_room(arg, err); }

static void after_batch(void *arg, int committed, const struct error *why) {
	struct logs *l = arg;
	if (why) log_event(LOG_ERROR, "logs", "log events could not be stored", "why", why->text, NULL);
	if (committed) logs_keep_short(l);
	pthread_mutex_lock(&l->lock);
	dropped_report(l);
	window_left(l);
	pthread_mutex_unlock(&l->lock);
}

static int64_t on_idle(void *arg) {
	struct logs *l = arg;
	pthread_mutex_lock(&l->lock);
	dropped_report(l);
	int64_t left_ms = window_left(l);
	pthread_mutex_unlock(&l->lock);
	return left_ms;
}

/* --- opening --- */

static int writer_start(struct logs *l, struct db *db, struct error *err) {
	const struct db_writer_setup setup = {.db = db,
		.name = "the log",
		.failure = DB_FAILS_GROUP,
		.group_max = BATCH_MAX,
		.weight_max = LOGS_BATCH_BYTES_MAX,
		.linger_ms = LINGER_MS,
		.again_ms = AGAIN_MS,
		.before = before_batch,
		.after = after_batch,
		.idle = on_idle,
		.arg = l};
	l->db = db;
	return db_writer_start(&l->writer, &setup, err);
}

int logs_open(struct logs **ret, const char *data_dir, struct error *err) {
	if (file_mkdirs(data_dir, 0700, err)) return -1;
	AUTO(logs_close) struct logs *l = xcalloc(1, sizeof *l);
	struct db *db = NULL;
	l->path = path_join(data_dir, "logs.db");
	l->dir = xstrdup(data_dir);
	pthread_mutex_init(&l->lock, NULL);
	if (db_open(&db, l->path, DB_WRITER, &logs_schema, err) || writer_start(l, db, err)) return -1;
	*ret = TAKE(l);
	return 0;
}

void logs_bound(struct logs *l, const struct logs_bounds *bounds) {
	pthread_mutex_lock(&l->lock);
	l->bounds = *bounds;
	pthread_mutex_unlock(&l->lock);
	db_writer_bound(l->writer, logs_batch_bytes(l));
}

void logs_close(struct logs *l) {
	if (!l) return;
	pthread_mutex_lock(&l->lock);
	counted_report(l);
	pthread_mutex_unlock(&l->lock);
	db_writer_close(l->writer);
	pthread_mutex_destroy(&l->lock);
	xfree(l->path);
	xfree(l->dir);
	xfree(l);
}
