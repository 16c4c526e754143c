/* SPDX-License-Identifier: MIT */
/* The log's bounds. For size, the oldest of whatever stream has the most go: a station's events push out its own, and
 * neither they nor the API's calls touch audit and validation, which have half of the bound for themselves. The bound
 * is that of the file and its write-ahead log together: a transaction is a small part of it, and the log is written
 * back and cut after it. The writer's thread. */
#include "cloud/store/logs_core.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cloud/store/room.h"

#define TRIM_ROWS 500
#define WAL_BYTES_MAX (16 << 20)
#define TRIM_AGE_EVERY_MS 600000
#define FREE_PAGES_LEAST 256 /* on a full disk: room within the file, made by forgetting the oldest */

int64_t logs_batch_bytes(const struct logs *l) {
	return l->bounds.bytes ? MIN(l->bounds.bytes / 16, LOGS_BATCH_BYTES_MAX) : LOGS_BATCH_BYTES_MAX;
}

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
		if (keep) kept += bytes + events * LOGS_ROW_BYTES;
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
	if (share_largest(l->db, l->bounds.bytes ? l->bounds.bytes : INT64_MAX, &s, err)) return -1;
	if (!s.events) return 0;
	int64_t rows = MIN(bytes, logs_batch_bytes(l)) / (s.bytes / s.events + LOGS_ROW_BYTES);
	if (db_exec(l->db, LOGS_TRIM, err, "tti", s.group, s.stream, MAX(rows, 1))) return -1;
	*ret_gone = db_changes(l->db);
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
		if (db_one(l->db, steps[i], err, "") < 0) failed = -1;
		else db_reset(l->db, steps[i]);
	}
	return failed;
}

static int trim_size(struct logs *l, struct error *err) {
	struct pages p;
	int64_t gone = 1;
	if (!l->bounds.bytes || pages_of(l->db, &p, err)) return l->bounds.bytes ? -1 : 0;
	const int64_t part = l->bounds.bytes / 16;
	bool over = p.used * p.size > part * 12;
	while (over && gone && p.used * p.size > part * 11)
		if (trim(l, p.used * p.size - part * 11, &gone, err) || pages_of(l->db, &p, err)) return -1;
	return wal_cut(l, part * 2, err);
}

static int trim_age(struct logs *l, struct error *err) {
	int64_t now_ms = clock_mono_ms(), gone = TRIM_ROWS;
	if (!l->bounds.age_ms || (l->aged_ms && now_ms - l->aged_ms < TRIM_AGE_EVERY_MS)) return 0;
	l->aged_ms = now_ms;
	while (gone == TRIM_ROWS) {
		if (db_exec(l->db, LOGS_TRIM_AGE, err, "ii", (int64_t)TRIM_ROWS, clock_wall_ms() - l->bounds.age_ms)) return -1;
		gone = db_changes(l->db);
	}
	return 0;
}

/* The last of a disk is the catalog's: the log then goes on within the file it has. */
int logs_make_room(struct logs *l, struct error *err) {
	struct pages p;
	int64_t gone = 1, free_bytes, floor;
	if (!l->bounds.keep_free || disk_room(l->dir, l->bounds.keep_free, &free_bytes, &floor, err))
		return l->bounds.keep_free ? -1 : 0;
	if (free_bytes >= floor / 2) return 0;
	if (pages_of(l->db, &p, err)) return -1;
	while (gone && p.free < FREE_PAGES_LEAST)
		if (trim(l, LOGS_BATCH_BYTES_MAX, &gone, err) || pages_of(l->db, &p, err)) return -1;
	if (p.free >= FREE_PAGES_LEAST) return 0;
	return error_set(err, ERR_DISK, "%s has %lld bytes free, which are kept for the catalog: free some space", l->dir,
		(long long)free_bytes);
}

void logs_keep_short(struct logs *l) {
	struct error why = ERROR_INIT;
	if (trim_size(l, &why) || trim_age(l, &why))
		log_event(LOG_WARN, "logs", "the log could not be kept short", "why", why.text, NULL);
}
