/* SPDX-License-Identifier: MIT */
/* headgate setup: folder, endpoint and key from flags, environment, file or questions; asks the cloud whose key it is,
 * then writes the configuration and the key file (0600). A key that the cloud refuses is not written; a cloud that
 * cannot be reached stops nothing. Main thread. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/ini.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/probe.h"
#include "cli/prompt.h"
#include "ingest/client.h"

#define ANSWERS_MAX 4

struct setup {
	const char *key_from; /* --key-from */
	bool force;
	/* worked out */
	struct cli *cli;
	char *file, *key_file, *answers[ANSWERS_MAX];
	size_t answer_n;
	bool key_is_new; /* to be written to key_file */
	bool reached;
	struct error unreached;
};

static int setup_on_flag(void *arg, const char *name, const char *value, struct error *err) {
	struct setup *s = arg;
	(void)err;
	if (strcmp(name, "force") == 0) s->force = true;
	else s->key_from = value;
	return 0;
}

/* An answer counts as if it had been given as a flag. */
static int setup_answer(
	struct setup *s, const char *flag, const char *question, const char *offered, struct error *err) {
	struct cli *c = s->cli;
	if (!prompt_possible())
		return error_set(err, ERR_USAGE, "--%s is missing, and there is no terminal to ask on", flag);
	if (s->answer_n == ANSWERS_MAX || c->pair_n + 2 >= ARRAY_LEN(c->pairs))
		return error_set(err, ERR_USAGE, "there are too many flags");
	if (prompt_text(question, offered, &s->answers[s->answer_n], err)) return -1;
	c->pairs[c->pair_n++] = flag;
	c->pairs[c->pair_n++] = s->answers[s->answer_n++];
	return 0;
}

/* Asks for what neither this command line nor its environment say; what files say is offered. Then reads everything
 * again, so that answers are checked as any other value. */
static int setup_ask(struct setup *s, struct error *err) {
	struct config *c = &s->cli->config;
	bool told = config_origin(c, &c->endpoint)->source >= SOURCE_ENVIRONMENT || (c->endpoint && !prompt_possible());
	if (!c->watch.n && setup_answer(s, "watch", "Folder in which recordings appear", NULL, err)) return -1;
	if (!told && setup_answer(s, "endpoint", "Address of the cloud (https://…)", c->endpoint, err)) return -1;
	config_done(c);
	return config_load(c, NULL, s->cli->pairs, err);
}

/* --- the key --- */

static int setup_key_stdin(struct secret *key, struct error *err) {
	char text[4096];
	size_t n = fread(text, 1, sizeof text - 1, stdin);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	const char *start = text_trim(text);
	secret_set(key, start, strlen(start));
	secret_wipe(text, sizeof text);
	return key->len ? 0 : error_set(err, ERR_USAGE, "--key-from -: standard input holds no key");
}

static int setup_key(struct setup *s, struct error *err) {
	struct config *c = &s->cli->config;
	if (s->key_from && strcmp(s->key_from, "-") == 0) return setup_key_stdin(&c->api_key, err);
	if (s->key_from) return secret_read_file(&c->api_key, s->key_from, err);
	if (c->api_key.len) return 0; /* HEADGATE_CLOUD_API_KEY */
	if (!s->key_is_new) return secret_read_file(&c->api_key, s->key_file, err);
	if (prompt_possible()) return prompt_secret("API key", &c->api_key, err);
	return error_set(err, ERR_USAGE,
		"there is no API key: give --key-from FILE (or -), --api-key-file FILE, or HEADGATE_CLOUD_API_KEY");
}

/* --- asking the cloud --- */

static void setup_clock(const struct probe *p) {
	char sentence[256];
	if (ingest_clock_sentence(p->clock_offset_ms, sentence, sizeof sentence)) fprintf(stderr, "WARN %s\n", sentence);
}

