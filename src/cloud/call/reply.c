/* SPDX-License-Identifier: MIT */
/* Answers: body, headers, error. One thread an answer. */
#include "cloud/call/reply.h"

#include <assert.h>
#include <errno.h>

#define TYPE_JSON "application/json"

void reply_init(struct reply *r) { *r = (struct reply){.fd = -1, .status = 200}; }

static void reply_drop_body(struct reply *r) {
	xfree(r->body);
	r->body = NULL;
	r->body_n = 0;
	if (r->fd >= 0) fd_close(r->fd);
	r->fd = -1;
}

void reply_done(struct reply *r) {
	reply_drop_body(r);
	for (size_t i = 0; i < r->header_n; i++) xfree(r->headers[i].value);
	r->header_n = 0;
}

void reply_bytes(struct reply *r, int status, const char *type, char *bytes, size_t n) {
	reply_drop_body(r);
	r->status = status;
	r->type = type;
	r->body = bytes;
	r->body_n = n;
}

void reply_file(struct reply *r, const char *type, int fd, int64_t offset, int64_t size) {
	reply_drop_body(r);
	r->type = type;
	r->fd = fd;
	r->offset = offset;
	r->size = size;
}

void reply_json(struct reply *r, int status, cJSON *body) {
	char *text = json_text(body);
	json_free(body);
	reply_bytes(r, status, TYPE_JSON, text, strlen(text));
}

/* Item by item: a long list is never there as a tree and as a text at once. */
void reply_page(struct reply *r, const char *member, cJSON *array, const char *next) {
	struct buf out = BUF_INIT(SIZE_MAX / 4);
	buf_fmt(&out, "{\"%s\":[", member);
	for (cJSON *item; (item = json_take_first(array));) {
		AUTO(xfree) char *text = json_text(item);
		json_free(item);
		buf_str(&out, text);
		if (json_count(array)) buf_char(&out, ',');
	}
	json_free(array);
	buf_str(&out, "],\"next\":");
	if (next[0]) json_quote(&out, next);
	else buf_str(&out, "null");
	buf_char(&out, '}');
	size_t n = out.len;
	reply_bytes(r, 200, TYPE_JSON, buf_take(&out), n);
}

void reply_fault(struct reply *r, enum fault f, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	reply_own(r, NULL, fmt, args);
	va_end(args);
	r->fault = f;
}

void reply_own(struct reply *r, const struct fault_class *own, const char *fmt, va_list args) {
	vsnprintf(r->message, sizeof r->message, fmt, args);
	r->own = own;
	r->fault = FAULT_NONE;
}

void reply_error(struct reply *r, const struct error *err) {
	enum fault f = fault_of(err);
	if (fault_classes[f].status < 500) {
		reply_fault(r, f, "%s", err->text);
		return;
	}
	snprintf(r->why, sizeof r->why, "%s", err->text);
	r->files_out = err->os == EMFILE || err->os == ENFILE;
	if (f == FAULT_UNAVAILABLE) reply_fault(r, f, "the cloud cannot use its store now; try again in a moment");
	else reply_fault(r, f, "an error inside the cloud; its log has the reason under this request id");
}

void reply_header(struct reply *r, const char *name, const char *fmt, ...) {
	assert(r->header_n < REPLY_HEADERS_MAX);
	char value[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(value, sizeof value, fmt, args);
	va_end(args);
	r->headers[r->header_n++] = (struct reply_header){name, xstrdup(value)};
}

const struct fault_class *reply_class(const struct reply *r) {
	if (r->own) return r->own;
	return r->fault != FAULT_NONE ? &fault_classes[r->fault] : NULL;
}
