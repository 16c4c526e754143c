/* SPDX-License-Identifier: MIT */
/* headgate-cloud's configuration (cloud.md "Command line"): flags, INI file, HEADGATE_CLOUD_*. */
#pragma once

#include "base/args.h"
#include "base/option.h"
#include "session/schema.h"

struct cloud_config {
	char *data;				  /* --data DIR */
	char *listen;			  /* "127.0.0.1:0" */
	char *public_url;		  /* NULL: the host the client reached */
	struct option_list allow; /* CIDRs; empty: all */
	int64_t rate;			  /* requests a second, per key and per address; 0: no limit */
	int64_t burst;
	char *tls_cert, *tls_key;
	int64_t log_bytes, log_age_ms; /* of the log groups */
	int64_t keep_free;			   /* of the disk, for catalog and log */
	char *log_file;				   /* NULL: standard error */
	char *raw_bucket, *processed_bucket, *lake_bucket;
	char *region;
	int64_t connections;	  /* at most, default 512 */
	int64_t memory;			  /* of all calls' bodies and answers */
	int64_t token_ms, url_ms; /* 1 h, 15 min; shorter in tests */
	char *schema_file;
	struct schema schema; /* read from schema_file */
	struct option_set set;
	const char *from_file, *const *from_flags; /* what it was loaded from; borrowed, for reading it again */
};
MUST_USE int cloud_config_load(
	struct cloud_config *c, const char *config_file, const char *const *flags, struct error *err);
void cloud_config_done(struct cloud_config *c);
DEFINE_AUTO_VAL(struct cloud_config, cloud_config_done)
extern const struct arg_flag cloud_flags[];
extern const size_t cloud_flag_n;
