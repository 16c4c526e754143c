/* SPDX-License-Identifier: MIT */
/* Invariants, under the lock: a guest stands in the list of its house (one address); `n` counts guests that were not
 * shown out, a house's `n` alike. One that was shown out has its socket shut down and leaves soon, by itself, since
 * every wait of its thread is for that socket; until then its thread still lives, hence the second ceiling. A guest's
 * state is its own thread's, read by others as it is at that moment. */
#include "cloud/http/guests.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/deadline.h"

#define THREADS_MORE                                                                                                   \
	64 /* four for each place and these: those that were shown out end at once, or as the machine can */

struct guest {
	LIST_ENTRY(guest) next;
	struct house *house;
	int fd;
	bool shown_out, stuck;
	atomic_int state;
	_Atomic int64_t moved_ms;
};
struct house {
	LIST_ENTRY(house) next;
	struct address net; /* of IPv6 the /64 */
	size_t n;			/* not shown out */
	size_t threads;		/* with those that were */
	size_t stuck;		/* shown out while a handler worked: it still does, an address with many of them has to wait */
	LIST_HEAD(, guest) guests;
};
struct guests {
	pthread_mutex_t lock;
	pthread_cond_t left;
	size_t most, each_most;
	size_t n, threads;
	LIST_HEAD(, house) houses;
};

struct guests *guests_new(size_t most) {
	struct guests *g = xcalloc(1, sizeof *g);
	*g = (struct guests){.most = most, .each_most = most - most / 4};
	pthread_mutex_init(&g->lock, NULL);
	condition_init(&g->left);
	LIST_INIT(&g->houses);
	return g;
}

void guests_free(struct guests *g) {
	if (!g) return;
	pthread_cond_destroy(&g->left);
	pthread_mutex_destroy(&g->lock);
	xfree(g);
}

/* --- under the lock --- */

static struct house *house_of(struct guests *g, const struct address *from) {
	struct address net;
	struct house *h;
	address_net(from, &net);
	LIST_FOREACH(h, &g->houses, next)
	if (memcmp(&h->net, &net, sizeof net) == 0) return h;
	h = xcalloc(1, sizeof *h);
	h->net = net;
	LIST_INIT(&h->guests);
	LIST_INSERT_HEAD(&g->houses, h, next);
	return h;
}

static void house_drop(struct house *h) {
	if (!LIST_EMPTY(&h->guests)) return;
	LIST_REMOVE(h, next);
	xfree(h);
}

static struct house *house_greediest(struct guests *g) {
	struct house *h, *most = NULL;
	LIST_FOREACH(h, &g->houses, next)
	if (!most || h->n > most->n) most = h;
	return most;
}

/* Who goes first: by state, then who moved longest ago. */
static bool goes_before(const struct guest *a, const struct guest *b) {
	int x = atomic_load(&a->state), y = atomic_load(&b->state);
	return x != y ? x < y : atomic_load(&a->moved_ms) < atomic_load(&b->moved_ms);
}

/* Of this house, of those whose state is at most `state`. */
static struct guest *guest_idlest(struct house *h, enum guest_state state) {
	struct guest *one, *idlest = NULL;
	LIST_FOREACH(one, &h->guests, next) {
		if (one->shown_out || atomic_load(&one->state) > (int)state) continue;
		if (!idlest || goes_before(one, idlest)) idlest = one;
	}
	return idlest;
}

static void guest_uncount(struct guests *g, struct guest *one) {
	if (one->shown_out) return;
	one->shown_out = true;
	one->house->n--;
	g->n--;
}

static void guest_show_out(struct guests *g, struct guest *one) {
	guest_uncount(g, one);
	one->stuck = atomic_load(&one->state) == GUEST_SERVED;
	one->house->stuck += one->stuck;
	shutdown(one->fd, SHUT_RDWR);
}

/* Room for one more of house h. An address that has the most already makes room among its own that have no
 * key or do nothing. */
