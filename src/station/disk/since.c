/* SPDX-License-Identifier: MIT */
/* `since`: compared as text, digit by digit, since a name's digits are in order of time. Pure. */
#include <string.h>

#include "station/disk/since.h"

bool name_before_since(const struct config *c, const char *name) {
	char since[16] = "";
	size_t n = 0;
	for (const char *p = c->since; p && *p && n < sizeof since - 1; p++) {
		if (*p < '0' || *p > '9') continue; /* "2026-11-20" and "20261120_134502" */
		if (n == 8) since[n++] = '_';
		since[n++] = *p;
	}
	return n && strncmp(name, since, n) < 0;
}
