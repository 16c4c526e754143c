/* SPDX-License-Identifier: MIT */
/* `headgate run --dry-run`: what the engine would send, from the folders alone: no cloud, no journal, nothing hashed.
 * Blocking; for a command. */
#include "station/run/dry_run.h"

#include <string.h>

#include "base/clock.h"
#include "station/intake/check_task.h"
#include "station/disk/folder.h"
#include "station/disk/lease.h"
#include "station/disk/since.h"

struct dry_run {
	const struct config *config;
	void (*on_session)(void *arg, const cJSON *session);
	void *arg;
};

static void say(const struct dry_run *d, const char *root, const char *name, const struct snapshot *s,
	const char *would, const char *reason) {
	AUTO(json_free) cJSON *o = json_object();
	json_add_text(o, "session", name);
	json_add_text(o, "root", root);
	json_add_text(o, "would", would);
	json_add_text(o, "reason", reason && *reason ? reason : NULL);
	json_add_i64(o, "files", (int64_t)s->n);
	json_add_i64(o, "bytes", s->bytes);
	d->on_session(d->arg, o);
}

/* NULL: at rest, as far as one look can tell. */
static const char *waits_for(
	const struct dry_run *d, const char *root, const char *name, const struct snapshot *s, char *to, size_t size) {
	char writer[256];
	if (file_row_find(s->files, s->n, d->config->done_marker)) return NULL;
	if (d->config->marker_required) {
		snprintf(to, size, "waits for its marker %s", d->config->done_marker);
		return to;
	}
	if (clock_wall_ms() - s->newest_ms < d->config->settle_ms) return "it changed a moment ago";
	bool overdue = clock_wall_ms() - s->newest_ms >= d->config->metadata_wait_ms;
	if (s->temporary[0] && !overdue) {
		snprintf(to, size, "%.200s is still being written: it has a temporary name", s->temporary);
		return to;
	}
	bool there = file_row_find(s->files, s->n, d->config->schema.file) != NULL;
	if (!there && !overdue && !snapshot_metadata_misplaced(s, &d->config->schema)) {
		snprintf(to, size, "waits for its metadata file %s", d->config->schema.file);
		return to;
	}
	if (snapshot_leases(root, name, s, writer, sizeof writer) != LEASE_WRITER) return NULL;
	snprintf(to, size, "%s is still being written", writer);
	return to;
}

static void look(const struct dry_run *d, const char *root, const char *name) {
	AUTO(snapshot_done) struct snapshot s = {0};
	AUTO(check_list_done) struct check_list checks = {0};
	struct error err = ERROR_INIT;
	char reason[512] = "";
	if (name_before_since(d->config, name)) {
		snprintf(reason, sizeof reason, "older than since = %s", d->config->since);
		say(d, root, name, &s, "skip", reason);
		return;
	}
	const struct scan_rules rules = scan_rules_of(d->config);
	if (snapshot_take(root, name, &rules, NULL, &s, &err)) {
		say(d, root, name, &s, "hold", err.text);
		return;
	}
	const char *waiting = waits_for(d, root, name, &s, reason, sizeof reason);
	if (waiting) {
		say(d, root, name, &s, "wait", waiting);
		return;
	}
	snapshot_drop(&s, d->config->done_marker);
	check_snapshot(d->config, &d->config->schema, root, name, &s, NULL, &checks, &err);
	checks_reason(&checks, reason, sizeof reason);
	say(d, root, name, &s, checks_hold(&checks) ? "hold" : "send", reason);
}

/* What is no session, and looks like one. */
static void say_near(const struct dry_run *d, const char *root, const struct near_name *n) {
	const struct snapshot nothing = {0};
	char words[160];
	near_words(n, words, sizeof words);
	say(d, root, n->path, &nothing, "rename", words);
}

/* As a run would end: the folder never was there, or it cannot be read; no journal is asked. */
static void wrong_folder(const struct error *why, struct error *ret) {
	const struct folder_memory none = {0};
	struct error folder = *why;
	folder.code = folder_judge(why, NULL, &none, false) == FOLDER_WRONG ? ERR_CONFIG : ERR_DISK;
	if (ret->code == ERR_NONE || folder.code == ERR_CONFIG) *ret = folder;
}

int engine_dry_run(
	const struct config *c, void (*on_session)(void *arg, const cJSON *session), void *arg, struct error *err) {
	const struct dry_run d = {.config = c, .on_session = on_session, .arg = arg};
	struct error first = ERROR_INIT;
	lease_init();
	for (size_t i = 0; i < c->watch.n; i++) {
		AUTO(folder_listing_done) struct folder_listing l = {0};
		struct error why = ERROR_INIT;
		if (folder_list(c, c->watch.items[i], NULL, &l, &why)) {
			wrong_folder(&why, &first);
			continue;
		}
		for (size_t k = 0; k < l.n; k++) look(&d, c->watch.items[i], l.names[k].name);
		for (size_t k = 0; k < l.near_n; k++) say_near(&d, c->watch.items[i], &l.near[k]);
	}
	*err = first;
	return first.code == ERR_NONE ? 0 : -1;
}
