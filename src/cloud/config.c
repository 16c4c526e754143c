/* SPDX-License-Identifier: MIT */
/* headgate-cloud's configuration: the rows, their sources, and what must fit together. A loaded struct must not be
 * moved: its option_set points into it. Loaded once at the start; read by any thread afterwards. */
#include "cloud/config.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "session/name.h"

#define AT(field) offsetof(struct cloud_config, field)
#define MINUTE 60000
#define MIB (1LL << 20)
/* clang-format off */
static const struct option cloud_rows[] = {
	{.section = "cloud", .name = "data", .type = OPTION_TEXT, .offset = AT(data), .flag = "data",
		.help = "folder of the store: objects, catalog, logs"},
	{.section = "cloud", .name = "listen", .type = OPTION_TEXT, .offset = AT(listen), .flag = "listen",
		.initial = "127.0.0.1:8750", .help = "HOST:PORT to serve on; port 0: a free one"},
	{.section = "cloud", .name = "public_url", .type = OPTION_TEXT, .offset = AT(public_url), .flag = "public-url",
		.help = "address under which stations reach it, where that differs from the one they call"},
	{.section = "cloud", .name = "schema", .type = OPTION_TEXT, .offset = AT(schema_file), .flag = "schema",
		.help = "file of metadata rules: [metadata], [metadata.keys], [check] empty"},
	{.section = "cloud", .name = "allow", .type = OPTION_LIST, .offset = AT(allow), .flag = "allow",
		.help = "addresses that may call (10.0.0.0/8); may be given several times; none: all"},
	{.section = "cloud", .name = "rate", .type = OPTION_INT, .offset = AT(rate), .flag = "rate", .min = 0, .max = 1000000,
		.initial = "200", .help = "requests a second, per key and per address; 0: no limit"},
	{.section = "cloud", .name = "burst", .type = OPTION_INT, .offset = AT(burst), .flag = "burst", .min = 1,
		.max = 1000000, .initial = "400", .help = "requests at once before the rate counts"},
	{.section = "cloud", .name = "connections", .type = OPTION_INT, .offset = AT(connections), .flag = "connections",
		.min = 1, .max = 100000, .initial = "512", .help = "connections at the same time, as far as the limit on open files allows"},
	{.section = "cloud", .name = "memory", .type = OPTION_BYTES, .offset = AT(memory), .flag = "memory",
		.min = 64 * MIB, .max = INT64_MAX, .initial = "128MiB", .help = "memory for the bodies and answers of all calls"},
	{.section = "cloud", .name = "tls_cert", .type = OPTION_TEXT, .offset = AT(tls_cert), .flag = "tls-cert",
		.help = "certificate chain (PEM) to serve HTTPS with"},
	{.section = "cloud", .name = "tls_key", .type = OPTION_TEXT, .offset = AT(tls_key), .flag = "tls-key",
		.help = "private key (PEM) of that certificate"},
	{.section = "cloud", .name = "keep_free", .type = OPTION_BYTES, .offset = AT(keep_free), .flag = "keep-free",
		.min = 0, .max = INT64_MAX, .initial = "256MiB",
		.help = "of the disk, kept for catalog and logs; at most a twentieth of it"},
	{.section = "cloud", .name = "log_size", .type = OPTION_BYTES, .offset = AT(log_bytes), .flag = "log-size",
		.min = MIB, .max = INT64_MAX, .initial = "256MiB", .help = "size of the log groups, at most a tenth of the disk; the oldest events go"},
	{.section = "cloud", .name = "log_age", .type = OPTION_DURATION, .offset = AT(log_age_ms), .flag = "log-age",
		.min = MINUTE, .max = INT64_MAX, .initial = "90d", .help = "how long the log groups keep an event"},
	{.section = "cloud", .name = "log_file", .type = OPTION_TEXT, .offset = AT(log_file), .flag = "log-file",
		.help = "file of the program's own log; none: standard error"},
	{.section = "cloud", .name = "raw_bucket", .type = OPTION_TEXT, .offset = AT(raw_bucket), .flag = "raw-bucket",
		.initial = "headgate-raw", .help = "bucket of the recordings"},
	{.section = "cloud", .name = "processed_bucket", .type = OPTION_TEXT, .offset = AT(processed_bucket),
		.flag = "processed-bucket", .initial = "headgate-processed", .help = "bucket of what processing makes of them"},
	{.section = "cloud", .name = "lake_bucket", .type = OPTION_TEXT, .offset = AT(lake_bucket), .flag = "lake-bucket",
		.initial = "headgate-lake", .help = "bucket of device data"},
	{.section = "cloud", .name = "region", .type = OPTION_TEXT, .offset = AT(region), .flag = "region",
		.initial = "us-east-1", .help = "region in the signatures of presigned URLs"},
	{.section = "cloud", .name = "token_time", .type = OPTION_DURATION, .offset = AT(token_ms), .flag = "token-time",
		.min = 1000, .max = 24 * 60 * MINUTE, .initial = "1h", .help = "how long a token is good"},
	{.section = "cloud", .name = "url_time", .type = OPTION_DURATION, .offset = AT(url_ms), .flag = "url-time",
		.min = 1000, .max = 7 * 24 * 60 * MINUTE, .initial = "15m", .help = "how long a presigned URL is good"},
};

