/*
 * Wakes one thread. Both flags are sequentially consistent: the ringer sets rung and then looks at asleep,
 * the sleeper sets asleep and then looks at rung, so one of them sees the other.
 */
#include "base/bell.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool bell_init(struct bell *bell)
{
	bell->rung = bell->asleep = false;
	bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return bell->fd >= 0;
}

void bell_finish(struct bell *bell)
{
	if (bell->fd >= 0)
		close(bell->fd);
	bell->fd = -1;
}

void bell_ring(struct bell *bell)
{
	uint64_t one = 1;

	if (!atomic_exchange(&bell->rung, true) && bell->asleep &&
		write(bell->fd, &one, sizeof(one)) < 0)
		return; /* it is readable already */
}

bool bell_wait(struct bell *bell, int other_fd, int64_t ms)
{
	struct pollfd fds[2] = { { .fd = bell->fd, .events = POLLIN },
		{ .fd = other_fd, .events = POLLIN } };
	uint64_t count;

	bell->asleep = true;
	if (!bell->rung && poll(fds, 2, ms < 0 ? 0 : (int)ms) > 0 && fds[0].revents &&
		read(bell->fd, &count, sizeof(count)) < 0)
		return false;
	bell->asleep = false;
	return atomic_exchange(&bell->rung, false);
}
