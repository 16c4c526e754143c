/* SPDX-License-Identifier: MIT */
/* The process's own log. One global, guarded by one mutex: any thread. A line that cannot be written (full disk) is
 * counted, never waited for; the next one that can says how many were lost. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define LINE_MAX_BYTES 16384
#define AWAY_MS 1000 /* how often the file is looked for under its name */

static const char *const log_level_names[LOG_LEVEL_N] = {
#define X(id, word) [LOG_##id] = #word,
	LOG_LEVELS(X)
#undef X
};

static struct {
	pthread_mutex_t lock;
	char *path; /* NULL: standard error */
	int fd;		/* of path, -1 when it is not open */
	enum log_level least;
	int64_t size, max_bytes, lost;
	int64_t looked_ms; /* monotonic: when the file was last looked for under its name */
	int keep;
	const char *clear; /* before each line on standard error */
} log_state = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1, .least = LOG_INFO, .clear = ""};

int log_level_parse(const char *s, enum log_level *ret) {
	for (int i = 0; i < LOG_LEVEL_N; i++)
		if (strcmp(s, log_level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return 0;
		}
	return -1;
}

/* --- the file --- */

static int log_file_open(void) {
	struct stat st;
	log_state.fd = open(log_state.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	if (log_state.fd < 0) return -1;
	log_state.size = fstat(log_state.fd, &st) == 0 ? st.st_size : 0;
	return 0;
}

int log_open(const char *path, enum log_level least, int64_t max_bytes, int keep, struct error *err) {
	int failed = 0;
	log_close();
	pthread_mutex_lock(&log_state.lock);
	log_state.least = least;
	log_state.max_bytes = max_bytes;
	log_state.keep = keep;
	log_state.path = xstrdup(path);
	if (path && log_file_open()) {
		failed = error_errno(err, ERR_DISK, errno, "open the log file %s (name another with [log] file)", path);
		xfree(TAKE(log_state.path));
	}
	pthread_mutex_unlock(&log_state.lock);
	return failed;
}

void log_again(void) {
	pthread_mutex_lock(&log_state.lock);
	if (log_state.fd >= 0) fd_close(TAKE_FD(log_state.fd));
	pthread_mutex_unlock(&log_state.lock);
}

/* Moved away or removed by another program: what is written must be found under its name. */
static bool log_is_away(void) {
	struct stat open, there;
	if (fstat(log_state.fd, &open)) return true;
	return stat(log_state.path, &there) || open.st_dev != there.st_dev || open.st_ino != there.st_ino;
}

void log_reopen(void) {
	pthread_mutex_lock(&log_state.lock);
	if (log_state.fd >= 0) fd_close(TAKE_FD(log_state.fd));
	if (log_state.path && log_file_open()) log_state.lost++; /* as for a line: the next one tries again */
	pthread_mutex_unlock(&log_state.lock);
}

void log_close(void) {
	pthread_mutex_lock(&log_state.lock);
	if (log_state.fd >= 0) fd_close(TAKE_FD(log_state.fd));
	xfree(TAKE(log_state.path));
	log_state.least = LOG_INFO;
	log_state.lost = 0;
	pthread_mutex_unlock(&log_state.lock);
}

/* path.keep-1 -> path.keep, …, path -> path.1. A rename that fails leaves the file to grow: better than losing lines.
 */
static void log_rotate(void) {
	if (log_state.fd >= 0) fd_close(TAKE_FD(log_state.fd));
	for (int i = log_state.keep; i > 0; i--) {
		AUTO(xfree) char *to = xasprintf("%s.%d", log_state.path, i);
		AUTO(xfree) char *from = i > 1 ? xasprintf("%s.%d", log_state.path, i - 1) : xstrdup(log_state.path);
		if (rename(from, to) && errno != ENOENT) break;
	}
	if (log_state.keep == 0) unlink(log_state.path);
}

static int log_write_file(const char *line, size_t n) {
	bool full = log_state.max_bytes > 0 && log_state.size > 0 && log_state.size + (int64_t)n > log_state.max_bytes;
	if (full) log_rotate();
	int64_t now = clock_mono_ms();
	if (log_state.fd >= 0 && now - log_state.looked_ms >= AWAY_MS) {
		log_state.looked_ms = now;
		if (log_is_away()) fd_close(TAKE_FD(log_state.fd));
	}
	if (log_state.fd < 0 && log_file_open()) return -1;
	if (write(log_state.fd, line, n) != (ssize_t)n) return -1;
	log_state.size += (int64_t)n;
	return 0;
}

void log_overwrite(const char *clear) {
	pthread_mutex_lock(&log_state.lock);
	log_state.clear = clear;
	pthread_mutex_unlock(&log_state.lock);
}

/* --- lines --- */

static void log_json_line(
	struct buf *out, enum log_level level, const char *module, const char *message, va_list args) {
	AUTO(json_free) cJSON *o = json_object();
	json_add_time(o, "at", clock_wall_ms());
	json_add_text(o, "level", log_level_names[level]);
	json_add_text(o, "module", module);
	json_add_text(o, "message", message);
	const char *name;
	while ((name = va_arg(args, const char *))) json_add_text(o, name, va_arg(args, const char *));
	AUTO(xfree) char *text = json_text(o);
	buf_str(out, text);
	buf_char(out, '\n');
}

static void log_short_line(
	struct buf *out, enum log_level level, const char *module, const char *message, va_list args) {
	buf_fmt(out, "%s %-5s %s: ", time_local_hms((char[TIME_TEXT]){0}, clock_wall_ms()), log_level_names[level], module);
	text_escape(out, message, strlen(message));
	const char *name;
	while ((name = va_arg(args, const char *))) {
		const char *value = va_arg(args, const char *);
		buf_fmt(out, " %s=", name);
		if (value) text_escape(out, value, strlen(value));
	}
	buf_char(out, '\n');
}

static void log_emit(const struct buf *line) {
	if (!buf_ok(line)) {
		log_state.lost++;
		return;
	}
	if (!log_state.path) fprintf(stderr, "%s%s", log_state.clear, line->data);
	else if (log_write_file(line->data, line->len)) log_state.lost++;
}

/* Not through log_event: the lock is held. */
static void log_emit_lost(void) {
	if (!log_state.lost || !log_state.path) return;
	char line[128], at[TIME_TEXT];
	int n = snprintf(line, sizeof line,
		"{\"at\":\"%s\",\"level\":\"warn\",\"module\":\"log\",\"message\":\"%lld lines were lost\"}\n",
		time_rfc3339(at, clock_wall_ms()), (long long)log_state.lost);
	if (log_write_file(line, (size_t)n) == 0) log_state.lost = 0;
}

void log_event(enum log_level level, const char *module, const char *message, ...) {
	AUTO(buf_done) struct buf line = BUF_INIT(LINE_MAX_BYTES);
	va_list args;
	pthread_mutex_lock(&log_state.lock);
	if (level >= log_state.least) {
		va_start(args, message);
		(log_state.path ? log_json_line : log_short_line)(&line, level, module, message, args);
		va_end(args);
		log_emit_lost();
		log_emit(&line);
	}
	pthread_mutex_unlock(&log_state.lock);
}
