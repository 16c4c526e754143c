/* SPDX-License-Identifier: MIT */
/* Metadata in either form: bounded, no key twice, and the same again through JSON. */
#include "fuzz.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "../unit/metadata_text.h"

static void check_entry(const struct metadata *m, const struct metadata_entry *e) {
	FUZZ_CHECK(*e->key && strlen(e->key) <= METADATA_KEY_MAX);
	FUZZ_CHECK(text_is_utf8(e->key, strlen(e->key), NULL) && text_is_utf8(e->text, strlen(e->text), NULL));
	FUZZ_CHECK(!e->is_number || isfinite(e->number));
	FUZZ_CHECK(metadata_get(m, e->key) == e); /* the first of its name: there is no other */
}

/* cJSON writes 15 digits when they give the number back within one part in 2^52. */
static bool same_number(double a, double b) { return fabs(a - b) <= fmax(fabs(a), fabs(b)) * DBL_EPSILON; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
	AUTO(metadata_done) struct metadata m = {0}, again = {0};
	struct error err = ERROR_INIT;
	if (metadata_parse((const char *)data, n, &m, &err) < 0) {
		FUZZ_CHECK(err.code == ERR_INPUT && *err.text && m.n == 0);
		return 0;
	}
	fuzz_taken++;
	for (size_t i = 0; i < m.n; i++) check_entry(&m, &m.entries[i]);
	AUTO(xfree) char *text = metadata_text(&m);
	if (strlen(text) > METADATA_MAX) return 0;
	FUZZ_CHECK(metadata_parse(text, strlen(text), &again, &err) == 0);
	FUZZ_CHECK(again.n == m.n);
	for (size_t i = 0; i < m.n; i++) {
		const struct metadata_entry *a = &m.entries[i], *b = &again.entries[i];
		FUZZ_CHECK(!strcmp(a->key, b->key) && !strcmp(a->text, b->text)); /* as written, whatever it is */
		FUZZ_CHECK(a->is_number || !b->is_number);
		FUZZ_CHECK(!b->is_number || same_number(a->number, b->number));
	}
	return 0;
}
