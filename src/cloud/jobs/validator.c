/* SPDX-License-Identifier: MIT */
/* The validation threads. Two of them, so that a session whose bytes are read for a long time does not stop the others;
 * a look reads so much and waits for its station's next turn (queue.h). What is queued when the program ends is found
 * again by validator_recover: hence the queue needs no bound. */
#include "cloud/jobs/validate.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cloud/jobs/attempts.h"
#include "cloud/jobs/collect.h"
#include "cloud/jobs/content.h"
#include "cloud/jobs/workers.h"

#define WORKERS 2
#define READ_MOST (256LL << 20) /* bytes of a look: about half a second */
#define AGAIN_MS 2000		 /* after a look that this machine failed (disk, catalog), or that waits for lost bytes: */
#define AGAIN_MOST_MS 300000 /* doubled up to this */
#define DIED_MS 1000
#define CHORE_MS (10LL * 60 * 1000) /* between rounds of what is done when there is nothing else to do, */
#define CHORE_LATE_MS (60LL * 1000) /* or when there always is */

/* Of a session that waits for a look, from look to look. A job's lane is its station, its name the session. */
struct looked {
	bool died; /* the program did not survive a look at it */
	struct validation validation;
};
struct validator {
	struct stores stores;
	_Atomic(const struct schema *) schema;
	char *raw_bucket;
	struct attempts *attempts;
	struct workers *workers;
	int64_t promise_ms;
	/* The chore's. */
	bool contents_known;
	int64_t content_id; /* how far content ids are known */
};

/* --- chores --- */

/* Some of what is to be done, and *ret_more whether there is more of it. */
static int chore(struct validator *v, bool *ret_more, struct error *err) {
	if (!v->contents_known) {
		bool more = false;
		if (content_fill(&v->stores, NULL, NULL, &v->content_id, &more, err)) return -1;
		v->contents_known = !more;
		*ret_more = true;
		return 0;
	}
	if (!v->promise_ms) return 0;
	return collect_unused(v->stores.catalog, v->stores.objects, clock_wall_ms() - v->promise_ms, ret_more, err);
}

static int64_t on_chore(void *arg) {
	struct error err = ERROR_INIT;
	bool more = false;
	if (chore(arg, &more, &err)) {
		log_event(LOG_ERROR, "validate", err.text, NULL);
		more = false;
	}
	return more ? 0 : CHORE_MS;
}

/* --- looks --- */

/* One line a session and fault, however often it is tried. */
static void log_failure(struct validator *v, const struct queue_job *job, const struct error *why) {
	struct error err = ERROR_INIT;
	struct sha256 sha256;
	char id[SHA256_HEX];
	int64_t now = clock_wall_ms(), stored = 0;
	AUTO(xfree) char *what = xasprintf("%s/%s/%s", job->lane, job->name, why->text);
	sha256_of(what, strlen(what), &sha256);
	sha256_hex(id, &sha256);
	id[24] = '\0';
	AUTO(json_free) cJSON *j = json_object();
	json_add_time(j, "at", now);
	json_add_text(j, "id", id);
	json_add_text(j, "level", "error");
	json_add_text(j, "code", "validation_delayed");
	json_add_text(j, "message", why->text);
	json_add_text(j, "station", job->lane);
	json_add_text(j, "session", job->name);
	AUTO(xfree) char *text = json_text(j);
	struct log_known event = {.id = id, .stream = job->lane, .at_ms = now, .json = text};
	if (logs_add_known(v->stores.logs, LOG_GROUP_VALIDATE, &event, 1, &stored, &err)) {
		log_event(LOG_ERROR, "validate", why->text, "session", job->name, "log", err.text, NULL);
	}
}

/* What the program died with before, and survived now, is as good as any other. */
static int look(struct validator *v, int worker, const struct queue_job *job, struct error *err) {
	struct looked *l = job->state;
	l->validation.read_most = READ_MOST;
	attempts_begin(v->attempts, worker, job->lane, job->name);
	const struct schema *schema = atomic_load(&v->schema);
	int status = validate_session(&v->stores, schema, job->lane, job->name, &l->validation, err);
	attempts_end(v->attempts, worker);
	if (status == 0 && l->died) status = catalog_attempts(v->stores.catalog, job->lane, job->name, false, err);
	if (status == 0) l->died = false;
	return status;
}

static int64_t on_job(void *arg, int worker, struct queue_job *job) {
	struct validator *v = arg;
	struct error err = ERROR_INIT;
	const struct validation *l = &((struct looked *)job->state)->validation;
	bool failed = look(v, worker, job, &err);
	if (failed) log_failure(v, job, &err);
	if (failed || l->lost) return MIN(AGAIN_MS << MIN(job->tries, 10), AGAIN_MOST_MS);
	return l->unfinished ? 0 : WORKERS_DONE;
}

static void validator_free(struct validator *v) {
	workers_stop(v->workers);
	attempts_close(v->attempts);
	xfree(v->raw_bucket);
	free(v);
}
DEFINE_AUTO_PTR(struct validator, validator_free)

int validator_start(struct validator **ret, const struct validator_setup *setup, struct error *err) {
	AUTO(validator_free) struct validator *v = xcalloc(1, sizeof *v);
	*v = (struct validator){.stores = setup->stores,
		.schema = setup->schema,
		.raw_bucket = xstrdup(setup->raw_bucket),
		.promise_ms = setup->promise_ms};
	const struct workers_setup workers = {.name = "validation",
		.n = WORKERS,
		.state_bytes = sizeof(struct looked),
		.run = on_job,
		.chore = on_chore,
		.chore_late_ms = CHORE_LATE_MS,
		.arg = v};
	if (attempts_open(&v->attempts, setup->data_dir, setup->stores.catalog, err) ||
		workers_start(&v->workers, &workers, err))
		return -1;
	*ret = TAKE(v);
	return 0;
}

static int on_undecided(void *arg, const char *station, const char *session, int64_t attempts) {
	struct validator *v = arg;
	const struct looked died = {.died = true};
	if (!attempts) workers_add(v->workers, station, session);
	else workers_add_last(v->workers, station, session, DIED_MS, &died);
	return 0;
}

int validator_recover(struct validator *v, struct error *err) {
	validate_log_again(v->stores.catalog, v->stores.logs);
	return catalog_undecided(v->stores.catalog, on_undecided, v, err);
}

void validator_object_stored(struct validator *v, const struct object_row *row) {
	if (!row->station[0] || !row->session[0] || strcmp(row->bucket, v->raw_bucket) != 0) return;
	workers_add(v->workers, row->station, row->session);
}

void validator_rules(struct validator *v, const struct schema *schema) { atomic_store(&v->schema, schema); }

void validator_stop(struct validator *v) {
	if (v) validator_free(v);
}