/* The key's own station is its name, unless one was given. */
static int setup_probe(struct setup *s, struct error *err) {
	struct config *c = &s->cli->config;
	struct probe probe;
	s->reached = cloud_probe(c, &probe, &s->unreached) == 0;
	if (!s->reached && s->unreached.code == ERR_KEY) {
		*err = s->unreached;
		return error_prefix(err, "nothing was written");
	}
	if (!s->reached) return 0;
	char proxy[400];
	bool through = http_proxy(proxy, sizeof proxy, c->endpoint) != NULL;
	fprintf(stderr, "ok   %s answers in %lld ms%s%s; the key belongs to station %s\n", c->endpoint,
		(long long)probe.latency_ms, through ? " through the proxy " : "", through ? proxy : "",
		TEXT_SAFE(probe.station));
	setup_clock(&probe);
	if (!*probe.station || strcmp(probe.station, c->name) == 0) return 0;
	enum option_source source = config_origin(c, &c->name)->source;
	if (source >= SOURCE_ENVIRONMENT)
		return error_set(err, ERR_CONFIG,
			"station.name is %s, the key belongs to %s: sessions would be stored under %s; give that name, or a key of "
			"%s",
			c->name, probe.station, probe.station, c->name);
	if (source != SOURCE_DEFAULT)
		fprintf(stderr, "WARN station.name was %s, the key belongs to %s: the name is set to %s\n", c->name,
			probe.station, probe.station);
	xfree(c->name);
	c->name = xstrdup(probe.station);
	return 0;
}

static void setup_folders(const struct config *c) {
	for (size_t i = 0; i < c->watch.n; i++) {
		bool good = access(c->watch.items[i], R_OK | X_OK) == 0;
		fprintf(stderr, "%s %s%s%s\n", good ? "ok  " : "WARN", TEXT_SAFE(c->watch.items[i]), good ? "" : ": ",
			good ? " can be read" : strerror(errno));
	}
}

/* --- writing --- */

/* What inih would take for something else, or cut. */
static int setup_line(struct buf *out, const char *name, const char *value, struct error *err) {
	if (strlen(name) + 3 + strlen(value) > INI_LINE_MAX || strpbrk(value, "\r\n") || strstr(value, " ;"))
		return error_set(err, ERR_USAGE,
			"\"%s\" cannot stand in a configuration file: it is longer than %d characters or "
			"holds a line end or \" ;\"",
			TEXT_SAFE(value), INI_LINE_MAX);
	buf_fmt(out, "%s = %s\n", name, value);
	return 0;
}

static int setup_ini(const struct setup *s, struct buf *out, struct error *err) {
	const struct config *c = &s->cli->config;
	buf_str(out, "# written by headgate setup; headgate config shows what is in force\n[station]\n");
	if (setup_line(out, "name", c->name, err)) return -1;
	for (size_t i = 0; i < c->watch.n; i++)
		if (setup_line(out, "watch", c->watch.items[i], err)) return -1;
	if (config_origin(c, &c->state_dir)->source != SOURCE_DEFAULT && setup_line(out, "state", c->state_dir, err))
		return -1;
	buf_str(out, "[cloud]\n");
	if (setup_line(out, "endpoint", c->endpoint, err) || setup_line(out, "api_key_file", s->key_file, err)) return -1;
	return c->ca_file ? setup_line(out, "ca_file", c->ca_file, err) : 0;
}

static int setup_may_replace(const struct setup *s, struct error *err) {
	bool yes = s->force, key = access(s->file, F_OK) != 0;
	const char *there = key ? s->key_file : s->file;
	if (key && (!s->key_is_new || access(s->key_file, F_OK))) return 0;
	if (!yes && prompt_possible()) {
		AUTO(xfree) char *question = xasprintf("Replace %s?", there);
		if (prompt_yes(question, &yes, err)) return -1;
	}
	return yes ? 0 : error_set(err, ERR_CONFIG, "%s is there already: --force replaces it", TEXT_SAFE(there));
}

static int make_parent(const char *path, mode_t mode, struct error *err) {
	AUTO(xfree) char *copy = xstrdup(path);
	return file_mkdirs(dirname(copy), mode, err);
}

