#ifndef SUPPORT_PG_STANDBY_H
#define SUPPORT_PG_STANDBY_H

#include "support/pg_server.h"

/* A copy of a running PostgreSQL that follows it and can be read from, until it is promoted. */
void pg_standby_start(struct pg_server *standby, const char *name, const struct pg_server *primary);

/* Waits until it has everything that its primary has committed. */
void pg_standby_catch_up(const struct pg_server *standby, const struct pg_server *primary);
void pg_standby_promote(const struct pg_server *standby);

#endif
