#ifndef CMD_DEAD_PRINT_H
#define CMD_DEAD_PRINT_H

#include "dead.h"

/* What dray dead prints: lines for people, or an object a line. */
void cmd_dead_print_head(void); /* above print_line */
void cmd_dead_print_line(const struct dead_pile *pile, const struct dead_item *item);
void cmd_dead_print_json(const struct dead_pile *pile, const struct dead_item *item, bool whole);
void cmd_dead_print_whole(const struct dead_pile *pile, const struct dead_item *item);

/* What became of it, or (dry) would become; why: of DEAD_REFUSED. */
void cmd_dead_print_result(const struct dead_pile *pile, const struct dead_item *item,
	enum dead_result result, const char *why, bool dry, bool json);

#endif
