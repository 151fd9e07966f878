/* ${VAR} and ${VAR:-default} in values. Defaults are taken as they stand. */
#include "config_expand.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/memory.h"

#define SHOWN_MAX 80 /* bytes of a name or a value in an error */

static bool name_is_ok(const char *name, size_t size)
{
	if (size == 0 || isdigit((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < size; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	return true;
}

/* What stands between ${ and }. */
static bool expand_one(struct slice inside, struct buf *out, struct error *err)
{
	const char *dash = memmem(inside.data, inside.size, ":-", 2);
	size_t size = dash ? (size_t)(dash - inside.data) : inside.size;

	if (!name_is_ok(inside.data, size))
		return error_set(err, ERROR_USAGE,
			"\"${%.*s}\" is not a variable: ${NAME} or ${NAME:-default}",
			(int)(size < SHOWN_MAX ? size : SHOWN_MAX), inside.data);
	char *name = memory_copy(inside.data, size);
	const char *value = getenv(name);
	bool ok = value || dash;
	if (value && (*value || !dash))
		buf_add_text(out, value);
	else if (dash)
		buf_add(out, dash + 2, inside.size - size - 2);
	else
		error_set(err, ERROR_USAGE,
			"the environment variable %.80s is not set; set it, or write ${%.80s:-default}",
			name, name);
	free(name);
	return ok;
}

bool config_expand(const char *text, size_t limit, struct buf *out, struct error *err)
{
	buf_add_text(out, "");
	for (const char *c = text; *c; c++) {
		if (strncmp(c, "${", 2) == 0) {
			const char *end = strchr(c, '}');
			if (!end)
				return error_set(err, ERROR_USAGE, "\"${\" without its \"}\"");
			if (!expand_one((struct slice){ c + 2, (size_t)(end - c - 2) }, out, err))
				return false;
			c = end;
		} else {
			buf_add_char(out, *c);
		}
		if (out->size > limit)
			return error_set(err, ERROR_USAGE, "longer than %zu bytes", limit);
	}
	return true;
}

void config_unexpand(const char *text, const char *value, struct error *err)
{
	struct buf told = { 0 };
	char *shown = memory_copy(value, strnlen(value, SHOWN_MAX));
	const char *at = *shown && strstr(text, "${") ? strstr(err->text, shown) : NULL;

	if (at) {
		buf_add(&told, err->text, (size_t)(at - err->text));
		buf_format(&told, "%.*s%s", SHOWN_MAX, text, at + strlen(shown));
		error_set(err, err->kind, "%s", told.data);
	}
	buf_finish(&told);
	free(shown);
}
