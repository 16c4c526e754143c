/* SPDX-License-Identifier: MIT */
/* File-system events as hints: one inotify descriptor under uv_poll, on the roots and on the folders of sessions that
 * are not accepted yet. IN_MODIFY is not asked for: it slows the recorder. Whatever is lost here (overflow, watch
 * limit, network file systems) the rescan finds. Loop thread.
 *
 * Invariants: items are in order of wd; a session's `watches` counts its items. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "session/name.h"
#include "station/engine_internal.h"

#define WATCH_MASK                                                                                                     \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct watched {
	int wd;
	size_t root;
	char name[16]; /* of the session; "" for the root itself */
	char *folder;  /* relative to the session, with a final '/', or "" */
};
struct watch {
	uv_poll_t poll;
	int fd;
	struct watched *items;
	size_t n, capacity;
	bool limited; /* the kernel gave no more watches: said once */
};

static size_t watch_lower(const struct watch *w, int wd) {
	size_t from = 0, to = w->n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (w->items[middle].wd < wd) from = middle + 1;
		else to = middle;
	}
	return from;
}

static struct watched *watch_find(const struct watch *w, int wd) {
	size_t i = watch_lower(w, wd);
	return i < w->n && w->items[i].wd == wd ? &w->items[i] : NULL;
}

static void watch_forget(struct engine *e, int wd) {
	struct watch *w = e->watch;
	struct watched *it = watch_find(w, wd);
	if (!it) return;
	struct session *s = *it->name ? sessions_find(&e->sessions, it->name, it->root) : NULL;
	if (s && s->watches) s->watches--;
	free(it->folder);
	size_t i = (size_t)(it - w->items);
	memmove(it, it + 1, (w->n - i - 1) * sizeof *it);
	w->n--;
}

static void watch_limit(struct engine *e, int why) {
	if (e->watch->limited) return;
	e->watch->limited = true;
	journal_add_event(e->journal, 0, "warn", "watch_limit",
		why == ENOSPC
			? "the kernel gives no more file watches, so changes are found by the periodic rescan only; raise "
			  "fs.inotify.max_user_watches"
			: strerror(why));
}

/* Adds one folder; 1 when it is new. */
static size_t watch_add(struct engine *e, size_t root, const char *name, const char *folder) {
	struct watch *w = e->watch;
	AUTO(xfree)
	char *path = *name ? xasprintf("%s/%s/%s", e->roots[root].path, name, folder) : xstrdup(e->roots[root].path);
	int wd = inotify_add_watch(w->fd, path, WATCH_MASK | (*name ? IN_DONT_FOLLOW : 0));
	if (wd < 0) {
		if (errno == ENOSPC || errno == ENOMEM) watch_limit(e, errno);
		return 0;
	}
	size_t i = watch_lower(w, wd);
	if (i < w->n && w->items[i].wd == wd) return 0;
	struct watched added = {.wd = wd, .root = root, .folder = xstrdup(folder)};
	memcpy(added.name, name, strnlen(name, sizeof added.name - 1)); /* before the array moves: it may lie in there */
	ARRAY_RESERVE(w->items, w->n, w->capacity);
	memmove(w->items + i + 1, w->items + i, (w->n - i) * sizeof w->items[0]);
	w->items[i] = added;
	w->n++;
	return 1;
}

void watch_root(struct engine *e, size_t root) {
	if (!e->watch) return;
	watch_add(e, root, "", "");
	bool has = false;
	for (size_t i = 0; i < e->watch->n; i++) has |= !*e->watch->items[i].name && e->watch->items[i].root == root;
	e->roots[root].events = has;
}

size_t watch_session(struct session *s, const struct snapshot *found) {
	struct engine *e = s->engine;
	if (!e->watch || s->row.ignored) return 0;
	size_t added = watch_add(e, s->root, s->row.name, "");
	char last[FILE_NAME_MAX + 1] = "";
	for (size_t i = 0; found && i < found->n; i++) {
		const char *name = found->files[i].name, *slash = strrchr(name, '/');
		size_t n = slash ? (size_t)(slash - name) + 1 : 0;
		if (n == 0 || n >= sizeof last || (strncmp(last, name, n) == 0 && last[n] == '\0')) continue;
		memcpy(last, name, n);
		last[n] = '\0';
		added += watch_add(e, s->root, s->row.name, last);
	}
	s->watches += added;
	return found ? added : 0;
}

