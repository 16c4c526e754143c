/* SPDX-License-Identifier: MIT */
/* What an answer means: the body is read for the peer's own error code, the tables give the class. Any thread. */
#include "base/retry.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"

#define RETRY_AFTER_MAX_MS (60 * 60 * 1000)
#define RETRY_AFTER_BOX_MS (60 * 1000)
#define BUDGET_MAX 500
#define BUDGET_RETRY 5
#define BUDGET_TIMEOUT 10

/* What a status says, whoever the peer is. */
const struct answer_rule answer_rules[] = {
	{NULL, 408, 408, true, ERR_TIMEOUT, "the bytes came too slowly for it; it will be tried again"},
	{NULL, 429, 429, true, ERR_THROTTLED, "it will be tried again more slowly"},
	{NULL, 503, 503, true, ERR_THROTTLED, "it will be tried again more slowly"},
	{NULL, 511, 511, true, ERR_MIDDLEBOX, "the network wants a login; open a browser on this computer"},
	{NULL, 507, 507, true, ERR_SERVER, "it has no room left: whoever runs the cloud makes some"},
	{NULL, 502, 502, true, ERR_SERVER, "what stands before the cloud does not reach it: tell who runs it"},
	{NULL, 504, 504, true, ERR_SERVER, "what stands before the cloud does not reach it: tell who runs it"},
	{NULL, 500, 599, true, ERR_SERVER,
		"it has trouble of its own; it will be tried again, and whoever runs the cloud finds the cause in its log"},
	{NULL, 412, 412, false, ERR_EXISTS, "an object of that name is stored"},
	{NULL, 400, 499, false, ERR_REFUSED,
		"the cloud does not take what this version asks: compare the versions of both, and tell who runs the cloud"},
};
const size_t answer_rule_n = ARRAY_LEN(answer_rules);

static const char word_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

/* Whoever repeats what was asked repeats what is secret in it: a URL's signature, a JSON web token. */
static void hide_secrets(struct answer_words *w) {
	static const char *const before[] = {"Signature=", "eyJ"};
	for (size_t i = 0; i < ARRAY_LEN(before); i++)
		for (char *at = w->message; (at = strstr(at, before[i]));) {
			at += strlen(before[i]);
			size_t n = strspn(at, word_chars);
			memmove(at, at + n, strlen(at + n) + 1);
		}
}

/* What is not a word of anybody's API is none. */
static void keep_word(struct answer_words *w) {
	if (w->word[strspn(w->word, word_chars)]) w->word[0] = '\0';
}

static bool body_is_html(const struct http_answer *a) {
	const char *type = http_header(a, "content-type");
	const char *body = a->body + strspn(a->body, " \t\r\n");
	return (type && strcasestr(type, "html")) || !strncasecmp(body, "<!doctype", 9) || !strncasecmp(body, "<html", 5);
}

/* --- classification --- */

static bool rule_fits(
	const struct answer_rule *r, const struct http_answer *a, int status, const struct answer_words *words) {
	bool status_fits = r->status_max == 0 || (status >= r->status_min && status <= r->status_max);
	bool word_fits = !r->word || !strcmp(r->word, words->word);
	return status_fits && word_fits && (words->own || r->any_body) && (!r->when || r->when(a, words));
}

/* The peer's own rules come first. */
static const struct answer_rule *find_rule(
	const struct http_answer *a, const struct answer_form *form, int status, const struct answer_words *words) {
	for (size_t i = 0; i < form->rule_n; i++)
		if (rule_fits(&form->rules[i], a, status, words)) return &form->rules[i];
	for (size_t i = 0; i < answer_rule_n; i++)
		if (rule_fits(&answer_rules[i], a, status, words)) return &answer_rules[i];
	return NULL;
}

static int set_classified(const struct http_answer *a, const char *what, const struct answer_rule *rule,
	const struct answer_words *words, struct error *err) {
	/* a peer that names the mend itself is not contradicted */
	bool told = strstr(words->message, "; ") && rule->code != ERR_NOT_FOUND; /* it cannot know which path was meant */
	const char *mend = told ? "" : rule->mend;
	error_set(err, rule->code, "%s: the server answered %d%s%s%s%s%s%s", what, a->status, *words->word ? " " : "",
		words->word, *words->message ? ": " : "", words->message, *mend ? "; " : "", mend);
	err->http = a->status;
	text_copy(err->word, sizeof err->word, words->word);
	return -1;
}

