/* SPDX-License-Identifier: MIT */
/* Hashing and checking one session, in a thread of its root. Nothing of the engine is touched here but what the task
 * was given. A file that cannot be read becomes a finding of the check `file_kinds`, so that the session is held with a
 * sentence that names it. */
#include "station/intake/check_task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "session/part.h"
#include "station/disk/hash.h"
#include "station/disk/path.h"

static void unreadable_add(struct snapshot *s, const char *name, const struct error *why) {
	const char *words = why->os ? strerrordesc_np(why->os) : NULL;
	ARRAY_RESERVE(s->bad_kinds, s->bad_n + 1, s->bad_capacity);
	s->bad_kinds[s->bad_n++] = xasprintf("%s" CHECK_UNREADABLE "%s", name, words ? words : why->text);
	s->bad_kinds[s->bad_n] = NULL;
}

void snapshot_keep_known(struct snapshot *s, const struct file_row *known, size_t n, bool same_revision) {
	for (size_t i = 0; i < s->n; i++) {
		struct file_row *f = &s->files[i];
		const struct file_row *k = file_row_find(known, n, f->name);
		if (!k || !k->hashed || k->size != f->size || k->mtime_ns != f->mtime_ns || k->ctime_ns != f->ctime_ns ||
			k->inode != f->inode) {
			continue;
		}
		f->hashed = true;
		f->sha256 = k->sha256;
		f->part_n = k->part_n;
		if (k->part_n) {
			f->parts = xcalloc(k->part_n, sizeof *f->parts);
			memcpy(f->parts, k->parts, k->part_n * sizeof *f->parts);
		}
		if (!same_revision) continue;
		f->state = k->state;
		f->bucket = xstrdup(k->bucket);
		f->key = xstrdup(k->key);
		f->stored_ms = k->stored_ms;
	}
}

/* The files of this revision as they were checked last, else of the one before. */
static int load_known(struct check_task *t) {
	for (int64_t revision = t->revision; revision > 0 && revision > t->revision - 2; revision--) {
		if (journal_files(t->view, t->id, revision, &t->known, &t->known_n, &t->err)) return -1;
		t->known_revision = revision;
		if (t->known_n) break;
		file_rows_free(TAKE(t->known), 0);
	}
	snapshot_keep_known(&t->snapshot, t->known, t->known_n, t->known_revision == t->revision);
	return 0;
}

/* 0 go on, -1 end the task (t->changed or t->err says why). */
static int hash_files(struct check_task *t) {
	for (size_t i = 0; i < t->snapshot.n; i++) {
		struct file_row *f = &t->snapshot.files[i];
		struct error err = ERROR_INIT;
		if (f->hashed) {
			atomic_fetch_add_explicit(&t->done_bytes, f->size, memory_order_relaxed);
			continue;
		}
		if (file_hash(t->root, t->session, f, t->cancel, &t->done_bytes, &err) == 0) continue;
		switch (err.code) {
		case ERR_CANCELLED: return t->err = err, -1;
		case ERR_CHANGED:
		case ERR_NOT_FOUND: return t->changed = true, -1;
		default:
			unreadable_add(&t->snapshot, f->name, &err);
			if (t->unread.code == ERR_NONE) t->unread = err;
		}
	}
	return 0;
}

/* The metadata file's text (at most METADATA_MAX of it) and true size; NULL when it is not there or not readable. */
static char *metadata_text(const char *root, const char *session, const char *name, int64_t size, struct error *err) {
	AUTO(fd_close) int fd = -1;
	if (size > METADATA_MAX) return xstrdup("");
	if (session_file_open(root, session, name, &fd, err)) return NULL;
	AUTO(xfree) char *text = xcalloc(1, (size_t)size + 1);
	for (int64_t at = 0; at < size;) {
		ssize_t n = pread(fd, text + at, (size_t)(size - at), at);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) (void)!scan_error(err, errno, root, session, name);
		if (n <= 0) return NULL;
		at += n;
	}
	return TAKE(text);
}

bool snapshot_metadata_misplaced(const struct snapshot *s, const struct schema *schema) {
	struct check_file *files = xcalloc(s->n + 1, sizeof *files);
	for (size_t i = 0; i < s->n; i++) files[i] = (struct check_file){.name = s->files[i].name};
	const struct check_input in = {.files = files,
		.file_n = s->n,
		.bad_kinds = (const char *const *)s->bad_kinds,
		.folders = (const char *const *)s->folders,
		.folder_n = s->folder_n,
		.schema = schema};
	bool misplaced = check_metadata_misplaced(&in);
	free(files);
	return misplaced;
}

void check_snapshot(const struct config *c, const struct schema *schema, const char *root, const char *session,
	const struct snapshot *s, const struct rival *rival, struct check_list *ret, struct error *ret_unread) {
	struct check_input in = {
		.session = session,
		.folders = (const char *const *)s->folders,
		.folder_n = s->folder_n,
		.ignored_n = s->ignored_n,
		.empty = &c->empty,
		.bad_kinds = (const char *const *)s->bad_kinds,
		.schema = schema,
		.total_min = c->total_min,
		.total_max = c->total_max,
		.rival = rival && *rival->found ? rival->found : NULL,
		.rival_mend = rival ? rival->mend : NULL,
	};
	struct check_file *files = xcalloc(s->n, sizeof *files);
	AUTO(xfree) char *text = NULL;
	for (size_t i = 0; i < s->n; i++) {
		files[i] = (struct check_file){.name = s->files[i].name, .size = s->files[i].size};
		if (strcmp(s->files[i].name, schema->file) != 0) continue;
		in.metadata_n = (size_t)s->files[i].size;
		text = metadata_text(root, session, s->files[i].name, s->files[i].size, ret_unread);
	}
	in.files = files;
	in.file_n = s->n;
	in.metadata_text = text;
	AUTO(metadata_done) struct metadata parsed = {0};
	checks_run(&in, ret, &parsed);
	free(files);
}

