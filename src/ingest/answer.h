/* SPDX-License-Identifier: MIT */
/* Every answer of the ingest API that a station reads (api.md): what it must look like, in one table, and as what it is
 * read. The client reads an answer by its call's method and path before anybody sees it; what does not fit is an error
 * of that answer. Texts are NULL where they may be missing and are. Any thread. */
#pragma once

#include "ingest/shape.h"

enum answer_id {
	ANSWER_INFO,
	ANSWER_AUTHENTICATE,
	ANSWER_SCHEMA, /* read further by session/schema.h, from the document */
	ANSWER_PRESIGN,
	ANSWER_STAT,
	ANSWER_SESSIONS,
	ANSWER_SESSION,
	ANSWER_CHANGES,
	ANSWER_EVENTS,
	ANSWER_HEARTBEAT,
	ANSWER_STATIONS, /* shown from the document */
	ANSWER_N,
	ANSWER_UNKNOWN = ANSWER_N /* a call of no row: any JSON */
};

struct answer_authenticate {
	char *token, *station;
	int64_t expires_in_s;
};
struct answer_revision { /* what the cloud knows of one revision of a session */
	int64_t revision;
	char *state, *content, *instance;
};
struct answer_put {
	char *url;
	struct shape_pair *headers;
	size_t header_n;
};
struct answer_exists {
	int64_t size;
	char *sha256;
};
struct answer_refusal {
	char *code, *message;
};
struct answer_file { /* exactly one of put, exists and refusal; place unless it is refused */
	char *name, *bucket, *key;
	struct answer_put *put;
	struct answer_exists *exists;
	struct answer_refusal *refusal;
};
struct answer_presign {
	struct answer_revision *revisions;
	size_t revision_n;
	struct answer_file *files;
	size_t file_n;
};
struct answer_object { /* missing, damaged, or a size and a checksum */
	char *name, *checksum;
	int64_t size;
	bool missing, damaged;
	bool read; /* its bytes, for this answer; else only what is known of it and its length were looked at */
};
struct answer_stat {
	struct answer_object *objects;
	size_t object_n;
};
struct answer_session { /* of sessions, and of changes */
	char *station, *session, *state, *processing, *content, *instance;
	int64_t revision;
	cJSON *checks; /* an array for session/check.h; NULL: none */
	struct answer_session *revisions;
	size_t revision_n; /* older ones; of GET /v1/sessions/{id} */
};
struct answer_sessions {
	struct answer_session *sessions;
	size_t session_n;
	char *next;
};
struct answer_changes {
	struct answer_session *changes;
	size_t change_n;
	char *cursor;
	bool reset; /* the cloud's history is another: begin at its first change again */
};
struct answer_heartbeat {
	int64_t stations_with_this_key;
};

struct answer_row {
	const char *method, *path; /* up to its query */
	bool below;				   /* and what lies below it */
	size_t bytes_max;		   /* of the body */
	const struct shape *shape;
};
extern const struct answer_row answer_rows[ANSWER_N];
enum answer_id answer_of(const char *method, const char *path);

/* *ret is the struct of that answer, for answer_free. ERR_ANSWER. */
MUST_USE int answer_read(
	enum answer_id id, const cJSON *json, const struct shape_rules *rules, void **ret, struct error *err);
void answer_free(enum answer_id id, void *read);

bool answer_cursor_fits(const char *cursor);								   /* as changes and lists have it */
struct answer_session *answer_session_copy(const struct answer_session *from); /* without older revisions */
void answer_session_free(struct answer_session *s);
DEFINE_AUTO_PTR(struct answer_session, answer_session_free)
