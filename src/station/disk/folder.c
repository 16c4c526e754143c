/* SPDX-License-Identifier: MIT */
/* Listing a watched folder: its sessions, and what is nearly one. Any thread; no state of its own.
 *
 * The work is bounded: of other folders NEAR_FOLDERS_MAX are looked into, two levels deep, NEAR_ENTRIES_MAX entries
 * each. Links are not followed. */
#include "station/disk/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "session/name.h"
#include "station/disk/since.h"
#include "station/disk/path.h"

static const char *const state_names[FOLDER_N] = {
#define X(id, word) [FOLDER_##id] = #word,
	FOLDER_STATES(X)
#undef X
};

const char *folder_state_name(enum folder_state s) { return state_names[s]; }

enum folder_state folder_judge(
	const struct error *why, const struct folder_listing *l, const struct folder_memory *m, bool may_be_empty) {
	if (why->code == ERR_NONE) {
		bool emptied = !l->n && m->had && m->known && l->inode != m->inode;
		return emptied && !may_be_empty ? FOLDER_EMPTY : FOLDER_OK;
	}
	if (why->os == ENOTDIR || (why->os == ENOENT && !m->known && !m->had)) return FOLDER_WRONG;
	return FOLDER_LOST;
}

int folder_remember(struct journal_view *v, const char *path, struct folder_memory *ret, struct error *err) {
	AUTO(xfree) char *setting = folder_setting(path), *kept = NULL;
	*ret = (struct folder_memory){0};
	if (!v) return 0;
	if (journal_get(v, setting, &kept, err)) return -1;
	long long inode;
	int had;
	ret->known = kept && sscanf(kept, "%lld %d", &inode, &had) == 2;
	if (!ret->known) return 0;
	ret->inode = inode;
	ret->had = had != 0;
	return 0;
}

void folder_write(const struct folder_memory *m, char *to, size_t size) {
	snprintf(to, size, "%lld %d", (long long)m->inode, m->had);
}

void folder_empty_words(const char *path, struct error *ret) {
	error_set(ret, ERR_DISK,
		"the watched folder %s is empty and another one than it was: mount its disk; if that is on purpose, set "
		"[station] "
		"may_be_empty = yes",
		TEXT_SAFE(path));
}

char *folder_setting(const char *path) { return xasprintf("folder.memory:%s", path); }

/* --- names that are near --- */

void folder_listing_done(struct folder_listing *l) {
	free(l->names);
	for (size_t i = 0; i < l->near_n; i++) free(l->near[i].path);
	free(l->near);
	*l = (struct folder_listing){0};
}

void near_words(const struct near_name *n, char *to, size_t size) {
	bool deep = n->kind == NEAR_DEEP;
	if (n->kind == NEAR_WATCHED) {
		snprintf(to, size, "is watched and is a recording itself, which is not sent: watch the folder it lies in");
		return;
	}
	if (n->kind == NEAR_FILE) {
		snprintf(
			to, size, "looks like a recording in one file and is not sent: put its files into a folder %s", n->name);
		return;
	}
	const char *what = deep ? "lies a folder too deep" : "looks like a recording";
	if (!n->name[0])
		snprintf(to, size, "%s and is not sent: rename it to a free YYYYMMDD_HHMMSS (that of its own name %s)%s", what,
			n->claimed ? "is for another folder here" : "is taken", deep ? " in the watched folder" : "");
	else if (deep) snprintf(to, size, "%s and is not sent: move it to %s in the watched folder", what, n->name);
	else snprintf(to, size, "%s and is not sent: rename it to %s", what, n->name);
}

cJSON *near_json(const struct near_name *n) {
	char words[160];
	cJSON *o = json_object();
	near_words(n, words, sizeof words);
	json_add_text(o, "path", n->path);
	json_add_text(o, "rename_to", n->name[0] ? n->name : NULL);
	json_add_text(o, "reason", words);
	return o;
}

