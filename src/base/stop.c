/* A stop request that wakes whoever waits. */
#include "base/stop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool stop_init(struct stop *stop)
{
	stop->requested = false;
	stop->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return stop->fd >= 0;
}

void stop_finish(struct stop *stop)
{
	if (stop->fd >= 0)
		close(stop->fd);
	stop->fd = -1;
}

void stop_request(struct stop *stop)
{
	uint64_t one = 1;

	stop->requested = true;
	if (write(stop->fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: it is readable already */
}

bool stop_requested(const struct stop *stop)
{
	return stop->requested;
}

bool stop_wait(struct stop *stop, int64_t ms)
{
	struct pollfd fd = { .fd = stop->fd, .events = POLLIN };

	if (!stop->requested && ms > 0)
		poll(&fd, 1, ms > 60000 ? 60000 : (int)ms);
	return stop->requested;
}
