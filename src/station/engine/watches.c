/* SPDX-License-Identifier: MIT */
/* File-system events as hints: one inotify descriptor under uv_poll, on the roots and on the folders of sessions that
 * are not accepted yet. IN_MODIFY is not asked for: it slows the recorder. Whatever is lost here (overflow, watch
 * limit, network file systems) the rescan finds. Loop thread, but for watching_add: a file system that does not answer
 * keeps whoever asks for a watch waiting.
 *
 * Invariants: items are in order of wd; a session's `watches` counts its items. */
#include "station/engine/watches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "session/name.h"
#include "station/engine/root.h"
#include "station/engine/session.h"

#define WATCH_MASK                                                                                                     \
	(IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF |               \
		IN_MOVE_SELF | IN_ONLYDIR)

#define EARLY 256

struct watched {
	int wd;
	size_t root;
	char name[16]; /* of the session; "" for the root itself */
	char *folder;  /* relative to the session, with a final '/', or "" */
};
struct named {
	size_t root;
	char name[16];
};
struct watches {
	uv_poll_t poll;
	int fd;
	struct watched *items;
	size_t n, capacity;
	bool limited;	  /* the kernel gave no more watches: said once */
	int early[EARLY]; /* the last events of what is not among the items */
	size_t early_at;
	struct named *names; /* that appeared in roots, in turn */
	size_t name_n, name_capacity, name_at;
};

static size_t watch_lower(const struct watches *w, int wd) {
	size_t from = 0, to = w->n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (w->items[middle].wd < wd) from = middle + 1;
		else to = middle;
	}
	return from;
}

static struct watched *watch_find(const struct watches *w, int wd) {
	size_t i = watch_lower(w, wd);
	return i < w->n && w->items[i].wd == wd ? &w->items[i] : NULL;
}

static void watch_forget(struct engine *e, int wd) {
	struct watches *w = e->watches;
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
	if (e->watches->limited) return;
	e->watches->limited = true;
	journal_add_event(e->journal, 0, "warn", "watch_limit",
		why == ENOSPC
			? "the kernel gives no more file watches, so changes are found by the periodic rescan only; raise "
			  "fs.inotify.max_user_watches"
			: strerror(why));
}

/* --- in the thread that reads the folders --- */

struct watching watching_init(const struct engine *e, bool wanted) {
	return (struct watching){.fd = e->watches && wanted ? e->watches->fd : -1};
}

void watching_add(struct watching *w, const char *path, const char *folder, bool session) {
	if (w->fd < 0) return;
	int wd = inotify_add_watch(w->fd, path, WATCH_MASK | (session ? IN_DONT_FOLLOW : 0));
	if (wd < 0) {
		if (errno == ENOSPC || errno == ENOMEM) w->why = errno;
		return;
	}
	ARRAY_RESERVE(w->items, w->n, w->capacity);
	w->items[w->n++] = (struct watching_folder){.wd = wd, .folder = xstrdup(folder)};
}

void watching_done(struct watching *w) {
	for (size_t i = 0; i < w->n; i++) free(w->items[i].folder);
	free(w->items);
	*w = (struct watching){.fd = -1};
}

/* --- the table --- */

/* An event of a folder that is watched already and not in the table yet. */
static bool watch_missed(const struct watches *w, int wd) {
	for (size_t i = 0; i < ARRAY_LEN(w->early); i++)
		if (w->early[i] == wd) return true;
	return false;
}

/* One folder; false when it is known. */
static bool watch_insert(struct engine *e, size_t root, const char *name, const struct watching_folder *f) {
	struct watches *w = e->watches;
	size_t i = watch_lower(w, f->wd);
	if (i < w->n && w->items[i].wd == f->wd) return false;
	struct watched added = {.wd = f->wd, .root = root, .folder = xstrdup(f->folder)};
	memcpy(added.name, name, strnlen(name, sizeof added.name - 1));
	ARRAY_RESERVE(w->items, w->n, w->capacity);
	memmove(w->items + i + 1, w->items + i, (w->n - i) * sizeof w->items[0]);
	w->items[i] = added;
	w->n++;
	return true;
}

void watch_root(struct engine *e, size_t root, const struct watching *w) {
	if (!e->watches) return;
	if (w->why) watch_limit(e, w->why);
	for (size_t i = 0; i < w->n; i++)
		if (watch_insert(e, root, "", &w->items[i]) && watch_missed(e->watches, w->items[i].wd)) engine_rescan(e);
	e->roots[root].events = w->n > 0;
}

bool watch_session(struct session *s, const struct watching *w) {
	struct engine *e = s->engine;
	bool again = false;
	if (!e->watches) return false;
	if (w->why) watch_limit(e, w->why);
	for (size_t i = 0; i < w->n; i++) {
		const struct watching_folder *f = &w->items[i];
		if (!watch_insert(e, s->root, s->row.name, f)) continue;
		s->watches++;
		/* its own is watched before it is read, those below it are found by reading */
		again |= *f->folder || watch_missed(e->watches, f->wd);
	}
	return again;
}

