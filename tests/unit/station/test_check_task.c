/* SPDX-License-Identifier: MIT */
/* One session checked in the thread pool: what is hashed and what is known already, what changed, what cannot be read,
 * and what equals another session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "session/metadata.h"
#include "station/checking.h"

#define SESSION "20261120_134502"
#define COPY "20261120_140000"

struct place {
	char dir[64], root[96], state[96];
	uv_loop_t loop;
	struct journal *journal;
	struct journal_view *view;
	struct config config;
	struct schema schema;
	atomic_bool cancel;
};

static int setup(void **state) {
	struct place *p = xcalloc(1, sizeof *p);
	struct error err = ERROR_INIT;
	struct journal_options o = {.allow_volatile = true};
	snprintf(p->dir, sizeof p->dir, "/tmp/headgate-check-XXXXXX");
	if (!mkdtemp(p->dir)) return -1;
	snprintf(p->root, sizeof p->root, "%s/root", p->dir);
	snprintf(p->state, sizeof p->state, "%s/state", p->dir);
	if (mkdir(p->root, 0755) || uv_loop_init(&p->loop)) return -1;
	if (journal_open(&p->journal, &p->loop, p->state, &o, &err) || journal_view_open(&p->view, p->state, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	schema_init(&p->schema);
	*state = p;
	return 0;
}

static int teardown(void **state) {
	struct place *p = *state;
	struct error err = ERROR_INIT;
	journal_view_close(p->view);
	journal_close(p->journal, NULL, NULL);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	int failed = uv_loop_close(&p->loop) || file_remove_tree(p->dir, &err);
	schema_done(&p->schema);
	free(p);
	return failed;
}

static void put(const struct place *p, const char *session, const char *name, const char *text) {
	AUTO(xfree) char *dir = xasprintf("%s/%s", p->root, session), *path = xasprintf("%s/%s", dir, name);
	struct error err = ERROR_INIT;
	if (file_mkdirs(dir, 0755, &err)) fail_msg("%s", err.text);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	if (file_write_all(fd, text, strlen(text), path, &err)) fail_msg("%s", err.text);
	close(fd);
}

/* *expected: the fingerprint that settled; taken now when it is empty. */
static void check(struct place *p, struct check_task *t, const char *session, int64_t id, char expected[65]) {
	struct error err = ERROR_INIT;
	if (!*expected) {
		AUTO(snapshot_done) struct snapshot s = {0};
		if (snapshot_take(p->root, session, NULL, &s, &err) == 0) memcpy(expected, s.fingerprint, 65);
	}
	*t = (struct check_task){
		.config = &p->config,
		.schema = &p->schema,
		.root = p->root,
		.session = session,
		.expected = expected,
		.id = id,
		.revision = 1,
		.cancel = &p->cancel,
		.view = p->view,
	};
	check_task_run(t);
}

static enum verdict verdict_of(const struct check_list *l, enum check_id id) {
	for (size_t i = 0; i < l->n; i++) {
		if (l->items[i].id == id) return l->items[i].verdict;
	}
	fail_msg("no check %s", check_names[id]);
	return VERDICT_N;
}

static void on_commit(void *arg, const struct error *err) {
	assert_int_equal(err->code, ERR_NONE);
	*(bool *)arg = true;
}

/* Writes what a check found, as the engine does, and waits for it. */
static int64_t keep(struct place *p, const char *session, const struct check_task *t) {
	struct session_row row = {.root = p->root};
	memcpy(row.name, session, strlen(session));
	bool done = false;
	journal_add_session(p->journal, &row, NULL, NULL);
	if (t->has_content) journal_set_content(p->journal, row.id, &t->content);
	journal_set_files(p->journal, row.id, 1, t->snapshot.files, t->snapshot.n, on_commit, &done);
	while (!done) uv_run(&p->loop, UV_RUN_ONCE);
	return row.id;
}

static void test_a_good_session(void **state) {
	struct place *p = *state;
	struct check_task t;
	char expected[65] = "";
	put(p, SESSION, "signals.edf", "0123456789");
	put(p, SESSION, "metadata.txt", "a: b\n");
	put(p, SESSION, "COMPLETE", "");
	p->config.done_marker = (char *)(uintptr_t) "COMPLETE";
	check(p, &t, SESSION, 77, expected);
	assert_int_equal(t.err.code, ERR_NONE);
	assert_false(t.changed);
	assert_false(checks_hold(&t.checks)); /* the empty marker is no part of it */
	assert_int_equal(t.snapshot.n, 2);
	assert_int_equal(t.snapshot.bytes, 15);
	for (size_t i = 0; i < t.snapshot.n; i++) assert_true(t.snapshot.files[i].hashed);
	assert_int_equal(atomic_load(&t.done_bytes), 15);
	assert_true(t.has_content);
	check_task_done(&t);
}

