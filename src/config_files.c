/* Files with secrets, and who may read them. */
#include "config_files.h"

#include <sys/stat.h>

static void check_file(const char *path, const char *more, struct findings *findings)
{
	struct stat info;

	if (path && stat(path, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & S_IROTH))
		findings_add(findings, FINDING_WARNING, ERROR_NONE, NULL,
			"%s holds a secret and everybody may read it; chmod o-r %s%s", path, path,
			more);
}

void config_check_files(const struct config *config, struct findings *findings)
{
	if (config->holds_secrets)
		check_file(config->file, ", or take the secret from the environment with ${VAR}",
			findings);
	check_file(config->nats.creds, "", findings);
	check_file(config->nats.nkey_seed_file, "", findings);
	check_file(config->nats.tls.key, "", findings);
}
