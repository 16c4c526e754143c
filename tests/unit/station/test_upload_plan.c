/* SPDX-License-Identifier: MIT */
/* What of a session is sent next: data files, then the manifest, the metadata file last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "session/part.h"
#include "../manifest_text.h"
#include "station/sending/plan.h"

#define NOW 1000
#define LASTS 900000
#define LATER (NOW + LASTS)

static void fill(struct file_row *f, char *name, int64_t size) {
	*f = (struct file_row){.name = name, .size = size, .mtime_ns = 1700000000123456789, .hashed = true};
	sha256_of(f->name, strlen(f->name), &f->sha256);
}

/* Data files around the metadata file, which is the second. */
static struct upload *make(size_t data) {
	struct upload *u = xcalloc(1, sizeof *u);
	struct file_row *files = xcalloc(data + 1, sizeof *files);
	for (size_t i = 0; i < data + 1; i++) {
		bool first = i == 0, metadata = i == 1;
		fill(&files[i], metadata ? xstrdup("metadata.txt") : xasprintf("%s-%05zu", first ? "data" : "z", i),
			100 + (int64_t)i);
	}
	upload_cut(u, files, data + 1, "metadata.txt", PUT_MAX);
	assert_int_equal(u->piece_n, data + 1);
	return u;
}

static void ready(struct upload *u, size_t index) {
	struct piece *s = upload_piece(u, index);
	s->state = PIECE_READY;
	s->url = xstrdup("http://127.0.0.1/x");
	s->lasts_ms = LASTS;
	s->good_until_ms = LATER;
}

static size_t next(struct upload *u) {
	int64_t wake;
	return upload_next(u, NOW, &wake);
}

static void test_order(void **state) {
	(void)state;
	struct upload *u = make(3);
	assert_int_equal(next(u), PIECE_NONE); /* no URL yet */
	for (size_t i = 0; i < u->n; i++) ready(u, i);
	static const size_t order[] = {0, 2, 3};
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		assert_int_equal(upload_goal(u), GOAL_DATA);
		assert_int_equal(next(u), order[i]);
		u->pieces[order[i]].state = PIECE_SENDING;
	}
	assert_int_equal(next(u), PIECE_NONE); /* the metadata waits for the data's end, not their start */
	upload_stored(u, 3);
	upload_stored(u, 0);
	assert_int_equal(next(u), PIECE_NONE);
	upload_stored(u, 2);
	assert_int_equal(upload_goal(u), GOAL_MANIFEST);
	assert_int_equal(next(u), PIECE_NONE);
	ready(u, PIECE_MANIFEST);
	assert_int_equal(next(u), PIECE_MANIFEST);
	u->manifest_piece.state = PIECE_SENDING;
	assert_int_equal(next(u), PIECE_NONE);
	upload_stored(u, PIECE_MANIFEST);
	assert_int_equal(upload_goal(u), GOAL_METADATA);
	assert_int_equal(next(u), 1);
	upload_stored(u, 1);
	assert_int_equal(upload_goal(u), GOAL_DONE);
	assert_int_equal(next(u), PIECE_NONE);
	upload_free(u);
}

/* Held for its metadata: the data files go up, nothing else is even asked for. */
static void test_data_only(void **state) {
	(void)state;
	struct upload *u = make(2);
	u->data_only = true;
	size_t ask[10];
	assert_int_equal(upload_to_ask(u, ask, 10), 2);
	assert_int_equal(ask[0], 0);
	assert_int_equal(ask[1], 2);
	upload_stored(u, 0);
	upload_stored(u, 2);
	assert_int_equal(upload_goal(u), GOAL_DONE);
	assert_int_equal(upload_to_ask(u, ask, 10), 0);
	upload_free(u);
}

/* The metadata file is there already (revision 2 changed a data file): the manifest is what comes last. */
static void test_metadata_stored_before(void **state) {
	(void)state;
	struct upload *u = make(1);
	upload_stored(u, 1);
	upload_stored(u, 0);
	assert_int_equal(upload_goal(u), GOAL_MANIFEST);
	upload_stored(u, PIECE_MANIFEST);
	assert_int_equal(upload_goal(u), GOAL_DONE);
	upload_free(u);
}

