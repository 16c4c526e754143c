/* SPDX-License-Identifier: MIT */
/* All watched folders looked at by a command, where no engine runs that did it: a thread each, since one of them may be
 * on a disk that hangs. A thread that does not answer in time is left behind with what it was given. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "base/units.h"
#include "station/folder.h"
#include "station/rescan.h"

struct lister { /* shared with its thread; whoever is last frees it */
	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct config config; /* what listing needs of it, its own */
	char *root;
	bool over, left; /* the thread has ended; nobody waits for it */
	struct error err;
	struct folder_listing listing;
};

static void lister_free(struct lister *l) {
	folder_listing_done(&l->listing);
	pthread_cond_destroy(&l->ended);
	pthread_mutex_destroy(&l->lock);
	free(l->config.since);
	option_list_clear(&l->config.ignore_folders);
	free(l->root);
	free(l);
}

static void *lister_run(void *arg) {
	struct lister *l = arg;
	struct folder_listing listing = {0};
	struct error err = ERROR_INIT;
	if (folder_list(&l->config, l->root, NULL, &listing, &err)) listing = (struct folder_listing){0};
	pthread_mutex_lock(&l->lock);
	l->listing = listing;
	l->err = err;
	l->over = true;
	bool left = l->left;
	pthread_cond_signal(&l->ended);
	pthread_mutex_unlock(&l->lock);
	if (left) lister_free(l);
	return NULL;
}

/* NULL: no thread could be started. */
static struct lister *lister_start(const struct config *c, const char *root) {
	struct lister *l = xcalloc(1, sizeof *l);
	pthread_condattr_t attr;
	pthread_t thread;
	l->config.since = c->since ? xstrdup(c->since) : NULL;
	for (size_t i = 0; i < c->ignore_folders.n; i++)
		option_list_add(&l->config.ignore_folders, c->ignore_folders.items[i]);
	l->root = xstrdup(root);
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->ended, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&thread, NULL, lister_run, l)) {
		lister_free(l);
		return NULL;
	}
	pthread_detach(thread);
	return l;
}

static void lister_take(struct lister *l, const struct timespec *until, int64_t timeout_ms, struct folder_seen *ret) {
	pthread_mutex_lock(&l->lock);
	while (!l->over && pthread_cond_timedwait(&l->ended, &l->lock, until) != ETIMEDOUT) continue;
	bool over = l->over;
	l->left = !over;
	pthread_mutex_unlock(&l->lock);
	if (!over) {
		error_set(&ret->why, ERR_DISK, "the watched folder %s does not answer within %s; look at its disk or network",
			TEXT_SAFE(ret->path), UNIT_DURATION(timeout_ms));
		return;
	}
	ret->why = l->err;
	ret->listing = l->listing;
	l->listing = (struct folder_listing){0};
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
	const cJSON *n = cJSON_GetObjectItem(list, "n");
	const char *why = cJSON_GetStringValue(cJSON_GetObjectItem(list, "why"));
	if (!cJSON_IsNumber(n) || n->valuedouble < 1 || n->valuedouble > 1e12) return 0;
	s->unreadable = (int64_t)n->valuedouble;
	s->unreadable_why = why ? xstrdup(why) : NULL;
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
	return 0;
}

int folders_look(
	const struct config *c, struct journal_view *v, int64_t timeout_ms, struct folders *ret, struct error *err) {
	AUTO(folders_done) struct folders f = {.items = xcalloc(c->watch.n + 1, sizeof *f.items), .n = c->watch.n};
	struct lister **listers = xcalloc(c->watch.n + 1, sizeof *listers);
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	for (size_t i = 0; i < f.n; i++) listers[i] = lister_start(c, f.items[i].path = c->watch.items[i]);
	for (size_t i = 0; i < f.n; i++) {
		if (listers[i]) lister_take(listers[i], &until, timeout_ms, &f.items[i]);
		else error_set(&f.items[i].why, ERR_DISK, "no thread can be started to read %s", TEXT_SAFE(f.items[i].path));
	}
	free(listers);
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