void watch_drop(struct session *s) {
	struct watch *w = s->engine->watch;
	for (size_t i = w && s->watches ? w->n : 0; i-- > 0;) {
		struct watched *it = &w->items[i];
		if (it->root != s->root || strcmp(it->name, s->row.name) != 0) continue;
		int wd = it->wd;
		watch_forget(s->engine, wd);
		inotify_rm_watch(w->fd, wd); /* fails when the folder is gone already */
	}
	s->watches = 0;
}

bool watch_has(const struct session *s) { return s->watches > 0 && !s->engine->watch->limited; }

/* --- events --- */

static void on_root_event(struct engine *e, const struct watched *it, const struct inotify_event *ev) {
	if (ev->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) {
		rescan_soon(e);
		return;
	}
	if (!ev->len || !session_name_is(ev->name)) return;
	if (!(ev->mask & IN_ISDIR) || (ev->mask & (IN_DELETE | IN_MOVED_FROM))) {
		rescan_soon(e);
		return;
	}
	rescan_found(e, it->root, ev->name);
}

static void on_session_event(struct engine *e, const struct watched *it, const struct inotify_event *ev) {
	struct session *s = sessions_find(&e->sessions, it->name, it->root);
	if (!s || s->dead) return;
	if (ev->len && (ev->mask & IN_ISDIR) && (ev->mask & (IN_CREATE | IN_MOVED_TO))) {
		AUTO(xfree) char *folder = xasprintf("%s%s/", it->folder, ev->name);
		s->watches += watch_add(e, it->root, it->name, folder); /* `it` may have moved */
	}
	settle_touch(s);
}

static void on_event(struct engine *e, const struct inotify_event *ev) {
	if (ev->mask & IN_Q_OVERFLOW) {
		log_event(LOG_WARN, "watch", "file events came faster than they were read; looking at everything", NULL);
		rescan_soon(e);
		return;
	}
	const struct watched *it = watch_find(e->watch, ev->wd);
	if (!it) return;
	if (ev->mask & (IN_IGNORED | IN_UNMOUNT)) {
		if (!*it->name) rescan_soon(e);
		if (ev->mask & IN_IGNORED) watch_forget(e, ev->wd);
		return;
	}
	if (*it->name) on_session_event(e, it, ev);
	else on_root_event(e, it, ev);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
	(void)events;
	struct engine *e = poll->data;
	if (status < 0 || e->stopping) return;
	char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(e->watch->fd, buffer, sizeof buffer);
	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
		const struct inotify_event *ev = (const struct inotify_event *)(const void *)(buffer + at);
		on_event(e, ev);
		at += (ssize_t)(sizeof *ev + ev->len);
	}
}

int watch_new(struct engine *e, struct error *err) {
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0) {
		log_event(LOG_WARN, "watch", "no file events; changes are found by the periodic rescan only", "why",
			strerror(errno), NULL);
		return 0;
	}
	struct watch *w = xcalloc(1, sizeof *w);
	w->fd = fd;
	int failed = uv_poll_init(&e->loop, &w->poll, fd);
	if (failed) {
		close(fd);
		free(w);
		return error_set(err, ERR_INTERNAL, "cannot wait for file events: %s", uv_strerror(failed));
	}
	w->poll.data = e;
	e->watch = w;
	return uv_poll_start(&w->poll, UV_READABLE, on_readable) ? error_set(err, ERR_INTERNAL, "no file events") : 0;
}

void watch_close(struct engine *e) {
	if (e->watch) uv_close((uv_handle_t *)&e->watch->poll, NULL);
}

void watch_free(struct engine *e) {
	struct watch *w = e->watch;
	if (!w) return;
	for (size_t i = 0; i < w->n; i++) free(w->items[i].folder);
	free(w->items);
	close(w->fd);
	free(w);
	e->watch = NULL;
}
