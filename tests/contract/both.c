/* The PostgreSQL of a program's tests. */
#include "both.h"

struct pg_server server;

int server_start(void **state)
{
	(void)state;
	pg_server_start(&server, "pg", NULL);
	return 0;
}

int server_stop(void **state)
{
	(void)state;
	pg_server_end(&server);
	return 0;
}
