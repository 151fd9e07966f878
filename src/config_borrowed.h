#ifndef CONFIG_BORROWED_H
#define CONFIG_BORROWED_H

#include "config.h"

/* A relay whose table Dray did not make. */
void borrowed_finish(
	struct config_relay *relay); /* what its preset says, where nothing else is said */
bool borrowed_check(const struct config_relay *relay, struct error *err); /* ERROR_USAGE */

/*
 * Takes a text with {COLUMN} in it apart: gives the next piece, and whether it is a column's name; a brace that
 * is meant as one is written twice. False: no more. *text moves on; piece is at least as large as the text.
 */
bool borrowed_next(const char **text, char *piece, bool *is_column);

#endif
