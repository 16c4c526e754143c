/* SPDX-License-Identifier: MIT */
/* Reading folders: the snapshot of a session and the sessions of a root. Thread pool; no state of its own.
 *
 * A snapshot is a walk, not an instant: what changes under it shows as a difference to the next one, which is why a
 * session is settled by two that are equal and never by one. Entries that vanish during the walk are left out. */
#include "station/disk/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/text.h"
#include "session/name.h"
#include "station/disk/path.h"

static _Thread_local atomic_ulong *beat;

void scan_beat_to(atomic_ulong *counter) { beat = counter; }

void scan_beat(void) {
	if (beat) atomic_fetch_add_explicit(beat, 1, memory_order_relaxed);
}

static void dir_close(DIR *d) { closedir(d); }
DEFINE_AUTO_PTR(DIR, dir_close)

void snapshot_done(struct snapshot *s) {
	file_rows_free(s->files, s->n);
	for (size_t i = 0; i < s->bad_n; i++) free(s->bad_kinds[i]);
	free(s->bad_kinds);
	for (size_t i = 0; i < s->folder_n; i++) free(s->folders[i]);
	free(s->folders);
	for (size_t i = 0; i < s->ignored_n; i++) free(s->ignored[i]);
	free(s->ignored);
	*s = (struct snapshot){0};
}

const char *scan_mend(int e) {
	switch (e) {
	case EMFILE: return "too many files are open: raise the limit (LimitNOFILE, ulimit -n)";
	case ENFILE: return "too many files are open on this machine: raise fs.file-max";
	case ENOMEM: return "memory is out: end other programs";
	case ESTALE:
	case ETIMEDOUT:
	case EHOSTDOWN: return "look at the file server and the mount";
	default: return "look at the disk";
	}
}

int scan_error(struct error *err, int e, const char *root, const char *session, const char *name) {
	const char *slash = *name ? "/" : "";
	if (e == ENOENT) {
		return error_errno(err, ERR_NOT_FOUND, e, "%s/%s%s%s is not there any more", root, session, slash, name);
	}
	if (e == EACCES || e == EPERM) {
		error_set(err, ERR_DISK, "cannot read %s/%s%s%s: %s; let the user that runs headgate (uid %d) read it", root,
			session, slash, name, strerrordesc_np(e), (int)geteuid());
		err->os = e;
		return -1;
	}
	return error_errno(err, ERR_DISK, e, "cannot read %s/%s%s%s; %s", root, session, slash, name, scan_mend(e));
}

int session_dir_open(const char *root, const char *session, int *ret_fd, struct error *err) {
	AUTO(fd_close) int top = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0) return scan_error(err, errno, root, session, "");
	int fd = openat(top, session, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) return *ret_fd = fd, 0;
	int e = errno;
	struct stat st;
	if (fstatat(top, session, &st, AT_SYMLINK_NOFOLLOW))
		return scan_error(err, e == ENOTDIR ? ENOENT : e, root, session, "");
	if (S_ISLNK(st.st_mode)) {
		return error_set(
			err, ERR_INPUT, "%s/%s is a link, which is never followed; move the folder itself there", root, session);
	}
	if (!S_ISDIR(st.st_mode)) {
		return error_set(err, ERR_INPUT,
			"%s/%s is a file, and a session is a folder; put the file into a folder of that name, or move it away",
			root, session);
	}
	return scan_error(err, e == ENOTDIR ? ENOENT : e, root, session, "");
}

