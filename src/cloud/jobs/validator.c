/* SPDX-License-Identifier: MIT */
/* The validation thread and its queue.
 * Invariants, under the lock: a (station, session) is in `known` exactly while it is in `ready` or `later`; so a
 * session of ten thousand objects waits once however many events it has. It leaves both before the look, so that an
 * event during the look brings another one. What is queued when the program ends is found again by validator_recover.
 */
#include "cloud/jobs/validate.h"

#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cloud/store/deadline.h"

#define AGAIN_MS 2000 /* after a look that this machine failed: disk, catalog */

struct item {
	STAILQ_ENTRY(item) next;
	char station[80], session[16];
	int64_t due_ms; /* in `later`: not before, monotonic */
};
STAILQ_HEAD(items, item);

struct validator {
	struct catalog *catalog;
	struct objects *objects;
	struct logs *logs;
	_Atomic(const struct schema *) schema;
	char *raw_bucket;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct items ready, later; /* later: in order of due_ms, as the pause is always the same */
	void *known;			   /* tsearch(3) tree of what is in either */
	bool stop;
};

static int compare_items(const void *a, const void *b) {
	const struct item *x = a, *y = b;
	int order = strcmp(x->session, y->session);
	return order ? order : strcmp(x->station, y->station);
}

/* Under the lock. due_ms 0: at once. */
static void enqueue(struct validator *v, const char *station, const char *session, int64_t due_ms) {
	struct item *item = xcalloc(1, sizeof *item);
	text_copy(item->station, sizeof item->station, station);
	text_copy(item->session, sizeof item->session, session);
	item->due_ms = due_ms;
	struct item *const *there = tsearch(item, &v->known, compare_items);
	if (!there) abort();
	if (*there != item) {
		free(item);
		return;
	}
	if (due_ms) STAILQ_INSERT_TAIL(&v->later, item, next);
	else STAILQ_INSERT_TAIL(&v->ready, item, next);
	pthread_cond_signal(&v->wake);
}

/* Under the lock: waits for the next item that is due, which is the caller's; NULL at the end. */
static struct item *dequeue(struct validator *v) {
	while (!v->stop) {
		struct items *from = &v->ready;
		struct item *item = STAILQ_FIRST(&v->ready), *late = STAILQ_FIRST(&v->later);
		if (!item && late && late->due_ms <= clock_mono_ms()) item = late, from = &v->later;
		if (item) {
			STAILQ_REMOVE_HEAD(from, next);
			tdelete(item, &v->known, compare_items);
			return item;
		}
		if (!late) {
			pthread_cond_wait(&v->wake, &v->lock);
			continue;
		}
		struct timespec until = deadline_after(MAX(late->due_ms - clock_mono_ms(), 0) + 1);
		pthread_cond_timedwait(&v->wake, &v->lock, &until);
	}
	return NULL;
}

/* One line a session and fault, however often it is tried. */
static void log_failure(struct validator *v, const struct item *item, const struct error *why) {
	struct error err = ERROR_INIT;
	struct sha256 sha256;
	char id[SHA256_HEX];
	int64_t now = clock_wall_ms(), stored = 0;
	AUTO(xfree) char *what = xasprintf("%s/%s/%s", item->station, item->session, why->text);
	sha256_of(what, strlen(what), &sha256);
	sha256_hex(id, &sha256);
	id[24] = '\0';
	AUTO(json_free) cJSON *j = json_object();
	json_add_time(j, "at", now);
	json_add_text(j, "id", id);
	json_add_text(j, "level", "error");
	json_add_text(j, "code", "validation_delayed");
	json_add_text(j, "message", why->text);
	json_add_text(j, "station", item->station);
	json_add_text(j, "session", item->session);
	AUTO(xfree) char *text = json_text(j);
	struct log_known event = {.id = id, .stream = item->station, .at_ms = now, .json = text};
	if (logs_add_known(v->logs, LOG_GROUP_VALIDATE, &event, 1, &stored, &err)) {
		log_event(LOG_ERROR, "validate", why->text, "session", item->session, "log", err.text, NULL);
	}
}

static void *validator_main(void *arg) {
	struct validator *v = arg;
	pthread_mutex_lock(&v->lock);
	for (struct item *item; (item = dequeue(v));) {
		pthread_mutex_unlock(&v->lock);
		struct error err = ERROR_INIT;
		bool decided;
		int status = validate_session(
			v->catalog, v->objects, v->logs, atomic_load(&v->schema), item->station, item->session, &decided, &err);
		if (status) log_failure(v, item, &err);
		pthread_mutex_lock(&v->lock);
		if (status) enqueue(v, item->station, item->session, clock_mono_ms() + AGAIN_MS);
		free(item);
	}
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

static void items_free(struct items *items) {
	for (struct item *item; (item = STAILQ_FIRST(items));) {
		STAILQ_REMOVE_HEAD(items, next);
		free(item);
	}
}

static void keep(void *item) { (void)item; } /* the queues own what the tree points to */

static void validator_free(struct validator *v) {
	tdestroy(v->known, keep);
	items_free(&v->ready);
	items_free(&v->later);
	pthread_cond_destroy(&v->wake);
	pthread_mutex_destroy(&v->lock);
	xfree(v->raw_bucket);
	free(v);
}

int validator_start(struct validator **ret, struct catalog *c, struct objects *o, struct logs *l,
	const struct schema *schema, const char *raw_bucket, struct error *err) {
	struct validator *v = xcalloc(1, sizeof *v);
	*v = (struct validator){.catalog = c, .objects = o, .logs = l, .schema = schema, .raw_bucket = xstrdup(raw_bucket)};
	STAILQ_INIT(&v->ready);
	STAILQ_INIT(&v->later);
	condition_init(&v->wake);
	pthread_mutex_init(&v->lock, NULL);
	int e = pthread_create(&v->thread, NULL, validator_main, v);
	if (e) {
		validator_free(v);
		return error_errno(err, ERR_INTERNAL, e, "the validation thread cannot be started");
	}
	*ret = v;
	return 0;
}

static int on_undecided(void *arg, const char *station, const char *session, int64_t revision) {
	(void)revision;
	struct validator *v = arg;
	pthread_mutex_lock(&v->lock);
	enqueue(v, station, session, 0);
	pthread_mutex_unlock(&v->lock);
	return 0;
}

int validator_recover(struct validator *v, struct error *err) {
	validate_log_again(v->catalog, v->logs);
	return catalog_undecided(v->catalog, on_undecided, v, err);
}

void validator_object_stored(struct validator *v, const struct object_row *row) {
	if (!row->station[0] || !row->session[0] || strcmp(row->bucket, v->raw_bucket) != 0) return;
	pthread_mutex_lock(&v->lock);
	enqueue(v, row->station, row->session, 0);
	pthread_mutex_unlock(&v->lock);
}

void validator_rules(struct validator *v, const struct schema *schema) { atomic_store(&v->schema, schema); }

void validator_stop(struct validator *v) {
	if (!v) return;
	pthread_mutex_lock(&v->lock);
	v->stop = true;
	pthread_cond_signal(&v->wake);
	pthread_mutex_unlock(&v->lock);
	pthread_join(v->thread, NULL);
	validator_free(v);
}
