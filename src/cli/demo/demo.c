/* SPDX-License-Identifier: MIT */
/* headgate demo: a cloud, a station and its recordings in one scratch folder, carried through from end to end by the
 * two real programs, and judged by comparing every stored byte. Children are ended and the folder removed on every way
 * out; a signal sets a flag that demo_tick sees. Main thread. */
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "session/schema.h"
#include "base/units.h"
#include "cli/demo/demo.h"

#define TICK_MS 200
#define READY_MS 20000
#define STUCK_MS 120000 /* nothing moved for so long: something is broken */
#define STOP_MS 10000
#define SESSIONS_DEFAULT 6
#define SIZE_DEFAULT 8000000
#define LOG_TAIL 4000

static volatile sig_atomic_t interrupted;
static void on_signal(int number) { interrupted = number; }
bool demo_interrupted(void) { return interrupted != 0; }

static void demo_say(struct demo *d, const char *text) {
	if (d->progress) progress_clear(d->progress);
	fprintf(stderr, "%s\n", text);
}

/* --- while it runs --- */

static int demo_child_died(const char *name, int status, const char *log, struct error *err) {
	return error_set(err, ERR_INTERNAL, "%s ended by itself with status %d; its last words are in %s", name,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), log);
}

static const char *demo_note(const struct demo *d, char *to, size_t size) {
	int over = 0;
	for (int64_t i = 0; i < d->session_n; i++) over += d->sessions[i].known && state_is_final(d->sessions[i].state);
	snprintf(to, size, "%d of %lld sessions decided%s", over, (long long)d->session_n,
		d->slow.fd >= 0 ? ", one file is still being written" : "");
	return to;
}

/* The console's end. One that could not be shown has said why: the bar takes its place. */
static int demo_left(struct demo *d, struct error *err) {
	int status = 0;
	if (!d->console.pid || child_runs(&d->console, &status)) return 0;
	if (status) {
		d->progress = progress_new_bar();
		d->changed_ms = clock_mono_ms();
		return 0;
	}
	d->left = true;
	if (demo_over(d)) return 0;
	return error_set(err, ERR_UNFINISHED, "the console was left before all sessions were decided");
}

int demo_tick(struct demo *d, struct error *err) {
	static int64_t last_ms;
	char note[128];
	int status = 0;
	if (demo_interrupted()) return error_set(err, ERR_CANCELLED, "interrupted: everything is ended");
	if (demo_slow_step(d, err)) return -1;
	if (clock_mono_ms() - last_ms < TICK_MS) return 0;
	last_ms = clock_mono_ms();
	if (!child_runs(&d->cloud, &status)) return demo_child_died("headgate-cloud", status, d->cloud_log, err);
	if (!child_runs(&d->engine, &status)) return demo_child_died("headgate run", status, d->engine_log, err);
	if (demo_look(d, err)) return -1;
	if (demo_left(d, err)) return -1;
	progress_bytes(d->progress, d->done, d->total, demo_slow_left_ms(d), demo_note(d, note, sizeof note));
	return 0;
}

static int demo_wait(struct demo *d, struct error *err) {
	d->changed_ms = clock_mono_ms();
	while (d->console.pid || !demo_over(d)) {
		if (demo_tick(d, err)) return -1;
		if (!d->console.pid && clock_mono_ms() - d->changed_ms > STUCK_MS)
			return error_set(err, ERR_UNFINISHED, "nothing has moved for %d s", STUCK_MS / 1000);
		poll(NULL, 0, 50);
	}
	return 0;
}

/* --- the scratch folder --- */

static int demo_folder(struct demo *d, struct error *err) {
	struct file_system fs;
	if (d->keep) {
		if (rmdir(d->keep) && errno != ENOENT && errno != ENOTDIR)
			return error_set(err, ERR_USAGE, "--keep %s: the folder must be new or empty", TEXT_SAFE(d->keep));
		if (file_mkdirs(d->keep, 0755, err)) return -1;
		d->dir = realpath(d->keep, NULL);
		return d->dir ? 0 : error_errno(err, ERR_DISK, errno, "--keep %s", d->keep);
	}
	const char *base = getenv("TMPDIR");
	if (!base || *base != '/') base = "/tmp";
	if (file_system_of(base, &fs, err)) return -1;
	if (!fs.durable) base = "/var/tmp"; /* the recordings may be large: not into memory */
	AUTO(xfree) char *template = path_join(base, "headgate-demo.XXXXXX");
	if (!mkdtemp(template)) return error_errno(err, ERR_DISK, errno, "make a scratch folder in %s", base);
	d->dir = TAKE(template);
	return 0;
}

