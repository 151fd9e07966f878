/* HOST:PORT, where HOST may be empty or in brackets. */
#include "http/address.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct addrinfo *address_resolve(const char *listen, bool to_listen)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICSERV | (to_listen ? AI_PASSIVE : 0),
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char *host = memory_text(listen), *start = host, *port = strrchr(host, ':');

	*port++ = '\0';
	if (*start == '[') {
		start++;
		start[strcspn(start, "]")] = '\0';
	}
	if (getaddrinfo(*start ? start : NULL, port, &hints, &found) != 0)
		found = NULL;
	free(host);
	return found;
}