int open_below(int dir, const char *name) {
	AUTO(fd_close) int held = -1;
	char step[NAME_MAX + 1];
	const char *slash;
	while ((slash = strchr(name, '/')) != NULL) {
		size_t n = (size_t)(slash - name);
		if (n >= sizeof step) return errno = ENAMETOOLONG, -1;
		memcpy(step, name, n);
		step[n] = '\0';
		int next = openat(held >= 0 ? held : dir, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0) return -1;
		if (held >= 0) close(held);
		held = next;
		name = slash + 1;
	}
	return openat(held >= 0 ? held : dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* --- the walk --- */

struct walk {
	const char *root, *session;
	const struct scan_rules *rules; /* or NULL */
	const atomic_bool *cancel;
	struct snapshot *into;
	struct buf path; /* relative name of the folder being read, with a final '/', or "" */
};

void file_identity(const struct stat *st, struct file_row *f) {
	f->size = st->st_size;
	f->mtime_ns = file_time_ns(&st->st_mtim);
	f->ctime_ns = file_time_ns(&st->st_ctim);
	f->inode = (int64_t)st->st_ino;
}

static int walk_ceiling(const struct walk *w, struct error *err) {
	if (w->into->n + w->into->bad_n < SCAN_FILES_MAX && w->into->folder_n < SCAN_FILES_MAX) return 0;
	return error_set(err, ERR_INPUT, "%s/%s holds more than %d files; split it into several sessions", w->root,
		w->session, SCAN_FILES_MAX);
}

static int walk_add_file(struct walk *w, const char *entry, const struct stat *st, struct error *err) {
	if (walk_ceiling(w, err)) return -1;
	struct snapshot *s = w->into;
	ARRAY_RESERVE(s->files, s->n, s->capacity);
	struct file_row *f = &s->files[s->n++];
	*f = (struct file_row){.name = xasprintf("%s%s", buf_text(&w->path), entry)};
	file_identity(st, f);
	s->bytes = f->size < SESSION_BYTES_MAX - s->bytes ? s->bytes + f->size : SESSION_BYTES_MAX;
	s->newest_ms = MAX(s->newest_ms, file_time_ms(f->mtime_ns));
	return 0;
}

static const char *kind_name(mode_t mode) {
	switch (mode & S_IFMT) {
	case S_IFIFO: return "FIFO";
	case S_IFSOCK: return "socket";
	case S_IFBLK: return "block device";
	case S_IFCHR: return "character device";
	default: return "unknown kind of file";
	}
}

static int walk_add_bad(struct walk *w, int dir, const char *entry, const struct stat *st, struct error *err) {
	if (walk_ceiling(w, err)) return -1;
	char target[PATH_MAX];
	ssize_t n = S_ISLNK(st->st_mode) ? readlinkat(dir, entry, target, sizeof target - 1) : -1;
	target[MAX(n, 0)] = '\0';
	bool link = S_ISLNK(st->st_mode);
	struct snapshot *s = w->into;
	ARRAY_RESERVE(s->bad_kinds, s->bad_n + 1, s->bad_capacity);
	s->bad_kinds[s->bad_n++] = xasprintf(
		"%s%s: %s%s", buf_text(&w->path), entry, link ? "link to " : kind_name(st->st_mode), link ? target : "");
	s->bad_kinds[s->bad_n] = NULL;
	return 0;
}

static void walk_note_folder(struct walk *w) {
	struct snapshot *s = w->into;
	ARRAY_RESERVE(s->folders, s->folder_n, s->folder_capacity);
	s->folders[s->folder_n++] = xstrdup(buf_text(&w->path));
}

/* --- what the patterns leave out --- */

static bool walk_matches(const struct walk *w, const struct option_list *l, const char *entry) {
	if (!w->rules || !l || !l->n) return false;
	AUTO(xfree) char *path = xasprintf("%s%s", buf_text(&w->path), entry);
	for (size_t i = 0; i < ARRAY_LEN(w->rules->keep); i++)
		if (w->rules->keep[i] && strcmp(w->rules->keep[i], path) == 0) return false;
	return patterns_match(l, path);
}

static int walk_ignore(struct walk *w, const char *entry, bool folder, struct error *err) {
	struct snapshot *s = w->into;
	if (s->ignored_n >= SCAN_FILES_MAX) return walk_ceiling(w, err); /* listed for people: so many are enough */
	ARRAY_RESERVE(s->ignored, s->ignored_n, s->ignored_capacity);
	s->ignored[s->ignored_n++] = xasprintf("%s%s%s", buf_text(&w->path), entry, folder ? "/" : "");
	return 0;
}

static int walk_temporary(struct walk *w, const char *entry, const struct stat *st, struct error *err) {
	struct snapshot *s = w->into;
	if (walk_ceiling(w, err)) return -1;
	if (!s->temporary[0]) snprintf(s->temporary, sizeof s->temporary, "%s%s", buf_text(&w->path), entry);
	s->newest_ms = MAX(s->newest_ms, file_time_ms(file_time_ns(&st->st_mtim)));
	ARRAY_RESERVE(s->bad_kinds, s->bad_n + 1, s->bad_capacity);
	s->bad_kinds[s->bad_n++] = xasprintf("%s%s" CHECK_TEMPORARY, buf_text(&w->path), entry);
	s->bad_kinds[s->bad_n] = NULL;
	return 0;
}

static int walk_folder(struct walk *w, int dir, int depth, struct error *err);

static int walk_down(struct walk *w, int dir, const char *entry, int depth, struct error *err) {
	size_t before = w->path.len;
	buf_str(&w->path, entry);
	if (depth >= SCAN_DEPTH_MAX) {
		return error_set(err, ERR_INPUT, "%s/%s/%s lies more than %d folders deep; flatten the session", w->root,
			w->session, buf_text(&w->path), SCAN_DEPTH_MAX);
	}
	if (walk_ceiling(w, err)) return -1;
	int fd = openat(dir, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT) return scan_error(err, errno, w->root, w->session, buf_text(&w->path));
	buf_char(&w->path, '/');
	if (fd >= 0) walk_note_folder(w);
	if (fd >= 0 && walk_folder(w, fd, depth + 1, err)) return -1;
	w->path.len = before;
	w->path.data[before] = '\0';
	return 0;
}

static int walk_entry(struct walk *w, int dir, const char *entry, int depth, struct error *err) {
	if (w->cancel && atomic_load_explicit(w->cancel, memory_order_relaxed)) {
		return error_set(err, ERR_CANCELLED, "stopped reading %s/%s", w->root, w->session);
	}
	scan_beat();
	struct stat st;
	if (fstatat(dir, entry, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT) return 0;
		return scan_error(err, errno, w->root, w->session, entry);
	}
	if (w->rules && walk_matches(w, w->rules->ignore, entry)) return walk_ignore(w, entry, S_ISDIR(st.st_mode), err);
	if (S_ISREG(st.st_mode) && w->rules && walk_matches(w, w->rules->temporary, entry))
		return walk_temporary(w, entry, &st, err);
	if (S_ISREG(st.st_mode)) return walk_add_file(w, entry, &st, err);
	if (S_ISDIR(st.st_mode)) return walk_down(w, dir, entry, depth, err);
	return walk_add_bad(w, dir, entry, &st, err);
}

static bool is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

/* Takes the descriptor. */
static int walk_folder(struct walk *w, int fd, int depth, struct error *err) {
	AUTO(dir_close) DIR *d = fdopendir(fd);
	if (!d) {
		int e = errno;
		close(fd);
		return scan_error(err, e, w->root, w->session, buf_text(&w->path));
	}
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(d);
		if (!e) break;
		if (!is_dots(e->d_name) && walk_entry(w, fd, e->d_name, depth, err)) return -1;
	}
	return errno ? scan_error(err, errno, w->root, w->session, buf_text(&w->path)) : 0;
}

/* --- what a walk gives --- */

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Fields are ended by NUL, which no name holds: no two lists of files give the same bytes. */
static void snapshot_fingerprint(struct snapshot *s) {
	AUTO(digest_free) struct digest *d = digest_new();
	for (size_t i = 0; i < s->n; i++) {
		const struct file_row *f = &s->files[i];
		char line[64];
		int n = snprintf(line, sizeof line, "%lld %lld", (long long)f->size, (long long)f->mtime_ns);
		digest_add(d, f->name, strlen(f->name) + 1);
		digest_add(d, line, (size_t)n + 1);
	}
	for (size_t i = 0; i < s->bad_n; i++) digest_add(d, s->bad_kinds[i], strlen(s->bad_kinds[i]) + 1);
	struct sha256 sum;
	digest_end(d, &sum);
	sha256_hex(s->fingerprint, &sum);
}

/* FNV-1a */
static void snapshot_mark(struct snapshot *s) {
	s->marks = 0xcbf29ce484222325;
	for (size_t i = 0; i < s->n; i++) {
		s->marks = (s->marks ^ (uint64_t)s->files[i].ctime_ns) * 0x100000001b3;
		s->marks = (s->marks ^ (uint64_t)s->files[i].inode) * 0x100000001b3;
	}
}

int snapshot_take(const char *root, const char *session, const struct scan_rules *rules, const atomic_bool *cancel,
	struct snapshot *ret, struct error *err) {
	int fd;
	if (session_dir_open(root, session, &fd, err)) return -1;
	AUTO(snapshot_done) struct snapshot s = {0};
	struct walk w = {
		.root = root, .session = session, .rules = rules, .cancel = cancel, .into = &s, .path = BUF_INIT(64 * 1024)};
	buf_str(&w.path, "");
	int failed = walk_folder(&w, fd, 0, err);
	buf_done(&w.path);
	if (failed) return -1;
	if (s.n) qsort(s.files, s.n, sizeof s.files[0], file_row_order);
	if (s.ignored_n) qsort(s.ignored, s.ignored_n, sizeof s.ignored[0], by_text);
	if (s.bad_n) qsort(s.bad_kinds, s.bad_n, sizeof s.bad_kinds[0], by_text);
	snapshot_fingerprint(&s);
	snapshot_mark(&s);
	*ret = s;
	s = (struct snapshot){0};
	return 0;
}

void folder_id(const char *root, const char *session, char to[FOLDER_ID]) {
	struct statx st;
	AUTO(xfree) char *path = path_join(root, session);
	*to = '\0';
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &st)) return;
	if ((st.stx_mask & (STATX_INO | STATX_BTIME)) != (STATX_INO | STATX_BTIME)) return;
	snprintf(to, FOLDER_ID, "%llu:%lld.%09u", (unsigned long long)st.stx_ino, (long long)st.stx_btime.tv_sec,
		st.stx_btime.tv_nsec);
}

