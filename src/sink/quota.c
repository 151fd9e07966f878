/* A ring of what became of the last events; `dead` is always how many of them were set aside. */
#include "sink/quota.h"

void quota_init(struct quota *quota, double share)
{
	*quota = (struct quota){ .allowed = (size_t)(share * QUOTA_WINDOW + 0.5) };
}

static void note(struct quota *quota, bool dead)
{
	quota->dead = quota->dead - quota->was_dead[quota->next] + dead;
	quota->was_dead[quota->next] = dead;
	quota->next = (quota->next + 1) % QUOTA_WINDOW;
}

size_t quota_room(const struct quota *quota, const struct table_event *events, size_t count)
{
	struct quota then = *quota;

	for (size_t i = 0; i < count; i++) {
		note(&then, events[i].fault != NULL);
		if (then.dead > then.allowed)
			return i;
	}
	return count;
}

void quota_note(struct quota *quota, const struct table_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		note(quota, events[i].fault != NULL);
}
