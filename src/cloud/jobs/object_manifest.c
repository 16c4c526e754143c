/* SPDX-License-Identifier: MIT */
/* The bytes are hashed as they are parsed; what they say counts only when they are those that were stored. */
#include "cloud/jobs/object_manifest.h"

#include <errno.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"

struct object_source {
	int fd;
	const struct object_row *row;
	struct digest *digest;
};

static ssize_t object_pull(void *arg, char *to, size_t n, struct error *err) {
	const struct object_source *s = arg;
	ssize_t got;
	do got = read(s->fd, to, n);
	while (got < 0 && errno == EINTR);
	if (got < 0) return error_errno(err, ERR_DISK, errno, "the object %s cannot be read", TEXT_SAFE(s->row->key));
	digest_add(s->digest, to, (size_t)got);
	return got;
}

/* After a manifest that was refused in the middle: the rest of its bytes. */
static int drain(struct object_source *s, struct error *err) {
	char chunk[64 << 10];
	ssize_t n;
	while ((n = object_pull(s, chunk, sizeof chunk, err)) > 0) continue;
	return n < 0 ? -1 : 0;
}

int object_manifest(struct objects *o, const struct object_row *row, struct manifest *ret, struct error *err) {
	AUTO(fd_close) int fd = -1;
	AUTO(digest_free) struct digest *digest = digest_new();
	AUTO(manifest_done) struct manifest m = {0};
	struct error other = ERROR_INIT;
	struct sha256 sha256;
	int64_t size = 0;
	if (row->size > MANIFEST_BYTES_MAX)
		return error_set(err, ERR_INPUT, "it has %s, a manifest has at most %s", UNIT_BYTES(row->size),
			UNIT_BYTES(MANIFEST_BYTES_MAX));
	if (object_open(o, row->bucket, row->key, &fd, &size, err)) return -1;
	struct object_source source = {fd, row, digest};
	int status = manifest_pull(object_pull, &source, false, &m, err);
	if (status && err->code != ERR_INPUT) return -1;
	if (drain(&source, &other)) {
		*err = other;
		return -1;
	}
	digest_end(digest, &sha256);
	if (!sha256_equal(&sha256, &row->sha256))
		return error_set(err, ERR_CHECKSUM, "its bytes are not those that were stored");
	if (status) return -1;
	*ret = m;
	m = (struct manifest){0};
	return 0;
}
