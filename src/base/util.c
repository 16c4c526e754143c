/* SPDX-License-Identifier: MIT */
/* Allocation that aborts, arrays that grow. Any thread. */
#include "base/util.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *must(void *p) {
	if (!p) abort();
	return p;
}

void *xcalloc(size_t n, size_t size) { return must(calloc(n ? n : 1, size ? size : 1)); }

void *xrealloc(void *p, size_t bytes) { return must(realloc(p, bytes ? bytes : 1)); }

char *xstrdup(const char *s) { return s ? must(strdup(s)) : NULL; }

/* Not strndup(3): under strict_string_checks ASan wants a NUL in what it is given, and bounded text has none. */
char *xstrndup(const char *s, size_t n) {
	n = strnlen(s, n);
	char *copy = xcalloc(n + 1, 1);
	memcpy(copy, s, n);
	return copy;
}

char *xasprintf(const char *fmt, ...) {
	char *s = NULL;
	va_list args;
	va_start(args, fmt);
	int n = vasprintf(&s, fmt, args);
	va_end(args);
	if (n < 0) abort();
	return s;
}

void xfree(void *p) { free(p); }

void *array_reserve(void *array, size_t count, size_t *capacity, size_t size) {
	if (count < *capacity) return array;
	size_t grown = *capacity ? *capacity * 2 : 8;
	while (grown <= count) grown *= 2;
	if (grown > SIZE_MAX / size) abort();
	array = xrealloc(array, grown * size);
	memset((char *)array + *capacity * size, 0, (grown - *capacity) * size);
	*capacity = grown;
	return array;
}

void fd_close(int fd) { close(fd); }