/* ERR_INPUT and ERR_DISK of the walk: held with their sentence. */
static void check_unreadable(struct check_task *t, const struct error *why) {
	snapshot_done(&t->snapshot);
	if (why->code == ERR_DISK) t->unread = *why;
	check_add(&t->checks, CHECK_KINDS, VERDICT_HOLD, why->text,
		"a session is a folder of at most 10,000 readable files",
		why->code == ERR_DISK ? "mend what is said about it: " UNREAD_MEND
							  : "see what is said about it, then `headgate retry`");
}

static bool walk(struct check_task *t) {
	const struct scan_rules rules = scan_rules_of(t->config);
	struct error err = ERROR_INIT;
	if (snapshot_take(t->root, t->session, &rules, t->cancel, &t->snapshot, &err) == 0) {
		t->changed = strcmp(t->snapshot.fingerprint, t->expected) != 0;
		snapshot_drop(&t->snapshot, t->config->done_marker);
		return !t->changed;
	}
	if (err.code == ERR_CANCELLED) t->err = err;
	else if (err.code == ERR_NOT_FOUND) t->changed = true;
	else check_unreadable(t, &err);
	return false;
}

/* What no rule allows whatever its bytes are is not read: a sparse file may claim terabytes. */
static bool is_too_large(const struct check_task *t) {
	const struct config *c = t->config;
	bool large = c->total_max && t->snapshot.bytes > c->total_max;
	for (size_t i = 0; i < t->snapshot.n; i++) large = large || t->snapshot.files[i].size > PUT_MAX;
	return large;
}

/* A file may have come while others were hashed. */
static void walk_again(struct check_task *t) {
	const struct scan_rules rules = scan_rules_of(t->config);
	AUTO(snapshot_done) struct snapshot now = {0};
	struct error err = ERROR_INIT;
	if (snapshot_take(t->root, t->session, &rules, t->cancel, &now, &err) == 0 || err.code == ERR_NOT_FOUND) {
		t->changed = err.code || strcmp(now.fingerprint, t->expected) != 0;
	} else if (err.code == ERR_CANCELLED) {
		t->err = err;
	} else {
		check_unreadable(t, &err);
	}
}

/* --- what stands in its way --- */

/* A data file with a content: of that some are alike in any two recordings, of metadata and empty files many. */
static bool tells_apart(const struct check_task *t, const struct file_row *f) {
	return f->size > 0 && strcmp(f->name, t->schema->file) != 0;
}

/* Another folder under a name that was sent before, and not one of its files is as it was then: another recording,
 * perhaps. A file that was replaced in the same folder is a correction. */
static bool is_unlike(const struct check_task *t, const struct file_row *sent, size_t n) {
	bool was_sent = false;
	for (size_t i = 0; i < n; i++) {
		const struct file_row *k = &sent[i], *f = file_row_find(t->snapshot.files, t->snapshot.n, k->name);
		was_sent = was_sent || k->state == FILE_STORED;
		if (f && tells_apart(t, f) && f->size == k->size && k->hashed && sha256_equal(&f->sha256, &k->sha256))
			return false;
	}
	return was_sent;
}

/* 1 it is, 0 not. */
static int is_name_again(struct check_task *t) {
	if (t->released || !*t->folder || !*t->folder_now || strcmp(t->folder, t->folder_now) == 0) return 0;
	struct file_row *before = NULL; /* what is known of this revision may be of a check that was held for this */
	size_t n = 0;
	if (t->known_revision == t->revision && t->revision > 1 &&
		journal_files(t->view, t->id, t->revision - 1, &before, &n, &t->err))
		return -1;
	int again = n ? is_unlike(t, before, n) : is_unlike(t, t->known, t->known_n);
	file_rows_free(before, n);
	return again;
}

static int find_rival(struct check_task *t, struct rival *ret) {
	struct session_row me = {.id = t->id,
		.root = (char *)(uintptr_t)t->root,
		.released = t->released,
		.has_content = t->has_content,
		.content = t->content};
	text_copy(me.name, sizeof me.name, t->session);
	if (rival_find(t->view, &me, t->roots, ret, &t->err)) return -1;
	int again = *ret->found ? 0 : is_name_again(t);
	if (again > 0) rival_name_again(t->session, ret);
	return MIN(again, 0);
}

void check_task_run(struct check_task *t) {
	folder_id(t->root, t->session, t->folder_now);
	if (!walk(t) || load_known(t)) return;
	bool large = is_too_large(t);
	if (!large && hash_files(t)) return;
	walk_again(t);
	if (t->changed || t->probe) return;
	t->has_content = file_rows_content(t->snapshot.files, t->snapshot.n, &t->content);
	struct rival rival;
	if (find_rival(t, &rival)) return;
	struct error unread = ERROR_INIT;
	check_snapshot(t->config, t->schema, t->root, t->session, &t->snapshot, &rival, &t->checks, &unread);
	if (t->unread.code == ERR_NONE && unread.code == ERR_DISK) t->unread = unread;
}

void check_task_done(struct check_task *t) {
	file_rows_free(t->known, t->known_n);
	snapshot_done(&t->snapshot);
	check_list_done(&t->checks);
}
