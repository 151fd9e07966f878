/* A validator of as much of JSON Schema as the API's schema uses. */
#include "api.h"

#include "support/support.h"

static const json_t *schema;

static bool is_a(const json_t *value, const char *type)
{
	return strcmp(type, "object") == 0     ? json_is_object(value)
		: strcmp(type, "array") == 0   ? json_is_array(value)
		: strcmp(type, "string") == 0  ? json_is_string(value)
		: strcmp(type, "integer") == 0 ? json_is_integer(value)
		: strcmp(type, "number") == 0  ? json_is_number(value)
		: strcmp(type, "boolean") == 0 ? json_is_boolean(value)
					       : json_is_null(value);
}

static bool is_one_of(const json_t *value, const json_t *types)
{
	const json_t *type;
	size_t i;

	if (json_is_string(types))
		return is_a(value, json_string_value(types));
	json_array_foreach(types, i, type) if (is_a(value, json_string_value(type))) return true;
	return false;
}

static void fits(const json_t *value, const json_t *rule, const char *where);

static void fits_object(const json_t *value, const json_t *rule, const char *where)
{
	const json_t *name, *inner;
	const char *key;
	size_t i;

	json_array_foreach(json_object_get(rule, "required"), i, name)
	{
		if (!json_object_get(value, json_string_value(name)))
			give_up("%s has no %s", where, json_string_value(name));
	}
	json_object_foreach((json_t *)(uintptr_t)value, key, inner)
	{
		const json_t *own = json_object_get(json_object_get(rule, "properties"), key);
		if (own)
			fits(inner, own, text("%s.%s", where, key));
		else if (json_object_get(rule, "properties"))
			give_up("%s.%s is not in the schema", where, key);
	}
}

static void fits(const json_t *value, const json_t *rule, const char *where)
{
	const char *reference = json_string_value(json_object_get(rule, "$ref"));
	const json_t *types = json_object_get(rule, "type"), *item;
	const json_t *choices = json_object_get(rule, "enum");
	size_t i, found = 0;

	if (reference) {
		fits(value, json_object_get(json_object_get(schema, "$defs"), reference + 8),
			where);
		return;
	}
	if (types && !is_one_of(value, types))
		give_up("%s is of another type", where);
	json_array_foreach(choices, i, item) found += (size_t)json_equal(value, item);
	if (choices && found != 1)
		give_up("%s is none of the choices", where);
	if (json_is_object(value))
		fits_object(value, rule, where);
	json_array_foreach(value, i, item)
	{
		if (json_object_get(rule, "items"))
			fits(item, json_object_get(rule, "items"), text("%s[%zu]", where, i));
	}
}

void api_fits(int port, const char *path, const json_t *value)
{
	json_t *whole = http_get_json(port, "/api/v1/schema", 200);
	const json_t *rule = json_object_get(json_object_get(whole, "$defs"), path);

	schema = whole;
	assert_non_null(rule);
	fits(value, rule, path);
	json_decref(whole);
}

json_t *api_get(int port, const char *path, int status)
{
	json_t *value = http_get_json(port, path, status);

	api_fits(port, path, value);
	return value;
}
