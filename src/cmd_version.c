/* dray version: this program's and its libraries'. */
#include "cmd.h"

#include <stdio.h>

#include <yaml.h>

#include "cmd_common.h"
#include "db/postgres.h"
#include "db/sqlite.h"
#include "nats/library.h"

/* 150020 is 15.20; before version 10 the middle part counted too. */
static void libpq_version(char text[32])
{
	int version = PQlibVersion();

	snprintf(text, 32, "%d.%d", version / 10000, version % 10000);
}

int cmd_version(const struct cli *cli)
{
	char libpq[32];

	libpq_version(libpq);
	if (cli->json)
		cmd_print_json(json_pack("{ss ss ss ss ss ss}", "dray", DRAY_VERSION, "nats.c",
			library_version(), "SQLite", sqlite3_libversion(), "libpq", libpq,
			"jansson", jansson_version_str(), "libyaml", yaml_get_version_string()));
	else
		printf("dray %s\nnats.c %s\nSQLite %s\nlibpq %s\njansson %s\nlibyaml %s\n",
			DRAY_VERSION, library_version(), sqlite3_libversion(), libpq,
			jansson_version_str(), yaml_get_version_string());
	return 0;
}