struct near_walk {
	const struct config *config;
	const char *root;
	const atomic_bool *cancel;
	struct folder_listing *into;
	size_t opened;
	char **deeper; /* folders in those that were looked into (owned) */
	size_t deeper_n, deeper_capacity;
};

static void near_add(struct near_walk *w, enum near kind, const char *parent, const char *entry, const char name[16]) {
	struct folder_listing *l = w->into;
	if (name_before_since(w->config, name)) return;
	l->near_all++;
	if (l->near_n == NEAR_KEPT) return;
	ARRAY_RESERVE(l->near, l->near_n, l->near_capacity);
	struct near_name *n = &l->near[l->near_n++];
	*n = (struct near_name){.path = *parent ? path_join(parent, entry) : xstrdup(entry), .kind = kind};
	memcpy(n->name, name, sizeof n->name);
}

static bool is_folder(int dir, const struct dirent *e) {
	if (e->d_type != DT_UNKNOWN) return e->d_type == DT_DIR;
	struct stat st;
	return fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool near_wanted(const struct near_walk *w, int dir, const struct dirent *e) {
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && is_folder(dir, e) &&
		   !patterns_match(&w->config->ignore_folders, e->d_name);
}

static bool begins_with_time(const char *entry) {
	int digits = 0;
	for (; *entry && digits < 6; entry++) {
		if (*entry >= '0' && *entry <= '9') digits++;
		else if (!digits || !strchr("-_.:hHmM ", *entry)) return false;
	}
	return digits == 6;
}

/* A session's name, nearly one, or a time in a folder of the day: "2026-11-20/12-40-33". */
static bool near_meant(const char *parent, const char *entry, char to[16]) {
	if (session_name_is(entry)) return text_copy(to, 16, entry), true;
	if (session_name_near(entry, to)) return true;
	if (!begins_with_time(entry)) return false;
	AUTO(xfree) char *both = xasprintf("%s_%s", parent, entry);
	if (session_name_is(both)) return text_copy(to, 16, both), true;
	return session_name_near(both, to);
}

/* Looked into once all of the first level were. */
static void near_deeper(struct near_walk *w, const char *parent, const char *entry) {
	if (w->deeper_n == NEAR_FOLDERS_MAX) {
		w->into->near_cut = true;
		return;
	}
	ARRAY_RESERVE(w->deeper, w->deeper_n, w->deeper_capacity);
	w->deeper[w->deeper_n++] = path_join(parent, entry);
}

static void near_entry(struct near_walk *w, int dir, const char *parent, const struct dirent *e, bool last) {
	const char *slash = strrchr(parent, '/');
	char name[16];
	if (e->d_name[0] == '.' || !near_wanted(w, dir, e)) return;
	if (near_meant(slash ? slash + 1 : parent, e->d_name, name)) near_add(w, NEAR_DEEP, parent, e->d_name, name);
	else if (!last) near_deeper(w, parent, e->d_name);
}

/* Deeper: sessions there, and what is nearly one. */
static void near_inside(struct near_walk *w, int dir, const char *parent, bool last) {
	if (w->opened++ >= NEAR_FOLDERS_MAX) {
		w->into->near_cut = true;
		return;
	}
	int fd = open_below(dir, parent);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		bool told = errno != EACCES && errno != ENOENT && errno != ENOTDIR;
		w->into->near_cut = w->into->near_cut || told; /* not ours to read: it is no recording of ours */
		if (fd >= 0) close(fd);
		return;
	}
	const struct dirent *e;
	for (int i = 0; (e = readdir(d)) != NULL; i++) {
		scan_beat();
		if (i == NEAR_ENTRIES_MAX) {
			w->into->near_cut = true;
			break;
		}
		near_entry(w, fd, parent, e, last);
	}
	closedir(d);
}

static int by_name(const void *a, const void *b) { return strcmp(a, ((const struct listed *)b)->name); }

