/* SPDX-License-Identifier: MIT */
/* The validation threads. Two of them, so that a session whose bytes are read for a long time does not stop the others;
 * a look reads so much and waits for its station's next turn (queue.h). What is queued when the program ends is found
 * again by validator_recover. The queue changes under the lock; a look runs without it. */
#include "cloud/jobs/validate.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/log.h"
#include "base/text.h"
#include "cloud/jobs/attempts.h"
#include "cloud/jobs/collect.h"
#include "cloud/jobs/content.h"
#include "cloud/jobs/queue.h"

#define WORKERS 2
#define READ_MOST (256LL << 20) /* bytes of a look: about half a second */
#define AGAIN_MS 2000		 /* after a look that this machine failed (disk, catalog), or that waits for lost bytes: */
#define AGAIN_MOST_MS 300000 /* doubled up to this */
#define DIED_MS 1000
#define CHORE_MS (10LL * 60 * 1000) /* between rounds of what is done when there is nothing else to do, */
#define CHORE_LATE_MS (60LL * 1000) /* or when there always is */

struct worker {
	struct validator *validator;
	pthread_t thread;
	int place; /* in attempts */
	bool runs;
};
struct validator {
	struct stores stores;
	_Atomic(const struct schema *) schema;
	char *raw_bucket;
	struct attempts *attempts;
	struct worker workers[WORKERS];
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct queue *queue;
	bool stop;
	int64_t promise_ms;
	struct {
		bool runs; /* in one of the threads */
		int64_t due_ms;
		bool contents_known;
		int64_t content_id; /* how far content ids are known */
	} chore;
};

/* --- chores --- */

/* Without the lock: some of what is to be done, and *ret_more whether there is more of it. */
static int chore(struct validator *v, bool *ret_more, struct error *err) {
	if (!v->chore.contents_known) {
		bool more = false;
		if (content_fill(&v->stores, NULL, NULL, &v->chore.content_id, &more, err)) return -1;
		v->chore.contents_known = !more;
		*ret_more = true;
		return 0;
	}
	if (!v->promise_ms) return 0;
	return collect_unused(v->stores.catalog, v->stores.objects, clock_wall_ms() - v->promise_ms, ret_more, err);
}

/* Under the lock, which is let go meanwhile. False: none is due, *due_ms is brought forward to the next one. */
static bool chore_run(struct validator *v, int64_t now_ms, int64_t *due_ms) {
	if (v->chore.runs) return false;
	if (v->chore.due_ms > now_ms) {
		*due_ms = *due_ms ? MIN(*due_ms, v->chore.due_ms) : v->chore.due_ms;
		return false;
	}
	struct error err = ERROR_INIT;
	bool more = false;
	v->chore.runs = true;
	pthread_mutex_unlock(&v->lock);
	int status = chore(v, &more, &err);
	if (status) log_event(LOG_ERROR, "validate", err.text, NULL);
	pthread_mutex_lock(&v->lock);
	v->chore.runs = false;
	v->chore.due_ms = more && !status ? now_ms : clock_mono_ms() + CHORE_MS;
	return true;
}

/* --- looks --- */

/* Under the lock: waits for the next item that is due, which is the caller's; NULL at the end. */
static struct queue_item *wait_item(struct validator *v) {
	while (!v->stop) {
		int64_t due_ms = 0, now_ms = clock_mono_ms();
		if (now_ms - v->chore.due_ms >= CHORE_LATE_MS && chore_run(v, now_ms, &due_ms)) continue;
		struct queue_item *item = queue_take(v->queue, now_ms, &due_ms);
		if (item) return item;
		if (chore_run(v, now_ms, &due_ms)) continue;
		if (!due_ms) {
			pthread_cond_wait(&v->wake, &v->lock);
			continue;
		}
		struct timespec until = deadline_after(MAX(due_ms - now_ms, 0) + 1);
		pthread_cond_timedwait(&v->wake, &v->lock, &until);
	}
	return NULL;
}

/* One line a session and fault, however often it is tried. */
static void log_failure(struct validator *v, const struct queue_item *item, const struct error *why) {
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
	if (logs_add_known(v->stores.logs, LOG_GROUP_VALIDATE, &event, 1, &stored, &err)) {
		log_event(LOG_ERROR, "validate", why->text, "session", item->session, "log", err.text, NULL);
	}
}

