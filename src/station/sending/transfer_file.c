/* SPDX-License-Identifier: MIT */
/* The file of a transfer. What may wait for a disk is done in the threads of its root: opening, comparing, and the
 * reading of what is not in memory. What is (most of it: it was hashed a moment ago) is read on the loop, since a hop
 * through a thread costs up to 1.7 times the CPU (measured): RWF_NOWAIT tells the two apart. A file system that cannot
 * say is read on the loop when it is local, as before, else in the thread. */
#include "station/sending/transfer_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "station/disk/hash.h"
#include "station/engine/root.h"

#define AHEAD_BYTES (1024 * 1024)

static void transfer_gone(struct transfer *t) {
	file_row_done(&t->file);
	free(t->root);
	free(t->ahead);
	free(t->body);
	free(t);
}

static void close_run(struct job *j) { fd_close(TAKE_FD(((struct transfer *)j)->fd)); }

static void close_done(struct job *j) { transfer_gone((struct transfer *)j); }

/* A file server may be asked even then, and not answer; at the end the process closes it. */
void transfer_free(struct transfer *t) {
	struct engine *e = t->engine;
	bool far = !e->roots[t->ticket.root].local;
	if (t->fd >= 0 && far && !e->stopping) {
		t->job = (struct job){.run = close_run, .done = close_done};
		lane_start(e, t->ticket.root, LANE_SEND, &t->job);
		return;
	}
	if (t->fd >= 0 && !far) close(t->fd);
	transfer_gone(t);
}

/* A disk that fails is not a change of the file. */
static int read_failed(const struct transfer *t, int e, int64_t at, struct error *err) {
	return error_errno(err, ERR_DISK, e, "cannot read %s/%s/%s at byte %lld while it is sent; look at the disk",
		t->root, t->ticket.name, t->file.name, (long long)at);
}

static int read_short(const struct transfer *t, struct error *err) {
	return error_set(err, ERR_CHANGED, "%s became shorter while it was sent", t->file.name);
}

/* --- in the root's threads --- */

static void read_ahead(struct transfer *t) {
	int64_t want = MIN(AHEAD_BYTES, t->offset + t->bytes - t->ahead_at);
	if (!t->ahead) t->ahead = xcalloc(1, AHEAD_BYTES);
	for (t->ahead_n = 0; t->ahead_n < want;) {
		ssize_t n = pread(t->fd, t->ahead + t->ahead_n, (size_t)(want - t->ahead_n), t->ahead_at + t->ahead_n);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) (void)!read_failed(t, errno, t->ahead_at + t->ahead_n, &t->err);
		else if (n == 0) (void)!read_short(t, &t->err);
		if (n <= 0) return;
		t->ahead_n += n;
	}
}

static void file_run(struct job *j) {
	struct transfer *t = (struct transfer *)j;
	switch (t->step) {
	case TRANSFER_OPENS:
		if (file_open_same(t->root, t->ticket.name, &t->file, &t->fd, &t->err)) {
			t->root_gone = access(t->root, F_OK) != 0;
		}
		break;
	case TRANSFER_READS: read_ahead(t); break;
	case TRANSFER_COMPARES: (void)!file_still_same(t->fd, &t->file, &t->err); break;
	}
}

/* --- the loop --- */

static void file_done(struct job *j) {
	struct transfer *t = (struct transfer *)j;
	t->busy = false;
	t->stepped(t);
}

void transfer_file_start(struct transfer *t, enum transfer_step step) {
	t->job = (struct job){.run = file_run, .done = file_done};
	t->step = step;
	t->busy = true;
	lane_start(t->engine, t->ticket.root, LANE_SEND, &t->job);
}

/* Bytes; 0: it may wait. */
static ssize_t read_now(struct transfer *t, char *to, size_t n, int64_t at, struct error *err) {
	const struct iovec into = {.iov_base = to, .iov_len = n};
	ssize_t got = 0;
	if (!t->no_nowait) {
		got = preadv2(t->fd, &into, 1, at, RWF_NOWAIT);
		t->no_nowait = got < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL);
	} else if (t->engine->roots[t->ticket.root].local) {
		got = pread(t->fd, to, n, at);
	}
	if (got >= 0 || t->no_nowait || errno == EAGAIN || errno == EINTR) return MAX(got, 0);
	return read_failed(t, errno, at, err);
}

ssize_t transfer_read(void *arg, char *to, size_t n, int64_t offset, struct error *err) {
	struct transfer *t = arg;
	size_t want = (size_t)MIN((int64_t)n, t->bytes - offset);
	int64_t at = t->offset + offset, in = at - t->ahead_at;
	if (t->body) {
		memcpy(to, t->body + offset, want);
		return (ssize_t)want;
	}
	if (t->busy) return HTTP_LATER;
	if (in >= 0 && in < t->ahead_n) {
		size_t take = MIN(want, (size_t)(t->ahead_n - in));
		memcpy(to, t->ahead + in, take);
		return (ssize_t)take;
	}
	if (t->err.code != ERR_NONE) return *err = t->err, -1;
	ssize_t got = read_now(t, to, want, at, err);
	if (got) return got;
	t->ahead_at = at;
	transfer_file_start(t, TRANSFER_READS);
	return HTTP_LATER;
}
