#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include "base/findings.h"
#include "config.h"

/* Warns of every file that holds a secret of this config and that everybody may read. */
void config_check_files(const struct config *config, struct findings *findings);

#endif
