/* SPDX-License-Identifier: MIT */
/* The cloud's store held against the recordings, object by object and byte by byte, and the table of what became of
 * each session. What the store holds is asked of headgate-cloud itself (objects, sessions), so that an object nobody
 * expects is found too. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/table.h"
#include "base/text.h"
#include "session/schema.h"
#include "base/units.h"
#include "cli/demo/demo.h"

#define PIECE (256 << 10)
#define LIST_MAX (256 << 20)

static const struct {
	const char *what;
	enum session_state state;
	const char *cloud;
} kinds[] = {
#define X(id, what, state, cloud) [DEMO_##id] = {what, state, cloud},
	DEMO_KINDS(X)
#undef X
};

static ssize_t read_full(int fd, char *to, size_t size) {
	size_t n = 0;
	while (n < size) {
		ssize_t got = read(fd, to + n, size - n);
		if (got < 0) return -1;
		if (got == 0) break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

static bool same_bytes(const char *a, const char *b) {
	static char left[PIECE], right[PIECE];
	AUTO(fd_close) int fa = open(a, O_RDONLY | O_CLOEXEC);
	AUTO(fd_close) int fb = open(b, O_RDONLY | O_CLOEXEC);
	if (fa < 0 || fb < 0) return false;
	for (;;) {
		ssize_t n = read_full(fa, left, PIECE), m = read_full(fb, right, PIECE);
		if (n < 0 || n != m || memcmp(left, right, (size_t)n) != 0) return false;
		if (n == 0) return true;
	}
}

/* DATA/objects/<bucket>/<2 hex>/<sha256 of the key> (cloud/store/objects.h). */
static char *object_path(const struct demo *d, const char *bucket, const char *key) {
	struct sha256 sha;
	char hex[SHA256_HEX];
	sha256_of(key, strlen(key), &sha);
	sha256_hex(hex, &sha);
	return xasprintf("%s/objects/%s/%.2s/%s", d->data, bucket, hex, hex);
}

static struct demo_session *session_of(struct demo *d, const char *name) {
	for (int64_t i = 0; i < d->session_n; i++)
		if (strcmp(d->sessions[i].name, name) == 0) return &d->sessions[i];
	return NULL;
}

static int take_object(struct demo *d, const cJSON *o, struct error *err) {
	const char *bucket, *key, *session, *name;
	const char *stored = NULL;
	if (demo_interrupted()) return error_set(err, ERR_CANCELLED, "interrupted");
	if (json_want_text(o, "bucket", NULL, &bucket, err) || json_want_text(o, "key", NULL, &key, err) ||
		json_want_text(o, "session", NULL, &session, err) || json_want_text(o, "name", NULL, &name, err) ||
		json_may_text(o, "stored_at", NULL, &stored, err))
		return -1;
	if (!stored) return 0; /* promised by a URL, never sent */
	struct demo_session *s = session_of(d, session);
	int64_t revision;
	if (!s)
		return error_set(err, ERR_ATTENTION, "the store holds %s, which no session of the demo has", TEXT_SAFE(key));
	if (is_manifest_name(name, &revision)) {
		s->manifest_stored = true;
		return 0;
	}
	AUTO(xfree) char *file = xasprintf("%s/%s/%s", d->recordings, session, name);
	AUTO(xfree) char *object = object_path(d, bucket, key);
	bool same = same_bytes(file, object);
	if (strcmp(name, SCHEMA_FILE) == 0) s->metadata_stored = same;
	else s->equal_n += same;
	s->different_n += !same;
	return 0;
}

static int take_cloud_session(struct demo *d, const cJSON *o, struct error *err) {
	const char *session, *state;
	if (json_want_text(o, "session", NULL, &session, err) || json_want_text(o, "state", NULL, &state, err)) return -1;
	struct demo_session *s = session_of(d, session);
	if (!s)
		return error_set(
			err, ERR_ATTENTION, "the cloud knows a session %s, which the demo has not", TEXT_SAFE(session));
	s->accepted_in_cloud = strcmp(state, "accepted") == 0;
	s->rejected_in_cloud = strcmp(state, "rejected") == 0;
	return 0;
}

