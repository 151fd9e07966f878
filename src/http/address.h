#ifndef HTTP_ADDRESS_H
#define HTTP_ADDRESS_H

#include <netdb.h>
#include <stdbool.h>

#include "base/findings.h"
#include "config.h"

/*
 * The addresses of HOST:PORT, as the config has checked it; to listen on, or otherwise to connect to. Without a host it is
 * every address to listen on, and loopback to connect to. NULL where there are none; freeaddrinfo frees.
 */
struct addrinfo *address_resolve(const char *listen, bool to_listen);

/* Whether only this machine reaches it. */
bool address_is_loopback(const struct sockaddr *address);

/* What dray check says of http. */
void address_preflight(const struct config *config, struct findings *findings);

#endif
