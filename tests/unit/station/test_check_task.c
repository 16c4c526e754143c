/* SPDX-License-Identifier: MIT */
/* One session checked in the thread pool: what is hashed and what is known already, what changed, what cannot be read,
 * and what stands in its way: a copy, another recording of its name, a name used again. */
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
#include "station/intake/check_task.h"

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
	const char *roots[3]; /* that answer */
	char other_root[96], folder[FOLDER_ID];
	bool released;
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
	snprintf(p->other_root, sizeof p->other_root, "%s/other", p->dir);
	p->roots[0] = p->root;
	p->roots[1] = p->other_root;
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
		if (snapshot_take(p->root, session, NULL, NULL, &s, &err) == 0) memcpy(expected, s.fingerprint, 65);
	}
	*t = (struct check_task){
		.config = &p->config,
		.schema = &p->schema,
		.root = p->root,
		.session = session,
		.expected = expected,
		.roots = p->roots,
		.folder = p->folder,
		.released = p->released,
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
static int64_t keep_under(struct place *p, const char *root, const char *session, const struct check_task *t) {
	struct session_row row = {.root = (char *)(uintptr_t)root};
	memcpy(row.name, session, strlen(session));
	bool done = false;
	row.has_content = t->has_content;
	row.content = t->content;
	memcpy(row.folder, t->folder_now, sizeof row.folder);
	journal_add_session(p->journal, &row, NULL, NULL);
	journal_set_files(p->journal, row.id, 1, t->snapshot.files, t->snapshot.n, on_commit, &done);
	while (!done) uv_run(&p->loop, UV_RUN_ONCE);
	return row.id;
}

static int64_t keep(struct place *p, const char *session, const struct check_task *t) {
	return keep_under(p, p->root, session, t);
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
	assert_true(t.has_content && t.snapshot.marker_left);
	check_task_done(&t);
	put(p, SESSION, "COMPLETE", "stopped");
	check(p, &t, SESSION, 77, expected);
	assert_int_equal(t.snapshot.n, 3); /* one that says something is a part of it */
	assert_int_equal(t.snapshot.bytes, 22);
	assert_false(t.snapshot.marker_left);
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

/* --- what stands in its way --- */

static const struct check *unique_of(const struct check_task *t) {
	for (size_t i = 0; i < t->checks.n; i++)
		if (t->checks.items[i].id == CHECK_UNIQUE) return &t->checks.items[i];
	fail_msg("there is no such check");
	return NULL;
}

/* A session of these files, checked and in the journal. */
static int64_t first_one(struct place *p, const char *root, const char *session, const char *data) {
	struct check_task t;
	char expected[65] = "", mine[96];
	memcpy(mine, p->root, sizeof mine);
	memcpy(p->root, root, strlen(root) + 1);
	put(p, session, "a.bin", data);
	put(p, session, "metadata.txt", "a: b\n");
	check(p, &t, session, 77, expected);
	int64_t id = keep_under(p, root, session, &t);
	check_task_done(&t);
	memcpy(p->root, mine, sizeof mine);
	return id;
}

static void expect_unique(
	struct place *p, const char *session, enum verdict want, const char *found, const char *mend) {
	struct check_task t;
	char expected[65] = "";
	check(p, &t, session, 1000, expected);
	const struct check *c = unique_of(&t);
	assert_int_equal(c->verdict, want);
	if (found && !strstr(c->found, found)) fail_msg("found \"%s\", not \"%s\"", c->found, found);
	if (mend && !strstr(c->mend, mend)) fail_msg("mend \"%s\", not \"%s\"", c->mend, mend);
	check_task_done(&t);
}

/* Every file equal, metadata too, and the other one there: a copy. Else it is no copy. */
static void test_a_copy(void **state) {
	struct place *p = *state;
	struct error err = ERROR_INIT;
	first_one(p, p->root, SESSION, "content");
	put(p, COPY, "a.bin", "content");
	put(p, COPY, "metadata.txt", "a: b\n");
	expect_unique(p, COPY, VERDICT_HOLD, "is in session " SESSION " too", "headgate release " COPY);
	p->released = true;
	expect_unique(p, COPY, VERDICT_PASS, NULL, NULL);
	p->released = false;
	put(p, COPY, "metadata.txt", "a: another\n");
	expect_unique(p, COPY, VERDICT_PASS, NULL, NULL);
	put(p, COPY, "metadata.txt", "a: b\n");
	AUTO(xfree) char *old = path_join(p->root, SESSION);
	if (file_remove_tree(old, &err)) fail_msg("%s", err.text);
	expect_unique(p, COPY, VERDICT_PASS, NULL, NULL); /* renamed: it is the only one */
}

/* Two recorders began in one second: the later one waits, and neither is called a copy. */
static void test_another_of_the_name(void **state) {
	struct place *p = *state;
	first_one(p, p->other_root, SESSION, "of the other recorder");
	put(p, SESSION, "a.bin", "content");
	put(p, SESSION, "metadata.txt", "a: b\n");
	put(p, "20261120_134503", "a.bin", "the next second is taken");
	expect_unique(p, SESSION, VERDICT_HOLD, p->other_root, "rename this folder to 20261120_134504");
	p->roots[1] = NULL; /* a folder that does not answer is not asked */
	expect_unique(p, SESSION, VERDICT_PASS, NULL, NULL);
	p->roots[1] = p->other_root;
	put(p, SESSION, "a.bin", "of the other recorder"); /* the same recording by another way */
	expect_unique(p, SESSION, VERDICT_PASS, NULL, NULL);
}

/* A link to the folder is the folder. */
static void test_the_same_folder_by_two_paths(void **state) {
	struct place *p = *state;
	first_one(p, p->root, SESSION, "content");
	assert_int_equal(symlink(p->root, p->other_root), 0);
	memcpy(p->root, p->other_root, sizeof p->root);
	put(p, SESSION, "a.bin", "changed since the other path saw it");
	expect_unique(p, SESSION, VERDICT_PASS, NULL, NULL);
}

static void sent(struct place *p, int64_t id) {
	struct file_row *files = NULL;
	size_t n = 0;
	struct error err = ERROR_INIT;
	bool done = false;
	if (journal_files(p->view, id, 1, &files, &n, &err)) fail_msg("%s", err.text);
	for (size_t i = 0; i < n; i++) files[i].state = FILE_STORED;
	journal_set_files(p->journal, id, 1, files, n, on_commit, &done);
	while (!done) uv_run(&p->loop, UV_RUN_ONCE);
	file_rows_free(files, n);
}

static enum verdict unique_again(struct place *p, int64_t id) {
	struct check_task t;
	char expected[65] = "";
	check(p, &t, SESSION, id, expected);
	enum verdict v = unique_of(&t)->verdict;
	if (v == VERDICT_HOLD) assert_non_null(strstr(unique_of(&t)->mend, "headgate release " SESSION));
	check_task_done(&t);
	return v;
}

/* Sent, then another folder under the name, none of whose files was in that one: a person decides. A file that was
 * changed in its folder is a correction, and so is a folder brought back with one changed. */
static void test_a_name_used_again(void **state) {
	struct place *p = *state;
	int64_t id = first_one(p, p->root, SESSION, "content");
	folder_id(p->root, SESSION, p->folder);
	if (!*p->folder) {
		print_message("this file system tells no time of birth\n");
		return;
	}
	put(p, SESSION, "a.bin", "corrected");
	assert_int_equal(unique_again(p, id), VERDICT_PASS);
	snprintf(p->folder, sizeof p->folder, "1:1.000000000"); /* of a folder that is gone */
	assert_int_equal(unique_again(p, id), VERDICT_PASS);	/* nothing was ever sent */
	sent(p, id);
	assert_int_equal(unique_again(p, id), VERDICT_HOLD);
	p->released = true;
	assert_int_equal(unique_again(p, id), VERDICT_PASS);
	p->released = false;
	put(p, SESSION, "a.bin", "content");
	put(p, SESSION, "b.bin", "one more");
	assert_int_equal(unique_again(p, id), VERDICT_PASS);
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
		TEST(test_a_copy),
		TEST(test_another_of_the_name),
		TEST(test_the_same_folder_by_two_paths),
		TEST(test_a_name_used_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
