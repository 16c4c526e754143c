/* SPDX-License-Identifier: MIT */
/* XML, and the answers that are told by it: whatever the body says, an answer is classified, and what is escaped is
 * read back as it was. The first line is "KIND STATUS" (S3 or API), the rest the body. */
#include "fuzz.h"

#include <string.h>

#include "aws/s3.h"
#include "aws/xml.h"
#include "base/text.h"
#include "ingest/words.h"

static void check_answer(const char *body, size_t n, const struct answer_form *form, int status) {
	struct error err = ERROR_INIT;
	const struct http_answer a = {.status = status, .body = body, .body_n = n};
	int got = answer_check(&a, form, "fuzz", &err);
	bool success = status >= 200 && status < 300;
	FUZZ_CHECK(got == 0 ? success && err.code == ERR_NONE : err.code != ERR_NONE && *err.text);
	FUZZ_CHECK(got == 0 || err.http == status);
	for (const char *s = err.text; *s; s++) FUZZ_CHECK((unsigned char)*s >= 0x20 && *s != 0x7f);
	fuzz_taken += got == 0 || *err.word;
}

static void check_escape(const char *text) {
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf xml = BUF_INIT(1 << 20);
	AUTO(buf_done) struct buf back = BUF_INIT(1 << 20);
	if (!text_is_utf8(text, strlen(text), NULL)) return;
	buf_str(&xml, "<E>");
	xml_escape(&xml, text);
	buf_str(&xml, "</E>");
	if (!buf_ok(&xml)) return;
	int found = xml_text(xml.data, xml.len, "E", &back, &err);
	if (found < 0) { /* U+FFFE and U+FFFF are no characters of XML */
		FUZZ_CHECK(strstr(text, "\xef\xbf\xbe") || strstr(text, "\xef\xbf\xbf"));
		return;
	}
	FUZZ_CHECK(found == 1 && back.len == strlen(text));
	for (size_t i = 0; i < back.len; i++)
		FUZZ_CHECK(
			back.data[i] == text[i] || (back.data[i] == '?' && ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
	static const char *const paths[] = {"Error/Code", "E", "a/b/c", "", "/"};
	struct error err = ERROR_INIT;
	AUTO(xfree) char *text = xcalloc(n + 1, 1);
	memcpy(text, data, n);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		AUTO(buf_done) struct buf out = BUF_INIT(4096);
		(void)!xml_text(text, n, paths[i], &out, &err);
	}
	const char *line = memchr(text, '\n', n);
	if (line) {
		const char *blank = memchr(text, ' ', (size_t)(line - text));
		int status = blank ? (int)(strtoul(blank, NULL, 10) % 1000) : 200;
		check_answer(line + 1, n - (size_t)(line + 1 - text), text[0] == 'S' ? &s3_words : &ingest_words, status);
	}
	check_escape(text);
	return 0;
}
