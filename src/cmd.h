#ifndef CMD_H
#define CMD_H

#include "cli.h"

/*
 * The commands. Each gets what followed its name and returns an exit status: 0 done, 1 failed, 2 usage or
 * config, 3 a server could not be reached. Errors go to stderr, results to stdout.
 */
int cmd_init(const struct cli *cli);
int cmd_migrate(const struct cli *cli);
int cmd_audit(const struct cli *cli);
int cmd_check(const struct cli *cli);
int cmd_run(const struct cli *cli);
int cmd_relay(const struct cli *cli);
int cmd_sink(const struct cli *cli);
int cmd_emit(const struct cli *cli);
int cmd_tail(const struct cli *cli);
int cmd_replay(const struct cli *cli);
int cmd_status(const struct cli *cli);
int cmd_health(const struct cli *cli);
#define CMD_DEAD_IDS 1000 /* at a time */
int cmd_dead(const struct cli *cli);
int cmd_prune(const struct cli *cli);
int cmd_pause(const struct cli *cli);
int cmd_resume(const struct cli *cli);
int cmd_seek(const struct cli *cli);
#define CMD_COMPLETE_WORDS 1000
int cmd_complete(const struct cli *cli);
int cmd_ddl(const struct cli *cli);
int cmd_version(const struct cli *cli);

#endif
