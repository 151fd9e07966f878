/* Where HTTP listens, and who reaches it there. */
#include "http/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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

bool address_is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(
			&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
	uint32_t host = ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
	return host >> 24 == 127;
}

static void warn_of_others(const struct config *config, struct findings *findings)
{
	struct addrinfo *address = address_resolve(config->http.listen, true);

	if (!address)
		findings_add(findings, FINDING_WARNING, ERROR_NONE, NULL,
			"http.listen: %s is no address of this machine", config->http.listen);
	else if (!address_is_loopback(address->ai_addr) && !config->http.token)
		findings_add(findings, FINDING_WARNING, ERROR_NONE, NULL,
			"http.listen: other machines reach %s and there is no http.token: they see the "
			"names of databases and the last errors, and nobody sees or changes the dead "
			"there; listen on 127.0.0.1, or set a token",
			config->http.listen);
	if (address)
		freeaddrinfo(address);
}

void address_preflight(const struct config *config, struct findings *findings)
{
	if (config->http.listen)
		warn_of_others(config, findings);
	else if (config->http.token)
		findings_add(findings, FINDING_WARNING, ERROR_NONE, NULL,
			"http.token is set and http.listen is not: there is no HTTP");
}
