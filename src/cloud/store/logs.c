/* SPDX-License-Identifier: MIT */
/* Log groups in logs.db, bounded in size and age. For size, the oldest of whatever stream has the most go: a station's
 * events push out its own, and neither they nor the API's calls touch audit and validation, which have half of the
 * bound for themselves. The bound is that of the file and its write-ahead log together: a transaction is a small part
 * of it, and the log is written back and cut after it. What comes again and again (logs_count) is one row and then a
 * number. One thread writes: what was queued since its last commit goes in as one transaction, after a short linger so
 * that a busy server does not flush the disk for each line. Events stay queued while the disk refuses them, up to a
 * ceiling; beyond it the newest are dropped and counted, and the count becomes an event of its own. Invariants: the
 * queue, its size and `closing` change under `lock`; the writer's connection belongs to its thread. */
#include "cloud/store/logs.h"

#include <assert.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/deadline.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "cloud/store/room.h"

#define LINGER_MS 50
#define AGAIN_MS 1000 /* after a commit that failed */
#define QUEUE_BYTES_MAX (16 << 20)
#define COUNT_WINDOW_MS 60000
#define COUNT_ROWS 10  /* of a kind, before it is a number */
#define COUNT_KINDS 64 /* told apart in a window; further ones are counted as one */
#define KIND_TEXT 160
#define TRIM_ROWS 500
#define WAL_BYTES_MAX (16 << 20)
#define ROW_BYTES 160 /* of a row and its places in the indexes, beside its text */
#define TRIM_AGE_EVERY_MS 600000
#define FREE_PAGES_LEAST 256 /* on a full disk: room within the file, made by forgetting the oldest */
#define BATCH_MAX 5000
#define BATCH_BYTES_MAX (1 << 20)

#define OLDEST "DELETE FROM event WHERE id IN (SELECT id FROM event "
/* clang-format off */
#define LOGS_STATEMENTS(X) \
	X(ADD, "INSERT INTO event (group_name, stream, at_ms, json, stored_ms) VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(ADD_KNOWN, "INSERT OR IGNORE INTO event (group_name, stream, at_ms, json, known, stored_ms)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)") \
	/* two, as a group is found by its index, however little of the log is of it */ \
	X(READ, "SELECT id, group_name, stream, at_ms, json FROM event WHERE id > ?1 AND at_ms >= ?2 ORDER BY id LIMIT ?3") \
	X(READ_GROUP, "SELECT id, group_name, stream, at_ms, json FROM event" \
		" WHERE group_name = ?4 AND id > ?1 AND at_ms >= ?2 ORDER BY id LIMIT ?3") \
	X(PAGES, "SELECT page_count - freelist_count, freelist_count, page_size" \
		" FROM pragma_page_count, pragma_freelist_count, pragma_page_size") \
	X(SHARES, "SELECT group_name, stream, events, bytes FROM share WHERE events > 0 ORDER BY bytes DESC") \
	X(TRIM, OLDEST "WHERE group_name = ?1 AND stream = ?2 ORDER BY id LIMIT ?3)") \
	X(BRIEF, "PRAGMA busy_timeout = 50") \
	X(CUT, "PRAGMA wal_checkpoint(TRUNCATE)") \
	X(PATIENT, "PRAGMA busy_timeout = 10000") \
	X(TRIM_AGE, OLDEST "ORDER BY id LIMIT ?1) AND max(stored_ms, at_ms * (stored_ms = 0)) < ?2")
/* clang-format on */
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

/* What comes again and again within a window. */
struct counted {
	char kind[KIND_TEXT]; /* "": free */
	const char *group, *stream;
	cJSON *event; /* the first one; each further one is like it */
	int64_t rows, more;
};

struct logs {
	char *path, *dir;
	struct logs_bounds bounds;
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
	struct counted counted[COUNT_KINDS];
	int64_t uncounted;	   /* of further kinds */
	int64_t window_end_ms; /* monotonic; 0: nothing is counted */
	int64_t aged_ms;	   /* the writer's: when it last looked for old ones, monotonic */
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
		if (db_exec(db, LOGS_ADD, err, "ttiti", l->group, l->stream, l->at_ms, l->json, l->at_ms)) return -1;
	return 0;
}

/* Some of k's events, from *at on: about `bytes` of them. */
static int known_write(struct db *db, struct known_request *k, size_t *at, int64_t *bytes, struct error *err) {
	for (; *at<k->n && * bytes> 0; ++*at) {
		const struct log_known *e = &k->events[*at];
		if (db_exec(db, LOGS_ADD_KNOWN, err, "ttitti", k->group, e->stream, e->at_ms, e->json, e->id, clock_wall_ms()))
			return -1;
		k->stored += db_changes(db);
		*bytes -= (int64_t)strlen(e->json) + ROW_BYTES;
	}
	return 0;
}

