/* SPDX-License-Identifier: MIT */
/* What an answer means: the body is read for the peer's own error code, the table gives the class. Sources of the S3
 * words: AWS "Error responses", botocore's standard retry mode, MinIO; of the API's: api.md. Any thread. */
#include "base/retry.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"
#include "base/xml.h"

#define SKEW_MS (5 * 60 * 1000) /* a clock that far off explains a signature that does not match */
#define RETRY_AFTER_MAX_MS (60 * 60 * 1000)
#define RETRY_AFTER_BOX_MS (60 * 1000)
#define BUDGET_MAX 500
#define BUDGET_RETRY 5
#define BUDGET_TIMEOUT 10

#define API (1 << ANSWER_JSON_API)
#define S3 (1 << ANSWER_S3)

const struct answer_rule answer_rules[] = {
	/* by the peer's own word */
	{API, "key_refused", 0, 0, false, ERR_KEY, "ask who runs the cloud for a new API key"},
	{API, "key_revoked", 0, 0, false, ERR_KEY, "ask who runs the cloud for a new API key"},
	{API, "name_invalid", 0, 0, false, ERR_REFUSED, "rename the file"},
	{API, "file_too_large", 0, 0, false, ERR_REFUSED, "whoever runs the cloud raises its limit, or the file is split"},
	{API, "route_unknown", 0, 0, false, ERR_NOT_FOUND,
		"the cloud has no such path: is [cloud] endpoint its address alone, without /v1 or another path at its end?"},
	{API, "object_conflict", 0, 0, false, ERR_CONFLICT, "other content is stored under that name"},
	{API, "body_too_large", 0, 0, false, ERR_REFUSED,
		"something before the cloud, or the cloud, takes no body that long"},
	{API, "cursor_gone", 0, 0, false, ERR_REFUSED, "the changes are asked for from the first on"},
	{API, "session_invalid", 0, 0, false, ERR_REFUSED,
		"the cloud does not take what the station says of the session: compare the versions of both, and tell who runs "
		"the cloud"},
	{S3, "SlowDown", 0, 0, false, ERR_THROTTLED, "it will be tried again more slowly"},
	{S3, "ServiceUnavailable", 0, 0, false, ERR_THROTTLED, "it will be tried again more slowly"},
	{S3, "RequestTimeout", 0, 0, false, ERR_TIMEOUT, "the store waited in vain for bytes; it will be tried again"},
	{S3, "IncompleteBody", 0, 0, false, ERR_UNREACHABLE, "the connection was cut while it was sent"},
	{S3, "InternalError", 0, 0, false, ERR_SERVER,
		"the store has trouble of its own; it will be tried again, and its log says more"},
	{S3, "ConditionalRequestConflict", 0, 0, false, ERR_SERVER, "another request for the same object was under way"},
	{S3, "OperationAborted", 0, 0, false, ERR_SERVER, "another request for the same object was under way"},
	{S3, "BadDigest", 0, 0, false, ERR_CHECKSUM, "the bytes changed on their way"},
	{S3, "InvalidDigest", 0, 0, false, ERR_CHECKSUM, "the checksum changed on its way"},
	{S3, "XAmzContentSHA256Mismatch", 0, 0, false, ERR_CHECKSUM, "the bytes changed on their way"},
	{S3, "XAmzContentChecksumMismatch", 0, 0, false, ERR_CHECKSUM, "the bytes changed on their way"},
	{S3, "ExpiredToken", 0, 0, false, ERR_URL_EXPIRED, "a new URL is needed"},
	{S3, "TokenRefreshRequired", 0, 0, false, ERR_URL_EXPIRED, "a new URL is needed"},
	{S3, "RequestTimeTooSkewed", 0, 0, false, ERR_CLOCK, "set the clock of this computer, or of the server"},
	{S3, "NoSuchUpload", 0, 0, false, ERR_NO_UPLOAD, "the upload begins again"},
	{S3, "PreconditionFailed", 0, 0, false, ERR_EXISTS, "an object of that name is stored"},
	{S3, "EntityTooLarge", 0, 0, false, ERR_REFUSED, "the store takes no object of that size"},
	{S3, "KeyTooLongError", 0, 0, false, ERR_REFUSED, "shorten the file's name"},
	{S3, "NoSuchBucket", 0, 0, false, ERR_NOT_FOUND, "the cloud names a bucket that is not there: tell who runs it"},
	{S3, "NotImplemented", 0, 0, false, ERR_REFUSED, "this object store cannot do it"},
	/* by status */
	{ANSWER_ALL, NULL, 408, 408, true, ERR_TIMEOUT, "the bytes came too slowly for it; it will be tried again"},
	{ANSWER_ALL, NULL, 429, 429, true, ERR_THROTTLED, "it will be tried again more slowly"},
	{ANSWER_ALL, NULL, 503, 503, true, ERR_THROTTLED, "it will be tried again more slowly"},
	{ANSWER_ALL, NULL, 511, 511, true, ERR_MIDDLEBOX, "the network wants a login; open a browser on this computer"},
	{ANSWER_ALL, NULL, 507, 507, true, ERR_SERVER, "it has no room left: whoever runs the cloud makes some"},
	{ANSWER_ALL, NULL, 502, 502, true, ERR_SERVER, "what stands before the cloud does not reach it: tell who runs it"},
	{ANSWER_ALL, NULL, 504, 504, true, ERR_SERVER, "what stands before the cloud does not reach it: tell who runs it"},
	{ANSWER_ALL, NULL, 500, 599, true, ERR_SERVER,
		"it has trouble of its own; it will be tried again, and whoever runs the cloud finds the cause in its log"},
	{API, NULL, 401, 401, false, ERR_TOKEN, "a new token is needed"},
	{S3, NULL, 401, 401, false, ERR_DENIED,
		"the store wants a login that the cloud's URL does not give: tell who runs the cloud"},
	{API, NULL, 403, 403, false, ERR_DENIED, "ask who runs the cloud what this key may do"},
	{S3, NULL, 403, 403, false, ERR_DENIED,
		"the store does not take the URL that the cloud gave: its policy, its clock, or a proxy that changes requests; "
		"tell who runs the cloud"},
	{API, NULL, 404, 404, false, ERR_NOT_FOUND, "is [cloud] endpoint the cloud's address alone, without a path?"},
	{S3, NULL, 404, 404, false, ERR_NOT_FOUND, "the cloud gave the URL of a place that is not there: tell who runs it"},
	{ANSWER_ALL, NULL, 412, 412, false, ERR_EXISTS, "an object of that name is stored"},
	{ANSWER_ALL, NULL, 400, 499, false, ERR_REFUSED,
		"the cloud does not take what this version asks: compare the versions of both, and tell who runs the cloud"},
};
const size_t answer_rule_n = ARRAY_LEN(answer_rules);

