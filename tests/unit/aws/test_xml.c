/* SPDX-License-Identifier: MIT */
/* XML: the answers of S3, and documents that want to hurt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws/xml.h"

static int text_of(const char *xml, const char *path, struct buf *out, struct error *err) {
	buf_clear(out);
	return xml_text(xml, strlen(xml), path, out, err);
}

static void test_found(void **state) {
	(void)state;
	static const struct {
		const char *xml, *path, *text; /* text NULL: not there */
	} rows[] = {
		{"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SlowDown</Code><Message>a &lt; b &amp; "
		 "c</Message></Error>",
			"Error/Code", "SlowDown"},
		{"<Error><Code>SlowDown</Code><Message>a &lt; b &#x26; c</Message></Error>", "Error/Message", "a < b & c"},
		{"<Error><Code/></Error>", "Error/Code", ""},
		{"<Error><Codes>x</Codes></Error>", "Error/Code", NULL},
		{"<Error><In><Code>x</Code></In></Error>", "Error/Code", NULL},
		{"<A><Error><Code>x</Code></Error></A>", "Error/Code", NULL},
		{"<a:Error xmlns:a='http://s3'><a:Code>x</a:Code></a:Error>", "Error/Code", "x"},
		{"<E><C>one</C><C>two</C></E>", "E/C", "one"},
		{"<E><C>one<D>deep</D> more</C></E>", "E/C", "one more"},
		{"  \n\n<E>x</E>", "E", "x"}, /* S3 keeps a connection alive with blanks before the answer */
		{"<E><![CDATA[<b>]]></E>", "E", "<b>"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;
		AUTO(buf_done) struct buf out = BUF_INIT(256);
		int found = text_of(rows[i].xml, rows[i].path, &out, &err);
		if (found != (rows[i].text ? 1 : 0)) fail_msg("%s: %d %s", rows[i].xml, found, err.text);
		if (rows[i].text) assert_string_equal(buf_text(&out), rows[i].text);
	}
}

static void expect_refused(const char *xml, const char *why) {
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf out = BUF_INIT(256);
	assert_int_equal(text_of(xml, "E/C", &out, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	if (!strstr(err.text, why)) fail_msg("%s: %s", xml, err.text);
}

static void test_refused(void **state) {
	(void)state;
	expect_refused("", "");
	expect_refused("<html><body><br></body></html>", "mismatched tag");
	expect_refused("{\"error\":1}", "line 1");
	expect_refused("<E><C>x</C>", "line 1");
	expect_refused("<E><C>x</C></E><E/>", "line 1");
	expect_refused("<E><C>&gone;</C></E>", "undefined entity");
	expect_refused(
		"<!DOCTYPE E [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><E><C>&b;</C></E>", "document type");
	expect_refused("<!DOCTYPE E SYSTEM \"file:///etc/passwd\"><E><C>x</C></E>", "document type");
	expect_refused("<E><C>\xff\xfe</C></E>", "line 1");

	AUTO(buf_done) struct buf deep = BUF_INIT(4096);
	for (int i = 0; i < 16; i++) buf_str(&deep, "<a>");
	for (int i = 0; i < 16; i++) buf_str(&deep, "</a>");
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf out = BUF_INIT(256);
	assert_int_equal(text_of(deep.data, "E", &out, &err), 0);
	buf_clear(&deep);
	for (int i = 0; i < 17; i++) buf_str(&deep, "<a>");
	for (int i = 0; i < 17; i++) buf_str(&deep, "</a>");
	expect_refused(deep.data, "deeply");
	buf_clear(&deep);
	buf_char(&deep, '<');
	for (int i = 0; i < 1100; i++) buf_char(&deep, 'n');
	buf_str(&deep, "/>");
	expect_refused(deep.data, "too long");
}

static void test_ceilings(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf big = BUF_INIT(2 << 20);
	AUTO(buf_done) struct buf out = BUF_INIT(8);
	buf_str(&big, "<E>");
	while (big.len < 1024 * 1024) buf_str(&big, "          ");
	buf_str(&big, "</E>");
	assert_int_equal(text_of(big.data, "E", &out, &err), -1);
	assert_non_null(strstr(err.text, "longer"));
	assert_int_equal(text_of("<E>123456789</E>", "E", &out, &err), -1); /* the caller's ceiling */
}

static void test_escape(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf out = BUF_INIT(256);
	AUTO(buf_done) struct buf whole = BUF_INIT(256);
	AUTO(buf_done) struct buf back = BUF_INIT(256);
	xml_escape(&out, "a<b>&\"c'\x1b\x7f\n\tü");
	assert_string_equal(out.data, "a&lt;b&gt;&amp;&quot;c&apos;??\n\tü");
	buf_fmt(&whole, "<E>%s</E>", out.data);
	assert_int_equal(text_of(whole.data, "E", &back, &err), 1);
	assert_string_equal(back.data, "a<b>&\"c'??\n\tü");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_escape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
