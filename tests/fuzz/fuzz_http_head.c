/* SPDX-License-Identifier: MIT */
/* A request's head and a chunked body behind it: the same however the bytes are cut, and what is taken has one meaning.
 */
#include "fuzz.h"

#include <string.h>

#include "cloud/http/chunks.h"
#include "cloud/http/head.h"

/* Nothing that another reader could end a line or a field at. */
static void check_text(const char *s) {
	for (; *s; s++) FUZZ_CHECK((uint8_t)*s >= 0x20 || *s == '\t');
}

static void check_head(const struct head *h) {
	int hosts = 0, lengths = 0, codings = 0;
	FUZZ_CHECK(h->method[0] && (h->target[0] == '/' || strcmp(h->target, "*") == 0));
	FUZZ_CHECK(!strpbrk(h->method, " \t:") && !strpbrk(h->target, " \t#"));
	for (size_t i = 0; i < h->field_n; i++) {
		const struct sigv4_header *f = &h->fields[i];
		FUZZ_CHECK(f->name[0] && !strpbrk(f->name, " \t:"));
		check_text(f->value);
		hosts += strcasecmp(f->name, "host") == 0;
		lengths += strcasecmp(f->name, "content-length") == 0;
		codings += strcasecmp(f->name, "transfer-encoding") == 0;
	}
	if (h->fields_cut) return;
	FUZZ_CHECK(hosts + h->http10 >= 1 && hosts <= 1 && lengths + codings <= 1);
	FUZZ_CHECK((codings == 1) == h->chunked && (lengths == 1) == (h->length >= 0));
}

/* The sum of the pieces' bytes and the verdict, fed `step` bytes at a time. */
static unsigned long chunks_walk(const uint8_t *data, size_t n, size_t step) {
	struct chunks c = {0};
	unsigned long sum = 0;
	for (size_t at = 0; at < n;) {
		size_t used = 0, piece_n = 0;
		const char *piece = NULL;
		enum chunk_verdict v = chunks_read(&c, (const char *)data + at, MIN(step, n - at), &used, &piece, &piece_n);
		if (v == CHUNK_BAD || v == CHUNK_END) return sum * 4 + (unsigned long)v;
		FUZZ_CHECK(used > 0 && used <= MIN(step, n - at));
		if (v == CHUNK_PIECE)
			for (size_t i = 0; i < piece_n; i++) sum = sum * 31 + (uint8_t)piece[i];
		at += used;
	}
	return sum * 4 + CHUNK_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
	struct head whole, stepwise;
	size_t at = 0, size = 0, at_2 = 0, size_2 = 0;
	char *a = malloc(n + 1), *b = malloc(n + 1);
	FUZZ_CHECK(a && b);
	memcpy(a, data, n);
	memcpy(b, data, n);
	enum head_verdict v = head_read(a, n, &at, &size, &whole), w = HEAD_MORE;
	for (size_t i = 1; i <= n && w == HEAD_MORE; i++) w = head_read(b, i, &at_2, &size_2, &stepwise);
	FUZZ_CHECK(v == w);
	if (v != HEAD_WHOLE) {
		struct head begun = {.method = "", .target = ""};
		head_begin(b, n, &begun);
		FUZZ_CHECK(!strpbrk(begun.method, " \t\r\n") && !strpbrk(begun.target, " \t\r\n"));
	}
	if (v == HEAD_BAD) FUZZ_CHECK(whole.why && stepwise.why && strcmp(whole.why, stepwise.why) == 0);
	if (v == HEAD_WHOLE) {
		fuzz_taken++;
		FUZZ_CHECK(size == size_2 && size <= n && whole.field_n == stepwise.field_n);
		check_head(&whole);
		FUZZ_CHECK(chunks_walk(data + size, n - size, SIZE_MAX) == chunks_walk(data + size, n - size, 1));
	}
	free(a);
	free(b);
	return 0;
}
