/* SPDX-License-Identifier: MIT */
/* headgate-cloud serve, from opening the data folder to the last answer. The main thread only waits for a signal; every
 * thread that is started here has SIGTERM and SIGINT blocked, so that none is interrupted. */
#include "cloud/api/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "cloud/api/api.h"
#include "cloud/api/http.h"
#include "cloud/api/listen.h"

#define STOP_MS 30000
#define PEM_MAX (1 << 20)

struct tls_files {
	struct buf cert, key;
};
static void tls_files_done(struct tls_files *t) {
	buf_done(&t->cert);
	if (t->key.data) secret_wipe(t->key.data, t->key.len);
	buf_done(&t->key);
}
DEFINE_AUTO_VAL(struct tls_files, tls_files_done)

static int tls_files_read(const struct cloud_config *c, struct tls_files *t, struct error *err) {
	if (!c->tls_cert && !c->tls_key) return 0;
	if (!c->tls_cert || !c->tls_key)
		return error_set(err, ERR_CONFIG, "TLS needs both a certificate and a key: give --tls-cert and --tls-key");
	if (file_read(c->tls_cert, PEM_MAX, &t->cert, err) || file_read(c->tls_key, PEM_MAX, &t->key, err)) {
		err->code = ERR_CONFIG;
		return -1;
	}
	return 0;
}

static void wait_signal(const sigset_t *signals, struct http_server *server) {
	const struct timespec tick = {.tv_sec = 5};
	while (sigtimedwait(signals, NULL, &tick) < 0 && (errno == EINTR || errno == EAGAIN))
		http_server_tick(server, clock_mono_ms());
}

static int serve(const struct cloud_config *c, const sigset_t *signals, struct error *err) {
	AUTO(tls_files_done) struct tls_files tls = {.cert = BUF_INIT(PEM_MAX), .key = BUF_INIT(PEM_MAX)};
	AUTO(api_close) struct api *api = NULL;
	AUTO(fd_close) int fd = -1;
	char at[LISTEN_TEXT];
	struct http_server *server;
	bool secure = c->tls_cert != NULL;
	if (tls_files_read(c, &tls, err) || api_open(&api, c, err) || listen_open(c->listen, &fd, at, err)) return -1;
	if (http_server_start(
			&server, api, TAKE_FD(fd), secure ? buf_text(&tls.cert) : NULL, secure ? buf_text(&tls.key) : NULL, err))
		return -1;
	printf("ready %s://%s\n", secure ? "https" : "http", at);
	fflush(stdout);
	log_event(LOG_INFO, "server", "ready", "listen", at, "data", c->data, NULL);
	wait_signal(signals, server);
	api_stop(api);
	int cut = http_server_stop(server, STOP_MS);
	if (cut) log_event(LOG_WARN, "server", "stopped; requests were cut after 30 s", NULL);
	else log_event(LOG_INFO, "server", "stopped", NULL);
	return 0;
}

int cloud_serve(const struct cloud_config *c, struct error *err) {
	sigset_t signals, before;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, &before);
	signal(SIGPIPE, SIG_IGN);
	int status = serve(c, &signals, err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}