static void test_times(void **state) {
	(void)state;
	struct upload *u = make(2);
	int64_t wake;
	ready(u, 0);
	ready(u, 2);
	u->pieces[0].not_before_ms = NOW + 700;
	u->pieces[2].not_before_ms = NOW + 300;
	assert_int_equal(upload_next(u, NOW, &wake), PIECE_NONE);
	assert_int_equal(wake, NOW + 300);
	assert_int_equal(upload_next(u, NOW + 300, &wake), 2);
	/* a URL that ends soon is given back and asked for anew */
	u->pieces[0].not_before_ms = 0;
	u->pieces[2].state = PIECE_STORED;
	assert_int_equal(upload_next(u, LATER - URL_MARGIN_MS, &wake), 0);
	assert_int_equal(upload_next(u, LATER - URL_MARGIN_MS + 1, &wake), PIECE_NONE);
	assert_int_equal(u->pieces[0].state, PIECE_WAITING);
	assert_null(u->pieces[0].url);
	upload_free(u);
}

/* One that lives for less than the margin is used at once, and not in its last quarter. */
static void test_short_urls(void **state) {
	(void)state;
	struct upload *u = make(1);
	int64_t wake;
	ready(u, 0);
	u->pieces[0].lasts_ms = 30000;
	u->pieces[0].good_until_ms = NOW + 30000;
	assert_int_equal(upload_next(u, NOW, &wake), 0);
	assert_int_equal(upload_next(u, NOW + 22500, &wake), 0);
	assert_int_equal(upload_next(u, NOW + 22501, &wake), PIECE_NONE);
	assert_int_equal(u->pieces[0].state, PIECE_WAITING);
	upload_free(u);
}

static void test_asking(void **state) {
	(void)state;
	struct upload *u = make(1000);
	size_t ask[ASK_FILES];
	size_t n = upload_to_ask(u, ask, ASK_FILES);
	assert_int_equal(n, ASK_FILES);
	for (size_t i = 0; i < n; i++) {
		assert_int_not_equal(ask[i], u->metadata);
		ready(u, ask[i]);
	}
	assert_int_equal(upload_to_ask(u, ask, ASK_FILES), 0); /* just before use, not all at once */
	for (size_t i = 0; i < 220; i++) {
		if (i != u->metadata) upload_stored(u, i);
	}
	n = upload_to_ask(u, ask, ASK_FILES);
	assert_int_equal(n, ASK_FILES);
	assert_int_equal(ask[0], ASK_FILES + 1);
	upload_free(u);

	u = make(3); /* bytes bound a call too, but one file is always asked for */
	u->pieces[0].bytes = u->pieces[2].bytes = ASK_BYTES;
	assert_int_equal(upload_to_ask(u, ask, ASK_FILES), 1);
	u->pieces[0].state = PIECE_ASKED;
	assert_int_equal(upload_to_ask(u, ask, ASK_FILES), 1);
	assert_int_equal(ask[0], 2);
	u->pieces[2].state = PIECE_ASKED;
	assert_int_equal(upload_to_ask(u, ask, ASK_FILES), 2); /* the last call brings the metadata file's too */
	assert_int_equal(ask[0], 3);
	assert_int_equal(ask[1], 1);
	upload_free(u);
}

/* The manifest names the metadata file's key, so that key must be known before. */
static void test_asking_at_the_end(void **state) {
	(void)state;
	struct upload *u = make(1);
	size_t ask[4];
	upload_stored(u, 0);
	assert_int_equal(upload_to_ask(u, ask, 4), 1);
	assert_int_equal(ask[0], u->metadata);
	u->pieces[1].state = PIECE_ASKED;
	assert_int_equal(upload_to_ask(u, ask, 4), 0);
	u->files[1].key = xstrdup("k");
	u->pieces[1].state = PIECE_READY;
	assert_int_equal(upload_to_ask(u, ask, 4), 0); /* not built yet */
	u->manifest.name = xstrdup("_headgate/1/manifest.json");
	assert_int_equal(upload_to_ask(u, ask, 4), 1);
	assert_int_equal(ask[0], PIECE_MANIFEST);
	upload_stored(u, PIECE_MANIFEST);
	u->pieces[1].state = PIECE_WAITING; /* its URL ended meanwhile */
	assert_int_equal(upload_to_ask(u, ask, 4), 1);
	assert_int_equal(ask[0], u->metadata);
	upload_free(u);
}

