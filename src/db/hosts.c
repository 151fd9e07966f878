/* Lists of hosts, which turn together with their ports. */
#include "db/hosts.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static char *copy(const char *list)
{
	return list ? memory_text(list) : NULL;
}

void hosts_init(struct hosts *hosts, const char *host, const char *hostaddr, const char *port)
{
	*hosts = (struct hosts){ copy(host), copy(hostaddr), copy(port) };
}

void hosts_finish(struct hosts *hosts)
{
	free(hosts->host);
	free(hosts->hostaddr);
	free(hosts->port);
}

static size_t items(const char *list)
{
	size_t count = 1;

	for (; list && *list; list++)
		count += *list == ',';
	return count;
}

size_t hosts_count(const struct hosts *hosts)
{
	size_t names = items(hosts->host), addresses = items(hosts->hostaddr);

	return names > addresses ? names : addresses;
}

/* One port may stand for all hosts: it stays. */
static void turn(char **list)
{
	char *comma = *list ? strchr(*list, ',') : NULL;

	if (!comma)
		return;
	char *turned = memory_format("%s,%.*s", comma + 1, (int)(comma - *list), *list);
	free(*list);
	*list = turned;
}

void hosts_turn(struct hosts *hosts)
{
	turn(&hosts->host);
	turn(&hosts->hostaddr);
	turn(&hosts->port);
}
