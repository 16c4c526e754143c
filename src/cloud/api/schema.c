/* SPDX-License-Identifier: MIT */
/* GET /v1/schema: the metadata rules that the cloud owns. */
#include "cloud/api/handlers.h"

void schema_get(struct call *c, struct reply *r) {
	reply_json(r, 200, schema_to_json(&api_rules(c->api)->config->schema));
}
