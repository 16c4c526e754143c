/* SPDX-License-Identifier: MIT */
/* Manifests: what is taken names only safe files, and is written again to the same bytes for ever. */
#include "fuzz.h"

#include <string.h>

#include "../unit/manifest_text.h"
#include "session/name.h"
#include "session/part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
	AUTO(manifest_done) struct manifest m = {0}, again = {0};
	struct error err = ERROR_INIT;
	if (manifest_read((const char *)data, n, &m, &err) < 0) {
		FUZZ_CHECK(err.code == ERR_INPUT && *err.text);
		return 0;
	}
	fuzz_taken++;
	for (size_t i = 0; i < m.n; i++) {
		FUZZ_CHECK(file_name_check(m.files[i].name, &err) == 0);
		FUZZ_CHECK(m.files[i].size >= 0);
		FUZZ_CHECK(m.files[i].part_n == 0 || m.files[i].part_n == (size_t)part_count(m.files[i].size));
	}
	AUTO(xfree) char *first = manifest_write(&m);
	FUZZ_CHECK(manifest_read(first, strlen(first), &again, &err) == 0);
	AUTO(xfree) char *second = manifest_write(&again);
	FUZZ_CHECK(!strcmp(first, second));
	return 0;
}
