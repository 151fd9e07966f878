#ifndef RELAY_CHAIN_H
#define RELAY_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * ORDERING_STREAM: each message says after which sequence of the stream it must come
 * (Nats-Expected-Last-Sequence), foretold from what is on its way before it. Where one is missing, whatever
 * the reason, the stream turns away all that follow: so they cannot overtake, a former holder of the lease
 * cannot put in a word, and nothing can be stored twice. The chain is then broken: nothing more is sent
 * until it is known what the stream holds, and it goes on from there. Pure. One thread.
 */
struct chain {
	bool on; /* otherwise it is never broken, and the window is as wide as it can be */
	uint64_t last; /* the sequence after which the next message must come */
	uint64_t
		seen; /* what the stream holds up to here was sorted out when the chain was mended */
	size_t window,
		window_max; /* messages on their way: fewer after a break, which wastes them */
	uint64_t stored; /* messages that were stored since then */
	bool broken;
	int64_t broken_ms; /* monotonic: since when */
	uint64_t broken_at; /* the token of the first message that was not stored */
	unsigned breaks; /* since a message was stored */
	int64_t strangers_ms[4]; /* monotonic: the latest breaks by another publisher */
	unsigned strangers;
};

void chain_init(struct chain *chain, bool on, size_t window);

/* Goes on after this sequence. */
void chain_mend(struct chain *chain, uint64_t last);

/* A message was stored; false: not where it was foretold, so the server does not check. */
bool chain_stored(struct chain *chain, uint64_t expected, uint64_t seq);

void chain_break(struct chain *chain, uint64_t token, int64_t now_ms);

/* Whether a message was sent behind the break, so that what it met says nothing about itself. */
bool chain_is_behind(const struct chain *chain, uint64_t token);

/* Whether to mend now: everything was answered (`waiting` is 0), or what is missing will hardly come. */
bool chain_is_due(const struct chain *chain, size_t waiting, int64_t now_ms);

/* A break by messages of another publisher. False: too many within a minute. */
bool chain_bears_stranger(struct chain *chain, int64_t now_ms);

#endif
