/* SPDX-License-Identifier: MIT */
/* usage: fuzz_TARGET CORPUS_DIR [INPUT_FILE]
 * Runs the target over every seed, then over mutations of them until a number or a time is reached: about two seconds,
 * a minute with HEADGATE_SOAK. Deterministic for a seed of the generator (HEADGATE_FUZZ_SEED, else a fixed one; of the
 * clock in a soak); the input that crashed is left in ./fuzz-TARGET.crash and can be given as INPUT_FILE. TAP. */
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"

#define INPUT_MAX 65536
#define SEEDS_MAX 256
#define MUTATIONS 20000
#define TIME_MS 2000
#define SOAK_TIME_MS 60000

struct input {
	uint8_t *bytes;
	size_t n;
};
static struct input seeds[SEEDS_MAX];
static size_t seed_n;
static uint64_t generator;
static struct input now; /* what the target is working on */
static char crash_path[256];

/* --- a reproducible generator (xorshift64*) --- */

static uint64_t draw(uint64_t below) {
	generator ^= generator >> 12;
	generator ^= generator << 25;
	generator ^= generator >> 27;
	return (generator * 2685821657736338717ULL >> 11) % (below ? below : 1);
}

/* --- mutations --- */

static const char *const tokens[] = {"\"", "\\", "{", "}", "[", "]", ":", ",", "=", "&", "%", "%00", "%2F", "%zz", "<",
	">", "</", "/>", "&lt;", "&#0;", "<!DOCTYPE a [", "<![CDATA[", "null", "true", "-1", "0", "1e999",
	"9223372036854775808", "18446744073709551616", "0.1", "NaN", "\n", "\r\n", "\t", " ", "#", ";", "[a]", "..", "/",
	"//", "\x1b[2J", "\xff", "\xc3\xa9", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\\u0000", "\\ud800",
	"X-Amz-Signature=", "AWS4-HMAC-SHA256", "host"};

static void put_bytes(struct input *to, size_t at, const void *bytes, size_t n) {
	if (to->n + n > INPUT_MAX) return;
	memmove(to->bytes + at + n, to->bytes + at, to->n - at);
	memcpy(to->bytes + at, bytes, n);
	to->n += n;
}

static void drop_bytes(struct input *to) {
	if (to->n == 0) return;
	size_t at = draw(to->n), n = 1 + draw(draw(2) ? 8 : to->n);
	if (n > to->n - at) n = to->n - at;
	memmove(to->bytes + at, to->bytes + at + n, to->n - at - n);
	to->n -= n;
}

static void repeat_bytes(struct input *to) {
	static uint8_t piece[4096];
	if (to->n == 0) return;
	size_t at = draw(to->n), n = 1 + draw(sizeof piece);
	if (n > to->n - at) n = to->n - at;
	memcpy(piece, to->bytes + at, n);
	for (uint64_t times = 1 + draw(draw(8) ? 2 : 40); times > 0; times--) put_bytes(to, at, piece, n);
}

static void splice(struct input *to) {
	const struct input *other = &seeds[draw(seed_n)];
	size_t from = draw(other->n), n = draw(other->n - from + 1);
	put_bytes(to, draw(to->n + 1), other->bytes + from, n);
}

static void mutate(struct input *to) {
	const char *token = tokens[draw(sizeof tokens / sizeof *tokens)];
	uint8_t byte = (uint8_t)draw(256);
	switch (draw(7)) {
	case 0:
		if (to->n > 0) to->bytes[draw(to->n)] ^= (uint8_t)(1 << draw(8));
		break;
	case 1:
		if (to->n > 0) to->bytes[draw(to->n)] = byte;
		break;
	case 2: put_bytes(to, draw(to->n + 1), &byte, 1); break;
	case 3: put_bytes(to, draw(to->n + 1), token, strlen(token)); break;
	case 4: drop_bytes(to); break;
	case 5: repeat_bytes(to); break;
	default: splice(to);
	}
}

/* --- running --- */

static void on_abort(int number) {
	FILE *out = fopen(crash_path, "wb");
	if (out) {
		fwrite(now.bytes, 1, now.n, out);
		fclose(out);
	}
	fprintf(stderr, "the input is in %s\n", crash_path);
	signal(number, SIG_DFL);
	raise(number);
}

/* Into memory of exactly its size, so that reading past it is seen. */
static void run(const uint8_t *bytes, size_t n) {
	now = (struct input){malloc(n ? n : 1), n};
	if (!now.bytes) abort();
	memcpy(now.bytes, bytes, n);
	LLVMFuzzerTestOneInput(now.bytes, n);
	free(now.bytes);
}

static int read_seed(const char *path) {
	FILE *in = fopen(path, "rb");
	if (!in || seed_n == SEEDS_MAX) return -1;
	struct input *seed = &seeds[seed_n++];
	seed->bytes = malloc(INPUT_MAX);
	if (!seed->bytes) abort();
	seed->n = fread(seed->bytes, 1, INPUT_MAX, in);
	fclose(in);
	return 0;
}

/* In the order of their names, so that a run can be repeated. */
static int read_seeds(const char *folder) {
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort), status = n < 0 ? -1 : 0;
	for (int i = 0; i < n; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && read_seed(path) < 0) status = -1;
		free(entries[i]);
	}
	if (n >= 0) free(entries);
	return seed_n > 0 ? status : -1;
}

static int64_t now_ms(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned long run_mutations(int64_t time_ms, unsigned long most) {
	struct input work = {malloc(INPUT_MAX), 0};
	unsigned long done = 0;
	if (!work.bytes) abort();
	for (int64_t end_ms = now_ms() + time_ms; done < most && now_ms() < end_ms; done++) {
		const struct input *seed = &seeds[draw(seed_n)];
		memcpy(work.bytes, seed->bytes, seed->n);
		work.n = seed->n;
		for (uint64_t times = 1 + draw(draw(4) ? 3 : 16); times > 0; times--) mutate(&work);
		run(work.bytes, work.n);
	}
	free(work.bytes);
	return done;
}

int main(int argc, char **argv) {
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	const char *soak = getenv("HEADGATE_SOAK"), *asked = getenv("HEADGATE_FUZZ_SEED");
	if (argc < 2) return 2;
	snprintf(crash_path, sizeof crash_path, "./%s.crash", name);
	signal(SIGABRT, on_abort);
	if (argc > 2) return read_seed(argv[2]) < 0 ? 2 : (run(seeds[0].bytes, seeds[0].n), 0);

	int soaking = soak && *soak;
	generator = asked ? strtoull(asked, NULL, 10) : soaking ? (uint64_t)time(NULL) : 20261121;
	if (generator == 0) generator = 1;
	unsigned long long first = generator;
	printf("1..3\n");
	if (read_seeds(argv[1]) < 0) {
		printf("not ok 1 - seeds of %s can be read\n", argv[1]);
		return 1;
	}
	for (size_t i = 0; i < seed_n; i++) run(seeds[i].bytes, seeds[i].n);
	printf("ok 1 - %s: %zu seeds\n", name, seed_n);
	fflush(stdout);
	unsigned long taken = fuzz_taken;
	printf("%sok 2 - %lu of them are taken\n", taken > 0 ? "" : "not ", taken);
	unsigned long done = run_mutations(soaking ? SOAK_TIME_MS : TIME_MS, soaking ? 1000000000UL : MUTATIONS);
	printf("ok 3 - %lu mutations, %lu taken, HEADGATE_FUZZ_SEED=%llu\n", done, fuzz_taken - taken, first);
	for (size_t i = 0; i < seed_n; i++) free(seeds[i].bytes);
	return taken > 0 ? 0 : 1;
}
