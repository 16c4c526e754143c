/* SPDX-License-Identifier: MIT */
/* The metadata file of the session that is looked at, beside what the journal has of it: read in the thread pool by
 * itself, since a folder may be on a disk that hangs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "ui/model/source_internal.h"

void folder_job_run(struct folder_job *job) {
	AUTO(fd_close) int fd = open(job->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) return;
	char *text = xcalloc(1, METADATA_MOST + 1);
	size_t n = 0;
	ssize_t got;
	while (n < METADATA_MOST && (got = read(fd, text + n, METADATA_MOST - n)) != 0) {
		if (got < 0 && errno != EINTR) break;
		n += (size_t)MAX(got, 0);
	}
	for (size_t i = 0; i < n; i++)
		if (!text[i]) text[i] = ' '; /* what follows a NUL shall be seen */
	job->text = text;
}

void folder_job_free(struct folder_job *job) {
	free(job->path);
	free(job->text);
	free(job);
}

static void on_folder_over(uv_work_t *work, int status) {
	struct folder_job *job = work->data;
	struct source *s = job->source;
	struct session_detail *d = &s->model->detail;
	(void)status;
	s->folder_job = NULL;
	if (!s->closing && strcmp(d->name, job->session) == 0) {
		free(d->metadata);
		free(d->metadata_path);
		d->metadata = TAKE(job->text);
		d->metadata_path = TAKE(job->path);
		source_changed(s, part_bit(s->model, &part_detail));
	}
	folder_job_free(job);
	if (!s->closing && s->folder_again) folder_read(s);
	source_released(s);
}

char *source_metadata_path(const struct source *s, const char *root, const char *session) {
	return xasprintf("%s/%s/%s", root, session, s->metadata_name);
}

static void on_folder_work(uv_work_t *work) { folder_job_run(work->data); }

void folder_read(struct source *s) {
	const struct session_detail *d = &s->model->detail;
	s->folder_again = s->folder_job != NULL;
	if (s->folder_job || !d->found) return;
	struct folder_job *job = xcalloc(1, sizeof *job);
	job->work.data = job;
	job->source = s;
	text_copy(job->session, sizeof job->session, d->name);
	job->path = source_metadata_path(s, d->row.root, d->name);
	s->folder_job = job;
	s->handles++;
	uv_queue_work(s->loop, &job->work, on_folder_work, on_folder_over);
}
