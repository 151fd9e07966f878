/* dray complete: what the shells' completion asks. */
#include "cmd.h"

#include <stdio.h>

#include "base/buf.h"
#include "complete.h"

int cmd_complete(const struct cli *cli)
{
	struct buf out = { 0 };

	complete(cli->arguments, cli->argument_count, &out);
	if (out.data)
		fputs(out.data, stdout);
	buf_finish(&out);
	return 0;
}
