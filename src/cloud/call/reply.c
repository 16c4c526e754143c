/* SPDX-License-Identifier: MIT */
/* Answers: JSON, errors as JSON or as S3's XML, headers. One thread an answer. */
#include "cloud/call/reply.h"

#include <assert.h>
#include <errno.h>

#include "base/xml.h"

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

void reply_json(struct reply *r, int status, cJSON *body) {
	reply_drop_body(r);
	r->status = status;
	r->type = "application/json";
	r->body = json_text(body);
	r->body_n = strlen(r->body);
	json_free(body);
}

/* Item by item: a long list is never there as a tree and as a text at once. */
void reply_page(struct reply *r, const char *member, cJSON *array, const char *next) {
	struct buf out = BUF_INIT(SIZE_MAX / 4);
	buf_fmt(&out, "{\"%s\":[", member);
	for (cJSON *item; (item = cJSON_DetachItemFromArray(array, 0));) {
		AUTO(xfree) char *text = json_text(item);
		json_free(item);
		buf_str(&out, text);
		if (cJSON_GetArraySize(array)) buf_char(&out, ',');
	}
	json_free(array);
	buf_str(&out, "],\"next\":");
	if (next[0]) json_quote(&out, next);
	else buf_str(&out, "null");
	buf_char(&out, '}');
	reply_drop_body(r);
	r->status = 200;
	r->type = "application/json";
	r->body_n = out.len;
	r->body = buf_take(&out);
}

void reply_fault(struct reply *r, enum fault f, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	vsnprintf(r->message, sizeof r->message, fmt, args);
	va_end(args);
	r->fault = f;
	r->s3 = S3_NONE;
}

void reply_s3(struct reply *r, enum s3_error e, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	vsnprintf(r->message, sizeof r->message, fmt, args);
	va_end(args);
	r->s3 = e;
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

const char *reply_word(const struct reply *r) {
	if (r->s3 != S3_NONE) return s3_classes[r->s3].word;
	return r->fault != FAULT_NONE ? fault_classes[r->fault].word : NULL;
}

static void render_json(struct reply *r, const char *request_id) {
	cJSON *error = json_object(), *body = json_object();
	json_add_text(error, "code", fault_classes[r->fault].word);
	json_add_text(error, "message", r->message);
	json_add_text(error, "request_id", request_id);
	json_add(body, "error", error);
	reply_json(r, fault_classes[r->fault].status, body);
}

static void render_element(struct buf *out, const char *name, const char *text) {
	buf_fmt(out, "<%s>", name);
	xml_escape(out, text);
	buf_fmt(out, "</%s>", name);
}

static void render_xml(struct reply *r, const char *resource, const char *request_id) {
	AUTO(buf_done) struct buf out = BUF_INIT(64 << 10);
	buf_str(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
	render_element(&out, "Code", s3_classes[r->s3].word);
	render_element(&out, "Message", r->message);
	render_element(&out, "Resource", resource);
	render_element(&out, "RequestId", request_id);
	buf_str(&out, "</Error>");
	reply_drop_body(r);
	r->status = s3_classes[r->s3].status;
	r->type = "application/xml";
	r->body_n = out.len;
	r->body = buf_take(&out);
}

void reply_render(struct reply *r, enum surface surface, const char *resource, const char *request_id) {
	if (surface == SURFACE_S3 && r->fault != FAULT_NONE) {
		r->s3 = s3_error_of(r->fault);
		r->fault = FAULT_NONE;
	}
	if (r->s3 != S3_NONE) render_xml(r, resource, request_id);
	else if (r->fault != FAULT_NONE) render_json(r, request_id);
	reply_header(r, "x-request-id", "%s", request_id);
	if (surface == SURFACE_S3) reply_header(r, "x-amz-request-id", "%s", request_id);
}