static void test_known_files_are_not_read_again(void **state) {
	struct place *p = *state;
	struct check_task t;
	char expected[65] = "";
	put(p, SESSION, "a.bin", "first");
	put(p, SESSION, "metadata.txt", "a: b\n");
	check(p, &t, SESSION, 77, expected);
	/* a digest that only the journal can have given */
	memset(t.snapshot.files[0].sha256.bytes, 0xab, SHA256_LEN);
	t.snapshot.files[0].state = FILE_STORED;
	t.snapshot.files[0].bucket = xstrdup("raw");
	t.snapshot.files[0].key = xstrdup("k");
	int64_t id = keep(p, SESSION, &t);
	check_task_done(&t);
	check(p, &t, SESSION, id, expected);
	assert_int_equal(t.snapshot.files[0].sha256.bytes[0], 0xab);
	assert_int_equal(t.snapshot.files[0].state, FILE_STORED);
	assert_string_equal(t.snapshot.files[0].key, "k");
	check_task_done(&t);

	/* the same size and time, but another inode: it is read */
	AUTO(xfree) char *path = xasprintf("%s/%s/a.bin", p->root, SESSION), *other = xasprintf("%s/other", p->dir);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	put(p, "../", "other", "FIRST");
	struct timespec times[2] = {st.st_atim, st.st_mtim};
	assert_int_equal(utimensat(AT_FDCWD, other, times, 0), 0);
	assert_int_equal(rename(other, path), 0);
	check(p, &t, SESSION, id, expected);
	assert_false(t.changed); /* the fingerprint cannot see it */
	struct sha256 want;
	sha256_of("FIRST", 5, &want);
	assert_memory_equal(t.snapshot.files[0].sha256.bytes, want.bytes, SHA256_LEN);
	assert_int_equal(t.snapshot.files[0].state, FILE_PENDING);
	check_task_done(&t);
}

static void test_changed(void **state) {
	struct place *p = *state;
	struct check_task t;
	char expected[65] = "another fingerprint";
	put(p, SESSION, "a.bin", "first");
	check(p, &t, SESSION, 77, expected);
	assert_true(t.changed);
	assert_int_equal(t.checks.n, 0);
	check_task_done(&t);
	check(p, &t, "20000101_000000", 78, expected); /* not there at all */
	assert_true(t.changed);
	check_task_done(&t);
}

static void test_cancelled(void **state) {
	struct place *p = *state;
	struct check_task t;
	char expected[65] = "";
	put(p, SESSION, "a.bin", "first");
	check(p, &t, SESSION, 77, expected);
	check_task_done(&t);
	atomic_store(&p->cancel, true);
	check(p, &t, SESSION, 77, expected);
	assert_int_equal(t.err.code, ERR_CANCELLED);
	check_task_done(&t);
	atomic_store(&p->cancel, false);
}

/* A session folder that is a link is held with the sentence that says so, not read and not forgotten. */
static void test_what_cannot_be_walked_is_held(void **state) {
	struct place *p = *state;
	struct check_task t;
	char expected[65] = "whatever";
	AUTO(xfree) char *link = xasprintf("%s/%s", p->root, COPY);
	put(p, SESSION, "a.bin", "first");
	assert_int_equal(symlink(SESSION, link), 0);
	check(p, &t, COPY, 77, expected);
	assert_false(t.changed);
	assert_true(checks_hold(&t.checks));
	assert_int_equal(verdict_of(&t.checks, CHECK_KINDS), VERDICT_HOLD);
	assert_non_null(strstr(t.checks.items[0].found, "link"));
	assert_false(checks_hold_metadata_only(&t.checks));
	check_task_done(&t);
}

static void test_metadata_too_long(void **state) {
	struct place *p = *state;
	struct check_task t;
	char expected[65] = "";
	AUTO(xfree) char *text = xcalloc(METADATA_MAX + 2, 1);
	memset(text, 'x', METADATA_MAX + 1);
	put(p, SESSION, "a.bin", "first");
	put(p, SESSION, "metadata.txt", text);
	check(p, &t, SESSION, 77, expected);
	assert_true(checks_hold_metadata_only(&t.checks));
	check_task_done(&t);
}

static void test_the_same_content(void **state) {
	struct place *p = *state;
	struct check_task t;
	char expected[65] = "", copy[65] = "";
	put(p, SESSION, "a.bin", "content");
	put(p, SESSION, "metadata.txt", "a: b\n");
	check(p, &t, SESSION, 77, expected);
	keep(p, SESSION, &t);
	check_task_done(&t);
	put(p, COPY, "renamed.bin", "content");
	put(p, COPY, "metadata.txt", "a: another\n");
	check(p, &t, COPY, 78, copy);
	assert_int_equal(verdict_of(&t.checks, CHECK_UNIQUE), VERDICT_HOLD);
	char reason[256];
	checks_reason(&t.checks, reason, sizeof reason);
	assert_non_null(strstr(reason, SESSION));
	check_task_done(&t);
}

int main(void) {
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_a_good_session),
		TEST(test_known_files_are_not_read_again),
		TEST(test_changed),
		TEST(test_cancelled),
		TEST(test_what_cannot_be_walked_is_held),
		TEST(test_metadata_too_long),
		TEST(test_the_same_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
