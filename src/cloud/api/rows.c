/* SPDX-License-Identifier: MIT */
/* Rows are rendered one by one while the catalog reads them; the page ends where its text is long enough. Any thread.
 */
#include "cloud/api/rows.h"

#define PAGE_BYTES_MAX ((size_t)4 << 20)	   /* of a list's text: a page that is longer ends early, with a cursor */
#define CHANGES_BYTES_MAX (PAGE_BYTES_MAX / 4) /* a station waits for these, and reads them all */
#define SESSION_BYTES 512					   /* of a session or change, without its checks and metadata */
#define REVISIONS_MAX 2000					   /* of one session, in two pages' room */

struct page {
	cJSON *array;
	size_t bytes, bytes_max;
	struct error *err;
	bool failed;
};

static struct page page_new(size_t bytes_max, struct error *err) {
	return (struct page){.array = json_array(), .bytes_max = bytes_max, .err = err};
}

/* What a callback of the catalog returns. */
static int page_add(struct page *p, cJSON *row) {
	json_push(p->array, row);
	return p->bytes >= p->bytes_max;
}

static int page_fail(struct page *p) {
	p->failed = true;
	return 1;
}

/* status: of the catalog's function. */
static int page_end(struct page *p, int status, cJSON **ret_array) {
	if (status || p->failed) {
		json_free(p->array);
		return -1;
	}
	*ret_array = p->array;
	return 0;
}

/* --- members --- */

static void add_content(cJSON *o, const struct sha256 *content) {
	char hex[SHA256_HEX];
	json_add_text(o, "content", content ? sha256_hex(hex, content) : NULL);
}

static int add_checks(cJSON *o, const char *text, struct error *err) {
	cJSON *checks = NULL;
	if (json_parse(text, strlen(text), &checks, err)) return error_prefix(err, "the catalog's checks");
	json_add(o, "checks", checks);
	return 0;
}

static int on_metadata(void *arg, const struct metadata_entry *entry) {
	struct buf *out = arg;
	buf_char(out, out->len ? ',' : '{');
	json_quote(out, entry->key);
	buf_char(out, ':');
	metadata_write(out, entry->is_number, entry->number, entry->text);
	return 0;
}

/* Written as text, not as a tree: metadata may have tens of thousands of keys, and a list has a thousand of them. */
static int add_metadata(cJSON *o, const struct session_row *row, size_t *size, struct error *err) {
	AUTO(buf_done) struct buf out = BUF_INIT(PAGE_BYTES_MAX * 8);
	if (catalog_row_metadata(row, on_metadata, &out, err)) return -1;
	if (!out.len) buf_char(&out, '{');
	buf_char(&out, '}');
	if (buf_check(&out, "metadata", err)) return -1;
	*size += out.len;
	json_add(o, "metadata", json_raw(buf_text(&out)));
	return 0;
}

/* --- sessions --- */

int rows_of_session(const struct session_row *row, cJSON **ret, size_t *size, struct error *err) {
	AUTO(json_free) cJSON *o = json_object();
	json_add_text(o, "station", row->station);
	json_add_text(o, "session", row->session);
	json_add_i64(o, "revision", row->revision);
	json_add_text(o, "state", cloud_state_names[row->state]);
	json_add_text(o, "processing", row->processing);
	if (add_checks(o, row->checks, err) || add_metadata(o, row, size, err)) return -1;
	*size += strlen(row->checks) + SESSION_BYTES;
	json_add_i64(o, "bytes", row->bytes);
	json_add_i64(o, "files", row->files);
	json_add_time(o, "uploaded_at", row->uploaded_ms);
	json_add_time(o, "decided_at", row->decided_ms);
	add_content(o, row->content);
	json_add_text(o, "instance", row->instance);
	if (row->lost) json_add_i64(o, "lost", row->lost);
	*ret = TAKE(o);
	return 0;
}

static int on_session(void *arg, const struct session_row *row) {
	struct page *p = arg;
	cJSON *o = NULL;
	return rows_of_session(row, &o, &p->bytes, p->err) ? page_fail(p) : page_add(p, o);
}

int rows_sessions(struct catalog *c, const struct session_query *q, cJSON **ret_array, char ret_next[CATALOG_NEXT],
	struct error *err) {
	struct page p = page_new(PAGE_BYTES_MAX, err);
	return page_end(&p, catalog_sessions(c, q, on_session, &p, ret_next, err), ret_array);
}

struct folded {
	struct page older;
	cJSON *newest;
	int64_t n;
};

static int on_revision_of(void *arg, const struct session_row *row) {
	struct folded *f = arg;
	cJSON *o = NULL;
	if (rows_of_session(row, &o, &f->older.bytes, f->older.err)) return page_fail(&f->older);
	if (f->newest) return page_add(&f->older, o) || ++f->n == REVISIONS_MAX;
	f->newest = o;
	f->n = 1;
	return 0;
}

