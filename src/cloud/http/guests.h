/* SPDX-License-Identifier: MIT */
/* The connections that are open, and who has to go when there are too many: the idlest one of the address that has the
 * most, so that no caller can keep another out (reliability.md 7). An address is what a limit counts as one client: of
 * IPv6 the /64. Who has a key is not shut out by those without one behind the same address, however many they are and
 * whatever they send. Any thread. */
#pragma once

#include "cloud/call/address.h"

enum guest_state {	/* in the order in which they go first */
	GUEST_LEAVING,	/* answered; what it still sends is thrown away */
	GUEST_IDLE,		/* between requests, or the head of one is coming; no key was seen on it */
	GUEST_STRANGER, /* a body or an answer of a caller without a key is on its way: its beginning counts, not its bytes
					 */
	GUEST_RESTING,	/* between requests, of one with a key */
	GUEST_MOVING,	/* a body or an answer of one with a key is on its way */
	GUEST_SERVED	/* a handler works for it */
};
struct guests;
struct guest;
/* most: connections at once; one address has three quarters of them at most. */
struct guests *guests_new(size_t most);
void guests_free(struct guests *g); /* no guest may be left */
/* A connection whose socket is fd, open until guest_unplug. Another one may be shut down for it. NULL: there is no room
 * for this one, the caller closes it. */
struct guest *guest_enter(struct guests *g, int fd, const struct address *from, int64_t now_mono_ms);
/* Its socket is no longer to be touched: before closing it. */
void guest_unplug(struct guests *g, struct guest *guest);
void guest_leave(struct guests *g, struct guest *guest); /* last: the server may be gone afterwards */
/* What it does now, and that it moved. */
void guest_is(struct guest *guest, enum guest_state state, int64_t now_mono_ms);
/* Makes room when descriptors or threads ran out: shuts the next one down. */
void guests_thin(struct guests *g);
/* Shuts down those that have no request under way, or all; says how many had one. */
size_t guests_dismiss(struct guests *g, bool all);
/* Waits at most wait_ms until no request is under way (none: until no connection is left); how many are. */
size_t guests_wait(struct guests *g, bool none, int64_t wait_ms);
