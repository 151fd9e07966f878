/* Which table an event goes into. Pure. */
#include "sink/route.h"

#include <stdio.h>
#include <string.h>

#include "sink/row.h"

static bool takes(const struct config_table *table, struct slice subject)
{
	for (size_t i = 0; i < table->subjects.count; i++)
		if (event_subject_matches(table->subjects.items[i], subject))
			return true;
	return table->subjects.count == 0;
}

size_t route_find(const struct config_sink *sink, struct slice subject)
{
	size_t count;
	const struct config_table *tables = config_tables(sink, &count);

	for (size_t i = 0; i < count; i++)
		if (takes(&tables[i], subject))
			return i;
	return ROUTE_NONE;
}

/* Where there are several, the table is a part of what went wrong. */
static const char *with_table(const char *table, const char *fault, struct arena *arena)
{
	const size_t room = strlen(table) + strlen(fault) + sizeof("table : ");
	char *text = arena_new(arena, room);

	snprintf(text, room, "table %s: %s", table, fault);
	return text;
}

void route_map(const struct routes *routes, struct arena *arena, struct table_event *event)
{
	event->route = route_find(routes->sink, event->event.subject);
	if (event->route == ROUTE_NONE) {
		event->action = TABLE_SKIP;
		event->fault = routes->sink->unmatched == SINK_UNMATCHED_IGNORE
			? NULL
			: "no entry of tables: takes its subject";
		return;
	}
	const struct plan *plan = routes->plans[event->route];
	row_map(plan, arena, event);
	if (event->fault && routes->count > 1)
		event->fault = with_table(plan->table, event->fault, arena);
}