static int demo_room(const struct demo *d, struct error *err) {
	struct file_system fs;
	int64_t needed = 2 * d->session_n * d->size + (64 << 20);
	if (file_system_of(d->dir, &fs, err)) return -1;
	if (fs.free_bytes >= needed) return 0;
	return error_set(err, ERR_DISK, "the demo needs %s in %s, where %s are free: --keep DIR names another place",
		UNIT_BYTES(needed), d->dir, UNIT_BYTES(fs.free_bytes));
}

static int demo_put(const char *path, const char *text, mode_t mode, struct error *err) {
	return file_write_atomic(path, text, strlen(text), mode, err);
}

static int demo_folders(struct demo *d, struct error *err) {
	d->recordings = path_join(d->dir, "recordings");
	d->state = path_join(d->dir, "state");
	d->data = path_join(d->dir, "cloud");
	d->ini = path_join(d->dir, "headgate.ini");
	d->engine_log = path_join(d->dir, "engine.log");
	d->cloud_log = path_join(d->dir, "cloud.log");
	return demo_room(d, err) || file_mkdirs(d->recordings, 0755, err) ? -1 : 0;
}

static int demo_programs(struct demo *d, struct error *err) {
	d->headgate = realpath("/proc/self/exe", NULL);
	if (!d->headgate) return error_errno(err, ERR_INTERNAL, errno, "find this program");
	AUTO(xfree) char *copy = xstrdup(d->headgate);
	d->headgate_cloud = path_join(dirname(copy), "headgate-cloud");
	if (access(d->headgate_cloud, X_OK) == 0) return 0;
	return error_set(
		err, ERR_NOT_FOUND, "headgate-cloud is not beside this program (%s): build or install both", d->headgate_cloud);
}

/* The environment without what begins so and without proxies; `name` and the system's settings are in `dir`. */
static char **environment_within(const char *dir, const char *name, const char *const *drop, size_t drop_n) {
	extern char **environ;
	size_t n = 0;
	while (environ[n]) n++;
	char **env = xcalloc(n + 3, sizeof *env);
	n = 0;
	for (char **e = environ; *e; e++) {
		const char *equals = strchr(*e, '=');
		bool dropped = equals && equals - *e > 6 && strncasecmp(equals - 6, "_proxy", 6) == 0;
		for (size_t i = 0; i < drop_n; i++) dropped = dropped || text_starts(*e, drop[i]);
		if (!dropped) env[n++] = xstrdup(*e);
	}
	env[n++] = xasprintf("%s=%s", name, dir);
	env[n] = xasprintf("CONFIGURATION_DIRECTORY=%s", dir);
	return env;
}

/* The demo's children see no settings of the user or the system; the console keeps the user's view of it. */
static void demo_environment(struct demo *d) {
	static const char *const drop[] = {
		"HEADGATE_", "XDG_", "STATE_DIRECTORY=", "CONFIGURATION_DIRECTORY=", "HOME=", "AWS_"};
	static const char *const settings[] = {"HEADGATE_", "XDG_CONFIG_HOME=", "CONFIGURATION_DIRECTORY="};
	d->env = environment_within(d->dir, "HOME", drop, ARRAY_LEN(drop));
	d->console_env = environment_within(d->dir, "XDG_CONFIG_HOME", settings, ARRAY_LEN(settings));
}

static void environment_free(char **env) {
	for (char **e = env; e && *e; e++) xfree(*e);
	xfree(env);
}

/* --- the two programs --- */

static int demo_start_cloud(struct demo *d, struct error *err) {
	AUTO(xfree) char *schema = path_join(d->dir, "schema.ini");
	char line[256];
	const char *argv[] = {
		d->headgate_cloud, "serve", "--data", d->data, "--listen", "127.0.0.1:0", "--schema", schema, NULL};
	/* Stricter than the station's own rules: only the cloud knows the models. */
	if (demo_put(schema,
			"[metadata]\nfile = " SCHEMA_FILE "\n[metadata.keys]\nfatigue_level = number 0..10 required\n"
			"hardware_model = text required one_of(HX-100|HX-200)\n",
			0644, err))
		return -1;
	if (child_start(&d->cloud, argv, d->env, d->cloud_log, true, err)) return -1;
	if (child_line(&d->cloud, line, sizeof line, READY_MS, err)) return error_prefix(err, "start headgate-cloud");
	if (!text_starts(line, "ready http"))
		return error_set(err, ERR_INTERNAL, "headgate-cloud said \"%s\"", TEXT_SAFE(line));
	text_copy(d->url, sizeof d->url, line + 6);
	return 0;
}

