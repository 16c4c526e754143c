/* SPDX-License-Identifier: MIT */
/* Content ids. Pure functions, any thread. */
#include "session/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
	return strcmp(((const struct content_file *)a)->name, ((const struct content_file *)b)->name);
}

/* Line by line into the digest: no text of all files is ever made. */
static void content_add(struct digest *d, const struct content_file *f) {
	char size[24], hex[SHA256_HEX];
	int n = snprintf(size, sizeof size, "%lld", (long long)f->size);
	digest_add(d, f->name, strlen(f->name) + 1);
	digest_add(d, size, (size_t)n + 1);
	digest_add(d, sha256_hex(hex, f->sha256), SHA256_HEX - 1);
	digest_add(d, "\n", 1);
}

void content_id(struct content_file *files, size_t n, struct sha256 *ret) {
	AUTO(digest_free) struct digest *d = digest_new();
	if (n) qsort(files, n, sizeof *files, by_name);
	for (size_t i = 0; i < n; i++) content_add(d, &files[i]);
	digest_end(d, ret);
}

int content_parse(const char *text, struct sha256 *ret) {
	size_t n = strspn(text, "0123456789abcdef");
	if (n != SHA256_HEX - 1 || text[n]) return -1;
	return sha256_from_hex(text, ret);
}