/* What the body says of itself. */
struct answer_words {
	bool own; /* an error in the peer's own form: our JSON, S3's XML */
	bool xml; /* whole XML that is no web page */
	char word[48], message[256];
};

/* --- reading bodies --- */

static void read_json_words(const struct http_answer *a, struct answer_words *ret) {
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

static int read_xml_text(const struct http_answer *a, const char *path, char *to, size_t size) {
	AUTO(buf_done) struct buf text = BUF_INIT(4096);
	struct error err;
	int found = xml_text(a->body, a->body_n, path, &text, &err);
	if (found > 0) text_copy(to, size, buf_text(&text));
	return found;
}

static void read_s3_words(const struct http_answer *a, struct answer_words *ret) {
	char root[8] = "";
	if (a->body_n == 0) { /* HEAD's answer; S3's own bear a request id */
		ret->own = http_header(a, "x-amz-request-id") || http_header(a, "x-request-id");
		return;
	}
	int found = read_xml_text(a, "Error/Code", ret->word, sizeof ret->word);
	if (found < 0) return;
	ret->own = found > 0;
	ret->xml = read_xml_text(a, "html", root, sizeof root) == 0;
	(void)!read_xml_text(a, "Error/Message", ret->message, sizeof ret->message);
}

static bool body_is_html(const struct http_answer *a) {
	const char *type = http_header(a, "content-type");
	const char *body = a->body + strspn(a->body, " \t\r\n");
	return (type && strcasestr(type, "html")) || !strncasecmp(body, "<!doctype", 9) || !strncasecmp(body, "<html", 5);
}

/* A success proves itself by a body of the expected kind. S3's PUT has none. */
static bool success_is_own(const struct http_answer *a, enum answer_kind kind, const struct answer_words *words) {
	if (a->status == 204) return true;
	if (kind == ANSWER_S3) return a->body_n == 0 || words->xml;
	char begins = a->body[strspn(a->body, " \t\r\n")];
	return begins == '{' || begins == '[';
}

/* --- classification --- */

static const struct answer_rule *find_rule(enum answer_kind kind, int status, const struct answer_words *words) {
	for (size_t i = 0; i < answer_rule_n; i++) {
		const struct answer_rule *r = &answer_rules[i];
		bool status_fits = r->status_max == 0 || (status >= r->status_min && status <= r->status_max);
		bool word_fits = !r->word || !strcmp(r->word, words->word);
		if ((r->kinds & 1 << kind) && status_fits && word_fits && (words->own || r->any_body)) return r;
	}
	return NULL;
}

/* Words that mean different things by what stands beside them. */
static enum error_code refine(const struct http_answer *a, const struct answer_words *words, enum error_code code) {
	int64_t skew_ms = a->date_ms > 0 ? llabs(clock_wall_ms() - a->date_ms) : 0;
	if (!strcmp(words->word, "AccessDenied") && strcasestr(words->message, "expired")) return ERR_URL_EXPIRED;
	if (!strcmp(words->word, "SignatureDoesNotMatch") && skew_ms > SKEW_MS) return ERR_CLOCK;
	return code;
}

static const char *refined_mend(const struct answer_rule *rule, enum error_code code) {
	if (code == rule->code) return rule->mend;
	return code == ERR_CLOCK ? "this computer's clock is off by minutes; set it" : "a new URL is needed";
}

static int set_classified(const struct http_answer *a, const char *what, const struct answer_rule *rule,
	const struct answer_words *words, struct error *err) {
	enum error_code code = refine(a, words, rule->code);
	/* a peer that names the mend itself is not contradicted */
	bool told = strstr(words->message, "; ") && code != ERR_NOT_FOUND; /* it cannot know which path was meant */
	const char *mend = told ? "" : refined_mend(rule, code);
	error_set(err, code, "%s: the server answered %d%s%s%s%s%s%s", what, a->status, *words->word ? " " : "",
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

int answer_check(const struct http_answer *a, enum answer_kind kind, const char *what, struct error *err) {
	struct answer_words words = {0};
	if (a->err.code != ERR_NONE) {
		*err = a->err;
		return is_told(err->text, what) ? -1 : error_prefix(err, "%s", what);
	}
	bool success = a->status >= 200 && a->status < 300;
	if (kind == ANSWER_S3) read_s3_words(a, &words);
	else if (!success) read_json_words(a, &words);
	keep_word(&words);
	hide_secrets(&words);
	if (success && !*words.word) return success_is_own(a, kind, &words) ? 0 : set_middlebox(a, what, err);
	/* An error inside a 200 (S3's slow operations): its word decides; one that is not known may be passing. */
	const struct answer_rule *rule = find_rule(kind, success ? 500 : a->status, &words);
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