/* --- roots --- */

static int by_listed_name(const void *a, const void *b) {
	return strcmp(((const struct listed *)a)->name, ((const struct listed *)b)->name);
}

static int root_error(struct error *err, int e, const char *root) {
	if (e == ENOENT || e == ESTALE) {
		return error_errno(err, ERR_NOT_FOUND, e, "the watched folder %s is not there; mount or make it", root);
	}
	if (e == ENOTDIR) {
		return error_errno(
			err, ERR_NOT_FOUND, e, "the watched folder %s is no folder; name one in [station] watch", root);
	}
	if (e == EMFILE || e == ENFILE) {
		return error_errno(
			err, ERR_DISK, e, "cannot read the watched folder %s; raise the limit of open files (ulimit -n)", root);
	}
	return error_errno(err, ERR_DISK, e,
		"cannot read the watched folder %s; let the user that runs headgate (uid %d) "
		"read it",
		root, (int)geteuid());
}

int root_list(const char *root, struct listed **ret, size_t *ret_n, struct error *err) {
	AUTO(dir_close) DIR *d = opendir(root);
	if (!d) return root_error(err, errno, root);
	struct listed *list = NULL;
	size_t n = 0, capacity = 0;
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(d);
		if (!e) break;
		scan_beat();
		/* a link or a file too: leaving it out would forget it silently, its snapshot says what is wrong */
		if (!session_name_is(e->d_name)) continue;
		ARRAY_RESERVE(list, n, capacity);
		text_copy(list[n++].name, sizeof list->name, e->d_name);
	}
	if (errno) {
		int e = errno;
		free(list);
		return root_error(err, e, root);
	}
	if (n) qsort(list, n, sizeof list[0], by_listed_name);
	*ret = list;
	*ret_n = n;
	return 0;
}

/* --- what of it is ours --- */

struct scan_rules scan_rules_of(const struct config *c) {
	return (struct scan_rules){
		.ignore = &c->ignore, .temporary = &c->temporary, .keep = {c->done_marker, c->schema.file}};
}

void snapshot_drop(struct snapshot *s, const char *marker) {
	struct file_row *f = marker ? file_row_find(s->files, s->n, marker) : NULL;
	if (!f || f->size) return;
	s->marker_left = true;
	file_row_done(f);
	s->n--;
	memmove(f, f + 1, (size_t)(s->files + s->n - f) * sizeof *f);
}
