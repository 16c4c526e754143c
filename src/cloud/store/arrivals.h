/* SPDX-License-Identifier: MIT */
/* What this process hashed itself, on arrival or by reading: a bounded record, so that bytes need not be read again as
 * long as their file is the one that was hashed, by inode, size, and both times. What falls out of it is read again.
 * Any thread. */
#pragma once

#include <sys/stat.h>

#include "base/digest.h"

struct arrivals;
struct arrivals *arrivals_new(void);
void arrivals_free(struct arrivals *a);
/* name: of the file, the hexadecimal digest of its key; bucket: a constant of the caller's that tells one from another.
 */
void arrivals_add(struct arrivals *a, const void *bucket, const char name[SHA256_HEX], const struct stat *st,
	const struct sha256 *digest, bool arrived);
/* False: it is not known, or changed since. *ret_arrived: hashed as it came, else by reading. */
bool arrivals_find(struct arrivals *a, const void *bucket, const char name[SHA256_HEX], const struct stat *st,
	struct sha256 *ret_digest, bool *ret_arrived);
