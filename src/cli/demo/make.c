/* SPDX-License-Identifier: MIT */
/* The demo's sessions on disk. Contents are seeded: the same flags give the same bytes. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "session/schema.h"
#include "cli/demo/demo.h"

#define PIECE (256 << 10)
/* The slow file: written in slices for SLOW_WRITE_MS, then nothing, but open, until SLOW_CLOSE_MS: longer than the
 * settle time, so that only the writer's descriptor tells that it is not complete. */
#define SLOW_WRITE_MS 2500
#define SLOW_CLOSE_MS 5000
#define SLOW_SEED 1
#define SESSION_EVERY_S 600

#define METADATA_TEXTS(X)                                                                                              \
	X(GOOD, "fatigue_level: 3\nhardware_model: HX-200\n")                                                              \
	X(IMPOSSIBLE_DATE, "fatigue_level: 5\nhardware_model: HX-100\n")                                                   \
	X(STILL_WRITTEN, "fatigue_level = 1\nhardware_model = HX-200\n")                                                   \
	X(OUT_OF_RANGE, "fatigue_level: 14\nhardware_model: HX-200\n")                                                     \
	X(CLOUD_REJECTS, "{\"fatigue_level\": 2, \"hardware_model\": \"ZX-9\"}\n")
static_assert(ROWS(METADATA_TEXTS) == DEMO_KIND_N, "metadata for every kind");
static const char *const metadata_texts[DEMO_KIND_N] = {
#define X(kind, text) [DEMO_##kind] = text,
	METADATA_TEXTS(X)
#undef X
};

static const char *const file_names[] = {"signals.edf", "video/camera 1.bin", "events.csv"};
static_assert(ARRAY_LEN(file_names) == DEMO_FILES, "a name for every file");

/* Three quarters, one quarter, and a little of the first; together d->size. */
static int64_t demo_file_size(const struct demo *d, int i) {
	int64_t small = MIN(4000, d->size / 8), quarter = d->size / 4;
	const int64_t sizes[] = {d->size - quarter - small, quarter, small};
	return sizes[i];
}

void demo_plan(struct demo *d) {
	time_t now = (time_t)(clock_wall_ms() / 1000);
	d->sessions = xcalloc((size_t)d->session_n, sizeof *d->sessions);
	for (int64_t i = 0; i < d->session_n; i++) {
		time_t began = now - (time_t)(d->session_n - i) * SESSION_EVERY_S;
		struct tm day;
		/* One of each kind, the slow one first, then good ones. Too few for that: the first kinds, good ones first. */
		static const enum demo_kind first[] = {
			DEMO_STILL_WRITTEN, DEMO_GOOD, DEMO_OUT_OF_RANGE, DEMO_IMPOSSIBLE_DATE, DEMO_CLOUD_REJECTS};
		d->sessions[i].kind = i < (int64_t)ARRAY_LEN(first) ? first[i] : DEMO_GOOD;
		if (d->session_n < DEMO_KIND_N) d->sessions[i].kind = (enum demo_kind)i;
		localtime_r(&began, &day);
		strftime(d->sessions[i].name, sizeof d->sessions[i].name, "%Y%m%d_%H%M%S", &day);
		if (d->sessions[i].kind == DEMO_IMPOSSIBLE_DATE)
			snprintf(d->sessions[i].name, sizeof d->sessions[i].name, "20210229_161221");
		d->total += d->size;
	}
}

/* splitmix64, which can begin anywhere: offset is a multiple of 8. Fast, and never compressible. */
static void fill(uint64_t seed, int64_t offset, void *to, size_t n) {
	uint64_t state = (seed << 40) + (uint64_t)offset / 8 * 0x9E3779B97F4A7C15u;
	for (size_t at = 0; at < n; at += sizeof(uint64_t)) {
		uint64_t z = (state += 0x9E3779B97F4A7C15u);
		z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
		z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
		z ^= z >> 31;
		memcpy((char *)to + at, &z, MIN(sizeof z, n - at));
	}
}

static int open_new(const char *path, int *ret_fd, struct error *err) {
	*ret_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return *ret_fd >= 0 ? 0 : error_errno(err, ERR_DISK, errno, "make %s", path);
}

static int write_seeded(struct demo *d, const char *path, int64_t size, uint64_t seed, struct error *err) {
	static char piece[PIECE];
	AUTO(fd_close) int fd = -1;
	if (open_new(path, &fd, err)) return -1;
	for (int64_t at = 0; at < size;) {
		size_t n = (size_t)MIN(size - at, PIECE);
		fill(seed, at, piece, n);
		if (file_write_all(fd, piece, n, path, err) || demo_tick(d, err)) return -1;
		at += (int64_t)n;
	}
	return 0;
}

static int write_text(const char *path, const char *text, struct error *err) {
	AUTO(fd_close) int fd = -1;
	return open_new(path, &fd, err) || file_write_all(fd, text, strlen(text), path, err) ? -1 : 0;
}

static int make_session(struct demo *d, int64_t at, struct error *err) {
	const struct demo_session *s = &d->sessions[at];
	AUTO(xfree) char *folder = path_join(d->recordings, s->name);
	AUTO(xfree) char *video = path_join(folder, "video");
	AUTO(xfree) char *metadata = path_join(folder, SCHEMA_FILE);
	if (file_mkdirs(video, 0755, err)) return -1;
	for (int i = 0; i < DEMO_FILES; i++) {
		AUTO(xfree) char *path = path_join(folder, file_names[i]);
		if (i == 0 && s->kind == DEMO_STILL_WRITTEN) {
			d->slow.size = demo_file_size(d, i);
			d->slow.began_ms = clock_mono_ms();
			if (open_new(path, &d->slow.fd, err)) return -1;
		} else if (write_seeded(d, path, demo_file_size(d, i), (uint64_t)(at * DEMO_FILES + i + 2), err)) return -1;
	}
	return write_text(metadata, metadata_texts[s->kind], err);
}

int demo_make(struct demo *d, struct error *err) {
	for (int64_t i = 0; i < d->session_n; i++)
		if (make_session(d, i, err)) return -1;
	return 0;
}

/* What should be written by now; the last slice comes with the close. */
static int64_t slow_due(const struct demo *d, int64_t elapsed_ms) {
	if (elapsed_ms >= SLOW_CLOSE_MS) return d->slow.size;
	double part = MIN(1.0, (double)elapsed_ms / SLOW_WRITE_MS);
	return (int64_t)(part * 0.95 * (double)d->slow.size) & ~7LL;
}

int demo_slow_step(struct demo *d, struct error *err) {
	char piece[PIECE];
	if (d->slow.fd < 0) return 0;
	int64_t elapsed_ms = clock_mono_ms() - d->slow.began_ms, due = slow_due(d, elapsed_ms);
	while (d->slow.written < due) {
		size_t n = (size_t)MIN(due - d->slow.written, PIECE);
		fill(SLOW_SEED, d->slow.written, piece, n);
		if (file_write_all(d->slow.fd, piece, n, "the file that is still being written", err)) return -1;
		d->slow.written += (int64_t)n;
	}
	if (elapsed_ms >= SLOW_CLOSE_MS) fd_close(TAKE_FD(d->slow.fd));
	return 0;
}

int64_t demo_slow_left_ms(const struct demo *d) {
	if (d->slow.fd < 0) return 0;
	return MAX(0, d->slow.began_ms + SLOW_CLOSE_MS + DEMO_SETTLE_MS - clock_mono_ms());
}
