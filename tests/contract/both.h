#ifndef BOTH_H
#define BOTH_H

#include "support/support.h"

/* The PostgreSQL of a program's tests, and a group's fixtures that start and end it. */
extern struct pg_server server;
int server_start(void **state);
int server_stop(void **state);

/* A test that takes (bool postgres), for both databases: ON_BOTH makes two of it, BOTH lists them. */
#define ON_BOTH(name) \
	static void name##_sqlite(void **state) \
	{ \
		(void)state; \
		name(false); \
	} \
	static void name##_postgres(void **state) \
	{ \
		(void)state; \
		name(true); \
	}

#define BOTH(name) cmocka_unit_test(name##_sqlite), cmocka_unit_test(name##_postgres)

/* A test that finds the database's kind as its prestate. */
#define ON_KIND(test, kind) { #test "_" kind, test, NULL, NULL, (void *)(uintptr_t)kind }
#define ON_KINDS(test)	    ON_KIND(test, "sqlite"), ON_KIND(test, "postgres")

#endif
