#ifndef DB_HOSTS_H
#define DB_HOSTS_H

#include <stddef.h>

/*
 * The hosts of a libpq connection string, which may be several ("a,b"). libpq goes on to the next by itself
 * where one refuses; where one is silent, whoever connects without blocking has to: hosts_turn puts the first
 * at the end for the next attempt.
 */
struct hosts {
	char *host, *hostaddr,
		*port; /* lists, as libpq's keywords take them; NULL where not given */
};

void hosts_init(struct hosts *hosts, const char *host, const char *hostaddr, const char *port);
void hosts_finish(struct hosts *hosts);
size_t hosts_count(const struct hosts *hosts); /* 1 and more */
void hosts_turn(struct hosts *hosts);

#endif
