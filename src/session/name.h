/* SPDX-License-Identifier: MIT */
/* Names: of a session folder, of the files in it, of a station, a bucket and an object key. */
#pragma once

#include "base/error.h"

#define SESSION_NAME 16 /* "YYYYMMDD_HHMMSS" and NUL */
#define STATION_NAME_MAX 64
#define FILE_NAME_MAX 768 /* bytes, '/' included, so that a key never passes S3's 1,024 */
#define KEY_MAX 1024
#define RESERVED_DIR "_headgate"
#define MANIFEST_NAME "manifest.json"

bool session_name_is(const char *folder);		/* fifteen characters of that shape: digits and one underscore */
bool session_name_possible(const char *folder); /* and a date and time that exist */
/* Local time that the name says, in ms; -1 when it is impossible. */
int64_t session_name_time(const char *folder);
/* Is it no session's name, and yet has the date and the time of one in it ("20261120_124033Z", "2026-11-20T12:40",
 * "rec 20261120 124033 (1)")? Then ret_name is what it should be called. */
bool session_name_near(const char *folder, char ret_name[SESSION_NAME]);
/* [A-Za-z0-9][A-Za-z0-9._-]{0,63}. ERR_CONFIG with the mend. */
MUST_USE int station_name_check(const char *name, struct error *err);
/* S3's bucket rules: 3..63 of [a-z0-9.-], letter or digit at both ends, no "..", not an address. ERR_CONFIG; suggests a
 * valid form. */
MUST_USE int bucket_name_check(const char *name, struct error *err);
/* A relative path of a file in a session: UTF-8, no empty, "." or ".." segment, no leading '/', no control character,
 * no backslash, at most FILE_NAME_MAX, not in RESERVED_DIR (unless it is the manifest's name: is_manifest_name).
 * ERR_INPUT. */
MUST_USE int file_name_check(const char *name, struct error *err);
/* "_headgate/<revision>/manifest.json" exactly; the revision is returned. */
bool is_manifest_name(const char *name, int64_t *ret_revision);
void manifest_name(char *to, size_t size, int64_t revision);
/* "<session>/<station>/<name>", or "<session>/<station>/_headgate/<revision>/<name>" when `revised`. A recording's own
 * manifest.json would then have the key of the manifest: it lies in a further _headgate/, where no file's name leads.
 */
MUST_USE int object_key(char *to, size_t size, const char *session, const char *station, int64_t revision, bool revised,
	const char *name, struct error *err);
