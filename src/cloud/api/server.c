/* SPDX-License-Identifier: MIT */
/* headgate-cloud serve, from opening the data folder to the last answer. The main thread only waits for a signal; every
 * thread that is started here has SIGTERM, SIGINT and SIGHUP blocked, so that none is interrupted. */
#include "cloud/api/server.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/log.h"
#include "cloud/api/api.h"
#include "cloud/api/http.h"
#include "cloud/api/listen.h"

#define STOP_MS 30000
#define LOG_FILE_BYTES (16 << 20)
#define LOG_FILE_KEEP 4
#define FILES_MAX 65536

static int tls_open(const struct cloud_config *c, SSL_CTX **ret, struct error *err) {
	*ret = NULL;
	return c->tls_cert ? wire_tls_open(ret, c->tls_cert, c->tls_key, err) : 0;
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

static void wait_signal(const sigset_t *signals, struct api *api, struct http_server *server) {
	for (;;) {
		int which = sigwaitinfo(signals, NULL);
		if (which == SIGHUP) serve_again(api, server);
		else if (which > 0 || errno != EINTR) return;
	}
}

static int serve_on(
	const struct cloud_config *c, struct api *api, SSL_CTX *tls, const sigset_t *signals, struct error *err) {
	struct http_server *server;
	char at[LISTEN_TEXT];
	int fd;
	const char *scheme = tls ? "https" : "http";
	if (listen_open(c->listen, &fd, at, err)) {
		wire_tls_close(tls);
		return -1;
	}
	if (http_server_start(&server, api, fd, tls, &http_limits, err)) return -1;
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

static int serve(const struct cloud_config *c, const sigset_t *signals, struct error *err) {
	AUTO(api_close) struct api *api = NULL;
	SSL_CTX *tls;
	if (tls_open(c, &tls, err)) return -1;
	if (api_open(&api, c, err)) {
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
	sigset_t signals, before;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, &before);
	signal(SIGPIPE, SIG_IGN);
	if (c->log_file && log_open(c->log_file, LOG_INFO, LOG_FILE_BYTES, LOG_FILE_KEEP, err)) return -1;
	int status = serve(c, &signals, err);
	log_close();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}
