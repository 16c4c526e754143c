/* SPDX-License-Identifier: MIT */
/* One read of the journal in the thread pool, through a view that stays open. A job has copies of what it is asked for
 * and owns what it finds until the loop takes it. */
#include <stdlib.h>

#include "base/clock.h"
#include "ui/model/source_internal.h"

static void reader_close(struct reader *r) {
	journal_view_close(r->view);
	r->view = NULL;
}

/* A journal that was removed, or restored from a copy, would tell for ever what it told last. */
static int read_open(struct read_job *job, bool *ret_moved) {
	struct reader *r = job->reader;
	int64_t version;
	if (r->view && journal_view_moved(r->view)) reader_close(r);
	if (!r->view) r->version = -1;
	if (!r->view && journal_view_open_brisk(&r->view, r->state_dir, &job->err)) return -1;
	if (journal_view_version(r->view, &version, &job->err)) return -1;
	*ret_moved = version != r->version;
	r->version = version;
	return 0;
}

static int read_part(struct read_job *job, size_t row) {
	const struct part *p = job->reader->parts[row];
	const struct part_read r = {job->reader->view, job->reader->state_dir, job->wish.of[row].bytes};
	int64_t *at_ms = job->data[row] = xcalloc(1, p->size);
	*at_ms = clock_wall_ms();
	if (p->read(&r, job->data[row], &job->err)) return -1;
	job->got |= 1u << row;
	return 0;
}

void read_job_run(struct read_job *job) {
	bool moved = false;
	int failed = read_open(job, &moved);
	const struct part *const *parts = job->reader->parts;
	for (size_t i = 0; !failed && parts[i] && (moved || !job->wish.if_moved); i++)
		if (parts[i]->read && job->wish.parts & 1u << i) failed = read_part(job, i);
	if (failed) reader_close(job->reader); /* the next one begins anew */
}

void read_job_take(struct read_job *job, struct model *m) {
	for (size_t i = 0; m->parts[i]; i++)
		if (job->got & 1u << i) part_take(m, m->parts[i], TAKE(job->data[i]));
}

void read_job_free(struct read_job *job) {
	for (size_t i = 0; job->reader->parts[i]; i++) part_free(job->reader->parts[i], job->data[i]);
	free(job);
}
