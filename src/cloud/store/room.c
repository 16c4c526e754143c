/* SPDX-License-Identifier: MIT */
/* One system call; any thread. */
#include "cloud/store/room.h"

#include <errno.h>
#include <sys/statvfs.h>

static void room_of(const struct statvfs *s, int64_t keep_free, int64_t *ret_free_bytes, int64_t *ret_floor) {
	int64_t total = (int64_t)s->f_blocks * (int64_t)s->f_frsize;
	*ret_free_bytes = (int64_t)s->f_bavail * (int64_t)s->f_frsize;
	*ret_floor = MIN(keep_free, total / 20);
}

int disk_room(const char *dir, int64_t keep_free, int64_t *ret_free_bytes, int64_t *ret_floor, struct error *err) {
	struct statvfs s;
	if (statvfs(dir, &s)) return error_errno(err, ERR_DISK, errno, "ask for free space at %s", dir);
	room_of(&s, keep_free, ret_free_bytes, ret_floor);
	return 0;
}

int disk_room_at(int fd, int64_t keep_free, int64_t *ret_free_bytes, int64_t *ret_floor) {
	struct statvfs s;
	if (fstatvfs(fd, &s)) return -1;
	room_of(&s, keep_free, ret_free_bytes, ret_floor);
	return 0;
}

int64_t disk_total(const char *dir) {
	struct statvfs s;
	return statvfs(dir, &s) ? INT64_MAX : (int64_t)s.f_blocks * (int64_t)s.f_frsize;
}
