/* SPDX-License-Identifier: MIT */
/* POST /v1/objects/stat: what is stored under names of the caller's session: how a client finds an answer that was
 * lost.
 */
#include "cloud/api/handlers.h"
#include "cloud/api/member.h"

static int stat_one(
	struct call *c, const struct session_ref *ref, const char *name, cJSON *objects, struct error *err) {
	struct object_row row;
	int there = catalog_object_by_name(c->api->catalog, c->who.station, ref->session, ref->revision, name, &row, err);
	if (there < 0) return -1;
	cJSON *object = json_object();
	json_add_text(object, "name", name);
	if (there) {
		char checksum[SHA256_BASE64];
		json_add_i64(object, "size", row.size);
		json_add_text(object, "checksum", sha256_base64(checksum, &row.sha256));
		json_add_time(object, "stored_at", row.stored_ms);
	} else {
		json_add_bool(object, "missing", true);
	}
	json_push(objects, object);
	return 0;
}

void stat_post(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	struct session_ref ref;
	const cJSON *names, *item;
	AUTO(json_free) cJSON *objects = json_array();
	if (member_session(c->body, &ref, &err) ||
		json_want_array(c->body, "names", NULL, PRESIGN_FILES_MAX, &names, &err)) {
		reply_error(r, &err);
		return;
	}
	size_t i = 0;
	cJSON_ArrayForEach (item, names) {
		if (!cJSON_IsString(item)) {
			reply_fault(r, FAULT_BAD_REQUEST, "names[%zu] must be a text", i);
			return;
		}
		if (stat_one(c, &ref, item->valuestring, objects, &err)) {
			reply_error(r, &err);
			return;
		}
		i++;
	}
	cJSON *answer = json_object();
	json_add(answer, "objects", TAKE(objects));
	reply_json(r, 200, answer);
}
