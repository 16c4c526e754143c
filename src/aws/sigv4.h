/* SPDX-License-Identifier: MIT */
/* AWS Signature Version 4: signing in headers and in the query, and verification, over the URL as it is on the wire.
 * Rules and pitfalls: AWS "Create a signed AWS API request", aws-c-auth's test suite. Any thread. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/secret.h"

#define SIGV4_EXPIRES_MAX_S 604800 /* of a presigned URL: a week */
#define SIGV4_CANONICAL_MAX (256 * 1024)

struct sigv4_header {
	const char *name, *value; /* value may be padded; trimmed and collapsed here */
};
struct sigv4_request {
	const char *method;
	const char *path;  /* raw path as on the wire, without the query */
	const char *query; /* raw query without '?', or "" */
	const struct sigv4_header *headers;
	size_t header_n;
	const char *payload_hash; /* hex, or "UNSIGNED-PAYLOAD" …; NULL: UNSIGNED-PAYLOAD; see also sigv4_verify */
};
struct sigv4_scope {
	const char *access_key, *region, *service, *session_token; /* token NULL: none */
	const struct secret *secret_key;
	int64_t time_ms;
	bool normalize_path; /* dot segments and doubled slashes; false for S3 */
	bool double_encode;	 /* encode the path again; false for S3 */
};
/* The three stages, public for the published vectors. signed_headers: lower-case names joined by ';'. */
MUST_USE int sigv4_canonical(const struct sigv4_request *r, const struct sigv4_scope *s, const char *signed_headers,
	struct buf *out, struct error *err);
void sigv4_string_to_sign(const struct sigv4_scope *s, const char *canonical, size_t n, struct buf *out);
void sigv4_signature(const struct sigv4_scope *s, const char *string_to_sign, size_t n, char ret_hex[SHA256_HEX]);
/* value of the Authorization header; signs every header given. */
MUST_USE int sigv4_authorization(
	const struct sigv4_request *r, const struct sigv4_scope *s, struct buf *out, struct error *err);
/* The whole presigned URL: origin ("https://host:port") + path + query with the X-Amz-* parameters. `headers` must hold
 * host and whatever else is to be signed. expires_s 1..604800. S3's payload is UNSIGNED-PAYLOAD. */
MUST_USE int sigv4_presign(const char *origin, const struct sigv4_request *r, const struct sigv4_scope *s,
	int64_t expires_s, struct buf *out_url, struct error *err);

/* Verification. `lookup` gives the secret of an access key (and true), or false. */
struct sigv4_verify {
	bool (*lookup)(void *arg, const char *access_key, struct secret *ret);
	void *arg;
	const char *region, *service;
	int64_t now_ms;
	int64_t skew_ms;					/* 15 min for S3 */
	const char *const *required;		/* see sigv4_verify; NULL-terminated, or NULL */
	bool normalize_path, double_encode; /* as in sigv4_scope: false for S3 */
};
enum sigv4_verdict {
	SIGV4_OK,
	SIGV4_ANONYMOUS,	  /* nothing signed */
	SIGV4_MALFORMED,	  /* AuthorizationQueryParametersError, AuthorizationHeaderMalformed */
	SIGV4_UNKNOWN_KEY,	  /* InvalidAccessKeyId */
	SIGV4_MISMATCH,		  /* SignatureDoesNotMatch */
	SIGV4_EXPIRED,		  /* AccessDenied, "Request has expired" */
	SIGV4_SKEWED,		  /* RequestTimeTooSkewed */
	SIGV4_MISSING_HEADER, /* a header that is signed, or must be, is not there */
	SIGV4_VERDICT_N
};
/* `required`: names of headers that must be among the signed ones when they are on the request; host must always be
 * there and signed, and every x-amz-* header on the request must be (as S3 has it). A presigned URL and an
 * Authorization header are both understood, not both at once. A NULL payload_hash means UNSIGNED-PAYLOAD for a
 * presigned URL, and the x-amz-content-sha256 header's value otherwise, which the caller then compares with the body.
 * On SIGV4_OK ret_signed (if not NULL) has the signed header names, joined by ';'. */
enum sigv4_verdict sigv4_verify(const struct sigv4_request *r, const struct sigv4_verify *v, struct buf *ret_signed);
/* For how long a presigned URL is good from its date on, whatever any clock says; -1 when it is none. */
int64_t sigv4_url_lasts_ms(const char *url);
