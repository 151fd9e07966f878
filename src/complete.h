#ifndef COMPLETE_H
#define COMPLETE_H

#include <stddef.h>

#include "base/buf.h"

/*
 * What may stand at the end of a command line, from the tables of cli_table.h: for completion/, the shells' side.
 *
 * words are what follows "dray"; the last one is to be completed, "" where it has not begun. Adds a line for each
 * word that begins with it: the whole word, a tab, what it means (may be empty). Where names of files fit, adds
 * the line ":files PREFIX" instead: PREFIX is what of the last word stands before the name. Names of pipelines come
 * from the config that the line names, or else from the usual places; from none where it cannot be read.
 */
void complete(const char *const *words, size_t count, struct buf *out);

#endif