static int demo_add_key(struct demo *d, struct error *err) {
	AUTO(buf_done) struct buf key = BUF_INIT(4096);
	AUTO(xfree) char *path = path_join(d->dir, "api-key");
	const char *argv[] = {d->headgate_cloud, "key", "add", "--data", d->data, "--station", "demo", NULL};
	if (child_output(argv, d->env, d->cloud_log, &key, err)) return -1;
	return file_write_atomic(path, key.data, key.len, 0600, err);
}

static int demo_start_engine(struct demo *d, struct error *err) {
	AUTO(xfree)
	char *text =
		xasprintf("[station]\nname = demo\nwatch = %s\nstate = %s\nsettle = %dms\nrescan = 2s\nallow_volatile = yes\n"
				  "[cloud]\nendpoint = %s\napi_key_file = %s/api-key\n[upload]\nretry_base = 500ms\nretry_cap = 5s\n"
				  "[metadata]\nfile = " SCHEMA_FILE
				  "\ncloud_schema = no\n[metadata.keys]\nfatigue_level = number 0..10 required\n"
				  "hardware_model = text required\n",
			d->recordings, d->state, DEMO_SETTLE_MS, d->url, d->dir);
	const char *argv[] = {d->headgate, "run", "--config", d->ini, NULL};
	if (demo_put(d->ini, text, 0644, err)) return -1;
	return child_start(&d->engine, argv, d->env, d->engine_log, false, err);
}

/* On the engine that runs already: a console that found none would start one of its own. */
static int demo_start_console(struct demo *d, struct error *err) {
	const char *argv[] = {d->headgate, "--config", d->ini, NULL};
	int64_t end_ms = clock_mono_ms() + READY_MS;
	while (!d->client) {
		if (demo_tick(d, err)) return -1;
		if (clock_mono_ms() > end_ms)
			return error_set(err, ERR_TIMEOUT, "the engine did not answer within %d s", READY_MS / 1000);
		poll(NULL, 0, 20);
	}
	return child_start_here(&d->console, argv, d->console_env, err);
}

/* --- the whole --- */

static bool demo_with_console(const struct demo *d) {
	return !d->json && !d->no_console && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* The table of what there is; that it is not all stays what the command ends with. */
static int demo_left_early(struct demo *d, struct error *err) {
	struct error not_all = ERROR_INIT;
	child_stop(&d->engine, STOP_MS);
	if (demo_verify(d, &not_all) == 0 && demo_summary(d, &not_all) == 0) return 0;
	if (not_all.code != ERR_ATTENTION) *err = not_all;
	return -1;
}

static int demo_go(struct demo *d, struct error *err) {
	char text[256];
	if (demo_programs(d, err) || demo_folders(d, err)) return -1;
	demo_environment(d);
	if (demo_start_cloud(d, err) || demo_add_key(d, err) || demo_start_engine(d, err)) return -1;
	snprintf(text, sizeof text, "a cloud at %s, a station watching %s; %lld sessions of %s follow", d->url,
		d->recordings, (long long)d->session_n, UNIT_BYTES(d->size));
	demo_say(d, text);
	int64_t began_ms = clock_mono_ms();
	if (demo_with_console(d) && demo_start_console(d, err)) return -1;
	if (demo_make(d, err) || demo_wait(d, err)) return d->left ? demo_left_early(d, err) : -1;
	progress_clear(d->progress);
	child_stop(&d->engine, STOP_MS);
	snprintf(text, sizeof text, "all decided after %s; comparing every stored byte with its file",
		UNIT_DURATION(d->changed_ms - began_ms)); /* the console may have stayed longer */
	demo_say(d, text);
	return demo_verify(d, err) || demo_summary(d, err) ? -1 : 0;
}

static void demo_show_tail(struct demo *d, const char *path) {
	AUTO(buf_done) struct buf log = BUF_INIT(64 << 20), safe = BUF_INIT(1 << 20);
	struct error none = ERROR_INIT;
	if (!path || file_read(path, 64 << 20, &log, &none) || !log.len) return;
	size_t from = log.len > LOG_TAIL ? log.len - LOG_TAIL : 0;
	demo_say(d, path);
	for (const char *line = log.data + from, *end; *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		buf_str(&safe, "  ");
		text_escape(&safe, line, (size_t)(end - line));
		buf_char(&safe, '\n');
	}
	fputs(buf_text(&safe), stderr);
}

static void demo_kept(struct demo *d) {
	fprintf(stderr,
		"kept in %s: recordings/ (the sessions), cloud/ (the store), state/ (the journal), engine.log, cloud.log\n"
		"  %s sessions --config %s\n  %s objects --data %s\n",
		d->dir, d->headgate ? d->headgate : CLI_PROGRAM, d->ini ? d->ini : "",
		d->headgate_cloud ? d->headgate_cloud : "", d->data ? d->data : "");
}

static void demo_end(struct demo *d) {
	struct error why = ERROR_INIT;
	if (d->slow.fd >= 0) fd_close(TAKE_FD(d->slow.fd));
	child_stop(&d->console, STOP_MS); /* first: it gives the terminal back */
	child_stop(&d->engine, STOP_MS);
	child_stop(&d->cloud, STOP_MS);
	control_close(d->client);
	journal_view_close(d->view);
	progress_free(d->progress);
	if (d->keep && d->dir) demo_kept(d);
	else if (d->dir && file_remove_tree(d->dir, &why)) fprintf(stderr, "%s\n", why.text);
	for (int64_t i = 0; d->sessions && i < d->session_n; i++) xfree(d->sessions[i].reason);
	char *const owned[] = {
		d->dir, d->recordings, d->state, d->data, d->ini, d->engine_log, d->cloud_log, d->headgate, d->headgate_cloud};
	for (size_t i = 0; i < ARRAY_LEN(owned); i++) xfree(owned[i]);
	environment_free(d->env);
	environment_free(d->console_env);
	xfree(d->sessions);
}

static void demo_catch_signals(void) {
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction catch = {.sa_handler = on_signal};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) sigaction(numbers[i], &catch, NULL);
	signal(SIGPIPE, SIG_IGN); /* else a closed terminal would leave children behind */
}

