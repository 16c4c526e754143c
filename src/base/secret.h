/* SPDX-License-Identifier: MIT */
/* A value that wipes itself and is never printed: API keys, tokens, signing keys. */
#pragma once

#include "base/error.h"

struct secret {
	char *bytes; /* NUL-terminated, or NULL */
	size_t len;
};
void secret_set(struct secret *s, const char *bytes, size_t len); /* copies; the old value is wiped */
void secret_done(struct secret *s);								  /* wipes */
DEFINE_AUTO_VAL(struct secret, secret_done)
/* Reads the first line of path; refuses a file that group or others may read (ERR_CONFIG, naming chmod 600). */
MUST_USE int secret_read_file(struct secret *s, const char *path, struct error *err);
bool secret_equal(const struct secret *s, const char *bytes, size_t len); /* in constant time */
void secret_wipe(void *p, size_t n);
