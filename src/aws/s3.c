/* SPDX-License-Identifier: MIT */
/* The words of S3. Constant. */
#include "aws/s3.h"

#include "aws/xml.h"
#include "base/clock.h"
#include "base/text.h"

#define SKEW_MS (5 * 60 * 1000) /* a clock that far off explains a signature that does not match */

static bool says_expired(const struct http_answer *a, const struct answer_words *words) {
	(void)a;
	return strcasestr(words->message, "expired") != NULL;
}

static bool clock_is_off(const struct http_answer *a, const struct answer_words *words) {
	(void)words;
	return a->date_ms > 0 && llabs(clock_wall_ms() - a->date_ms) > SKEW_MS;
}

static const struct answer_rule rules[] = {
	{"AccessDenied", 0, 0, false, ERR_URL_EXPIRED, "a new URL is needed", says_expired},
	{"SignatureDoesNotMatch", 0, 0, false, ERR_CLOCK, "this computer's clock is off by minutes; set it", clock_is_off},
	{"SlowDown", 0, 0, false, ERR_THROTTLED, "it will be tried again more slowly"},
	{"ServiceUnavailable", 0, 0, false, ERR_THROTTLED, "it will be tried again more slowly"},
	{"RequestTimeout", 0, 0, false, ERR_TIMEOUT, "the store waited in vain for bytes; it will be tried again"},
	{"IncompleteBody", 0, 0, false, ERR_UNREACHABLE, "the connection was cut while it was sent"},
	{"InternalError", 0, 0, false, ERR_SERVER,
		"the store has trouble of its own; it will be tried again, and its log says more"},
	{"ConditionalRequestConflict", 0, 0, false, ERR_SERVER, "another request for the same object was under way"},
	{"OperationAborted", 0, 0, false, ERR_SERVER, "another request for the same object was under way"},
	{"BadDigest", 0, 0, false, ERR_CHECKSUM, "the bytes changed on their way"},
	{"InvalidDigest", 0, 0, false, ERR_CHECKSUM, "the checksum changed on its way"},
	{"XAmzContentSHA256Mismatch", 0, 0, false, ERR_CHECKSUM, "the bytes changed on their way"},
	{"XAmzContentChecksumMismatch", 0, 0, false, ERR_CHECKSUM, "the bytes changed on their way"},
	{"ExpiredToken", 0, 0, false, ERR_URL_EXPIRED, "a new URL is needed"},
	{"TokenRefreshRequired", 0, 0, false, ERR_URL_EXPIRED, "a new URL is needed"},
	{"RequestTimeTooSkewed", 0, 0, false, ERR_CLOCK, "set the clock of this computer, or of the server"},
	{"NoSuchUpload", 0, 0, false, ERR_NO_UPLOAD, "the upload begins again"},
	{"PreconditionFailed", 0, 0, false, ERR_EXISTS, "an object of that name is stored"},
	{"EntityTooLarge", 0, 0, false, ERR_REFUSED, "the store takes no object of that size"},
	{"KeyTooLongError", 0, 0, false, ERR_REFUSED, "shorten the file's name"},
	{"NoSuchBucket", 0, 0, false, ERR_NOT_FOUND, "the cloud names a bucket that is not there: tell who runs it"},
	{"NotImplemented", 0, 0, false, ERR_REFUSED, "this object store cannot do it"},
	{NULL, 401, 401, false, ERR_DENIED,
		"the store wants a login that the cloud's URL does not give: tell who runs the cloud"},
	{NULL, 403, 403, false, ERR_DENIED,
		"the store does not take the URL that the cloud gave: its policy, its clock, or a proxy that changes requests; "
		"tell who runs the cloud"},
	{NULL, 404, 404, false, ERR_NOT_FOUND, "the cloud gave the URL of a place that is not there: tell who runs it"},
};

static int read_xml_text(const struct http_answer *a, const char *path, char *to, size_t size) {
	AUTO(buf_done) struct buf text = BUF_INIT(4096);
	struct error err;
	int found = xml_text(a->body, a->body_n, path, &text, &err);
	if (found > 0) text_copy(to, size, buf_text(&text));
	return found;
}

static void s3_read(const struct http_answer *a, struct answer_words *ret) {
	if (a->body_n == 0) { /* HEAD's answer; S3's own bear a request id */
		ret->own = http_header(a, "x-amz-request-id") || http_header(a, "x-request-id");
		return;
	}
	int found = read_xml_text(a, "Error/Code", ret->word, sizeof ret->word);
	if (found < 0) return;
	ret->own = found > 0;
	(void)!read_xml_text(a, "Error/Message", ret->message, sizeof ret->message);
}

/* A PUT's has no body; others' is XML, and no web page that happens to be XML. */
static bool s3_success(const struct http_answer *a) {
	char root[8] = "";
	return a->body_n == 0 || read_xml_text(a, "html", root, sizeof root) == 0;
}

const struct answer_form s3_words = {
	.rules = rules, .rule_n = ARRAY_LEN(rules), .read = s3_read, .success = s3_success, .fails_in_success = true};
