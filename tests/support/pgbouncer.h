#ifndef SUPPORT_PGBOUNCER_H
#define SUPPORT_PGBOUNCER_H

#include "support/pg_server.h"

/* A real PgBouncer before a PostgreSQL; mode: "session", "transaction". Gives the URL of a database through it. */
char *pgbouncer_start(const struct pg_server *server, const char *mode, const char *database);

#endif
