/* SPDX-License-Identifier: MIT */
/* All watched folders looked at by a command, where no engine runs that did it: a thread each, since one of them may be
 * on a disk that hangs. A thread that does not answer in time is left behind with what it was given. */
#include "station/run/folders.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/text.h"
#include "base/units.h"
#include "station/engine/facts.h"
#include "station/intake/unreadable.h"
#include "station/disk/since.h"
#include "station/engine/sessions.h"

#define COMPARED_MAX 4096 /* accepted sessions: the newest */

struct known { /* an accepted session, as the journal has it */
	char name[16];
	uint64_t fingerprint;
};
struct lister { /* shared with its thread; whoever is last frees it */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct config config; /* what listing needs of it, its own */
	char *root;
	struct known *known; /* newest first; owned */
	size_t known_n, known_capacity;
	int64_t compare_ms;		 /* so long the comparison may take */
	struct folder_seen seen; /* counts only */
	bool listed, over, left; /* its listing is there; the thread has ended; nobody waits for it */
	struct error err;
	struct folder_listing listing;
};

static void lister_free(struct lister *l) {
	folder_listing_done(&l->listing);
	pthread_cond_destroy(&l->ended);
	pthread_mutex_destroy(&l->lock);
	free(l->config.since);
	option_list_clear(&l->config.ignore_folders);
	option_list_clear(&l->config.ignore);
	option_list_clear(&l->config.temporary);
	free(l->config.done_marker);
	free(l->config.state_dir);
	free(l->config.schema.file);
	free(l->seen.unreadable_why);
	free(l->known);
	free(l->root);
	free(l);
}

/* Whoever asks may have no right to read what the engine's user reads: that says nothing of the session. */
static bool is_own_trouble(const struct error *err) { return err->os == EACCES || err->os == EPERM; }

static void compare_one(struct lister *l, const struct known *k, bool reads_all, struct folder_seen *s) {
	const struct scan_rules rules = scan_rules_of(&l->config);
	AUTO(snapshot_done) struct snapshot now = {0};
	struct error err = ERROR_INIT;
	if (snapshot_take(l->root, k->name, &rules, NULL, &now, &err)) {
		if (err.code != ERR_NOT_FOUND && is_own_trouble(&err) && !reads_all) return;
		s->compared++;
		if (err.code == ERR_NOT_FOUND) return; /* removed */
		s->unreadable++;
		if (!s->unreadable_why) s->unreadable_why = xstrdup(err.text);
		return;
	}
	s->compared++;
	if (fingerprint_short(now.fingerprint) == k->fingerprint) return;
	if (!s->changed++) text_copy(s->first_changed, sizeof s->first_changed, k->name);
}

static struct folder_seen lister_compare(struct lister *l) {
	struct folder_seen s = {0};
	struct stat st;
	bool reads_all = stat(l->config.state_dir, &st) == 0 && st.st_uid == geteuid(); /* as the engine does */
	int64_t until_ms = clock_mono_ms() + l->compare_ms;
	for (size_t i = 0; i < l->known_n && clock_mono_ms() < until_ms; i++) compare_one(l, &l->known[i], reads_all, &s);
	return s;
}

static void *lister_run(void *arg) {
	struct lister *l = arg;
	struct folder_listing listing = {0};
	struct error err = ERROR_INIT;
	if (folder_list(&l->config, l->root, NULL, &listing, &err)) listing = (struct folder_listing){0};
	pthread_mutex_lock(&l->lock);
	l->listing = listing;
	l->err = err;
	l->listed = true;
	pthread_mutex_unlock(&l->lock);
	struct folder_seen seen = err.code == ERR_NONE ? lister_compare(l) : (struct folder_seen){0};
	pthread_mutex_lock(&l->lock);
	l->seen = seen;
	l->over = true;
	bool left = l->left;
	pthread_cond_signal(&l->ended);
	pthread_mutex_unlock(&l->lock);
	if (left) lister_free(l);
	return NULL;
}

/* NULL: no thread could be started. */
static struct lister *lister_start(
	const struct config *c, const char *root, int64_t compare_ms, const struct lister *of) {
	struct lister *l = xcalloc(1, sizeof *l);
	l->config.since = c->since ? xstrdup(c->since) : NULL;
	for (size_t i = 0; i < c->ignore_folders.n; i++)
		option_list_add(&l->config.ignore_folders, c->ignore_folders.items[i]);
	for (size_t i = 0; i < c->ignore.n; i++) option_list_add(&l->config.ignore, c->ignore.items[i]);
	for (size_t i = 0; i < c->temporary.n; i++) option_list_add(&l->config.temporary, c->temporary.items[i]);
	l->config.done_marker = c->done_marker ? xstrdup(c->done_marker) : NULL;
	l->config.schema.file = c->schema.file ? xstrdup(c->schema.file) : NULL;
	l->config.state_dir = xstrdup(c->state_dir ? c->state_dir : "");
	l->known = of->known;
	l->known_n = of->known_n;
	l->compare_ms = compare_ms;
	l->root = xstrdup(root);
	pthread_mutex_init(&l->lock, NULL);
	condition_init(&l->ended);
	if (pthread_create(&l->thread, NULL, lister_run, l)) {
		lister_free(l);
		return NULL;
	}
	return l;
}

