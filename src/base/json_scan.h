/* SPDX-License-Identifier: MIT */
/* A strict look over JSON text (RFC 8259) before cJSON builds a tree of it. */
#pragma once

#include "base/error.h"

#define JSON_DEPTH_MAX 32
#define JSON_NUMBER_MAX 60 /* characters; cJSON 1.7.15 cuts numbers at 63 */
/* One whole value in UTF-8 without NUL, nested at most JSON_DEPTH_MAX deep; no escape that stands for NUL or for half a
 * surrogate pair. ERR_INPUT names line and column. */
MUST_USE int json_scan(const char *text, size_t n, struct error *err);
/* The same, counting values (each element and member is one): more than `most` are ERR_INPUT. A value costs cJSON about
 * a hundred bytes, however short it is written. */
MUST_USE int json_scan_bounded(const char *text, size_t n, size_t most, size_t *ret_values, struct error *err);