/* What a status says of the box that gave it. */
static const struct {
	int status;
	const char *mend;
} boxes[] = {
	{401, "something before the cloud wants a login of its own"},
	{404, "is [cloud] endpoint the cloud's address, without a path of its own?"},
	{407, "the proxy wants a login: put user and password into the proxy's address, or except the cloud by NO_PROXY"},
	{411, "a proxy between drops the length of the body"},
	{413, "a proxy before the cloud takes no body of that size: raise its limit (nginx: client_max_body_size)"},
	{414, "a proxy before the cloud takes no address that long: raise its limit"},
	{431, "a proxy before the cloud takes no headers that long: raise its limit"},
	{451, "the network forbids this address"},
};

static int set_middlebox(const struct http_answer *a, const char *what, struct error *err) {
	const char *mend = "a proxy or a network login page stands between, or the endpoint is not the cloud's address";
	for (size_t i = 0; i < ARRAY_LEN(boxes); i++)
		if (boxes[i].status == a->status) mend = boxes[i].mend;
	error_set(err, ERR_MIDDLEBOX, "%s: the answer (%d) is not the cloud's own%s; %s%s%s%s", what, a->status,
		body_is_html(a) ? " but a web page" : "", mend, a->proxy ? " (it came through the proxy " : "",
		a->proxy ? a->proxy : "", a->proxy ? ")" : "");
	err->http = a->status;
	return -1;
}

/* "POST https://host/v1/x: Connection refused" tells all of "POST /v1/x". */
static bool is_told(const char *text, const char *what) {
	const char *path = strchr(what, '/');
	return path && !strncmp(text, what, (size_t)(path - what)) && strstr(text, path);
}

int answer_check(const struct http_answer *a, const struct answer_form *form, const char *what, struct error *err) {
	struct answer_words words = {0};
	if (a->err.code != ERR_NONE) {
		*err = a->err;
		return is_told(err->text, what) ? -1 : error_prefix(err, "%s", what);
	}
	bool success = a->status >= 200 && a->status < 300;
	if (!success || form->fails_in_success) form->read(a, &words);
	keep_word(&words);
	hide_secrets(&words);
	if (success && !*words.word) return a->status == 204 || form->success(a) ? 0 : set_middlebox(a, what, err);
	/* An error inside a success: its word decides; one that is not known may be passing. */
	const struct answer_rule *rule = find_rule(a, form, success ? 500 : a->status, &words);
	return rule ? set_classified(a, what, rule, &words, err) : set_middlebox(a, what, err);
}

int64_t answer_retry_after_ms(const struct http_answer *a, const struct error *why, int64_t now_ms) {
	const char *value = http_header(a, "retry-after");
	const int64_t most_ms = *why->word ? RETRY_AFTER_MAX_MS : RETRY_AFTER_BOX_MS;
	int64_t seconds, when_ms;
	if (!value) return 0;
	if (text_to_i64(value, 0, INT64_MAX / 1000, &seconds) == 0) return MIN(seconds, most_ms / 1000) * 1000;
	if (time_parse_http(value, &when_ms) < 0) return 0;
	/* By the server's own clock, when it told us. */
	return MAX(0, MIN(when_ms - (a->date_ms > 0 ? a->date_ms : now_ms), most_ms));
}

/* --- waiting --- */

const struct backoff backoff_request_transient = {.base_ms = 200, .cap_ms = 20000};
const struct backoff backoff_request_throttle = {.base_ms = 1000, .cap_ms = 20000};

static int64_t backoff_limit_ms(const struct backoff *b, int attempt) {
	int64_t limit_ms = b->base_ms;
	for (int i = 1; i < attempt && limit_ms < b->cap_ms; i++) limit_ms *= 2;
	return MIN(limit_ms, b->cap_ms);
}

int64_t backoff_ms(const struct backoff *b, int attempt) {
	return (int64_t)(random_unit() * (double)backoff_limit_ms(b, attempt));
}

int64_t backoff_steady_ms(const struct backoff *b, int attempt) {
	int64_t limit_ms = backoff_limit_ms(b, attempt);
	return limit_ms - (int64_t)(random_unit() * (double)(limit_ms / 2));
}

bool retry_budget_take(struct retry_budget *b, const struct error *why) {
	int cost = why->code == ERR_TIMEOUT ? BUDGET_TIMEOUT : BUDGET_RETRY;
	if (b->tokens < cost) return false;
	b->tokens -= cost;
	return true;
}

void retry_budget_success(struct retry_budget *b, bool after_retry) {
	b->tokens = MIN(b->tokens + (after_retry ? BUDGET_RETRY : 1), BUDGET_MAX);
}
