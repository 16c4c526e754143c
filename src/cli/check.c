/* SPDX-License-Identifier: MIT */
/* headgate check DIR...: the local checks on session folders, nothing sent, no journal written. A folder that is no
 * session itself is taken for a recording folder when it is watched, holds sessions, or folders alone. The same code
 * as the engine's own check. */
#include <dirent.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/table.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/cli.h"
#include "session/name.h"
#include "station/intake/check_task.h"
#include "station/disk/folder.h"

struct checker {
	const struct cli *cli;
	struct schema schema;
	int64_t held, n, names;
};

static cJSON *ignored_json(const struct config *c, const struct snapshot *s) {
	cJSON *list = json_array();
	for (size_t i = 0; i < s->ignored_n; i++) json_push_text(list, TEXT_SAFE(s->ignored[i]));
	if (s->marker_left) json_push_text(list, TEXT_SAFE(c->done_marker));
	return list;
}

static void print_json(
	const struct config *c, const char *session, const struct snapshot *s, const struct check_list *checks) {
	cJSON *o = json_object();
	json_add_text(o, "session", session);
	json_add_text(o, "verdict", checks_hold(checks) ? "hold" : "pass");
	json_add_i64(o, "files", (int64_t)s->n);
	json_add_i64(o, "bytes", s->bytes);
	json_add(o, "checks", checks_to_json(checks));
	json_add(o, "ignored", ignored_json(c, s));
	command_json(o);
}

static void print_text(
	const struct config *config, const char *session, const struct snapshot *s, const struct check_list *checks) {
	static const char *const titles[] = {"  CHECK", "VERDICT", "FOUND", "RULE", "MEND"};
	AUTO(table_free) struct table *t = table_new(titles, ARRAY_LEN(titles));
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 24);
	buf_fmt(&out, "%s: %zu files, %s: %s\n", TEXT_SAFE(session), s->n, UNIT_BYTES(s->bytes),
		checks_hold(checks) ? (checks_hold_metadata_only(checks) ? "would be held, its data sent" : "would be held")
							: "good to go");
	for (size_t i = 0; i < checks->n; i++) {
		const struct check *c = &checks->items[i];
		table_cellf(t, "  %s", check_names[c->id]);
		table_cell(t, verdict_name(c->verdict));
		table_cell(t, *c->found ? c->found : NULL);
		table_cell(t, c->verdict == VERDICT_PASS || !*c->rule ? NULL : c->rule);
		table_cell(t, *c->mend ? c->mend : NULL);
	}
	table_print(t, terminal_columns(STDOUT_FILENO), &out);
	for (size_t i = 0; i < s->ignored_n; i++)
		buf_fmt(&out, "  not sent, by [station] ignore: %s\n", TEXT_SAFE(s->ignored[i]));
	if (s->marker_left)
		buf_fmt(&out, "  not sent, the done_marker while it is empty: %s\n", TEXT_SAFE(config->done_marker));
	command_print(&out);
}

static int check_session(struct checker *k, const char *root, const char *session, struct error *err) {
	struct snapshot s = {0};
	struct error unread = ERROR_INIT; /* said by the checks */
	AUTO(check_list_done) struct check_list checks = {0};
	const struct scan_rules rules = scan_rules_of(&k->cli->config);
	if (snapshot_take(root, session, &rules, NULL, &s, err)) return -1;
	snapshot_drop(&s, k->cli->config.done_marker);
	check_snapshot(&k->cli->config, &k->schema, root, session, &s, NULL, &checks, &unread);
	k->n++;
	k->held += checks_hold(&checks);
	if (k->cli->json) print_json(&k->cli->config, session, &s, &checks);
	else print_text(&k->cli->config, session, &s, &checks);
	snapshot_done(&s);
	return 0;
}

static void print_near(const struct checker *k, const struct near_name *n) {
	char words[160];
	if (k->cli->json) {
		command_json(near_json(n));
		return;
	}
	near_words(n, words, sizeof words);
	printf("%s: %s\n", TEXT_SAFE(n->path), words);
}

/* A recording folder: each of its sessions, and what looks like one. */
static int check_root(struct checker *k, const char *root, const struct folder_listing *l, struct error *err) {
	for (size_t i = 0; i < l->n; i++)
		if (check_session(k, root, l->names[i].name, err)) return -1;
	for (size_t i = 0; i < l->near_n; i++) print_near(k, &l->near[i]);
	k->names += (int64_t)l->near_all;
	if (!l->n && !l->near_all && !k->cli->json) printf("%s: no session is in it\n", TEXT_SAFE(root));
	return 0;
}

static bool is_watched(const struct config *c, const char *path) {
	for (size_t i = 0; i < c->watch.n; i++)
		if (strcmp(c->watch.items[i], path) == 0) return true;
	return false;
}

/* Of a folder that is no session by its name: does it hold folders alone, as a recording folder does? */
static bool has_folders_only(const char *path) {
	DIR *d = opendir(path);
	const struct dirent *e;
	size_t folders = 0, others = 0;
	while (d && !others && (e = readdir(d)) != NULL) {
		folders += e->d_type == DT_DIR && e->d_name[0] != '.';
		others += e->d_type != DT_DIR;
	}
	if (d) closedir(d);
	return folders && !others;
}

static int check_folder(struct checker *k, const char *path, struct error *err) {
	struct stat st;
	AUTO(folder_listing_done) struct folder_listing l = {0};
	AUTO(xfree) char *whole = realpath(path, NULL);
	if (!whole || stat(whole, &st) || !S_ISDIR(st.st_mode))
		return error_set(err, ERR_NOT_FOUND, "there is no folder %s", TEXT_SAFE(path));
	AUTO(xfree) char *for_root = xstrdup(whole);
	AUTO(xfree) char *for_name = xstrdup(whole);
	const char *root = dirname(for_root), *name = basename(for_name);
	char meant[SESSION_NAME];
	if (session_name_is(name)) return check_session(k, root, name, err);
	if (folder_list(&k->cli->config, whole, NULL, &l, err)) return -1;
	bool is_root = l.n || l.near_all || is_watched(&k->cli->config, whole);
	if (!is_root && !session_name_near(name, meant)) is_root = has_folders_only(whole);
	return is_root ? check_root(k, whole, &l, err) : check_session(k, root, name, err);
}

static int check_body(struct cli *c, struct error *err) {
	struct checker k = {.cli = c};
	int failed = cli_schema(&c->config, &k.schema, err);
	for (int i = 0; i < c->operand_n && !failed; i++) failed = check_folder(&k, c->operands[i], err);
	schema_done(&k.schema);
	if (failed || (!k.held && !k.names)) return failed;
	if (!k.held)
		return error_set(err, ERR_ATTENTION, "%lld folder%s a recording and would not be sent", (long long)k.names,
			k.names == 1 ? " looks like" : "s look like");
	return error_set(err, ERR_ATTENTION, "%lld of %lld sessions would be held", (long long)k.held, (long long)k.n);
}

int cli_check(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "check",
		.operands = "DIR...",
		.operand_min = 1,
		.operand_max = -1,
		.summary = "Runs the local checks on session folders (or on all of a recording folder). Nothing is sent.",
		.text =
			"Exit status 1 when a session would be held, or a folder looks like one and is named otherwise.\n\n"
			"Examples:\n  headgate check /data/recordings/20261120_134502\n  headgate check /data/recordings --json"};
	return cli_command(&spec, argc, argv, NULL, NULL, check_body);
}