int rows_session(struct catalog *c, const char *station, const char *session, cJSON **ret, struct error *err) {
	struct folded f = {.older = page_new(2 * PAGE_BYTES_MAX, err)};
	cJSON *older = NULL;
	if (page_end(&f.older, catalog_session(c, station, session, on_revision_of, &f, err), &older)) {
		json_free(f.newest);
		return -1;
	}
	if (f.newest) json_add(f.newest, "revisions", older);
	else json_free(older);
	*ret = f.newest;
	return 0;
}

static int on_revision(void *arg, const struct revision_row *row) {
	cJSON *o = json_object();
	json_add_i64(o, "revision", row->revision);
	json_add_text(o, "state", cloud_state_names[row->state]);
	add_content(o, row->content);
	json_add_text(o, "instance", row->instance);
	json_push(arg, o);
	return 0;
}

int rows_revisions(struct catalog *c, const char *station, const char *session, cJSON **ret_array, struct error *err) {
	AUTO(json_free) cJSON *array = json_array();
	if (catalog_revisions(c, station, session, on_revision, array, err)) return -1;
	*ret_array = TAKE(array);
	return 0;
}

/* --- changes --- */

static int change_object(const struct change_row *row, cJSON **ret, size_t *size, struct error *err) {
	AUTO(json_free) cJSON *o = json_object();
	json_add_text(o, "station", row->station);
	json_add_text(o, "session", row->session);
	json_add_i64(o, "revision", row->revision);
	json_add_text(o, "state", cloud_state_names[row->state]);
	json_add_text(o, "processing", row->processing);
	if (add_checks(o, row->checks, err)) return -1;
	*size += strlen(row->checks) + SESSION_BYTES;
	json_add_time(o, "decided_at", row->decided_ms);
	add_content(o, row->content);
	json_add_text(o, "instance", row->instance);
	json_add_time(o, "at", row->at_ms);
	*ret = TAKE(o);
	return 0;
}

static int on_change(void *arg, const struct change_row *row) {
	struct page *p = arg;
	cJSON *o = NULL;
	return change_object(row, &o, &p->bytes, p->err) ? page_fail(p) : page_add(p, o);
}

int rows_changes(struct catalog *c, const char *station_or_null, const char *after, int64_t limit, cJSON **ret_array,
	char ret_cursor[CATALOG_CURSOR], bool *ret_reset, struct error *err) {
	struct page p = page_new(CHANGES_BYTES_MAX, err);
	int status = catalog_changes(c, station_or_null, after, limit, on_change, &p, ret_cursor, ret_reset, err);
	return page_end(&p, status, ret_array);
}

/* --- stations --- */

/* As the station sent them (api.md). */
static const char *const beat_members[] = {
	"instance",
	"version",
	"queue",
	"bytes_left",
	"disk_free",
	"held",
	"oldest_unsafe_at",
	"verdict",
	"verdict_text",
	"needs_person",
	"unsafe",
	"folders_bad",
	"names",
	"looked_at",
};

char *rows_beat_kept(const cJSON *beat) {
	AUTO(json_free) cJSON *kept = json_object();
	for (size_t i = 0; i < ARRAY_LEN(beat_members); i++) {
		const cJSON *member = json_get(beat, beat_members[i]);
		if (member) json_add(kept, beat_members[i], json_copy(member));
	}
	return json_text(kept);
}

/* A station with a key that never reported has nulls. */
static int station_object(const struct station_row *row, cJSON **ret, struct error *err) {
	AUTO(json_free) cJSON *o = json_object(), *beat = NULL;
	if (row->said && json_parse(row->said, strlen(row->said), &beat, err))
		return error_prefix(err, "the catalog's heartbeat");
	json_add_text(o, "station", row->station);
	json_add_time(o, "last_heartbeat_at", row->heartbeat_ms);
	for (size_t i = 0; i < ARRAY_LEN(beat_members); i++) {
		const cJSON *member = json_get(beat, beat_members[i]);
		json_add(o, beat_members[i], member ? json_copy(member) : json_null());
	}
	*ret = TAKE(o);
	return 0;
}

static int on_station(void *arg, const struct station_row *row) {
	struct page *p = arg;
	cJSON *o = NULL;
	return station_object(row, &o, p->err) ? page_fail(p) : page_add(p, o);
}

int rows_stations(struct catalog *c, int64_t limit, const char *cursor, cJSON **ret_array, char ret_next[CATALOG_NEXT],
	struct error *err) {
	struct page p = page_new(SIZE_MAX, err);
	return page_end(&p, catalog_stations(c, limit, cursor, on_station, &p, ret_next, err), ret_array);
}

int rows_station(struct catalog *c, const char *station, cJSON **ret_array, struct error *err) {
	struct page p = page_new(SIZE_MAX, err);
	return page_end(&p, catalog_station(c, station, on_station, &p, err), ret_array);
}
