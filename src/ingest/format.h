/* SPDX-License-Identifier: MIT */
/* The forms that texts of the ingest API have. Each gives NULL when the text fits, else the end of a sentence. */
#pragma once

#include "ingest/shape.h"

shape_format format_token;		  /* goes into a header as it is */
shape_format format_station;	  /* as session/name.h has it */
shape_format format_session;	  /* YYYYMMDD_HHMMSS */
shape_format format_word;		  /* snake_case */
shape_format format_label;		  /* one line of print: an instance, a version, a bucket, a file name */
shape_format format_key;		  /* of an object: any text without controls */
shape_format format_cursor;		  /* opaque, one line */
shape_format format_sha256_hex;	  /* a content id */
shape_format format_sha256;		  /* base64, as S3 writes it */
shape_format format_time;		  /* RFC 3339 */
shape_format format_url;		  /* of an object; https where the endpoint is */
shape_format format_header_name;  /* what S3 takes with a PUT, and nothing that steers the request */
shape_format format_header_value; /* one line of ASCII */
