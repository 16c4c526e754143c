/* SPDX-License-Identifier: MIT */
/* Fills errors. Texts are composed in a fixed array and made safe for a terminal on the way in, so that whoever prints
 * one need not think of it. Any thread. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

const struct error_class error_classes[ERR_N] = {
#define X(code, name, status, retry) [ERR_##code] = {name, status, RETRY_##retry},
	ERROR_CODES(X)
#undef X
};

/* Longer than any text that err can keep: what vsnprintf cuts here would have been cut in any case. */
#define DRAFT 2048

static void fill(struct error *err, enum error_code code, int e, const char *draft) {
	*err = (struct error){.code = code, .os = e};
	text_safe(err->text, sizeof err->text, draft);
}

int error_set(struct error *err, enum error_code code, const char *fmt, ...) {
	char draft[DRAFT];
	va_list args;
	va_start(args, fmt);
	vsnprintf(draft, sizeof draft, fmt, args);
	va_end(args);
	fill(err, code, 0, draft);
	return -1;
}

int error_errno(struct error *err, enum error_code code, int e, const char *fmt, ...) {
	char draft[DRAFT];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(draft, sizeof draft, fmt, args);
	va_end(args);
	const char *words = strerrordesc_np(e);
	/* The reason matters more than the end of a long path: it keeps its place. */
	size_t kept = MIN((size_t)MAX(n, 0), sizeof((struct error *)0)->text - 128);
	if (kept < (size_t)MAX(n, 0)) {
		while (kept > 0 && ((unsigned char)draft[kept] & 0xC0) == 0x80) kept--;
		snprintf(draft + kept, sizeof draft - kept, "…");
		kept = strlen(draft);
	}
	if (words) snprintf(draft + kept, sizeof draft - kept, ": %s", words);
	else snprintf(draft + kept, sizeof draft - kept, ": error %d", e);
	fill(err, code, e, draft);
	return -1;
}

int error_prefix(struct error *err, const char *fmt, ...) {
	char draft[DRAFT];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(draft, sizeof draft, fmt, args);
	va_end(args);
	size_t used = MIN((size_t)MAX(n, 0), sizeof draft - 1);
	snprintf(draft + used, sizeof draft - used, ": %s", err->text);
	text_safe(err->text, sizeof err->text, draft);
	return -1;
}

void error_clear(struct error *err) { *err = ERROR_INIT; }
