/* SPDX-License-Identifier: MIT */
/* Work in the thread pool, and the views of the journal that it reads through. job_start and done on the loop; run,
 * view_take and view_give on any thread. A job's done is called exactly once, also when the engine stops before the
 * job began. */
#include "station/engine/job.h"

static void on_work(uv_work_t *work) {
	struct job *j = work->data;
	j->run(j);
}

static void on_after(uv_work_t *work, int status) {
	(void)status; /* cancelled ones end as the others do: the engine is stopping then */
	struct job *j = work->data;
	struct engine *e = j->engine;
	TAILQ_REMOVE(&e->jobs, j, link);
	j->done(j);
	engine_poke(e);
}

void job_start(struct engine *e, struct job *j) {
	j->engine = e;
	j->work.data = j;
	TAILQ_INSERT_TAIL(&e->jobs, j, link);
	uv_queue_work(&e->loop, &j->work, on_work, on_after);
}

void jobs_cancel(struct engine *e) {
	atomic_store(&e->cancel, true);
	struct job *j;
	TAILQ_FOREACH(j, &e->jobs, link) { uv_cancel((uv_req_t *)&j->work); }
}

int view_take(struct engine *e, struct journal_view **ret, struct error *err) {
	struct journal_view *v = NULL;
	pthread_mutex_lock(&e->view_lock);
	if (e->view_n) v = e->views[--e->view_n];
	pthread_mutex_unlock(&e->view_lock);
	if (!v) return journal_view_open(ret, e->config->state_dir, err);
	*ret = v;
	return 0;
}

void view_give(struct engine *e, struct journal_view *v) {
	if (!v) return;
	pthread_mutex_lock(&e->view_lock);
	if (e->view_n < VIEWS_MAX) {
		e->views[e->view_n++] = v;
		v = NULL;
	}
	pthread_mutex_unlock(&e->view_lock);
	if (v) journal_view_close(v);
}