/* Each JSON line of `headgate-cloud WORD --json`. */
static int each_line(
	struct demo *d, const char *word, int (*take)(struct demo *, const cJSON *, struct error *), struct error *err) {
	AUTO(buf_done) struct buf out = BUF_INIT(LIST_MAX);
	const char *argv[] = {d->headgate_cloud, word, "--data", d->data, "--json", NULL};
	if (child_output(argv, d->env, d->cloud_log, &out, err)) return -1;
	for (const char *line = buf_text(&out), *end; (end = strchr(line, '\n')); line = end + 1) {
		AUTO(json_free) cJSON *o = NULL;
		if (json_parse(line, (size_t)(end - line), &o, err) || take(d, o, err)) return -1;
	}
	return 0;
}

int demo_verify(struct demo *d, struct error *err) {
	if (each_line(d, "sessions", take_cloud_session, err)) return -1;
	return each_line(d, "objects", take_object, err);
}

/* --- the table --- */

/* Everything that this kind promises: its states, every data file stored and equal, metadata and manifest only where
 * nothing held them back. */
static bool as_expected(const struct demo_session *s) {
	bool held = kinds[s->kind].state == STATE_HELD;
	const char *cloud = s->accepted_in_cloud ? "accepted" : s->rejected_in_cloud ? "rejected" : NULL;
	bool same_verdict =
		cloud && kinds[s->kind].cloud ? strcmp(cloud, kinds[s->kind].cloud) == 0 : cloud == kinds[s->kind].cloud;
	return s->known && s->state == kinds[s->kind].state && same_verdict && s->different_n == 0 &&
		   s->equal_n == DEMO_FILES && s->metadata_stored == !held && s->manifest_stored == !held;
}

static const char *plain_reason(const struct demo_session *s, char *to, size_t size) {
	if (s->different_n) snprintf(to, size, "%d of its objects differ from their files", s->different_n);
	else if (s->reason && *s->reason) snprintf(to, size, "%s", s->reason);
	else if (s->state == STATE_ACCEPTED) snprintf(to, size, "whole and verified");
	else snprintf(to, size, "-");
	return to;
}

static void summary_row(struct table *t, const struct demo *d, const struct demo_session *s) {
	char reason[600];
	table_cell(t, s->name);
	table_cell(t, kinds[s->kind].what);
	table_cell(t, s->known ? state_name(s->state) : "never found");
	table_cellf(t, "%d of %d", s->equal_n, DEMO_FILES);
	table_cell(t, UNIT_BYTES(d->size));
	table_cell(t, as_expected(s) ? "yes" : "NO");
	table_cell(t, plain_reason(s, reason, sizeof reason));
}

static void summary_json(const struct demo *d, const struct demo_session *s) {
	char reason[600];
	cJSON *o = json_object();
	json_add_text(o, "session", s->name);
	json_add_text(o, "kind", kinds[s->kind].what);
	json_add_text(o, "state", s->known ? state_name(s->state) : NULL);
	json_add_text(o, "expected", state_name(kinds[s->kind].state));
	json_add_bool(o, "as_expected", as_expected(s));
	json_add_i64(o, "bytes", d->size);
	json_add_i64(o, "objects_equal", s->equal_n);
	json_add_i64(o, "objects_different", s->different_n);
	json_add_text(o, "reason", plain_reason(s, reason, sizeof reason));
	command_json(o);
}

int demo_summary(const struct demo *d, struct error *err) {
	static const char *const titles[] = {"SESSION", "WHICH IS", "STATE", ">SAFE", ">SIZE", "AS EXPECTED", "REASON"};
	AUTO(table_free) struct table *t = table_new(titles, ARRAY_LEN(titles));
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 26);
	int64_t good = 0;
	for (int64_t i = 0; i < d->session_n; i++) {
		if (d->json) summary_json(d, &d->sessions[i]);
		else summary_row(t, d, &d->sessions[i]);
		good += as_expected(&d->sessions[i]);
	}
	if (!d->json) {
		table_print(t, terminal_columns(STDOUT_FILENO), &out);
		command_print(&out);
	}
	fflush(stdout);
	if (good == d->session_n) return 0;
	return error_set(err, ERR_ATTENTION, "%lld of %lld sessions did not end as they should",
		(long long)(d->session_n - good), (long long)d->session_n);
}
