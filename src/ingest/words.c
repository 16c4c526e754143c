/* SPDX-License-Identifier: MIT */
/* The words of the ingest API. Constant. */
#include "ingest/words.h"

#include "base/json.h"
#include "base/text.h"

static const struct answer_rule rules[] = {
	{"key_refused", 0, 0, false, ERR_KEY, "ask who runs the cloud for a new API key"},
	{"key_revoked", 0, 0, false, ERR_KEY, "ask who runs the cloud for a new API key"},
	{"name_invalid", 0, 0, false, ERR_REFUSED, "rename the file"},
	{"file_too_large", 0, 0, false, ERR_REFUSED, "whoever runs the cloud raises its limit, or the file is split"},
	{"route_unknown", 0, 0, false, ERR_NOT_FOUND,
		"the cloud has no such path: is [cloud] endpoint its address alone, without /v1 or another path at its end?"},
	{"object_conflict", 0, 0, false, ERR_CONFLICT, "other content is stored under that name"},
	{"body_too_large", 0, 0, false, ERR_REFUSED, "something before the cloud, or the cloud, takes no body that long"},
	{"cursor_gone", 0, 0, false, ERR_REFUSED, "the changes are asked for from the first on"},
	{"session_invalid", 0, 0, false, ERR_REFUSED,
		"the cloud does not take what the station says of the session: compare the versions of both, and tell who runs "
		"the cloud"},
	{NULL, 401, 401, false, ERR_TOKEN, "a new token is needed"},
	{NULL, 403, 403, false, ERR_DENIED, "ask who runs the cloud what this key may do"},
	{NULL, 404, 404, false, ERR_NOT_FOUND, "is [cloud] endpoint the cloud's address alone, without a path?"},
};

static void ingest_read(const struct http_answer *a, struct answer_words *ret) {
	AUTO(json_free) cJSON *json = NULL;
	struct error err;
	const cJSON *error;
	const char *code = NULL, *message = NULL;
	if (json_parse(a->body, a->body_n, &json, &err) < 0 || !json_is_object(json)) return;
	if (json_want_member(json, "error", NULL, &error, &err) < 0 || json_want_text(error, "code", NULL, &code, &err) < 0)
		return;
	ret->own = true;
	text_copy(ret->word, sizeof ret->word, code);
	if (json_may_text(error, "message", NULL, &message, &err) == 0 && message)
		text_copy(ret->message, sizeof ret->message, message);
}

/* Every success is JSON. */
static bool ingest_success(const struct http_answer *a) {
	char begins = a->body[strspn(a->body, " \t\r\n")];
	return begins == '{' || begins == '[';
}

const struct answer_form ingest_words = {
	.rules = rules, .rule_n = ARRAY_LEN(rules), .read = ingest_read, .success = ingest_success};