/* Without the lock. What the program died with before, and survived now, is as good as any other. */
static int look(struct worker *w, struct queue_item *item, struct error *err) {
	struct validator *v = w->validator;
	item->validation.read_most = READ_MOST;
	attempts_begin(v->attempts, w->place, item->station, item->session);
	const struct schema *schema = atomic_load(&v->schema);
	int status = validate_session(&v->stores, schema, item->station, item->session, &item->validation, err);
	attempts_end(v->attempts, w->place);
	if (status == 0 && item->died)
		status = catalog_attempts(v->stores.catalog, item->station, item->session, false, err);
	if (status == 0) item->died = false;
	return status;
}

/* Under the lock. */
static void look_ended(struct validator *v, struct queue_item *item, bool failed) {
	const struct validation *l = &item->validation;
	if (!failed && !l->lost) {
		item->tries = 0;
		if (l->unfinished) queue_again(v->queue, item, 0);
		else queue_done(v->queue, item);
	} else {
		int64_t pause_ms = MIN(AGAIN_MS << MIN(item->tries, 10), AGAIN_MOST_MS);
		item->tries++;
		queue_again(v->queue, item, clock_mono_ms() + pause_ms);
	}
	pthread_cond_broadcast(&v->wake);
}

static void *worker_main(void *arg) {
	struct worker *w = arg;
	struct validator *v = w->validator;
	pthread_mutex_lock(&v->lock);
	for (struct queue_item *item; (item = wait_item(v));) {
		pthread_mutex_unlock(&v->lock);
		struct error err = ERROR_INIT;
		bool failed = look(w, item, &err);
		if (failed) log_failure(v, item, &err);
		pthread_mutex_lock(&v->lock);
		look_ended(v, item, failed);
	}
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

static void validator_free(struct validator *v) {
	queue_free(v->queue);
	attempts_close(v->attempts);
	pthread_cond_destroy(&v->wake);
	pthread_mutex_destroy(&v->lock);
	xfree(v->raw_bucket);
	free(v);
}

int validator_start(struct validator **ret, const struct validator_setup *setup, struct error *err) {
	struct validator *v = xcalloc(1, sizeof *v);
	*v = (struct validator){.stores = setup->stores,
		.schema = setup->schema,
		.raw_bucket = xstrdup(setup->raw_bucket),
		.queue = queue_new()};
	v->promise_ms = setup->promise_ms;
	v->chore.due_ms = clock_mono_ms();
	condition_init(&v->wake);
	pthread_mutex_init(&v->lock, NULL);
	if (attempts_open(&v->attempts, setup->data_dir, setup->stores.catalog, err)) {
		validator_free(v);
		return -1;
	}
	for (int i = 0; i < WORKERS; i++) {
		struct worker *w = &v->workers[i];
		*w = (struct worker){.validator = v, .place = i};
		int e = pthread_create(&w->thread, NULL, worker_main, w);
		w->runs = e == 0;
		if (!e) continue;
		validator_stop(v);
		return error_errno(err, ERR_INTERNAL, e, "a validation thread cannot be started");
	}
	*ret = v;
	return 0;
}

/* Under the lock. */
static int on_undecided(void *arg, const char *station, const char *session, int64_t attempts) {
	struct validator *v = arg;
	if (!attempts) queue_add(v->queue, station, session);
	else queue_add_died(v->queue, station, session, clock_mono_ms() + DIED_MS);
	return 0;
}

int validator_recover(struct validator *v, struct error *err) {
	validate_log_again(v->stores.catalog, v->stores.logs);
	pthread_mutex_lock(&v->lock);
	int status = catalog_undecided(v->stores.catalog, on_undecided, v, err);
	pthread_cond_broadcast(&v->wake);
	pthread_mutex_unlock(&v->lock);
	return status;
}

void validator_object_stored(struct validator *v, const struct object_row *row) {
	if (!row->station[0] || !row->session[0] || strcmp(row->bucket, v->raw_bucket) != 0) return;
	pthread_mutex_lock(&v->lock);
	queue_add(v->queue, row->station, row->session);
	pthread_cond_signal(&v->wake);
	pthread_mutex_unlock(&v->lock);
}

void validator_rules(struct validator *v, const struct schema *schema) { atomic_store(&v->schema, schema); }

void validator_stop(struct validator *v) {
	if (!v) return;
	pthread_mutex_lock(&v->lock);
	v->stop = true;
	pthread_cond_broadcast(&v->wake);
	pthread_mutex_unlock(&v->lock);
	for (int i = 0; i < WORKERS; i++)
		if (v->workers[i].runs) pthread_join(v->workers[i].thread, NULL);
	validator_free(v);
}
