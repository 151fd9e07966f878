#ifndef SUPPORT_PG_SERVER_H
#define SUPPORT_PG_SERVER_H

#include "support/proc.h"

/*
 * A PostgreSQL of its own, on a socket in the scratch folder and on a port of the loopback interface. Its
 * data outlives its process. DRAY_POSTGRES_BIN names the folder of its programs; otherwise the newest
 * under /usr/lib/postgresql, or what pg_config says. As root it runs as the user postgres. A fresh data
 * folder is copied from DRAY_POSTGRES_TEMPLATE where that is set; the first to come makes it.
 */
struct pg_server {
	struct proc *proc;
	char *name, *bin, *folder, *data;
	int port;
	char *options
		[16]; /* further "name=value" settings, from the next start on; ends with NULL */
};

/* options: settings such as "fsync=on" (it is off, for speed); ends with NULL; or NULL. */
void pg_server_start(struct pg_server *server, const char *name, const char *const *options);
void pg_server_again(struct pg_server *server);
void pg_server_end(struct pg_server *server); /* as `pg_ctl stop -m fast` */
void pg_server_kill(struct pg_server *server); /* SIGKILL to the postmaster: a crash */
void pg_server_pause(struct pg_server *server); /* SIGSTOP to all its processes */
void pg_server_resume(struct pg_server *server);
void pg_server_restart(struct pg_server *server); /* ends, and starts again */

void pg_server_make_database(struct pg_server *server, const char *database);

/* A URL as Dray and libpq take it: by the socket, or by TCP. */
char *pg_server_url(const struct pg_server *server, const char *database);
char *pg_server_tcp_url(const struct pg_server *server, const char *database);

#endif