static int demo_body(struct cli *c, struct error *err) {
	struct demo *d = c->arg;
	d->json = c->json;
	demo_catch_signals();
	demo_plan(d);
	int failed = demo_folder(d, err);
	if (!failed) {
		if (!demo_with_console(d)) d->progress = progress_new_bar();
		failed = demo_go(d, err);
		progress_clear(d->progress);
		if (demo_interrupted()) failed = error_set(err, ERR_CANCELLED, "interrupted: everything is ended");
		if (failed && err->code != ERR_CANCELLED && err->code != ERR_USAGE && !d->left) {
			demo_show_tail(d, d->cloud_log);
			demo_show_tail(d, d->engine_log);
		}
	}
	demo_end(d);
	return failed ? -1 : 0;
}

static int demo_on_flag(void *arg, const char *name, const char *value, struct error *err) {
	struct demo *d = arg;
	if (strcmp(name, "no-console") == 0) {
		d->no_console = true;
		return 0;
	}
	if (strcmp(name, "keep") == 0) {
		d->keep = value;
		return 0;
	}
	if (strcmp(name, "sessions") == 0) {
		if (text_to_i64(value, 1, 100000, &d->session_n) == 0) return 0;
		return error_set(err, ERR_USAGE, "--sessions \"%s\" is not a number from 1 to 100000", TEXT_SAFE(value));
	}
	if (unit_parse_bytes(value, &d->size, err)) {
		err->code = ERR_USAGE;
		return error_prefix(err, "--size");
	}
	if (d->size >= DEMO_SIZE_LEAST && d->size <= 1000000000000) return 0;
	return error_set(
		err, ERR_USAGE, "--size %s is outside the range from %d bytes to 1 TB", TEXT_SAFE(value), DEMO_SIZE_LEAST);
}

int cli_demo(int argc, char **argv) {
	static const struct arg_flag flags[] = {
		{"sessions", 'n', "N", "how many, from 5 on one of each kind among them (default 6)"},
		{"size", 0, "BYTES", "of each session (default 8MB)"},
		{"keep", 'k', "DIR", "use this new folder, and keep it"},
		{"no-console", 0, NULL, "on a terminal: progress and summary only"},
	};
	static const struct arg_spec spec = {.command = "demo",
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Starts a cloud in a scratch folder, lets sessions appear, carries them there, compares every byte.",
		.text =
			"Among the sessions: one with a metadata value out of range (held), one whose file is still being written\n"
			"for some seconds, one named by 29 Feb 2021, one that only the cloud's schema rejects.\n"
			"On a terminal the console shows it all moving; leaving it (Q) ends the demo and prints the summary.\n"
			"Exit status 0 only when exactly the right ones were accepted and every object equals its file.\n\n"
			"Example:\n  headgate demo --sessions 10 --size 600MB --keep /var/tmp/demo"};
	struct demo d = {.session_n = SESSIONS_DEFAULT,
		.size = SIZE_DEFAULT,
		.cloud = CHILD_NONE,
		.engine = CHILD_NONE,
		.console = CHILD_NONE,
		.slow.fd = -1};
	return cli_command_apart(&spec, argc, argv, demo_on_flag, &d, demo_body);
}
