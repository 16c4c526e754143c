/* SPDX-License-Identifier: MIT */
/* Secrets: wiped when they go, read only from files that nobody else may read. One thread a secret. */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX 4096

void secret_wipe(void *p, size_t n) {
	if (n) OPENSSL_cleanse(p, n);
}

void secret_done(struct secret *s) {
	if (s->bytes) secret_wipe(s->bytes, s->len);
	free(s->bytes);
	*s = (struct secret){0};
}

void secret_set(struct secret *s, const char *bytes, size_t len) {
	char *copy = xcalloc(len + 1, 1);
	if (len) memcpy(copy, bytes, len);
	secret_done(s);
	*s = (struct secret){.bytes = copy, .len = len};
}

bool secret_equal(const struct secret *s, const char *bytes, size_t len) {
	return s->bytes && s->len == len && CRYPTO_memcmp(s->bytes, bytes, len) == 0;
}

/* The descriptor of a regular file that is its owner's alone. O_NONBLOCK: a FIFO must not hang us. */
static int open_private(const char *path, struct error *err) {
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0) return error_errno(err, ERR_CONFIG, errno, "cannot read the key file %s", path);
	if (!S_ISREG(st.st_mode)) return error_set(err, ERR_CONFIG, "the key file %s is not a regular file", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return error_set(err, ERR_CONFIG, "the key file %s is open to others (mode %04o): run chmod 600 %s", path,
			(unsigned)st.st_mode & 07777, path);
	return TAKE_FD(fd);
}

/* Bytes read, at most size; -1 with errno. */
static ssize_t read_some(int fd, char *to, size_t size) {
	size_t n = 0;
	while (n < size) {
		ssize_t got = read(fd, to + n, size - n);
		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return -1;
		if (got == 0) break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

int secret_read_file(struct secret *s, const char *path, struct error *err) {
	AUTO(fd_close) int fd = open_private(path, err);
	if (fd < 0) return -1;
	char line[SECRET_MAX + 1];
	ssize_t n = read_some(fd, line, sizeof line);
	if (n < 0) return error_errno(err, ERR_CONFIG, errno, "cannot read the key file %s", path);
	size_t len = 0;
	while (len < (size_t)n && line[len] != '\n') len++;
	bool whole = len <= SECRET_MAX;
	while (len && strchr(" \t\r", line[len - 1])) len--;
	size_t from = 0; /* blanks around it are nobody's key */
	while (from < len && strchr(" \t", line[from])) from++;
	bool valid = whole && len > from && !memchr(line, '\0', len);
	if (valid) secret_set(s, line + from, len - from);
	secret_wipe(line, sizeof line);
	if (!valid) return error_set(err, ERR_CONFIG, "the key file %s holds no key in its first line", path);
	return 0;
}
