/* SPDX-License-Identifier: MIT */
/* POST /v1/objects/stat: what is stored under names of the caller's session, by the store and not by the catalog alone:
 * how a client finds an answer that was lost, and whether its cloud still has what it accepted. With `read` the bytes
 * are read and hashed again: few names and so many bytes a call; what is whole and was not reached lacks `read`. */
#include <pthread.h>

#include "base/text.h"
#include "cloud/api/handlers.h"
#include "cloud/api/member.h"
#include "cloud/store/examine.h"

#define NAME_MEMORY (6 * 1024) /* of a name in hand: its row, its place in body and answer */
#define READ_NAMES_MAX 16
#define READ_WAIT_S 2
#define READ_BYTES_A_CALL (1LL << 30) /* no object is begun beyond it */

/* Calls that read now: one a key, so that a station's look at all it has keeps no other's waiting. */
#define READERS_MAX 4
static struct {
	pthread_mutex_t lock;
	char keys[READERS_MAX][24];
} readers = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The place taken, -1: none is free. */
static int reader_enter(const char *key_id) {
	int place = -1;
	pthread_mutex_lock(&readers.lock);
	for (int i = 0; i < READERS_MAX; i++) {
		if (!readers.keys[i][0]) place = i;
		if (strcmp(readers.keys[i], key_id) != 0) continue;
		place = -1;
		break;
	}
	if (place >= 0) text_copy(readers.keys[place], sizeof readers.keys[place], key_id);
	pthread_mutex_unlock(&readers.lock);
	return place;
}

static void reader_leave_auto(int *place) {
	if (*place < 0) return;
	pthread_mutex_lock(&readers.lock);
	readers.keys[*place][0] = '\0';
	pthread_mutex_unlock(&readers.lock);
}

struct stat_call {
	const char *names[PRESIGN_FILES_MAX];
	struct object_row *rows[PRESIGN_FILES_MAX]; /* NULL: nothing is known under the name */
	size_t n;
	bool read;
	int64_t bytes; /* read so far */
	cJSON *objects;
};
static void stat_call_done(struct stat_call *s) {
	for (size_t i = 0; i < s->n; i++) xfree(s->rows[i]);
	json_free(s->objects);
	xfree(s);
}
DEFINE_AUTO_PTR(struct stat_call, stat_call_done)

static int on_stat(void *arg, size_t i, const struct object_row *row) {
	struct stat_call *s = arg;
	if (!row) return 0;
	s->rows[i] = xcalloc(1, sizeof *row);
	*s->rows[i] = *row;
	return 0;
}

static void answer_whole(const struct object_row *row, const struct examined *e, cJSON *object) {
	char checksum[SHA256_BASE64];
	json_add_i64(object, "size", row->size);
	json_add_text(object, "checksum", sha256_base64(checksum, &row->sha256));
	json_add_time(object, "stored_at", row->stored_ms);
	if (e->read) json_add_bool(object, "read", true);
}

static int object_answer(
	const struct stores *stores, struct stat_call *s, const struct object_row *row, cJSON *object, struct error *err) {
	struct examined e = {.finding = FOUND_MISSING};
	bool read = s->read && s->bytes < READ_BYTES_A_CALL;
	if (row && object_examine(stores, row, read ? EXAMINE_READ : EXAMINE_SIZE, &e, err)) return -1;
	if (e.read) s->bytes += row->size;
	if (e.finding == FOUND_WHOLE) answer_whole(row, &e, object);
	else if (e.finding == FOUND_MISSING) json_add_bool(object, "missing", true);
	else {
		json_add_bool(object, "damaged", true);
		json_add_text(object, "message", e.words);
	}
	return 0;
}

static int objects_answer(struct call *c, struct stat_call *s, struct error *err) {
	const struct stores stores = api_stores(c->api);
	for (size_t i = 0; i < s->n; i++) {
		cJSON *object = json_object();
		json_push(s->objects, object);
		json_add_text(object, "name", s->names[i]);
		if (object_answer(&stores, s, s->rows[i], object, err)) return -1;
	}
	return 0;
}

static int names_read(const cJSON *body, struct stat_call *s, struct error *err) {
	const cJSON *names, *item;
	if (json_may_bool(body, "read", NULL, &s->read, err) ||
		json_want_array(body, "names", NULL, s->read ? READ_NAMES_MAX : PRESIGN_FILES_MAX, &names, err))
		return -1;
	json_each (item, names) {
		const char *name = json_as_text(item);
		if (!name) return error_set(err, ERR_INPUT, "names[%zu] must be a text", s->n);
		s->names[s->n++] = name;
	}
	return 0;
}

void stat_post(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	struct session_ref ref;
	AUTO(stat_call_done) struct stat_call *s = xcalloc(1, sizeof *s);
	s->objects = json_array();
	if (member_session(c->body, &ref, &err) || names_read(c->body, s, &err)) {
		reply_error(r, &err);
		return;
	}
	if (!call_memory(c, r, (int64_t)s->n * NAME_MEMORY)) return;
	AUTO(reader_leave) int place = s->read ? reader_enter(c->who.key_id) : -1;
	if (s->read && place < 0) {
		reply_header(r, "Retry-After", "%d", READ_WAIT_S);
		reply_fault(r, FAULT_RATE_LIMITED, "objects are being read already, for this key or for %d others; wait %d s",
			READERS_MAX, READ_WAIT_S);
		return;
	}
	if (catalog_objects_by_name(
			c->api->catalog, c->who.station, ref.session, ref.revision, s->names, s->n, on_stat, s, &err) ||
		objects_answer(c, s, &err)) {
		reply_error(r, &err);
		return;
	}
	cJSON *answer = json_object();
	json_add(answer, "objects", TAKE(s->objects));
	reply_json(r, 200, answer);
}
