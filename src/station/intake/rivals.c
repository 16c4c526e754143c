/* SPDX-License-Identifier: MIT */
/* Rivals, by the journal's rows and a look at their folders. Of two, the one holds that came first or has got further;
 * so never both. */
#include "station/intake/rivals.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"
#include "session/name.h"

#define ANSWER_MS 2000 /* a folder that does not answer is not there */
#define SAME_NAME "another recording of the name "
#define SAME_FILES "every file of it is in session "

bool rival_is_reason(const char *reason) { return reason && (strstr(reason, SAME_NAME) || strstr(reason, SAME_FILES)); }

struct look {
	const struct session_row *me;
	const char *const *roots;
	struct rival *ret;
};

static bool root_answers(const struct look *k, const char *root) {
	for (const char *const *r = k->roots; *r; r++)
		if (strcmp(*r, root) == 0) return true;
	return false;
}

/* Another folder than mine, there now. The same one by two paths is no rival; the numbers are compared at one moment
 * and never kept (reliability.md). */
static bool is_here(const struct look *k, const struct session_row *other) {
	struct stat theirs, mine;
	if (!other->present || !root_answers(k, other->root)) return false;
	AUTO(xfree) char *their_path = path_join(other->root, other->name);
	AUTO(xfree) char *my_path = path_join(k->me->root, k->me->name);
	/* theirs may hang, and must not hold up mine */
	if (file_stat_within(their_path, &theirs, ANSWER_MS) || !S_ISDIR(theirs.st_mode)) return false;
	return stat(my_path, &mine) || mine.st_dev != theirs.st_dev || mine.st_ino != theirs.st_ino;
}

static bool comes_first(const struct look *k, const struct session_row *other) {
	if (other->id == k->me->id || other->ignored) return false;
	return other->id < k->me->id || state_is_past_checks(other->state);
}

static bool same_content(const struct session_row *a, const struct session_row *b) {
	return a->has_content && b->has_content && sha256_equal(&a->content, &b->content);
}

/* --- another recording of the name --- */

static int on_same_name(void *arg, const struct session_row *other) {
	struct look *k = arg;
	if (same_content(other, k->me) || !comes_first(k, other) || !is_here(k, other)) return 0;
	snprintf(k->ret->found, sizeof k->ret->found, SAME_NAME "%s is in %.150s", k->me->name, other->root);
	return 1;
}

static int on_any(void *arg, const struct session_row *row) {
	(void)arg, (void)row;
	return 1;
}

static bool name_is_taken(struct journal_view *v, const char *root, const char *name) {
	struct error err = ERROR_INIT;
	struct stat st;
	AUTO(xfree) char *path = path_join(root, name);
	return journal_of_name(v, name, on_any, NULL, &err) != 0 || lstat(path, &st) == 0;
}

/* A second later, or two, ...: a name that no session has. False: none near. */
static bool free_name(struct journal_view *v, const struct session_row *me, char to[SESSION_NAME]) {
	int64_t at_ms = session_name_time(me->name);
	for (int i = 1; at_ms >= 0 && i <= 60; i++) {
		time_t at = (time_t)(at_ms / 1000 + i);
		struct tm tm;
		if (!localtime_r(&at, &tm) || !strftime(to, SESSION_NAME, "%Y%m%d_%H%M%S", &tm)) return false;
		if (!name_is_taken(v, me->root, to)) return true;
	}
	return false;
}

static void mend_name(struct journal_view *v, const struct session_row *me, struct rival *ret) {
	char name[SESSION_NAME];
	bool free = free_name(v, me, name);
	snprintf(ret->mend, sizeof ret->mend,
		"two recorders: rename this folder%s%s, or send it as another revision of that name: headgate release %s",
		free ? " to " : "", free ? name : "", me->name);
}

/* --- a copy --- */

static int on_same_content(void *arg, const struct session_row *other) {
	struct look *k = arg;
	if (strcmp(other->name, k->me->name) == 0 || !comes_first(k, other) || !is_here(k, other)) return 0;
	snprintf(k->ret->found, sizeof k->ret->found, SAME_FILES "%s too, in %.150s", other->name, other->root);
	snprintf(k->ret->mend, sizeof k->ret->mend,
		"if it is a copy, move it out of the watched folder or ignore it; if it is none, send it: headgate release %s",
		k->me->name);
	return 1;
}

int rival_find(struct journal_view *v, const struct session_row *me, const char *const *roots, struct rival *ret,
	struct error *err) {
	struct look k = {.me = me, .roots = roots, .ret = ret};
	*ret = (struct rival){0};
	if (me->released) return 0;
	int found = journal_of_name(v, me->name, on_same_name, &k, err);
	if (found > 0) mend_name(v, me, ret);
	if (found || !me->has_content) return MIN(found, 0);
	return MIN(journal_of_content(v, &me->content, on_same_content, &k, err), 0);
}

/* --- a name used again --- */

void rival_name_again(const char *name, struct rival *ret) {
	snprintf(ret->found, sizeof ret->found,
		"it is another folder than was sent under this name, and none of its data files was in that one");
	snprintf(ret->mend, sizeof ret->mend,
		"another recording: rename the folder; the same one, corrected: send it as the next revision: headgate release "
		"%s",
		name);
}
