/* SPDX-License-Identifier: MIT */
/* headgate handover: what happened since this user last looked. What was shown counts as looked at. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/cli.h"
#include "station/told/handover.h"

struct handover_flags {
	int64_t since_ms; /* 0: the last look */
	bool keep;
};

/* "8h", or a point in time. */
static int handover_on_flag(void *arg, const char *name, const char *value, struct error *err) {
	struct handover_flags *f = arg;
	int64_t ago_ms;
	if (strcmp(name, "keep") == 0) {
		f->keep = true;
		return 0;
	}
	if (time_parse_rfc3339(value, &f->since_ms) == 0 && f->since_ms > 0) return 0;
	if (unit_parse_duration(value, &ago_ms, err) == 0) {
		f->since_ms = MAX(1, clock_wall_ms() - ago_ms);
		return 0;
	}
	return error_set(err, ERR_USAGE, "--since \"%s\" is neither a duration (8h, 2d) nor a time (2026-11-20T18:00:00Z)",
		TEXT_SAFE(value));
}

static int handover_show(const struct cli *c, const struct handover_look *since, int64_t now_ms,
	struct handover_look *ret_look, struct error *err) {
	AUTO(journal_view_close) struct journal_view *v = NULL;
	AUTO(json_free) cJSON *h = NULL;
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 22);
	if (cli_view_open(c, &v, err) || handover_read(v, since, now_ms, &h, ret_look, err)) return -1;
	if (c->json) command_json(TAKE(h));
	else {
		handover_write(h, &out);
		command_print(&out);
	}
	return 0;
}

static int handover_body(struct cli *c, struct error *err) {
	const struct handover_flags *f = c->arg;
	int64_t now_ms = clock_wall_ms();
	struct handover_look since = {.at_ms = f->since_ms}, look;
	if (!since.at_ms) handover_seen(c->config.state_dir, &since);
	if (!since.at_ms) since.at_ms = now_ms - HANDOVER_FIRST_MS;
	if (handover_show(c, &since, now_ms, &look, err)) return -1;
	if (f->keep || f->since_ms) return 0;
	if (fflush(stdout) || ferror(stdout)) return 0; /* it was not shown; command_main says so */
	return handover_set_seen(c->config.state_dir, &look, err);
}

int cli_handover(int argc, char **argv) {
	static const struct arg_flag flags[] = {
		{"since", 's', "TIME", "since then (8h, 2026-11-20T18:00:00Z), not since you last looked; moves nothing"},
		{"keep", 'k', NULL, "do not count this as a look: the next one begins where this one did"},
	};
	static const struct arg_spec spec = {.command = "handover",
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary =
			"What happened since you last looked: to sessions, by people, to the station; and what needs a person.",
		.text =
			"The time of your last look is kept in $XDG_STATE_HOME/headgate; who never looked sees the last day.\n\n"
			"Examples:\n  headgate handover\n  headgate handover --since 12h --json"};
	struct handover_flags f = {0};
	return cli_command(&spec, argc, argv, handover_on_flag, &f, handover_body);
}
