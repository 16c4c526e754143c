/* SPDX-License-Identifier: MIT */
/* Looking at one object, and what is done about one that is not what it was stored as. */
#include "cloud/store/examine.h"

#include "base/log.h"
#include "base/text.h"
#include "cloud/store/reconcile.h"

static void say(struct examined *e, enum finding finding, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void say(struct examined *e, enum finding finding, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	e->finding = finding;
	vsnprintf(e->words, sizeof e->words, fmt, args);
	va_end(args);
}

/* An operator can find the bytes again, and what became of them. */
static void log_lost(
	const struct stores *s, const struct object_row *row, const struct examined *e, const char *where) {
	cJSON *event = json_object();
	json_add_text(event, "level", "error");
	json_add_text(event, "code", e->finding == FOUND_MISSING ? "object_missing" : "object_damaged");
	json_add_text(event, "message", e->words);
	json_add_text(event, "station", row->station);
	json_add_text(event, "session", row->session);
	json_add_i64(event, "revision", row->revision);
	json_add_text(event, "bucket", row->bucket);
	json_add_text(event, "key", row->key);
	if (where[0]) json_add_text(event, "moved_to", where);
	logs_add(s->logs, LOG_GROUP_VALIDATE, row->station, event);
	log_event(LOG_ERROR, "store", e->words, "key", row->key, "session", row->session, NULL);
}

/* fd: of the file that was read, or -1. */
static int lose(
	const struct stores *s, const struct object_row *row, int fd, const struct examined *e, struct error *err) {
	char where[OBJECT_ASIDE] = "";
	if (e->finding == FOUND_DAMAGED && object_aside(s->objects, row->bucket, row->key, fd, where, err) < 0) return -1;
	if (catalog_object_lost(s->catalog, row, err)) return -1;
	log_lost(s, row, e, where);
	return 0;
}

/* Not as long as it was: looked at once more by what is open, so that nothing else is moved. */
static int lose_cut(const struct stores *s, const struct object_row *row, const char *name,
	const struct object_sight *sight, struct examined *e, struct error *err) {
	AUTO(fd_close) int fd = -1;
	int64_t size = 0;
	if (sight->size < 0) {
		say(e, FOUND_DAMAGED, "what lies in the place of %s in the store is no file", name);
		return lose(s, row, -1, e, err);
	}
	if (object_open(s->objects, row->bucket, row->key, &fd, &size, err)) return -1;
	if (size == row->size) return 0;
	say(e, FOUND_DAMAGED, "%s has %lld bytes in the store, %lld were stored", name, (long long)size,
		(long long)row->size);
	return lose(s, row, fd, e, err);
}

static int lose_rotten(const struct stores *s, const struct object_row *row, const char *name, int fd,
	struct examined *e, struct error *err) {
	say(e, FOUND_DAMAGED, "the bytes of %s in the store are not those that were stored", name);
	return lose(s, row, fd, e, err);
}

static bool is_row(const struct object_row *row, const struct object_sight *sight) {
	return sight->size == row->size && sha256_equal(&sight->digest, &row->sha256);
}

static int read_bytes(
	const struct stores *s, const struct object_row *row, const char *name, struct examined *e, struct error *err) {
	AUTO(fd_close) int fd = -1;
	struct object_sight sight;
	if (object_read(s->objects, row->bucket, row->key, &fd, &sight, err)) return -1;
	e->read = true;
	return is_row(row, &sight) ? 0 : lose_rotten(s, row, name, fd, e, err);
}

static int look_whole(const struct stores *s, const struct object_row *row, const char *name,
	const struct object_sight *sight, enum examining how, struct examined *e, struct error *err) {
	if (how == EXAMINE_SIZE) return 0;
	if (how == EXAMINE_READ || !sight->hashed || !is_row(row, sight)) return read_bytes(s, row, name, e, err);
	e->arrived = sight->arrived;
	return 0;
}

/* Somebody brought back what was gone: a folder that was moved away, a disk that was mounted again. */
static int look_lost(
	const struct stores *s, const struct object_row *row, const char *name, struct examined *e, struct error *err) {
	enum reconciled result;
	say(e, FOUND_MISSING, "%s is not in the store", name);
	if (!row->lost_ms) return 0;
	if (object_reconcile(s->catalog, s->objects, row->bucket, row->key, &result, NULL, err)) return -1;
	if (result == RECONCILED_STORED) *e = (struct examined){.finding = FOUND_WHOLE, .read = true};
	return 0;
}

int object_examine(
	const struct stores *s, const struct object_row *row, enum examining how, struct examined *ret, struct error *err) {
	struct examined e = {.finding = FOUND_WHOLE};
	struct object_sight sight;
	char name[128];
	int status = 0;
	text_safe(name, sizeof name, row->name[0] ? row->name : row->key);
	int there = object_sight(s->objects, row->bucket, row->key, &sight, err);
	if (there < 0) return -1;
	if (!row->stored_ms) status = look_lost(s, row, name, &e, err);
	else if (!there) {
		say(&e, FOUND_MISSING, "%s was stored and is gone from the store", name);
		status = lose(s, row, -1, &e, err);
	} else if (sight.size != row->size) status = lose_cut(s, row, name, &sight, &e, err);
	else status = look_whole(s, row, name, &sight, how, &e, err);
	if (status == 0) *ret = e;
	return status;
}