static void lister_take(struct lister *l, const struct timespec *until, int64_t timeout_ms, struct folder_seen *ret) {
	pthread_mutex_lock(&l->lock);
	while (!l->over && pthread_cond_timedwait(&l->ended, &l->lock, until) != ETIMEDOUT) continue;
	bool over = l->over, listed = l->listed;
	l->left = !over;
	if (!over) pthread_detach(l->thread);
	if (listed) {
		ret->why = l->err;
		ret->listing = l->listing;
		l->listing = (struct folder_listing){0};
	}
	pthread_mutex_unlock(&l->lock);
	if (!listed) {
		error_set(&ret->why, ERR_DISK, "the watched folder %s does not answer within %s; look at its disk or network",
			TEXT_SAFE(ret->path), UNIT_DURATION(timeout_ms));
		return;
	}
	if (!over) return;			   /* what it compares is not waited for */
	pthread_join(l->thread, NULL); /* what it has of libraries is given back */
	ret->compared = l->seen.compared;
	ret->changed = l->seen.changed;
	memcpy(ret->first_changed, l->seen.first_changed, sizeof ret->first_changed);
	ret->unreadable = l->seen.unreadable;
	ret->unreadable_why = TAKE(l->seen.unreadable_why);
	lister_free(l);
}

/* --- what the journal says of it --- */

static int count_strange(const struct config *c, struct journal_view *v, struct folder_seen *s, struct error *err) {
	for (size_t i = 0; i < s->listing.n; i++) {
		const char *name = s->listing.names[i].name;
		if (name_before_since(c, name)) continue;
		int found = v ? journal_knows(v, name, s->path, err) : 0;
		if (found < 0) return -1;
		if (found) continue;
		if (!s->strange++) text_copy(s->first_strange, sizeof s->first_strange, name);
	}
	return 0;
}

/* As it was the last time: what can be read again by now is the next run's to say. */
static int count_unreadable(struct journal_view *v, struct folder_seen *s, struct error *err) {
	AUTO(json_free) cJSON *list = NULL;
	if (!v) return 0;
	if (unreadable_get(v, s->path, &list, err)) return -1;
	const char *why = json_get_text(list, "why");
	int64_t n = json_get_i64(list, "n", 0);
	if (n < 1 || n > (int64_t)1e12) return 0;
	s->unreadable = MAX(s->unreadable, n); /* some of its bytes perhaps, which are not read here */
	if (why && !s->unreadable_why) s->unreadable_why = xstrdup(why);
	return 0;
}

static int judge(
	const struct config *c, struct journal_view *v, struct folder_seen *s, struct safe_look *look, struct error *err) {
	struct folder_memory memory;
	if (folder_remember(v, s->path, &memory, err) || count_strange(c, v, s, err) || count_unreadable(v, s, err))
		return -1;
	s->state = folder_judge(&s->why, &s->listing, &memory, c->may_be_empty);
	if (s->state == FOLDER_EMPTY) folder_empty_words(s->path, &s->why);
	folder_count(look, s->state);
	look->names += (int64_t)s->listing.near_all;
	look->strange += s->strange;
	look->unreadable += s->unreadable;
	look->changed += s->changed;
	return 0;
}

/* --- accepted sessions --- */

struct gathering {
	const struct config *config;
	struct lister *of; /* one a folder */
	struct folder_seen *seen;
};

static int on_accepted(void *arg, const struct session_row *row) {
	struct gathering *g = arg;
	for (size_t i = 0; i < g->config->watch.n; i++) {
		struct lister *l = &g->of[i];
		if (!row->present || !*row->fingerprint || strcmp(g->config->watch.items[i], row->root) != 0) continue;
		g->seen[i].accepted++;
		ARRAY_RESERVE(l->known, l->known_n, l->known_capacity);
		struct known *k = &l->known[l->known_n++];
		k->fingerprint = fingerprint_short(row->fingerprint);
		text_copy(k->name, sizeof k->name, row->name);
	}
	return 0;
}

int folders_look(
	const struct config *c, struct journal_view *v, int64_t timeout_ms, struct folders *ret, struct error *err) {
	AUTO(folders_done) struct folders f = {.items = xcalloc(c->watch.n + 1, sizeof *f.items), .n = c->watch.n};
	struct lister **listers = xcalloc(c->watch.n + 1, sizeof *listers);
	struct lister *of = xcalloc(c->watch.n + 1, sizeof *of);
	const struct session_filter accepted = {.state = STATE_ACCEPTED, .limit = COMPARED_MAX};
	struct gathering g = {.config = c, .of = of, .seen = f.items};
	int failed = v ? journal_sessions(v, &accepted, on_accepted, &g, err) : 0;
	const struct timespec until = deadline_after(timeout_ms);
	for (size_t i = 0; i < f.n; i++)
		listers[i] = lister_start(c, f.items[i].path = c->watch.items[i], timeout_ms / 2, &of[i]);
	for (size_t i = 0; i < f.n; i++) {
		if (listers[i]) lister_take(listers[i], &until, timeout_ms, &f.items[i]);
		else error_set(&f.items[i].why, ERR_DISK, "no thread can be started to read %s", TEXT_SAFE(f.items[i].path));
	}
	free(listers);
	free(of);
	if (failed) return -1;
	for (size_t i = 0; i < f.n; i++) {
		if (judge(c, v, &f.items[i], &f.look, err)) return -1;
	}
	*ret = f;
	f = (struct folders){0};
	return 0;
}

void folders_done(struct folders *f) {
	for (size_t i = 0; i < f->n; i++) {
		folder_listing_done(&f->items[i].listing);
		free(f->items[i].unreadable_why);
	}
	free(f->items);
	*f = (struct folders){0};
}
