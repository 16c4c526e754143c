/* SPDX-License-Identifier: MIT */
/* INI files through inih, with a reader of our own that counts lines and refuses one that is too long (inih 55 cuts it
 * silently). */
#pragma once

#include "base/error.h"

#define INI_LINE_MAX 190 /* characters a line; inih's own buffer is 200 */
/* Called for each value in order of the file; returns 0, or -1 with err set, which ends the reading (the error is
 * prefixed with "PATH:LINE: "). */
typedef int ini_on_value(
	void *arg, const char *section, const char *name, const char *value, int line, struct error *err);
/* ERR_NOT_FOUND when there is no such file, ERR_CONFIG with file and line for anything else. */
MUST_USE int ini_read(const char *path, ini_on_value *on_value, void *arg, struct error *err);
