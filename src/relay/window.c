/* The window of messages on their way. */
#include "relay/window.h"

/* Of waiting. With less than the short one the server may run dry while this side does something else. */
#define SHORT_MS 5
#define LONG_MS	 8

#define LEAST 256

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

void window_init(struct window *window, size_t most)
{
	size_t least = least_of(LEAST, most);

	*window = (struct window){
		.limit = least, .least = least, .most = most, .base_ms = INT64_MAX
	};
}

bool window_is_open(struct window *window, size_t on_their_way)
{
	bool open = on_their_way < window->limit;

	window->full = window->full || !open;
	return open;
}

size_t window_enough(const struct window *window)
{
	if (window->base_ms >= INT32_MAX) /* nothing is known yet */
		return window->least;
	return least_of(window->most, window->least * (1 + (size_t)window->base_ms / SHORT_MS));
}

bool window_is_round(const struct window *window, uint64_t token)
{
	return token >= window->round;
}

static void grow(struct window *window)
{
	window->limit = least_of(window->limit + window->limit / 2 + 1, window->most);
}

static void shrink(struct window *window)
{
	window->limit -= window->limit / 8;
	if (window->limit < window->least)
		window->limit = window->least;
}

void window_next_round(struct window *window, int64_t took_ms, uint64_t newest)
{
	bool least = window->full && window->limit == window->least;

	if (least || took_ms < window->base_ms)
		window->base_ms = took_ms;
	if (window->full && took_ms - window->base_ms < SHORT_MS)
		grow(window);
	else if (took_ms - window->base_ms > LONG_MS)
		shrink(window);
	window->round = newest;
	window->full = false;
}
