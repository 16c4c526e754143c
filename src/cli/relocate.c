/* SPDX-License-Identifier: MIT */
/* headgate relocate OLD NEW: the recordings of a watched folder were moved, and the journal follows. What a running
 * engine finds by itself: a folder that is not watched any more and not there, its sessions in another one. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/cli.h"
#include "station/run/offline.h"

static int relocate_body(struct cli *c, struct error *err) {
	const char *from = c->operands[0], *to = c->operands[1];
	struct relocated count;
	struct stat st;
	if (from[0] != '/' || to[0] != '/')
		return error_set(err, ERR_USAGE,
			"both folders are absolute paths, as in [station] watch: headgate relocate "
			"/data/recordings /bigdisk/recordings");
	if (stat(to, &st) || !S_ISDIR(st.st_mode))
		return error_set(
			err, ERR_INPUT, "%s is no folder: move the recordings there first, or mount it", TEXT_SAFE(to));
	if (engine_relocate(&c->config, from, to, &count, err)) {
		if (err->code == ERR_BUSY)
			error_prefix(err, "an engine runs: end it first (a running one finds moved sessions by itself)");
		return -1;
	}
	if (!count.moved && !count.stayed)
		return error_set(err, ERR_NOT_FOUND, "the journal knows no session in %s", TEXT_SAFE(from));
	if (c->json) {
		cJSON *o = json_object();
		json_add_i64(o, "moved", count.moved);
		json_add_i64(o, "stayed", count.stayed);
		command_json(o);
	} else {
		fprintf(
			stderr, "%lld sessions are in %s now; the next run looks at each\n", (long long)count.moved, TEXT_SAFE(to));
	}
	if (!count.stayed) return 0;
	return error_set(err, ERR_ATTENTION, "%lld stay: the journal knows sessions of their names in %s already",
		(long long)count.stayed, TEXT_SAFE(to));
}

int cli_relocate(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "relocate",
		.operands = "OLD NEW",
		.operand_min = 2,
		.operand_max = 2,
		.summary =
			"The recordings of the watched folder OLD are in NEW now: what is safe stays safe, what is not is sent.",
		.text = "Change [station] watch too.\nExample:\n  headgate relocate /data/recordings /bigdisk/recordings"};
	return cli_command(&spec, argc, argv, NULL, NULL, relocate_body);
}