/* What a transaction may have. */
static int64_t batch_bytes(const struct logs *l) {
	return l->bounds.bytes ? MIN(l->bounds.bytes / 16, BATCH_BYTES_MAX) : BATCH_BYTES_MAX;
}

/* One transaction: lines, and as much of what is known as fits; *k and *at move on. */
static int batch_write(
	struct logs *l, const struct line *lines, struct known_request **k, size_t *at, struct error *err) {
	int64_t bytes = batch_bytes(l);
	if (db_begin(l->writer, err)) return -1;
	int failed = lines_write(l->writer, lines, err);
	while (!failed && *k && bytes > 0) {
		if ((failed = known_write(l->writer, *k, at, &bytes, err)) || *at < (*k)->n) break;
		*k = (*k)->next;
		*at = 0;
	}
	if (!failed) return db_commit(l->writer, err);
	db_rollback(l->writer);
	return -1;
}

/* --- the bounds --- */

struct pages {
	int64_t used, free, size;
};

static int pages_of(struct db *db, struct pages *ret, struct error *err) {
	if (db_one(db, LOGS_PAGES, err, "") < 1) return -1;
	*ret = (struct pages){db_i64(db, LOGS_PAGES, 0), db_i64(db, LOGS_PAGES, 1), db_i64(db, LOGS_PAGES, 2)};
	db_reset(db, LOGS_PAGES);
	return 0;
}

/* A stream, and what it has. */
struct share {
	char group[64], stream[256];
	int64_t events, bytes;
};

/* What only the cloud itself says: it is forgotten for others' sake only when it has more than half. */
static bool group_is_kept(const char *group) {
	return strcmp(group, LOG_GROUP_AUDIT) == 0 || strcmp(group, LOG_GROUP_VALIDATE) == 0;
}

/* The stream that has the most, of those whose turn it is; events 0: there is none. */
static int share_largest(struct db *db, int64_t bound, struct share *ret, struct error *err) {
	struct share largest[2] = {0}; /* of the kept groups, of the others */
	int64_t kept = 0;
	int more = db_query(db, LOGS_SHARES, err, "");
	while (more == 0 && (more = db_step(db, LOGS_SHARES, err)) > 0) {
		bool keep = group_is_kept(db_text(db, LOGS_SHARES, 0));
		struct share *s = &largest[keep ? 0 : 1];
		int64_t events = db_i64(db, LOGS_SHARES, 2), bytes = db_i64(db, LOGS_SHARES, 3);
		if (keep) kept += bytes + events * ROW_BYTES;
		if (!s->events) {
			text_copy(s->group, sizeof s->group, db_text(db, LOGS_SHARES, 0));
			text_copy(s->stream, sizeof s->stream, db_text(db, LOGS_SHARES, 1));
			s->events = events;
			s->bytes = bytes;
		}
		more = 0;
	}
	if (more < 0) return -1;
	*ret = largest[0].events && (kept > bound / 2 || !largest[1].events) ? largest[0] : largest[1];
	return 0;
}

/* Forgets the oldest of the largest stream, at least one and about so many bytes: *ret_gone how many. */
static int trim(struct logs *l, int64_t bytes, int64_t *ret_gone, struct error *err) {
	struct share s;
	*ret_gone = 0;
	if (share_largest(l->writer, l->bounds.bytes ? l->bounds.bytes : INT64_MAX, &s, err)) return -1;
	if (!s.events) return 0;
	int64_t rows = MIN(bytes, batch_bytes(l)) / (s.bytes / s.events + ROW_BYTES);
	if (db_exec(l->writer, LOGS_TRIM, err, "tti", s.group, s.stream, MAX(rows, 1))) return -1;
	*ret_gone = db_changes(l->writer);
	return 0;
}

/* Writes the write-ahead log back and cuts it, when it is longer; one that a reader holds is tried again at the next
 * round. */
static int wal_cut(struct logs *l, int64_t most, struct error *err) {
	AUTO(xfree) char *wal = xasprintf("%s-wal", l->path);
	struct stat st;
	if (stat(wal, &st) || st.st_size <= MIN(most, WAL_BYTES_MAX)) return 0;
	static const int steps[] = {LOGS_BRIEF, LOGS_CUT, LOGS_PATIENT};
	int failed = 0;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (db_one(l->writer, steps[i], err, "") < 0) failed = -1;
		else db_reset(l->writer, steps[i]);
	}
	return failed;
}

static int trim_size(struct logs *l, struct error *err) {
	struct pages p;
	int64_t gone = 1;
	if (!l->bounds.bytes || pages_of(l->writer, &p, err)) return l->bounds.bytes ? -1 : 0;
	const int64_t part = l->bounds.bytes / 16;
	bool over = p.used * p.size > part * 12;
	while (over && gone && p.used * p.size > part * 11)
		if (trim(l, p.used * p.size - part * 11, &gone, err) || pages_of(l->writer, &p, err)) return -1;
	return wal_cut(l, part * 2, err);
}

