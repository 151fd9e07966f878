/* dray init: writes the commented config. */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd_common.h"

#define MODE 0600 /* passwords may come into it */

static bool write_all(int fd, const struct buf *text)
{
	for (size_t done = 0; done < text->size;) {
		ssize_t wrote = write(fd, text->data + done, text->size - done);
		if (wrote < 0 && errno != EINTR)
			return false;
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	return true;
}

static bool write_file(const char *file, const struct buf *text, struct error *err)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE);

	if (fd < 0 && errno == EEXIST)
		return error_set(err, ERROR_USAGE,
			"%s is there already and stays as it is; name another file, or - to print",
			file);
	if (fd < 0)
		return error_set(
			err, ERROR_INTERNAL, "%s cannot be written: %s", file, strerror(errno));
	bool ok = write_all(fd, text);
	int code = errno;
	if (close(fd) == 0 && ok)
		return true;
	unlink(file);
	return error_set(err, ERROR_INTERNAL, "%s cannot be written: %s", file, strerror(code));
}

int cmd_init(const struct cli *cli)
{
	const char *file = cli->argument_count ? cli->arguments[0] : "dray.yaml";
	struct buf text = { 0 };
	struct error err = { 0 };
	int status = 0;

	config_print_template(&text);
	if (strcmp(file, "-") == 0)
		fputs(text.data, stdout);
	else if (!write_file(file, &text, &err))
		status = cli_fail(cli, &err);
	else if (cli->json)
		cmd_print_json(json_pack("{so}", "file", cmd_json_text(file)));
	else
		printf("wrote %s; edit it, then \"dray check\", \"dray migrate\", \"dray run\"\n",
			file);
	buf_finish(&text);
	return status;
}
