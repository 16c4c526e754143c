/* SPDX-License-Identifier: MIT */
/* headgate config: every value in force and where it came from. Secrets show as "(set)". */
#include <string.h>
#include <unistd.h>

#include "base/table.h"
#include "cli/cli.h"

#define VALUE_MAX 4096

static const char *const source_names[] = {
	[SOURCE_DEFAULT] = "default", [SOURCE_FILE] = "file", [SOURCE_ENVIRONMENT] = "environment", [SOURCE_FLAG] = "flag"};

static void config_row_json(const struct option_set *set, size_t i, const char *value) {
	cJSON *o = json_object();
	json_add_text(o, "section", set->rows[i].section);
	json_add_text(o, "name", set->rows[i].name);
	json_add_text(o, "value", *value ? value : NULL);
	json_add_text(o, "source", source_names[set->origins[i].source]);
	json_add_text(o, "where", set->origins[i].where);
	command_json(o);
}

static void config_rule_json(const char *rule, const char *where) {
	cJSON *o = json_object();
	const char *equals = strstr(rule, " = ");
	AUTO(xfree) char *name = xstrndup(rule, equals ? (size_t)(equals - rule) : strlen(rule));
	json_add_text(o, "section", "metadata.keys");
	json_add_text(o, "name", name);
	json_add_text(o, "value", equals ? equals + 3 : NULL);
	json_add_text(o, "source", source_names[SOURCE_FILE]);
	json_add_text(o, "where", where);
	command_json(o);
}

static void config_row(struct table *t, const struct option_set *set, size_t i, const char *value) {
	table_cellf(t, "%s.%s", set->rows[i].section, set->rows[i].name);
	table_cell(t, *value ? value : NULL);
	table_cell(t, set->origins[i].where);
}

static void config_rule(struct table *t, const char *rule, const char *where) {
	const char *equals = strstr(rule, " = ");
	table_cellf(t, "metadata.keys.%.*s", (int)(equals ? equals - rule : 0), rule);
	table_cell(t, equals ? equals + 3 : NULL);
	table_cell(t, where);
}

static int config_body(struct cli *c, struct error *err) {
	static const char *const titles[] = {"KEY", "VALUE", "FROM"};
	AUTO(table_free) struct table *t = table_new(titles, ARRAY_LEN(titles));
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 24);
	const struct option_set *set = &c->config.set;
	(void)err;
	for (size_t i = 0; i < set->n; i++) {
		char value[VALUE_MAX];
		option_show(set, i, value, sizeof value);
		if (c->json) config_row_json(set, i, value);
		else config_row(t, set, i, value);
	}
	for (size_t i = 0; i < c->config.metadata_keys.n; i++) {
		if (c->json) config_rule_json(c->config.metadata_keys.items[i], c->config.metadata_where.items[i]);
		else config_rule(t, c->config.metadata_keys.items[i], c->config.metadata_where.items[i]);
	}
	if (c->json) return 0;
	table_print(t, terminal_columns(STDOUT_FILENO), &out);
	command_print(&out);
	return 0;
}

int cli_config(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "config",
		.summary = "Shows the configuration in force, with the source of each value.",
		.text = "Example:\n  headgate config --config /etc/headgate/headgate.ini --json"};
	return cli_command(&spec, argc, argv, NULL, NULL, config_body);
}