void watch_nobody(struct engine *e, const struct watching *w) {
	for (size_t i = 0; e->watches && i < w->n; i++)
		if (!watch_find(e->watches, w->items[i].wd)) inotify_rm_watch(e->watches->fd, w->items[i].wd);
}

void watch_drop(struct session *s) {
	struct watches *w = s->engine->watches;
	for (size_t i = w && s->watches ? w->n : 0; i-- > 0;) {
		struct watched *it = &w->items[i];
		if (it->root != s->root || strcmp(it->name, s->row.name) != 0) continue;
		int wd = it->wd;
		watch_forget(s->engine, wd);
		inotify_rm_watch(w->fd, wd); /* fails when the folder is gone already */
	}
	s->watches = 0;
}

bool watch_has(const struct session *s) { return s->watches > 0 && !s->engine->watches->limited; }

/* --- events --- */

static void watch_named(struct watches *w, size_t root, const char *name) {
	struct named n = {.root = root};
	memcpy(n.name, name, strnlen(name, sizeof n.name - 1));
	ARRAY_RESERVE(w->names, w->name_n, w->name_capacity);
	w->names[w->name_n++] = n;
}

bool watch_name(struct engine *e, size_t *ret_root, char ret_name[16]) {
	struct watches *w = e->watches;
	if (!w || w->name_at == w->name_n) {
		if (w) w->name_at = w->name_n = 0;
		return false;
	}
	const struct named *n = &w->names[w->name_at++];
	*ret_root = n->root;
	memcpy(ret_name, n->name, sizeof n->name);
	return true;
}

static void on_root_event(struct engine *e, const struct watched *it, const struct inotify_event *ev) {
	if (ev->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) {
		engine_rescan(e);
		return;
	}
	if (!ev->len || !session_name_is(ev->name)) return;
	if (!(ev->mask & IN_ISDIR) || (ev->mask & (IN_DELETE | IN_MOVED_FROM))) {
		engine_rescan(e);
		return;
	}
	watch_named(e->watches, it->root, ev->name);
	engine_poke(e);
}

static void on_session_event(struct engine *e, const struct watched *it) {
	struct session *s = sessions_find(&e->sessions, it->name, it->root);
	if (!s || s->dead) return;
	session_touch(s); /* a new folder is watched by the look */
}

static void on_event(struct engine *e, const struct inotify_event *ev) {
	if (ev->mask & IN_Q_OVERFLOW) {
		log_event(LOG_WARN, "watch", "file events came faster than they were read; looking at everything", NULL);
		engine_rescan(e);
		return;
	}
	const struct watched *it = watch_find(e->watches, ev->wd);
	if (!it) {
		e->watches->early[e->watches->early_at++ % EARLY] = ev->wd;
		return;
	}
	if (ev->mask & (IN_IGNORED | IN_UNMOUNT)) {
		if (!*it->name) engine_rescan(e);
		if (ev->mask & IN_IGNORED) watch_forget(e, ev->wd);
		return;
	}
	if (*it->name) on_session_event(e, it);
	else on_root_event(e, it, ev);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
	(void)events;
	struct engine *e = poll->data;
	if (status < 0 || e->stopping) return;
	char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(e->watches->fd, buffer, sizeof buffer);
	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
		const struct inotify_event *ev = (const struct inotify_event *)(const void *)(buffer + at);
		on_event(e, ev);
		at += (ssize_t)(sizeof *ev + ev->len);
	}
}

int watches_open(struct engine *e, struct error *err) {
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0) {
		log_event(LOG_WARN, "watch", "no file events; changes are found by the periodic rescan only", "why",
			strerror(errno), NULL);
		return 0;
	}
	struct watches *w = xcalloc(1, sizeof *w);
	w->fd = fd;
	int failed = uv_poll_init(&e->loop, &w->poll, fd);
	if (failed) {
		close(fd);
		free(w);
		return error_set(err, ERR_INTERNAL, "cannot wait for file events: %s", uv_strerror(failed));
	}
	w->poll.data = e;
	e->watches = w;
	return uv_poll_start(&w->poll, UV_READABLE, on_readable) ? error_set(err, ERR_INTERNAL, "no file events") : 0;
}

void watches_close(struct engine *e) {
	if (e->watches) uv_close((uv_handle_t *)&e->watches->poll, NULL);
}

void watches_free(struct engine *e) {
	struct watches *w = e->watches;
	if (!w) return;
	for (size_t i = 0; i < w->n; i++) free(w->items[i].folder);
	free(w->items);
	free(w->names);
	close(w->fd);
	free(w);
	e->watches = NULL;
}