static int trim_age(struct logs *l, struct error *err) {
	int64_t now_ms = clock_mono_ms(), gone = TRIM_ROWS;
	if (!l->bounds.age_ms || (l->aged_ms && now_ms - l->aged_ms < TRIM_AGE_EVERY_MS)) return 0;
	l->aged_ms = now_ms;
	while (gone == TRIM_ROWS) {
		if (db_exec(l->writer, LOGS_TRIM_AGE, err, "ii", (int64_t)TRIM_ROWS, clock_wall_ms() - l->bounds.age_ms))
			return -1;
		gone = db_changes(l->writer);
	}
	return 0;
}

/* The last of a disk is the catalog's: the log then goes on within the file it has. */
static int room_make(struct logs *l, struct error *err) {
	struct pages p;
	int64_t gone = 1, free_bytes, floor;
	if (!l->bounds.keep_free || disk_room(l->dir, l->bounds.keep_free, &free_bytes, &floor, err))
		return l->bounds.keep_free ? -1 : 0;
	if (free_bytes >= floor / 2) return 0;
	if (pages_of(l->writer, &p, err)) return -1;
	while (gone && p.free < FREE_PAGES_LEAST)
		if (trim(l, BATCH_BYTES_MAX, &gone, err) || pages_of(l->writer, &p, err)) return -1;
	if (p.free >= FREE_PAGES_LEAST) return 0;
	return error_set(err, ERR_DISK, "%s has %lld bytes free, which are kept for the catalog: free some space", l->dir,
		(long long)free_bytes);
}

