/* SPDX-License-Identifier: MIT */
/* What every handler works on: the stores, the secrets, the limits. Opened once; any thread may use it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "cloud/call/allow.h"
#include "cloud/call/budget.h"
#include "cloud/call/limit.h"
#include "cloud/config.h"
#include "cloud/jobs/validate.h"

#define ACCESS_KEY_TEXT 24
/* What may change while the cloud serves (SIGHUP): metadata rules and allow-list. A handler takes them once and may use
 * them as long as it runs: those that were replaced are kept until the end. */
struct rules {
	struct rules *before;
	const struct cloud_config *config; /* of its schema, and of the certificate's files */
	struct cloud_config *own;		   /* what config points to, or NULL: borrowed */
	struct allow_list allow;
};
struct surface;
struct api {
	const struct cloud_config *config;	   /* borrowed */
	const struct surface *const *surfaces; /* what is served, ended by NULL; constant */
	_Atomic(struct rules *) rules;
	int lock_fd;
	struct catalog *catalog;
	struct objects *objects;
	struct logs *logs;
	struct validator *validator;
	struct secret token_key, url_key; /* signs tokens; signs URLs */
	char access_key[ACCESS_KEY_TEXT]; /* public name of url_key in URLs */
	struct limiter *by_address, *by_key;
	struct limiter *by_url;		  /* what is put again and again under one key */
	struct limiter *by_wrong_key; /* of an address: what it authenticates with in vain */
	struct budget *memory;
	atomic_bool stopping; /* long polls end, connections close after their answer */
	atomic_int polls;	  /* calls that wait for a change now */
	struct {
		pthread_mutex_t lock;
		int64_t checked_mono_ms; /* 0: never */
		bool good;
		char why[512];
	} health;
};
/* Opens data folder (whose lock it takes), catalog, logs, objects; brings store and catalog together; starts
 * validation. */
MUST_USE int api_open(
	struct api **ret, const struct cloud_config *config, const struct surface *const *surfaces, struct error *err);
static inline const struct rules *api_rules(const struct api *a) { return atomic_load(&a->rules); }
/* Reads the configuration's sources again and puts its rules into force; on an error those of before stay. From one
 * thread. */
MUST_USE int api_rules_again(struct api *a, struct error *err);
static inline struct stores api_stores(const struct api *a) { return (struct stores){a->catalog, a->objects, a->logs}; }
/* Whether the catalog may take so many bytes for what is new. ERR_DISK: the last half of what is kept free is for
 * decisions and for what was promised. */
MUST_USE int api_room(const struct api *a, int64_t bytes, struct error *err);
void api_stop(struct api *a); /* wakes what waits; from any thread */
void api_close(struct api *a);
DEFINE_AUTO_PTR(struct api, api_close)