static bool room_make(struct guests *g, struct house *h) {
	size_t ceiling = 4 * g->most + THREADS_MORE; /* one address leaves a quarter of it to others */
	if (h->stuck > g->most / 2 || h->threads >= ceiling - ceiling / 4 || g->threads >= ceiling) return false;
	bool own = h->n >= g->each_most;
	if (!own && g->n < g->most) return true;
	struct house *greediest = own ? h : house_greediest(g);
	own = own || h->n + 1 > greediest->n;
	struct guest *goes = guest_idlest(own ? h : greediest, own ? GUEST_RESTING : GUEST_SERVED);
	if (goes) guest_show_out(g, goes);
	return goes;
}

/* --- from outside --- */

struct guest *guest_enter(struct guests *g, int fd, const struct address *from, int64_t now_mono_ms) {
	struct guest *one = NULL;
	pthread_mutex_lock(&g->lock);
	struct house *h = house_of(g, from);
	if (room_make(g, h)) {
		one = xcalloc(1, sizeof *one);
		one->house = h;
		one->fd = fd;
		atomic_store(&one->state, GUEST_IDLE);
		atomic_store(&one->moved_ms, now_mono_ms);
		LIST_INSERT_HEAD(&h->guests, one, next);
		h->n++;
		g->n++;
		g->threads++;
		h->threads++;
	} else {
		house_drop(h);
	}
	pthread_mutex_unlock(&g->lock);
	return one;
}

void guest_unplug(struct guests *g, struct guest *one) {
	pthread_mutex_lock(&g->lock);
	guest_uncount(g, one);
	pthread_mutex_unlock(&g->lock);
}

void guest_leave(struct guests *g, struct guest *one) {
	pthread_mutex_lock(&g->lock);
	struct house *h = one->house;
	guest_uncount(g, one);
	LIST_REMOVE(one, next);
	h->stuck -= one->stuck;
	g->threads--;
	h->threads--;
	house_drop(h);
	xfree(one);
	pthread_cond_broadcast(&g->left);
	pthread_mutex_unlock(&g->lock);
}

void guest_is(struct guest *one, enum guest_state state, int64_t now_mono_ms) {
	atomic_store(&one->moved_ms, now_mono_ms);
	atomic_store(&one->state, (int)state);
}

void guests_thin(struct guests *g) {
	pthread_mutex_lock(&g->lock);
	struct house *greediest = house_greediest(g);
	struct guest *goes = greediest ? guest_idlest(greediest, GUEST_MOVING) : NULL;
	if (goes) guest_show_out(g, goes);
	pthread_mutex_unlock(&g->lock);
}

static bool has_request(const struct guest *one) {
	int state = atomic_load(&one->state);
	return state >= GUEST_STRANGER && state != GUEST_RESTING;
}

/* Called with the lock. */
static size_t requests_count(const struct guests *g) {
	const struct house *h;
	const struct guest *one;
	size_t n = 0;
	LIST_FOREACH(h, &g->houses, next)
	LIST_FOREACH(one, &h->guests, next)
	if (!one->shown_out) n += has_request(one);
	return n;
}

size_t guests_dismiss(struct guests *g, bool all) {
	struct house *h;
	struct guest *one;
	pthread_mutex_lock(&g->lock);
	size_t busy = requests_count(g);
	LIST_FOREACH(h, &g->houses, next)
	LIST_FOREACH(one, &h->guests, next)
	if (!one->shown_out && (all || !has_request(one))) guest_show_out(g, one);
	pthread_mutex_unlock(&g->lock);
	return busy;
}

size_t guests_wait(struct guests *g, bool none, int64_t wait_ms) {
	const struct timespec until = deadline_after(wait_ms);
	pthread_mutex_lock(&g->lock);
	while (none ? g->threads : requests_count(g))
		if (pthread_cond_timedwait(&g->left, &g->lock, &until)) break;
	size_t left = none ? g->threads : requests_count(g);
	pthread_mutex_unlock(&g->lock);
	return left;
}
