/* The chain of expected sequences of ORDERING_STREAM. */
#include "relay/chain.h"

#define WINDOW_MIN 64
#define LOST_AFTER_MS \
	300 /* a leader that steps down answers nothing of what it had; no use in waiting */
#define PAUSE_MAX_MS	 500
#define STRANGERS_FOR_MS 60000
#define STRANGERS_BORNE	 (sizeof(((struct chain *)0)->strangers_ms) / sizeof(int64_t))

void chain_init(struct chain *chain, bool on, size_t window)
{
	*chain = (struct chain){ .on = on, .window = window, .window_max = window };
}

void chain_mend(struct chain *chain, uint64_t last)
{
	chain->last = chain->seen = last;
	chain->stored = 0;
	chain->broken = false;
}

bool chain_stored(struct chain *chain, uint64_t expected, uint64_t seq)
{
	chain->breaks = 0;
	chain->stored++;
	if (chain->window < chain->window_max)
		chain->window++;
	return seq == expected + 1;
}

void chain_break(struct chain *chain, uint64_t token, int64_t now_ms)
{
	if (chain->broken && token < chain->broken_at)
		chain->broken_at = token;
	if (chain->broken)
		return;
	chain->broken = true;
	chain->broken_at = token;
	chain->broken_ms = now_ms;
	chain->breaks++;
	chain->window /= 2;
	if (chain->window < WINDOW_MIN)
		chain->window = chain->window_max < WINDOW_MIN ? chain->window_max : WINDOW_MIN;
}

bool chain_is_behind(const struct chain *chain, uint64_t token)
{
	return chain->broken && token > chain->broken_at;
}

/* Breaks one after the other with nothing stored between: longer and longer. */
static int64_t pause_ms(const struct chain *chain)
{
	unsigned beyond = chain->breaks < 3 ? 0 : chain->breaks - 2;
	int64_t pause = beyond > 6 ? PAUSE_MAX_MS : (int64_t)5 << beyond;

	return beyond == 0 ? 0 : pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
}

bool chain_is_due(const struct chain *chain, size_t waiting, int64_t now_ms)
{
	int64_t since = now_ms - chain->broken_ms;

	return chain->broken && (waiting == 0 || since >= LOST_AFTER_MS) &&
		since >= pause_ms(chain);
}

bool chain_bears_stranger(struct chain *chain, int64_t now_ms)
{
	size_t at = chain->strangers++ % STRANGERS_BORNE;
	bool many = chain->strangers > STRANGERS_BORNE &&
		now_ms - chain->strangers_ms[at] < STRANGERS_FOR_MS;

	chain->strangers_ms[at] = now_ms;
	return !many;
}
