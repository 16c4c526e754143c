/* SPDX-License-Identifier: MIT */
/* What several commands begin with: the journal, and the rules of local checks. */
#include <string.h>

#include "cli/cli.h"

int cli_view_open(const struct cli *c, struct journal_view **ret, struct error *err) {
	if (journal_view_open(ret, c->config.state_dir, err) == 0) return 0;
	if (err->code == ERR_NOT_FOUND)
		error_set(err, ERR_NOT_FOUND, "there is no journal in %s yet: headgate run makes it", c->config.state_dir);
	return -1;
}

static int schema_own(const struct config *c, struct schema *ret, struct error *err) {
	AUTO(json_free) cJSON *own = schema_to_json(&c->schema);
	return schema_from_json(ret, own, err);
}

int cli_schema(const struct config *c, struct schema *ret, struct error *err) {
	AUTO(journal_view_close) struct journal_view *v = NULL;
	AUTO(xfree) char *kept = NULL;
	AUTO(json_free) cJSON *json = NULL;
	struct error none = ERROR_INIT;
	schema_init(ret);
	if (!c->cloud_schema || journal_view_open(&v, c->state_dir, &none) ||
		journal_get(v, SETTING_CLOUD_SCHEMA, &kept, err))
		return schema_own(c, ret, err);
	if (!kept || json_parse(kept, strlen(kept), &json, err) || schema_from_json(ret, json, err))
		return schema_own(c, ret, err);
	return schema_tighten(ret, &c->schema, err);
}