/* At most BATCH_MAX lines from the queue, of about BATCH_BYTES_MAX. Called with the lock. */
static struct line *batch_take(struct logs *l, struct line **ret_end) {
	struct line *first = l->first, *end = first;
	if (!first) return NULL;
	size_t bytes = 0;
	for (int i = 1; i < BATCH_MAX && (int64_t)bytes < batch_bytes(l) && end->next; i++) {
		bytes += end->bytes;
		end = end->next;
	}
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

/* Lines go with the first transaction. What of the known events is on the disk when a later one fails is known then. */
static int round_write(struct logs *l, const struct line *lines, struct known_request *known, struct error *err) {
	struct known_request *k = known;
	size_t at = 0;
	bool first = true;
	for (; k; k = k->next) k->stored = 0;
	for (k = known; first || k; first = false) {
		if (room_make(l, err) || batch_write(l, first ? lines : NULL, &k, &at, err)) return first || !lines ? -1 : 1;
		struct error why = ERROR_INIT;
		if (trim_size(l, &why) || trim_age(l, &why))
			log_event(LOG_WARN, "logs", "the log could not be kept short", "why", why.text, NULL);
	}
	return 0;
}

/* One round. Called with the lock, which is not held over the commit. */
static void writer_round(struct logs *l) {
	struct line *end = NULL, *lines = batch_take(l, &end);
	struct known_request *known = l->known;
	struct error err = ERROR_INIT;
	l->known = NULL;
	l->known_last = &l->known;
	pthread_mutex_unlock(&l->lock);
	int failed = round_write(l, lines, known, &err);
	if (failed) log_event(LOG_ERROR, "logs", "log events could not be stored", "why", err.text, NULL);
	pthread_mutex_lock(&l->lock);
	known_finish(known, failed, &err);
	if (failed >= 0) batch_free(l, lines); /* 1: they are written, what came after is not */
	if (!failed) return;
	if (failed > 0) lines = NULL;
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

/* --- counting --- */

/* Called with the lock: the window's numbers become rows. */
static void counted_report(struct logs *l) {
	int64_t now_ms = clock_wall_ms();
	for (struct counted *c = l->counted; c < l->counted + COUNT_KINDS && c->kind[0]; c++) {
		if (c->more) {
			json_add_i64(c->event, "repeated", c->more);
			json_add_time(c->event, "until", now_ms);
			enqueue(l, line_new(c->group, c->stream, now_ms, json_text(c->event)));
		}
		json_free(c->event);
		*c = (struct counted){0};
	}
	if (l->uncounted)
		enqueue(l, line_new(LOG_GROUP_API, "api", now_ms,
					   xasprintf("{\"level\":\"info\",\"code\":\"calls_counted\",\"repeated\":%lld,"
								 "\"message\":\"further kinds of calls without a key\"}",
						   (long long)l->uncounted)));
	l->uncounted = 0;
	l->window_end_ms = 0;
}

/* Called with the lock: until there is something to write. */
static void work_wait(struct logs *l) {
	while (!l->first && !l->known && !l->closing) {
		int64_t left_ms = l->window_end_ms - clock_mono_ms();
		if (!l->window_end_ms) {
			pthread_cond_wait(&l->queued, &l->lock);
		} else if (left_ms <= 0) {
			counted_report(l);
		} else {
			const struct timespec until = deadline_after(left_ms);
			pthread_cond_timedwait(&l->queued, &l->lock, &until);
		}
	}
	if (l->window_end_ms && (l->closing || clock_mono_ms() >= l->window_end_ms)) counted_report(l);
}

static void *writer_main(void *arg) {
	struct logs *l = arg;
	pthread_mutex_lock(&l->lock);
	for (;;) {
		work_wait(l);
		linger(l, LINGER_MS);
		struct line *before = l->first;
		writer_round(l);
		dropped_report(l);
		/* Closing: until all is written, or the disk refuses. */
		if (l->closing && !l->known && !l->window_end_ms && (!l->first || l->first == before)) break;
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
		c->event = cJSON_Duplicate(event, true);
	}
	if (!l->window_end_ms) {
		l->window_end_ms = clock_mono_ms() + COUNT_WINDOW_MS;
		pthread_cond_signal(&l->queued);
	}
	pthread_mutex_unlock(&l->lock);
	if (a_row) logs_add(l, group, stream, event);
	else json_free(event);
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

/* By pages, so that nobody who looks at the log slowly keeps its write-ahead log from being cut. */
#define PAGE_ROWS 100
struct read_row {
	int64_t id, at_ms;
	char *group, *stream, *json;
};
struct read_page {
	struct read_row rows[PAGE_ROWS];
	size_t n;
};

static void read_page_done(struct read_page *p) {
	for (struct read_row *r = p->rows; r < p->rows + p->n; r++) {
		xfree(r->group);
		xfree(r->stream);
		xfree(r->json);
	}
}
DEFINE_AUTO_VAL(struct read_page, read_page_done)

static int page_read(struct db *db, const char *group_or_null, int64_t since_ms, int64_t after_id, int64_t limit,
	struct read_page *ret, struct error *err) {
	const int s = group_or_null ? LOGS_READ_GROUP : LOGS_READ;
	int more = group_or_null ? db_query(db, s, err, "iiit", after_id, since_ms, limit, group_or_null)
							 : db_query(db, s, err, "iii", after_id, since_ms, limit);
	if (more) return -1;
	while ((more = db_step(db, s, err)) > 0)
		ret->rows[ret->n++] = (struct read_row){.id = db_i64(db, s, 0),
			.group = xstrdup(db_text(db, s, 1)),
			.stream = xstrdup(db_text(db, s, 2)),
			.at_ms = db_i64(db, s, 3),
			.json = xstrdup(db_text(db, s, 4))};
	return more;
}

int logs_read(struct logs *l, const char *group_or_null, int64_t since_ms, int64_t after_id, int64_t limit,
	logs_on_event *on_event, void *arg, struct error *err) {
	AUTO(db_close) struct db *db = NULL;
	if (db_open(&db, l->path, DB_READER, &logs_schema, err)) return -1;
	for (bool more = true; more && limit > 0;) {
		AUTO(read_page_done) struct read_page page = {0};
		if (page_read(db, group_or_null, since_ms, after_id, MIN(limit, PAGE_ROWS), &page, err)) return -1;
		for (size_t i = 0; i < page.n; i++) {
			const struct read_row *r = &page.rows[i];
			if (on_event(arg, r->id, r->group, r->stream, r->at_ms, r->json)) return 0;
			after_id = r->id;
		}
		more = page.n == (size_t)MIN(limit, PAGE_ROWS);
		limit -= (int64_t)page.n;
	}
	return 0;
}

/* --- opening --- */

int logs_open(struct logs **ret, const char *data_dir, struct error *err) {
	if (file_mkdirs(data_dir, 0700, err)) return -1;
	AUTO(logs_close) struct logs *l = xcalloc(1, sizeof *l);
	l->last = &l->first;
	l->known_last = &l->known;
	l->path = path_join(data_dir, "logs.db");
	l->dir = xstrdup(data_dir);
	pthread_mutex_init(&l->lock, NULL);
	condition_init(&l->queued);
	if (db_open(&l->writer, l->path, DB_WRITER, &logs_schema, err)) return -1;
	int e = pthread_create(&l->thread, NULL, writer_main, l);
	if (e) return error_errno(err, ERR_INTERNAL, e, "start the log's writer thread");
	l->thread_runs = true;
	*ret = TAKE(l);
	return 0;
}

void logs_bound(struct logs *l, const struct logs_bounds *bounds) {
	pthread_mutex_lock(&l->lock);
	l->bounds = *bounds;
	pthread_mutex_unlock(&l->lock);
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
	xfree(l->dir);
	xfree(l);
}
