/* SPDX-License-Identifier: MIT */
/* POST /v1/objects/stat: what is stored under names of the caller's session: how a client finds an answer that was
 * lost.
 */
#include "cloud/api/handlers.h"
#include "cloud/api/member.h"

struct stat_call {
	const char *names[PRESIGN_FILES_MAX];
	size_t n;
	cJSON *objects;
};
static void stat_call_done(struct stat_call *s) { json_free(s->objects); }
DEFINE_AUTO_VAL(struct stat_call, stat_call_done)

static int on_stat(void *arg, size_t i, const struct object_row *row) {
	struct stat_call *s = arg;
	cJSON *object = json_object();
	json_add_text(object, "name", s->names[i]);
	if (row) {
		char checksum[SHA256_BASE64];
		json_add_i64(object, "size", row->size);
		json_add_text(object, "checksum", sha256_base64(checksum, &row->sha256));
		json_add_time(object, "stored_at", row->stored_ms);
	} else {
		json_add_bool(object, "missing", true);
	}
	json_push(s->objects, object);
	return 0;
}

static int names_read(const cJSON *names, struct stat_call *s, struct error *err) {
	const cJSON *item;
	cJSON_ArrayForEach (item, names) {
		if (!cJSON_IsString(item)) return error_set(err, ERR_INPUT, "names[%zu] must be a text", s->n);
		s->names[s->n++] = item->valuestring;
	}
	return 0;
}

void stat_post(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	struct session_ref ref;
	const cJSON *names;
	AUTO(stat_call_done) struct stat_call s = {.objects = json_array()};
	if (member_session(c->body, &ref, &err) ||
		json_want_array(c->body, "names", NULL, PRESIGN_FILES_MAX, &names, &err) || names_read(names, &s, &err) ||
		catalog_objects_by_name(
			c->api->catalog, c->who.station, ref.session, ref.revision, s.names, s.n, on_stat, &s, &err)) {
		reply_error(r, &err);
		return;
	}
	cJSON *answer = json_object();
	json_add(answer, "objects", TAKE(s.objects));
	reply_json(r, 200, answer);
}
