/* SPDX-License-Identifier: MIT */
/* A scratch folder for a whole test program: group set-up and tear-down. Included by one test file each. */
#pragma once

#include <stdlib.h>

#include "base/file.h"

static char scratch[] = "/tmp/headgate-unit-XXXXXX";

static int scratch_make(void **state) {
	(void)state;
	return mkdtemp(scratch) ? 0 : -1;
}

static int scratch_remove(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	return file_remove_tree(scratch, &err);
}
