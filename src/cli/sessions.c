/* SPDX-License-Identifier: MIT */
/* headgate sessions [ID]: the journal's sessions as a list, or one in full (session_full.c). */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/table.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/session_full.h"

struct sessions_flags {
	struct session_filter filter;
	bool as_json;
	struct table *table;
};

static void state_names(char *to, size_t size) {
	size_t n = 0;
	for (int i = 0; i < STATE_N && n < size; i++)
		n += (size_t)snprintf(to + n, size - n, "%s, ", state_name((enum session_state)i));
}

static int set_state(struct session_filter *f, const char *value, struct error *err) {
	enum session_state state;
	char names[256];
	f->attention_only = strcmp(value, "attention") == 0;
	if (f->attention_only) return 0;
	if (state_parse(value, &state) == 0) {
		f->state = (int)state;
		return 0;
	}
	state_names(names, sizeof names);
	return error_set(err, ERR_USAGE, "--state \"%s\" is none of %sattention", TEXT_SAFE(value), names);
}

static int sessions_on_flag(void *arg, const char *name, const char *value, struct error *err) {
	struct session_filter *f = &((struct sessions_flags *)arg)->filter;
	int64_t ago_ms;
	if (strcmp(name, "state") == 0) return set_state(f, value, err);
	if (strcmp(name, "limit") == 0) {
		if (text_to_i64(value, 1, INT64_MAX, &f->limit) == 0) return 0;
		return error_set(err, ERR_USAGE, "--limit \"%s\" is not a number from 1", TEXT_SAFE(value));
	}
	if (unit_parse_duration(value, &ago_ms, err)) {
		err->code = ERR_USAGE;
		return error_prefix(err, "--changed");
	}
	f->since_ms = clock_wall_ms() - ago_ms;
	return 0;
}

static int on_row(void *arg, const struct session_row *row) {
	struct sessions_flags *f = arg;
	char state[64], age[UNIT_TEXT];
	if (f->as_json) {
		command_json(session_json(row));
		return 0;
	}
	snprintf(state, sizeof state, "%s%s%s", state_name(row->state), row->paused ? " paused" : "",
		row->ignored ? " ignored" : "");
	table_cell(f->table, row->name);
	table_cell(f->table, state);
	table_cellf(f->table, "%lld/%lld", (long long)row->stored_files, (long long)row->files);
	table_cell(f->table, UNIT_BYTES(row->bytes));
	table_cellf(f->table, "%d", row->tries);
	table_cell(f->table, unit_age(age, MAX(0, clock_wall_ms() - row->updated_ms)));
	table_cell(f->table, row->reason);
	return 0;
}

static int list(struct journal_view *v, struct sessions_flags *f, struct error *err) {
	static const char *const titles[] = {"SESSION", "STATE", ">STORED", ">SIZE", ">TRIES", ">CHANGED", "REASON"};
	AUTO(table_free) struct table *t = table_new(titles, ARRAY_LEN(titles));
	AUTO(buf_done) struct buf out = BUF_INIT((size_t)1 << 30);
	f->table = t;
	if (journal_sessions(v, &f->filter, on_row, f, err)) return -1;
	if (f->as_json) return 0;
	table_print(t, terminal_columns(STDOUT_FILENO), &out);
	command_print(&out);
	return 0;
}

static int sessions_body(struct cli *c, struct error *err) {
	AUTO(journal_view_close) struct journal_view *v = NULL;
	struct sessions_flags *f = c->arg;
	f->as_json = c->json;
	if (cli_view_open(c, &v, err)) return -1;
	return c->operand_n ? session_full(v, &c->config, c->operands[0], c->json, err) : list(v, f, err);
}

int cli_sessions(int argc, char **argv) {
	static const struct arg_flag flags[] = {
		{"state", 's', "STATE", "in this state only; \"attention\": those that need a person"},
		{"changed", 0, "TIME", "changed within this time only: 24h"},
		{"limit", 'n', "N", "the newest so many"},
	};
	static const struct arg_spec spec = {.command = "sessions",
		.operands = "[ID]",
		.operand_max = 1,
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Lists the sessions of the journal, newest first, or shows one in full.",
		.text = "Examples:\n  headgate sessions --state held\n  headgate sessions 20261120_134502"};
	struct sessions_flags f = {.filter.state = -1};
	return cli_command(&spec, argc, argv, sessions_on_flag, &f, sessions_body);
}