/* The flags of those rows; a test holds the two lists together. */
const struct arg_flag cloud_flags[] = {
	{"config", 'c', "FILE", "configuration file, section [cloud]"},
	{"data", 'd', "DIR", "folder of the store: objects, catalog, logs"},
	{"listen", 'l', "HOST:PORT", "address to serve on; port 0: a free one"},
	{"public-url", 0, "URL", "address under which stations reach it, where that differs from the one they call"},
	{"schema", 0, "FILE", "file of metadata rules: [metadata], [metadata.keys], [check] empty"},
	{"allow", 0, "CIDR", "addresses that may call (10.0.0.0/8); may be given several times; none: all"},
	{"rate", 0, "N", "requests a second, per key and per address; 0: no limit"},
	{"burst", 0, "N", "requests at once before the rate counts"},
	{"connections", 0, "N", "connections at the same time, as far as the limit on open files allows"},
	{"memory", 0, "SIZE", "memory for the bodies and answers of all calls"},
	{"tls-cert", 0, "FILE", "certificate chain (PEM) to serve HTTPS with"},
	{"tls-key", 0, "FILE", "private key (PEM) of that certificate"},
	{"keep-free", 0, "SIZE", "of the disk, kept for catalog and logs; at most a twentieth of it"},
	{"log-size", 0, "SIZE", "size of the log groups, at most a tenth of the disk; the oldest events go"},
	{"log-age", 0, "TIME", "how long the log groups keep an event"},
	{"log-file", 0, "FILE", "file of the program's own log; none: standard error"},
	{"raw-bucket", 0, "NAME", "bucket of the recordings"},
	{"processed-bucket", 0, "NAME", "bucket of what processing makes of them"},
	{"lake-bucket", 0, "NAME", "bucket of device data"},
	{"region", 0, "NAME", "region in the signatures of presigned URLs"},
	{"token-time", 0, "TIME", "how long a token is good"},
	{"url-time", 0, "TIME", "how long a presigned URL is good"},
};
/* clang-format on */
const size_t cloud_flag_n = ARRAY_LEN(cloud_flags);

static int cloud_check_data(struct cloud_config *c, struct error *err) {
	if (c->data) return 0;
	return error_set(err, ERR_CONFIG, "no data folder is named: give --data DIR, [cloud] data or HEADGATE_CLOUD_DATA");
}

static int cloud_check_listen(struct cloud_config *c, struct error *err) {
	const char *colon = c->listen ? strrchr(c->listen, ':') : NULL;
	int64_t port;
	if (colon && colon > c->listen && text_to_i64(colon + 1, 0, 65535, &port) == 0) return 0;
	return error_set(err, ERR_CONFIG, "listen \"%s\" is not HOST:PORT: write 127.0.0.1:8750, [::1]:8750 or 0.0.0.0:0",
		c->listen ? TEXT_SAFE(c->listen) : "");
}

static int cloud_check_url(struct cloud_config *c, struct error *err) {
	if (!c->public_url || text_is_web_address(c->public_url, false)) return 0;
	return error_set(
		err, ERR_CONFIG, "public_url \"%s\" is not https://HOST[:PORT] without a path", TEXT_SAFE(c->public_url));
}

static int cloud_check_tls(struct cloud_config *c, struct error *err) {
	if (!c->tls_cert == !c->tls_key) return 0;
	return error_set(err, ERR_CONFIG, "%s is given without %s: TLS needs both", c->tls_cert ? "tls_cert" : "tls_key",
		c->tls_cert ? "tls_key" : "tls_cert");
}

static int cloud_check_buckets(struct cloud_config *c, struct error *err) {
	const char *const buckets[] = {c->raw_bucket, c->processed_bucket, c->lake_bucket};
	for (size_t i = 0; i < ARRAY_LEN(buckets); i++) {
		if (bucket_name_check(buckets[i] ? buckets[i] : "", err)) return -1;
		for (size_t k = 0; k < i; k++)
			if (strcmp(buckets[i], buckets[k]) == 0)
				return error_set(
					err, ERR_CONFIG, "the bucket %s is named twice: raw, processed and lake are separate", buckets[i]);
	}
	return 0;
}

static int cloud_read_schema(struct cloud_config *c, struct error *err) {
	if (!c->schema_file) return 0;
	if (schema_read_ini(&c->schema, c->schema_file, err) == 0) return 0;
	err->code = ERR_CONFIG;
	return -1;
}

static void cloud_config_begin(struct cloud_config *c) {
	*c = (struct cloud_config){0};
	schema_init(&c->schema);
	c->set = (struct option_set){
		.rows = cloud_rows,
		.n = ARRAY_LEN(cloud_rows),
		.config = c,
		.origins = xcalloc(ARRAY_LEN(cloud_rows), sizeof(struct option_origin)),
		.env_prefix = "HEADGATE_",
		.env_shared = "cloud", /* the station's HEADGATE_CLOUD_ENDPOINT and the like */
	};
}

int cloud_config_load(struct cloud_config *c, const char *config_file, const char *const *flags, struct error *err) {
	static int (*const checks[])(struct cloud_config *, struct error *) = {
		cloud_check_data, cloud_check_listen, cloud_check_url, cloud_check_tls, cloud_check_buckets, cloud_read_schema};
	cloud_config_begin(c);
	c->from_file = config_file;
	c->from_flags = flags;
	if (options_default(&c->set, err)) return -1;
	if (config_file && options_file(&c->set, config_file, true, err)) return -1;
	if (options_environment(&c->set, err)) return -1;
	for (; flags && *flags; flags += 2)
		if (options_flag(&c->set, flags[0], flags[1], err)) return -1;
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (checks[i](c, err)) return -1;
	return 0;
}

void cloud_config_done(struct cloud_config *c) {
	if (c->set.rows) options_done(&c->set);
	xfree(TAKE(c->set.origins));
	schema_done(&c->schema);
	*c = (struct cloud_config){0};
}
