/*
 * Looks through a YAML text's events before a document is built of it: libyaml takes aliases, a second
 * document and any depth, and with some of those the building never ends.
 */
#include "config_scan.h"

#include <string.h>

void config_syntax_problem(const yaml_parser_t *parser, struct problems *problems)
{
	const char *problem = parser->problem ? parser->problem : "cannot be read";

	problems_add(problems, (int)parser->problem_mark.line + 1, "not YAML: %s%s%s%s", problem,
		parser->context ? " " : "", parser->context ? parser->context : "",
		strstr(problem, "cannot start any token")
			? "; a tab or one of @ ` % stands where a value should begin"
			: "");
}

/* What an event must not be; NULL for a good one. */
static const char *refusal(const yaml_event_t *event, int *depth, int *documents)
{
	const yaml_char_t *anchor = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return "YAML aliases are not taken; write the value out";
	case YAML_DOCUMENT_START_EVENT:
		return ++*documents > 1 ? "a second YAML document; one file is one config" : NULL;
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		++*depth;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		++*depth;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		--*depth;
		break;
	default:
		break;
	}
	if (anchor)
		return "YAML anchors are not taken; write the value out";
	return *depth > CONFIG_DEPTH_MAX ? "nested too deep" : NULL;
}

bool config_scan(const char *text, size_t size, struct problems *problems)
{
	int depth = 0, documents = 0;
	bool ended = false;
	yaml_parser_t parser;

	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	while (!ended && problems->count == 0) {
		yaml_event_t event;
		if (!yaml_parser_parse(&parser, &event)) {
			config_syntax_problem(&parser, problems);
			break;
		}
		const char *why = refusal(&event, &depth, &documents);
		if (why)
			problems_add(problems, (int)event.start_mark.line + 1, "%s", why);
		ended = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return problems->count == 0;
}
