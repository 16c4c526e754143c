/* SPDX-License-Identifier: MIT */
/* Every handler of the ingest API's routes (surface.c). Each fills the reply; none knows the HTTP server. */
#pragma once

#include "cloud/call/call.h"

void info_get(struct call *c, struct reply *r);
void health_get(struct call *c, struct reply *r);
void authenticate_post(struct call *c, struct reply *r);
void schema_get(struct call *c, struct reply *r);
void presign_post(struct call *c, struct reply *r);
void stat_post(struct call *c, struct reply *r);
void sessions_get(struct call *c, struct reply *r);
void session_get_own(struct call *c, struct reply *r);
void session_get(struct call *c, struct reply *r);
void changes_get(struct call *c, struct reply *r);
void events_post(struct call *c, struct reply *r);
void heartbeat_post(struct call *c, struct reply *r);
void stations_get(struct call *c, struct reply *r);

#define PRESIGN_FILES_MAX 1000
#define EVENTS_MAX 500
#define LIST_LIMIT_MAX 1000
#define LIST_LIMIT 100
