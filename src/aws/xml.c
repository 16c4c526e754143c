/* SPDX-License-Identifier: MIT */
/* XML reading and escaping. One pass over the whole document, so that what is found stands in well-formed XML; the
 * names of the open elements are kept joined by '/', which is compared with the wanted path. Any thread. */
#include "aws/xml.h"

#include <expat.h>

#define XML_BYTES_MAX (1024 * 1024)
#define XML_DEPTH_MAX 16
#define XML_PATH_MAX 1024

struct xml_search {
	XML_Parser parser;
	const char *wanted;
	char path[XML_PATH_MAX];
	size_t ends[XML_DEPTH_MAX]; /* length of path before each open element */
	size_t path_n, depth;
	bool inside, found;
	struct buf *out;
	const char *refused; /* why we stopped it ourselves, or NULL */
};

static void search_stop(struct xml_search *s, const char *why) {
	s->refused = why;
	XML_StopParser(s->parser, XML_FALSE);
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes) {
	struct xml_search *s = arg;
	(void)attributes;
	const char *colon = strrchr(name, ':');
	if (colon) name = colon + 1;
	size_t n = strlen(name);
	if (s->depth == XML_DEPTH_MAX) return search_stop(s, "it is nested too deeply");
	if (s->path_n + n + 2 > sizeof s->path) return search_stop(s, "its names are too long");
	s->ends[s->depth++] = s->path_n;
	if (s->path_n > 0) s->path[s->path_n++] = '/';
	memcpy(s->path + s->path_n, name, n + 1);
	s->path_n += n;
	if (!s->found && !strcmp(s->path, s->wanted)) s->inside = s->found = true;
}

static void XMLCALL on_end(void *arg, const XML_Char *name) {
	struct xml_search *s = arg;
	(void)name;
	if (s->refused) return; /* expat still ends an empty element after we stopped it */
	if (!strcmp(s->path, s->wanted)) s->inside = false;
	s->path_n = s->ends[--s->depth];
	s->path[s->path_n] = '\0';
}

static void XMLCALL on_text(void *arg, const XML_Char *text, int n) {
	struct xml_search *s = arg;
	if (s->inside && !strcmp(s->path, s->wanted)) buf_add(s->out, text, (size_t)n);
}

static void XMLCALL on_doctype(
	void *arg, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id, int internal) {
	(void)name, (void)system_id, (void)public_id, (void)internal;
	search_stop(arg, "it has a document type");
}

int xml_text(const char *xml, size_t n, const char *path, struct buf *out, struct error *err) {
	if (n > XML_BYTES_MAX)
		return error_set(err, ERR_INPUT, "the XML is longer than %d bytes, more than any answer of AWS", XML_BYTES_MAX);
	XML_Parser parser = XML_ParserCreate("UTF-8");
	if (!parser) abort();
	struct xml_search s = {.parser = parser, .wanted = path, .out = out};
	XML_SetUserData(parser, &s);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	int status = XML_Parse(parser, xml, (int)n, 1) == XML_STATUS_OK ? 0 : -1;
	if (status < 0)
		error_set(err, ERR_INPUT, "not XML at line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(parser),
			s.refused ? s.refused : XML_ErrorString(XML_GetErrorCode(parser)));
	XML_ParserFree(parser);
	if (status == 0 && s.found) status = buf_check(out, path, err) < 0 ? -1 : 1;
	return status;
}

void xml_escape(struct buf *out, const char *s) {
	for (; *s; s++) {
		switch (*s) {
		case '&': buf_str(out, "&amp;"); break;
		case '<': buf_str(out, "&lt;"); break;
		case '>': buf_str(out, "&gt;"); break;
		case '"': buf_str(out, "&quot;"); break;
		case '\'': buf_str(out, "&apos;"); break;
		case '\t':
		case '\n': buf_char(out, *s); break;
		default: buf_char(out, (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
		}
	}
}
