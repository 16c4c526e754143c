/* SPDX-License-Identifier: MIT */
/* headgate-cloud serve, from opening the data folder to the last answer. A thread of its own waits for signals and
 * hands them to the main thread, so that the end comes in bounded time even when that one hangs (a network disk that
 * went away): what was answered is on the disk, and a start after being killed finds it. Every thread has SIGTERM,
 * SIGINT and SIGHUP blocked, so that none is interrupted. */
#include "cloud/serve/server.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/log.h"
#include "cloud/call/api.h"
#include "cloud/http/http.h"
#include "cloud/http/listen.h"
#include "cloud/serve/surfaces.h"

#define STOP_MS 30000
#define HANG_MS 15000 /* beyond STOP_MS, until the end is not waited for any more */
#define LOG_FILE_BYTES (16 << 20)
#define LOG_FILE_KEEP 4
#define FILES_MAX 65536

/* A pipe or a device in the place of a certificate would be waited for without end. */
static int pem_check(const char *file, struct error *err) {
	AUTO(fd_close) int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st)) return error_errno(err, ERR_CONFIG, errno, "cannot read %s", file);
	return S_ISREG(st.st_mode) ? 0 : error_set(err, ERR_CONFIG, "%s is no file: name a file in PEM", file);
}

static int tls_open(const struct cloud_config *c, SSL_CTX **ret, struct error *err) {
	*ret = NULL;
	if (!c->tls_cert) return 0;
	if (pem_check(c->tls_cert, err) || pem_check(c->tls_key, err)) return -1;
	return wire_tls_open(ret, c->tls_cert, c->tls_key, err);
}

/* --- signals --- */

struct signals {
	sigset_t set;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool again, stop, ended;
	pthread_t thread;
	bool runs;
};

/* Called with the lock. */
static void end_await(struct signals *s) {
	const struct timespec until = deadline_after(STOP_MS + HANG_MS);
	while (!s->ended)
		if (pthread_cond_timedwait(&s->changed, &s->lock, &until)) break;
	if (s->ended) return;
	alarm(5); /* the log may hang too */
	log_event(LOG_ERROR, "server", "something hangs (a disk, the network); ended without waiting for it", NULL);
	_exit(1);
}

static void *signals_main(void *arg) {
	struct signals *s = arg;
	for (bool stop = false; !stop;) {
		int which = sigwaitinfo(&s->set, NULL);
		if (which < 0) continue;
		pthread_mutex_lock(&s->lock);
		s->again = s->again || which == SIGHUP;
		s->stop = stop = which != SIGHUP;
		pthread_cond_broadcast(&s->changed);
		if (stop) end_await(s);
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static int signals_start(struct signals *s, struct error *err) {
	int e = pthread_create(&s->thread, NULL, signals_main, s);
	s->runs = e == 0;
	return e ? error_errno(err, ERR_INTERNAL, e, "start the thread of signals") : 0;
}

static void signals_end(struct signals *s) {
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (s->runs) pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

/* A part of what SIGHUP reads anew: what cannot be used is said, and what was in force stays so. */
static void again_failed(const char *part, const struct error *err) {
	log_event(LOG_ERROR, "server", "not read again; what was in force stays", "part", part, "why", err->text, NULL);
}

/* SIGHUP: the log's file, the rules, the certificate. */
static void serve_again(struct api *api, struct http_server *server) {
	struct error err = ERROR_INIT;
	SSL_CTX *tls;
	log_again();
	if (api_rules_again(api, &err)) again_failed("configuration", &err);
	else log_event(LOG_INFO, "server", "rules and allow-list were read again", NULL);
	if (!api->config->tls_cert) return;
	if (tls_open(api_rules(api)->config, &tls, &err)) {
		again_failed("certificate", &err);
	} else if (tls) {
		http_server_tls(server, tls);
		log_event(LOG_INFO, "server", "the certificate was read again", NULL);
	}
}

/* Until the end is asked for. */
static void wait_signal(struct signals *s, struct api *api, struct http_server *server) {
	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		bool again = s->again;
		s->again = false;
		if (again) {
			pthread_mutex_unlock(&s->lock);
			serve_again(api, server);
			pthread_mutex_lock(&s->lock);
		} else {
			pthread_cond_wait(&s->changed, &s->lock);
		}
	}
	pthread_mutex_unlock(&s->lock);
}

static int serve_on(
	const struct cloud_config *c, struct api *api, SSL_CTX *tls, struct signals *signals, struct error *err) {
	struct http_server *server;
	char at[LISTEN_TEXT];
	int fd;
	const char *scheme = tls ? "https" : "http";
	if (listen_open(c->listen, &fd, at, err)) {
		wire_tls_close(tls);
		return -1;
	}
	if (http_server_start(&server, api, fd, tls, &http_limits, err)) return -1;
	if (signals_start(signals, err)) {
		http_server_stop(server, 0);
		return -1;
	}
	printf("ready %s://%s\n", scheme, at);
	fflush(stdout);
	log_event(LOG_INFO, "server", "ready", "listen", at, "data", c->data, NULL);
	wait_signal(signals, api, server);
	api_stop(api);
	int cut = http_server_stop(server, STOP_MS);
	if (cut) log_event(LOG_WARN, "server", "stopped; requests were cut after 30 s", NULL);
	else log_event(LOG_INFO, "server", "stopped", NULL);
	return 0;
}

static int serve(const struct cloud_config *c, struct signals *signals, struct error *err) {
	AUTO(api_close) struct api *api = NULL;
	SSL_CTX *tls;
	if (tls_open(c, &tls, err)) return -1;
	if (api_open(&api, c, surfaces, err)) {
		wire_tls_close(tls);
		return -1;
	}
	return serve_on(c, api, tls, signals, err);
}

/* As many descriptors as this user may have: a connection with a body takes three. And of the C library, few heaps that
 * keep what was freed, however many threads there are. */
static void limits_set(void) {
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = MIN(files.rlim_max, (rlim_t)FILES_MAX);
		(void)!setrlimit(RLIMIT_NOFILE, &files);
	}
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, 8);
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif
}

int cloud_serve(const struct cloud_config *c, struct error *err) {
	limits_set();
	struct signals signals = {0};
	sigset_t before;
	sigemptyset(&signals.set);
	sigaddset(&signals.set, SIGTERM);
	sigaddset(&signals.set, SIGINT);
	sigaddset(&signals.set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals.set, &before);
	signal(SIGPIPE, SIG_IGN);
	if (c->log_file && log_open(c->log_file, LOG_INFO, LOG_FILE_BYTES, LOG_FILE_KEEP, err)) return -1;
	pthread_mutex_init(&signals.lock, NULL);
	condition_init(&signals.changed);
	int status = serve(c, &signals, err);
	signals_end(&signals);
	log_close();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}
