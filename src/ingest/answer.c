/* SPDX-License-Identifier: MIT */
/* The shapes of the answers. Lengths are bounds against nonsense, generous against what the cloud writes today. */
#include "ingest/answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/format.h"

#define REVISION_MAX 1000000
#define REVISIONS_MAX 1000
#define FILES_MAX 1000
#define PAGE_MAX 1000
#define CHECKS_MAX 64
#define TEXT_MAX 8192
#define TOKEN_MAX 8192
#define URL_MAX 8192
#define CURSOR_MAX 4096
#define KEY_MAX 1024
#define HEADERS_MAX 32
#define DAY_S 86400

/* A member as `kind` of the struct's field `at`: must be there, or may. */
#define MEMBER(k, name_, optional_, at_, ...)                                                                          \
	{ .name = (name_), .kind = SHAPE_##k, .optional = (optional_), .at = (at_), __VA_ARGS__ }
#define MUST(k, name_, at_, ...) MEMBER(k, name_, false, at_, __VA_ARGS__)
#define MAY(k, name_, at_, ...) MEMBER(k, name_, true, at_, __VA_ARGS__)
#define BYTES(least, most) .min = (least), .max = (most)
#define RANGE(least, most) .min = (least), .max = (most)
#define MOST(n) .max = (n)
#define SHAPE(rows, struct_)                                                                                           \
	{ .size = sizeof(struct_), .members = (rows), .n = ARRAY_LEN(rows) }

struct nothing {
	char unused;
};

/* --- info, authenticate --- */

static const struct shape_member limits_members[] = {
	MUST(NUMBER, "files_per_call", SHAPE_NOWHERE, RANGE(1, JSON_WHOLE_MAX)),
	MUST(TEXT, "part_size_rule", SHAPE_NOWHERE, BYTES(0, TEXT_MAX), .format = format_label),
	MUST(NUMBER, "body_bytes", SHAPE_NOWHERE, RANGE(1, JSON_WHOLE_MAX)),
};
static const struct shape limits_shape = SHAPE(limits_members, struct nothing);
static const struct shape_member info_members[] = {
	MUST(TEXT, "service", SHAPE_NOWHERE, BYTES(1, 128), .format = format_label),
	MUST(TEXT, "version", SHAPE_NOWHERE, BYTES(1, 128), .format = format_label),
	MUST(NUMBER, "api", SHAPE_NOWHERE, RANGE(1, INT32_MAX)),
	MUST(TEXT, "minimum_client", SHAPE_NOWHERE, BYTES(1, 128), .format = format_label),
	MUST(TEXT, "now", SHAPE_NOWHERE, BYTES(1, 64), .format = format_time),
	MUST(OBJECT, "limits", SHAPE_NOWHERE, .of = &limits_shape),
};
static const struct shape info_shape = SHAPE(info_members, struct nothing);

#define AT(field) offsetof(struct answer_authenticate, field)
static const struct shape_member authenticate_members[] = {
	MUST(TEXT, "token", AT(token), BYTES(1, TOKEN_MAX), .format = format_token),
	MUST(TEXT, "station", AT(station), BYTES(1, 64), .format = format_station),
	MUST(NUMBER, "expires_in", AT(expires_in_s), RANGE(1, 366 * DAY_S)),
	MAY(TEXTS, "scopes", SHAPE_NOWHERE, MOST(64), .format = format_label),
};
#undef AT
static const struct shape authenticate_shape = SHAPE(authenticate_members, struct answer_authenticate);

/* --- schema --- */

static const struct shape_member rule_members[] = {
	MUST(TEXT, "type", SHAPE_NOWHERE, BYTES(1, 64), .format = format_word),
	MAY(BOOL, "required", SHAPE_NOWHERE),
	MAY(AMOUNT, "minimum", SHAPE_NOWHERE),
	MAY(AMOUNT, "maximum", SHAPE_NOWHERE),
	MAY(TEXTS, "one_of", SHAPE_NOWHERE, MOST(1000), .format = format_label),
};
static const struct shape rule_shape = SHAPE(rule_members, struct nothing);
static const struct shape_member metadata_members[] = {
	MUST(TEXT, "file", SHAPE_NOWHERE, BYTES(1, KEY_MAX), .format = format_label),
	MUST(NAMED, "keys", SHAPE_NOWHERE, MOST(1000), .of = &rule_shape),
};
static const struct shape metadata_shape = SHAPE(metadata_members, struct nothing);
static const struct shape_member schema_members[] = {
	MUST(NUMBER, "version", SHAPE_NOWHERE, RANGE(1, INT32_MAX)),
	MUST(OBJECT, "metadata", SHAPE_NOWHERE, .of = &metadata_shape),
};
static const struct shape schema_shape = SHAPE(schema_members, struct nothing);

/* --- presign, stat --- */

#define AT(field) offsetof(struct answer_revision, field)
static const struct shape_member revision_members[] = {
	MUST(NUMBER, "revision", AT(revision), RANGE(1, REVISION_MAX)),
	MUST(TEXT, "state", AT(state), BYTES(1, 64), .format = format_word),
	MAY(TEXT, "content", AT(content), BYTES(64, 64), .format = format_sha256_hex),
	MAY(TEXT, "instance", AT(instance), BYTES(1, 128), .format = format_label),
};
#undef AT
static const struct shape revision_shape = SHAPE(revision_members, struct answer_revision);

#define AT(field) offsetof(struct answer_put, field)
static const struct shape_member put_members[] = {
	MUST(TEXT, "url", AT(url), BYTES(1, URL_MAX), .format = format_url),
	MUST(PAIRS, "headers", AT(headers), .n_at = AT(header_n), MOST(HEADERS_MAX), .format = format_header_value,
		.name_format = format_header_name),
	MAY(TEXT, "expires_at", SHAPE_NOWHERE, BYTES(1, 64), .format = format_time),
};
#undef AT
static const struct shape put_shape = SHAPE(put_members, struct answer_put);

#define AT(field) offsetof(struct answer_exists, field)
static const struct shape_member exists_members[] = {
	MUST(NUMBER, "size", AT(size), RANGE(0, JSON_WHOLE_MAX)),
	MUST(TEXT, "sha256", AT(sha256), BYTES(44, 44), .format = format_sha256),
};
#undef AT
static const struct shape exists_shape = SHAPE(exists_members, struct answer_exists);

#define AT(field) offsetof(struct answer_refusal, field)
static const struct shape_member refusal_members[] = {
	MUST(TEXT, "code", AT(code), BYTES(1, 64), .format = format_word),
	MUST(TEXT, "message", AT(message), BYTES(1, TEXT_MAX)),
};
#undef AT
static const struct shape refusal_shape = SHAPE(refusal_members, struct answer_refusal);

static const char *file_whole(const void *read) {
	const struct answer_file *f = read;
	if (!!f->put + !!f->exists + !!f->refusal != 1) return "must hold exactly one of put, exists and error";
	return f->refusal || (f->bucket && f->key) ? NULL : "must name bucket and key";
}

#define AT(field) offsetof(struct answer_file, field)
static const struct shape_member file_members[] = {
	MUST(TEXT, "name", AT(name), BYTES(1, KEY_MAX)), /* compared with what was asked for */
	MAY(TEXT, "bucket", AT(bucket), BYTES(3, 255), .format = format_label),
	MAY(TEXT, "key", AT(key), BYTES(1, KEY_MAX), .format = format_key),
	MAY(OBJECT, "put", AT(put), .of = &put_shape),
	MAY(OBJECT, "exists", AT(exists), .of = &exists_shape),
	MAY(OBJECT, "error", AT(refusal), .of = &refusal_shape),
};
#undef AT
static const struct shape file_shape = {
	.size = sizeof(struct answer_file), .members = file_members, .n = ARRAY_LEN(file_members), .whole = file_whole};

#define AT(field) offsetof(struct answer_presign, field)
static const struct shape_member presign_members[] = {
	MAY(LIST, "revisions", AT(revisions), .n_at = AT(revision_n), MOST(REVISIONS_MAX), .of = &revision_shape),
	MUST(LIST, "files", AT(files), .n_at = AT(file_n), MOST(FILES_MAX), .of = &file_shape),
};
#undef AT
static const struct shape presign_shape = SHAPE(presign_members, struct answer_presign);

static const char *object_whole(const void *read) {
	const struct answer_object *o = read;
	return o->missing || o->damaged || (o->checksum && o->size >= 0)
			   ? NULL
			   : "must be missing, damaged, or have size and checksum";
}

#define AT(field) offsetof(struct answer_object, field)
static const struct shape_member object_members[] = {
	MUST(TEXT, "name", AT(name), BYTES(1, KEY_MAX)),
	MAY(TEXT, "checksum", AT(checksum), BYTES(44, 44), .format = format_sha256),
	MAY(NUMBER, "size", AT(size), RANGE(0, JSON_WHOLE_MAX), .absent = -1),
	MAY(BOOL, "missing", AT(missing)),
	MAY(BOOL, "damaged", AT(damaged)),
	MAY(BOOL, "read", AT(read)),
	MAY(TEXT, "stored_at", SHAPE_NOWHERE, BYTES(1, 64), .format = format_time),
};
#undef AT
static const struct shape object_shape = {.size = sizeof(struct answer_object),
	.members = object_members,
	.n = ARRAY_LEN(object_members),
	.whole = object_whole};

#define AT(field) offsetof(struct answer_stat, field)
static const struct shape_member stat_members[] = {
	MUST(LIST, "objects", AT(objects), .n_at = AT(object_n), MOST(FILES_MAX), .of = &object_shape),
};
#undef AT
static const struct shape stat_shape = SHAPE(stat_members, struct answer_stat);

/* --- sessions, changes --- */

static const struct shape_member check_members[] = {
	MUST(TEXT, "name", SHAPE_NOWHERE, BYTES(1, 64), .format = format_word),
	MUST(TEXT, "verdict", SHAPE_NOWHERE, BYTES(1, 64), .format = format_word),
	MAY(TEXT, "found", SHAPE_NOWHERE, BYTES(0, TEXT_MAX)),
	MAY(TEXT, "rule", SHAPE_NOWHERE, BYTES(0, TEXT_MAX)),
	MAY(TEXT, "mend", SHAPE_NOWHERE, BYTES(0, TEXT_MAX)),
};
static const struct shape check_shape = SHAPE(check_members, struct nothing);

#define AT(field) offsetof(struct answer_session, field)
#define SESSION_MEMBERS                                                                                                \
	MAY(TEXT, "station", AT(station), BYTES(1, 64), .format = format_station),                                         \
		MUST(TEXT, "session", AT(session), BYTES(15, 15), .format = format_session),                                   \
		MUST(NUMBER, "revision", AT(revision), RANGE(1, REVISION_MAX)),                                                \
		MUST(TEXT, "state", AT(state), BYTES(1, 64), .format = format_word),                                           \
		MAY(TEXT, "processing", AT(processing), BYTES(1, 15), .format = format_word),                                  \
		MAY(DOCUMENT, "checks", AT(checks), MOST(CHECKS_MAX), .of = &check_shape),                                     \
		MAY(TEXT, "content", AT(content), BYTES(64, 64), .format = format_sha256_hex),                                 \
		MAY(TEXT, "instance", AT(instance), BYTES(1, 128), .format = format_label)
static const struct shape_member one_members[] = {SESSION_MEMBERS};
static const struct shape one_shape = SHAPE(one_members, struct answer_session);
static const struct shape_member session_members[] = {
	SESSION_MEMBERS,
	MAY(LIST, "revisions", AT(revisions), .n_at = AT(revision_n), MOST(REVISIONS_MAX), .of = &one_shape),
};
#undef AT
static const struct shape session_shape = SHAPE(session_members, struct answer_session);

#define AT(field) offsetof(struct answer_sessions, field)
static const struct shape_member sessions_members[] = {
	MUST(LIST, "sessions", AT(sessions), .n_at = AT(session_n), MOST(PAGE_MAX), .of = &one_shape),
	MAY(TEXT, "next", AT(next), BYTES(1, CURSOR_MAX), .format = format_cursor),
};
#undef AT
static const struct shape sessions_shape = SHAPE(sessions_members, struct answer_sessions);

#define AT(field) offsetof(struct answer_changes, field)
static const struct shape_member changes_members[] = {
	MUST(LIST, "changes", AT(changes), .n_at = AT(change_n), MOST(PAGE_MAX), .of = &one_shape),
	MUST(TEXT, "cursor", AT(cursor), BYTES(1, CURSOR_MAX), .format = format_cursor),
	MAY(BOOL, "reset", AT(reset)),
};
#undef AT
static const struct shape changes_shape = SHAPE(changes_members, struct answer_changes);

/* --- events, heartbeat, stations --- */

static const struct shape_member events_members[] = {
	MUST(NUMBER, "stored", SHAPE_NOWHERE, RANGE(0, PAGE_MAX)),
};
static const struct shape events_shape = SHAPE(events_members, struct nothing);

#define AT(field) offsetof(struct answer_heartbeat, field)
static const struct shape_member heartbeat_members[] = {
	MUST(TEXT, "now", SHAPE_NOWHERE, BYTES(1, 64), .format = format_time),
	MUST(NUMBER, "stations_with_this_key", AT(stations_with_this_key), RANGE(0, INT32_MAX)),
};
#undef AT
static const struct shape heartbeat_shape = SHAPE(heartbeat_members, struct answer_heartbeat);

static const struct shape_member station_members[] = {
	MUST(TEXT, "station", SHAPE_NOWHERE, BYTES(1, 64), .format = format_station),
	MAY(TEXT, "last_heartbeat_at", SHAPE_NOWHERE, BYTES(1, 64), .format = format_time),
	MAY(TEXT, "instance", SHAPE_NOWHERE, BYTES(0, 128), .format = format_label),
	MAY(TEXT, "version", SHAPE_NOWHERE, BYTES(0, 128), .format = format_label),
	MAY(NUMBER, "queue", SHAPE_NOWHERE, RANGE(0, JSON_WHOLE_MAX)),
	MAY(NUMBER, "bytes_left", SHAPE_NOWHERE, RANGE(0, JSON_WHOLE_MAX)),
	MAY(NUMBER, "disk_free", SHAPE_NOWHERE, RANGE(0, JSON_WHOLE_MAX)),
	MAY(NUMBER, "held", SHAPE_NOWHERE, RANGE(0, JSON_WHOLE_MAX)),
	MAY(TEXT, "oldest_unsafe_at", SHAPE_NOWHERE, BYTES(1, 64), .format = format_time),
	MAY(TEXT, "verdict", SHAPE_NOWHERE, BYTES(0, 128), .format = format_label),
	MAY(TEXT, "verdict_text", SHAPE_NOWHERE, BYTES(0, 512), .format = format_label),
	MAY(NUMBER, "needs_person", SHAPE_NOWHERE, RANGE(0, JSON_WHOLE_MAX)),
	MAY(NUMBER, "unsafe", SHAPE_NOWHERE, RANGE(0, JSON_WHOLE_MAX)),
	MAY(NUMBER, "folders_bad", SHAPE_NOWHERE, RANGE(0, JSON_WHOLE_MAX)),
	MAY(NUMBER, "names", SHAPE_NOWHERE, RANGE(0, JSON_WHOLE_MAX)),
	MAY(TEXT, "looked_at", SHAPE_NOWHERE, BYTES(1, 64), .format = format_time),
};
static const struct shape station_shape = SHAPE(station_members, struct nothing);
static const struct shape_member stations_members[] = {
	MUST(DOCUMENT, "stations", SHAPE_NOWHERE, MOST(PAGE_MAX), .of = &station_shape),
	MAY(TEXT, "next", SHAPE_NOWHERE, BYTES(1, CURSOR_MAX), .format = format_cursor),
};
static const struct shape stations_shape = SHAPE(stations_members, struct nothing);

/* --- which call has which --- */

#define KIB 1024
#define MIB (1024 * KIB)

#define ANSWER_ROWS(X)                                                                                                 \
	X(INFO, "GET", "/v1/info", false, 64 * KIB, &info_shape)                                                           \
	X(AUTHENTICATE, "POST", "/v1/authenticate", false, 64 * KIB, &authenticate_shape)                                  \
	X(SCHEMA, "GET", "/v1/schema", false, MIB, &schema_shape)                                                          \
	X(PRESIGN, "POST", "/v1/presign", false, 8 * MIB, &presign_shape)                                                  \
	X(STAT, "POST", "/v1/objects/stat", false, 2 * MIB, &stat_shape)                                                   \
	X(SESSIONS, "GET", "/v1/sessions", false, 16 * MIB, &sessions_shape)                                               \
	X(SESSION, "GET", "/v1/sessions/", true, 8 * MIB, &session_shape)                                                  \
	X(CHANGES, "GET", "/v1/changes", false, 8 * MIB, &changes_shape)                                                   \
	X(EVENTS, "POST", "/v1/events", false, 64 * KIB, &events_shape)                                                    \
	X(HEARTBEAT, "POST", "/v1/heartbeat", false, 64 * KIB, &heartbeat_shape)                                           \
	X(STATIONS, "GET", "/v1/stations", false, 4 * MIB, &stations_shape)
static_assert(ROWS(ANSWER_ROWS) == ANSWER_N, "every answer has its shape");
const struct answer_row answer_rows[ANSWER_N] = {
#define X(id, ...) [ANSWER_##id] = {__VA_ARGS__},
	ANSWER_ROWS(X)
#undef X
};

enum answer_id answer_of(const char *method, const char *path) {
	size_t n = strcspn(path, "?");
	for (size_t i = 0; i < ANSWER_N; i++) {
		const struct answer_row *k = &answer_rows[i];
		size_t length = strlen(k->path);
		bool same = k->below ? n > length : n == length;
		if (same && !strncmp(path, k->path, length) && !strcmp(method, k->method)) return (enum answer_id)i;
	}
	return ANSWER_UNKNOWN;
}

int answer_read(enum answer_id id, const cJSON *json, const struct shape_rules *rules, void **ret, struct error *err) {
	const struct shape *shape = answer_rows[id].shape;
	void *read = xcalloc(1, shape->size);
	if (shape_read(shape, json, NULL, rules, read, err) == 0) {
		*ret = read;
		return 0;
	}
	free(read);
	err->code = ERR_ANSWER;
	return -1;
}

void answer_free(enum answer_id id, void *read) {
	if (!read) return;
	shape_done(answer_rows[id].shape, read);
	free(read);
}

bool answer_cursor_fits(const char *cursor) {
	size_t n = strlen(cursor);
	return n > 0 && n <= CURSOR_MAX && !format_cursor(cursor, NULL);
}

/* --- a session that outlives its answer --- */

struct answer_session *answer_session_copy(const struct answer_session *from) {
	struct answer_session *s = xcalloc(1, sizeof *s);
	*s = (struct answer_session){.station = xstrdup(from->station),
		.session = xstrdup(from->session),
		.state = xstrdup(from->state),
		.processing = xstrdup(from->processing),
		.content = xstrdup(from->content),
		.instance = xstrdup(from->instance),
		.revision = from->revision,
		.checks = from->checks ? json_copy(from->checks) : NULL};
	if (from->checks && !s->checks) abort();
	return s;
}

void answer_session_free(struct answer_session *s) { answer_free(ANSWER_SESSION, s); }
