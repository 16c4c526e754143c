/* SPDX-License-Identifier: MIT */
/* GET /v1/info: what this cloud is, before anybody has a key. */
#include "base/clock.h"
#include "cloud/api/handlers.h"
#include "cloud/api/surface.h"

#define API_VERSION 1
#define MINIMUM_CLIENT "0.1.0"
#define PART_RULE "one PUT up to 64 MiB; above, parts of 16 MiB, doubled until at most 9000 fit"

void info_get(struct call *c, struct reply *r) {
	(void)c;
	int64_t most = 0;
	for (size_t i = 0; i < api_surface.route_n; i++)
		if (api_surface.routes[i].body == BODY_JSON) most = MAX(most, api_surface.routes[i].body_max);
	cJSON *limits = json_object(), *info = json_object();
	json_add_i64(limits, "files_per_call", PRESIGN_FILES_MAX);
	json_add_text(limits, "part_size_rule", PART_RULE);
	json_add_i64(limits, "body_bytes", most);
	json_add_text(info, "service", "headgate-cloud");
	json_add_text(info, "version", HEADGATE_VERSION);
	json_add_i64(info, "api", API_VERSION);
	json_add_text(info, "minimum_client", MINIMUM_CLIENT);
	json_add_time(info, "now", clock_wall_ms());
	json_add(info, "limits", limits);
	reply_json(r, 200, info);
}
