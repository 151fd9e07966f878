#ifndef NATS_NKEY_H
#define NATS_NKEY_H

#include <stdbool.h>

#include "base/error.h"

#define NKEY_PUBLIC 57 /* with the NUL */

/*
 * The public key of the user's seed (SU...) that a file holds, on a line of its own, as nats-server's config
 * names it (U...). The form is that of github.com/nats-io/nkeys. ERROR_SCHEMA; the text never holds the seed.
 */
bool nkey_public(const char *file, char public[NKEY_PUBLIC], struct error *err);

#endif