static int setup_write(struct setup *s, struct error *err) {
	AUTO(buf_done) struct buf ini = BUF_INIT(1 << 16);
	const struct secret *key = &s->cli->config.api_key;
	if (setup_ini(s, &ini, err) || make_parent(s->file, 0755, err)) return -1;
	if (s->key_is_new) {
		AUTO(buf_done) struct buf text = BUF_INIT(8192);
		buf_add(&text, key->bytes, key->len);
		buf_char(&text, '\n');
		int failed =
			make_parent(s->key_file, 0700, err) || file_write_atomic(s->key_file, text.data, text.len, 0600, err);
		secret_wipe(text.data, text.len);
		if (failed) return -1;
		fprintf(stderr, "ok   wrote the key file %s (0600)\n", s->key_file);
	}
	if (file_write_atomic(s->file, ini.data, ini.len, 0644, err)) return -1;
	fprintf(stderr, "ok   wrote %s\n", s->file);
	return 0;
}

/* Where to write: --config, else the system's as root, else the user's. */
static int setup_places(struct setup *s, struct error *err) {
	const struct config *c = &s->cli->config;
	if (s->cli->config_file) s->file = realpath(s->cli->config_file, NULL);
	if (s->cli->config_file && !s->file) s->file = xstrdup(s->cli->config_file);
	if (!s->file) s->file = geteuid() == 0 ? config_system_file() : config_user_file();
	if (!s->file) return error_set(err, ERR_USAGE, "there is no home folder to write to: give --config FILE");
	/* A key file that another configuration names is used when nothing else is said, and never written over. */
	bool told = config_origin(c, &c->api_key_file)->source >= SOURCE_ENVIRONMENT;
	bool given = s->key_from || c->api_key.len;
	s->key_is_new = given || !c->api_key_file || access(c->api_key_file, F_OK) != 0;
	if (c->api_key_file && (told || !s->key_is_new)) {
		s->key_file = xstrdup(c->api_key_file);
		return 0;
	}
	AUTO(xfree) char *copy = xstrdup(s->file);
	AUTO(xfree) char *folder = path_expand(dirname(copy));
	AUTO(xfree) char *whole = realpath(folder, NULL);
	s->key_file = path_join(whole ? whole : folder, "api-key");
	return 0;
}

static int setup_steps(struct setup *s, struct error *err) {
	struct config *c = &s->cli->config;
	if (setup_ask(s, err) || setup_places(s, err) || setup_may_replace(s, err)) return -1;
	if (setup_key(s, err) || setup_probe(s, err)) return -1;
	setup_folders(c);
	if (setup_write(s, err)) return -1;
	if (s->cli->json) {
		cJSON *o = json_object();
		json_add_text(o, "config", s->file);
		json_add_text(o, "key_file", s->key_file);
		json_add_text(o, "station", c->name);
		json_add_text(o, "endpoint", c->endpoint);
		json_add_bool(o, "cloud_ok", s->reached);
		command_json(o);
	}
	if (s->reached) return 0;
	*err = s->unreached;
	return error_prefix(err, "the configuration is written, but the cloud was not reached");
}

static int setup_body(struct cli *c, struct error *err) {
	struct setup *s = c->arg;
	s->cli = c;
	if (config_load(&c->config, NULL, c->pairs, err)) return -1;
	int failed = setup_steps(s, err);
	for (size_t i = 0; i < s->answer_n; i++) xfree(s->answers[i]);
	xfree(s->file);
	xfree(s->key_file);
	return failed;
}

int cli_setup(int argc, char **argv) {
	static const struct arg_flag flags[] = {
		{"key-from", 'k', "FILE", "take the API key from this file of mode 0600, or from standard input (-)"},
		{"force", 'f', NULL, "replace a configuration that is there"},
	};
	static const struct arg_spec spec = {.command = "setup",
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Writes the configuration (to --config, /etc/headgate as root, else the user's) and the key file.",
		.text =
			"Asks on a terminal for what flags and environment do not say, then asks the cloud whether the key works.\n"
			"A key is never taken from a flag.\n\n"
			"Example:\n  headgate setup --watch /data/recordings --endpoint https://ingest.example.org --key-from -"};
	struct setup s = {0};
	return cli_command_bare(&spec, argc, argv, setup_on_flag, &s, setup_body);
}