static void test_manifest(void **state) {
	(void)state;
	struct upload *u = make(2);
	for (size_t i = 0; i < u->n; i++) {
		u->files[i].bucket = xstrdup("raw");
		u->files[i].key = xasprintf("20261120_134502/lab/%s", u->files[i].name);
	}
	upload_build_manifest(u, "lab", "k3v9q2", "20261120_134502", 2);
	assert_string_equal(u->manifest.name, "_headgate/2/manifest.json");
	assert_int_equal(u->manifest.size, strlen(u->body));
	AUTO(xfree) char *first = xstrdup(u->body);
	upload_build_manifest(u, "lab", "k3v9q2", "20261120_134502", 2);
	assert_string_equal(u->body, first); /* a restart writes the same bytes */
	AUTO(manifest_done) struct manifest m = {0};
	struct error err = ERROR_INIT;
	if (manifest_read(u->body, strlen(u->body), &m, &err)) fail_msg("%s", err.text);
	assert_int_equal(m.n, 3);
	assert_int_equal(m.revision, 2);
	assert_string_equal(m.station, "lab");
	assert_string_equal(m.metadata, "metadata.txt");
	assert_string_equal(m.files[1].key, "20261120_134502/lab/metadata.txt");
	assert_int_equal(m.files[1].mtime_ms, 1700000000123);
	upload_free(u);
}

#define MIB (INT64_C(1) << 20)

/* A file that is sent in parts is a file with several pieces, and stored with the last of them. */
static void test_a_file_in_pieces(void **state) {
	(void)state;
	struct upload *u = xcalloc(1, sizeof *u);
	struct file_row *files = xcalloc(3, sizeof *files);
	fill(&files[0], xstrdup("a.bin"), 100 * MIB);
	fill(&files[1], xstrdup("b.bin"), 7);
	fill(&files[2], xstrdup("metadata.txt"), 9);
	files[0].part_n = (size_t)part_count(files[0].size);
	files[0].parts = xcalloc(files[0].part_n, sizeof *files[0].parts);
	for (size_t i = 0; i < files[0].part_n; i++) files[0].parts[i].bytes[0] = (uint8_t)(i + 1);
	upload_cut(u, files, 3, "metadata.txt", 64 * MIB);
	assert_int_equal(u->piece_n, 7 + 2);
	int64_t at = 0;
	for (size_t i = 0; i < 7; i++) {
		const struct piece *p = upload_piece(u, i);
		assert_int_equal(p->file, 0);
		assert_int_equal(p->part, i + 1);
		assert_int_equal(p->offset, at);
		assert_int_equal(upload_digest(u, i)->bytes[0], i + 1);
		at += p->bytes;
	}
	assert_int_equal(at, 100 * MIB);
	assert_int_equal(upload_piece(u, 7)->part, 0);
	assert_memory_equal(upload_digest(u, 7), &u->files[1].sha256, sizeof(struct sha256));
	for (size_t i = 0; i < 7; i++) {
		ready(u, 6 - i);
		assert_int_equal(next(u), 6 - i); /* whatever is ready: parts go in any order */
		assert_int_equal(upload_stored(u, 6 - i), i == 6);
		assert_int_equal(upload_goal(u), GOAL_DATA);
	}
	upload_file_stored(u, 1);
	assert_int_equal(upload_goal(u), GOAL_MANIFEST);
	upload_free(u);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_data_only),
		cmocka_unit_test(test_metadata_stored_before),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_short_urls),
		cmocka_unit_test(test_asking),
		cmocka_unit_test(test_asking_at_the_end),
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_a_file_in_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
