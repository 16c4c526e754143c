/* SPDX-License-Identifier: MIT */
/* The reason phrases of HTTP (RFC 9110 15). */
#pragma once

const char *http_reason(int status); /* "" for one that no answer here has */