static bool is_listed(const struct folder_listing *l, const char *name) {
	return l->n && bsearch(name, l->names, l->n, sizeof l->names[0], by_name);
}

/* "20261120_124008.zip", and no session beside it that it may be a copy of, or notes to. */
static bool is_lone_file(const struct near_walk *w, int dir, const struct dirent *e, char to[16]) {
	struct stat st;
	if (strlen(e->d_name) < 16 || e->d_name[15] != '.') return false;
	text_copy(to, 16, e->d_name);
	if (!session_name_is(to) || is_listed(w->into, to) || patterns_match(&w->config->ignore_folders, e->d_name))
		return false;
	if (e->d_type != DT_UNKNOWN) return e->d_type == DT_REG;
	return fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static void near_look(struct near_walk *w, DIR *d) {
	char name[16];
	const struct dirent *e;
	while ((e = readdir(d)) != NULL) {
		scan_beat();
		if (w->cancel && atomic_load_explicit(w->cancel, memory_order_relaxed)) return;
		if (session_name_is(e->d_name)) continue;
		if (is_lone_file(w, dirfd(d), e, name)) near_add(w, NEAR_FILE, "", e->d_name, name);
		if (!near_wanted(w, dirfd(d), e)) continue;
		if (session_name_near(e->d_name, name)) near_add(w, NEAR_NAMED, "", e->d_name, name);
		else near_inside(w, dirfd(d), e->d_name, false);
	}
	for (size_t i = 0; i < w->deeper_n && !(w->cancel && atomic_load_explicit(w->cancel, memory_order_relaxed)); i++)
		near_inside(w, dirfd(d), w->deeper[i], true);
}

/* Its own name is a session's, and none is in it: one that is found in it makes it a folder of recordings. */
static void near_itself(struct near_walk *w) {
	const char *slash = strrchr(w->root, '/'), *name = slash ? slash + 1 : w->root;
	char meant[16];
	if (w->into->n || w->into->near_all || !session_name_is(name)) return;
	text_copy(meant, sizeof meant, name);
	near_add(w, NEAR_WATCHED, "", ".", meant);
}

static int by_path(const void *a, const void *b) {
	return strcmp(((const struct near_name *)a)->path, ((const struct near_name *)b)->path);
}

/* A name that is taken, by a session or by another that is to be renamed, is no way out. */
static void near_settle(struct folder_listing *l) {
	if (l->near_n) qsort(l->near, l->near_n, sizeof l->near[0], by_path);
	for (size_t i = 0; i < l->near_n; i++) {
		char *name = l->near[i].name;
		if (l->near[i].kind == NEAR_FILE) continue;
		bool taken = is_listed(l, name), claimed = false;
		for (size_t k = 0; k < i && !taken && !claimed; k++) claimed = strcmp(l->near[k].name, name) == 0;
		l->near[i].claimed = claimed;
		if (taken || claimed) name[0] = '\0';
	}
}

int folder_list(const struct config *c, const char *root, const atomic_bool *cancel, struct folder_listing *ret,
	struct error *err) {
	AUTO(folder_listing_done) struct folder_listing l = {0};
	if (root_list(root, &l.names, &l.n, err)) return -1;
	struct near_walk w = {.config = c, .root = root, .cancel = cancel, .into = &l};
	DIR *d = opendir(root);
	struct stat st;
	if (!d || fstat(dirfd(d), &st)) {
		int e = errno;
		if (d) closedir(d);
		return error_errno(err, ERR_DISK, e, "cannot read the watched folder %s whole", root);
	}
	l.inode = (int64_t)st.st_ino;
	near_look(&w, d);
	near_itself(&w);
	for (size_t i = 0; i < w.deeper_n; i++) free(w.deeper[i]);
	free(w.deeper);
	closedir(d);
	near_settle(&l);
	*ret = l;
	l = (struct folder_listing){0};
	return 0;
}
