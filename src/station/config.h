/* SPDX-License-Identifier: MIT */
/* The station's configuration: product.md "Configuration", one table of rows (base/option). */
#pragma once

#include "base/args.h"
#include "base/option.h"
#include "base/pattern.h"
#include "base/secret.h"
#include "session/schema.h"
#include "station/bandwidth.h"

struct config {
	/* [station] */
	char *name;				  /* default: the host's name made valid */
	char *state_dir;		  /* default $STATE_DIRECTORY, $XDG_STATE_HOME/headgate, ~/.local/state/headgate */
	struct option_list watch; /* recording roots */
	int64_t settle_ms, rescan_ms, at_once, keep_events_ms;
	char *done_marker; /* name of a file that says "complete"; NULL: none */
	struct option_list ignore,
		temporary;					   /* patterns: files that are no part of a session; that somebody still writes */
	struct option_list empty;		   /* [check]: files that may be empty */
	bool marker_required;			   /* a session settles with its done_marker only */
	struct option_list ignore_folders; /* patterns: other folders in a root that are no recordings */
	bool may_be_empty;				   /* a root in which sessions were */
	char *since;					   /* "YYYY-MM-DD" or "YYYYMMDD_HHMMSS": older sessions are left alone; NULL */
	int64_t total_min, total_max;	   /* plausible size of a session in bytes; 0: no limit */
	char *group;
	bool allow_volatile; /* journal on tmpfs or a network file system */
	/* [cloud] */
	char *endpoint, *api_key_file, *ca_file;
	struct secret api_key; /* from the file or HEADGATE_CLOUD_API_KEY, never from a flag */
	bool api_key_of_file;  /* a key in the environment goes before the file's */
	/* [upload] */
	int64_t connections; /* 1..64, default 4 */
	struct bandwidth_window bandwidth;
	int64_t low_rate_bytes, low_rate_ms, answer_ms, deadline_ms; /* of one transfer */
	int64_t retry_base_ms, retry_cap_ms;						 /* journal-level back-off, 30 s .. 1 h */
	/* [metadata], [metadata.keys] */
	int64_t metadata_wait_ms; /* a session whose metadata file is missing for longer is a person's matter */
	int metadata_file_sets;	  /* more than once: the name was given, not only its default */
	bool cloud_schema; /* check with the cloud's rules too; no: only with our own, the cloud alone judges by its own */
	struct schema schema; /* the station's own rules; only stricter ones count */
	/* [log] */
	char *log_file, *log_level;

	struct option_set set; /* rows, origins (owned): what `headgate config` prints */
	char *file_flag;	   /* --config, or NULL */
	/* metadata.keys as written, for `headgate config`: "key = rule", and "FILE:LINE" of each */
	struct option_list metadata_keys, metadata_where;
	bool metadata_keys_begun; /* while loading: the file in hand has set one, so it adds */
};
/* Reads the system's file, the user's, --config (required when given), HEADGATE_*, then the flags given as pairs
 * ("endpoint", "http://…") ended by NULL. ERR_CONFIG / ERR_USAGE. What a command needs (an endpoint, a key, a root) is
 * asked of it by config_require. */
MUST_USE int config_load(struct config *c, const char *config_flag, const char *const *flags, struct error *err);
enum config_need { NEED_WATCH = 1, NEED_CLOUD = 2, NEED_STATE = 4 };
MUST_USE int config_require(
	struct config *c, int needs, struct error *err); /* reads the key file; makes the state folder */
/* Where the value of a field of c came from; never NULL. */
const struct option_origin *config_origin(const struct config *c, const void *field);
void config_done(struct config *c);
DEFINE_AUTO_VAL(struct config, config_done)
extern const struct arg_flag config_flags[]; /* flags every station command shares (base/args) */
extern const size_t config_flag_n;
/* The paths that are read without being asked for, strongest last. The caller frees. */
char *config_system_file(void); /* headgate.ini of $CONFIGURATION_DIRECTORY (systemd.exec(5)), else of /etc/headgate */
char *config_user_file(void);	/* NULL where there is no home */
