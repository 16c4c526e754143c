/* SPDX-License-Identifier: MIT */
/* A place is PLACE bytes: "station/session", the rest NUL. Failing to write one costs the knowledge of a death alone.
 */
#include "cloud/jobs/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "session/name.h"

#define FILE_NAME "validating"
#define PLACE 128

struct attempts {
	int fd;
};

/* What a place holds; false: nothing, or nothing that we wrote. */
static bool place_read(int fd, int place, char station[PLACE], char session[PLACE]) {
	char text[PLACE + 1] = "";
	struct error ignored;
	if (pread(fd, text, PLACE, (off_t)place * PLACE) <= 0) return false;
	char *slash = strchr(text, '/');
	if (!slash) return false;
	*slash = '\0';
	text_copy(station, PLACE, text);
	text_copy(session, PLACE, slash + 1);
	return !station_name_check(station, &ignored) && session_name_is(session);
}

int attempts_open(struct attempts **ret, const char *data_dir, struct catalog *c, struct error *err) {
	AUTO(xfree) char *path = path_join(data_dir, FILE_NAME);
	AUTO(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	char station[PLACE], session[PLACE];
	if (fd < 0) return error_errno(err, ERR_DISK, errno, "open %s", path);
	for (int i = 0; i < ATTEMPTS_PLACES; i++)
		if (place_read(fd, i, station, session) && catalog_attempts(c, station, session, true, err)) return -1;
	if (ftruncate(fd, 0)) return error_errno(err, ERR_DISK, errno, "empty %s", path);
	struct attempts *a = xcalloc(1, sizeof *a);
	a->fd = TAKE_FD(fd);
	*ret = a;
	return 0;
}

void attempts_close(struct attempts *a) {
	if (!a) return;
	fd_close(a->fd);
	xfree(a);
}

static void place_write(struct attempts *a, int place, const char text[PLACE]) {
	ssize_t ignored = pwrite(a->fd, text, PLACE, (off_t)place * PLACE);
	(void)ignored;
}

void attempts_begin(struct attempts *a, int place, const char *station, const char *session) {
	char text[PLACE] = "";
	snprintf(text, sizeof text, "%s/%s", station, session);
	place_write(a, place, text);
}

void attempts_end(struct attempts *a, int place) { place_write(a, place, (const char[PLACE]){0}); }
