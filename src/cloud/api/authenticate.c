/* SPDX-License-Identifier: MIT */
/* POST /v1/authenticate: a key for a token. An unknown key and a revoked one get the same words after the same work. A
 * right key is let through whatever others send from the same address: only wrong ones count there. */
#include "base/clock.h"
#include "cloud/api/handlers.h"
#include "cloud/api/token.h"

static void authenticate_refuse(struct call *c, struct reply *r) {
	char address[ADDRESS_TEXT];
	if (!call_limit(r, c->api->by_wrong_key, address_group(&c->address, address))) return;
	cJSON *event = json_object();
	json_add_text(event, "level", "warn");
	json_add_text(event, "event", "authenticate_refused");
	json_add_text(event, "request_id", c->request_id);
	json_add_text(event, "address", address_group(&c->address, address));
	char kind[128];
	snprintf(kind, sizeof kind, "authenticate_refused %s", address);
	logs_count(c->api->logs, LOG_GROUP_AUDIT, "api", kind, event);
	reply_fault(r, FAULT_KEY_REFUSED, "this API key is not valid; ask who runs the cloud for a new one");
}

static cJSON *scopes_json(int scopes) {
	cJSON *array = json_array();
	for (int scope = SCOPE_STATION; scope <= SCOPE_ADMIN; scope <<= 1) {
		char text[64];
		if (scopes & scope) json_push_text(array, scopes_text(scope, text, sizeof text));
	}
	return array;
}

void authenticate_post(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	struct api_key key = {0};
	const char *text = NULL;
	if (json_want_text(c->body, "api_key", NULL, &text, &err)) {
		if (call_limit_address(c, r)) reply_error(r, &err);
		return;
	}
	bool known = catalog_key_by_text(c->api->catalog, text, &key, &err) == 0;
	if (!known && err.code != ERR_NOT_FOUND) {
		reply_error(r, &err);
		return;
	}
	if (!known || key.revoked_ms) {
		authenticate_refuse(c, r);
		return;
	}
	c->known = true;
	if (!call_limit(r, c->api->by_key, key.id)) return;
	struct principal who = {.scopes = key.scopes};
	memcpy(who.station, key.station, sizeof who.station);
	memcpy(who.key_id, key.id, sizeof who.key_id);
	int64_t life_ms = c->api->config->token_ms;
	AUTO(xfree) char *token = NULL;
	if (token_make(&c->api->token_key, &who, clock_wall_ms(), life_ms, &token, &err)) {
		reply_error(r, &err);
		return;
	}
	cJSON *answer = json_object();
	json_add_text(answer, "token", token);
	json_add_i64(answer, "expires_in", MAX(life_ms / 1000, 1));
	json_add_text(answer, "station", key.station);
	json_add(answer, "scopes", scopes_json(key.scopes));
	reply_json(r, 200, answer);
}
