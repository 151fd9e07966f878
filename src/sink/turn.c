/* Whose turn it is to run a sink: by the lease, by a pause, and by the position that others may move. */
#include "sink/turn.h"

#include <stdio.h>

#include "base/log.h"

bool turn_take(struct ingest *ingest, struct error *err)
{
	while (!table_take(ingest->table, err)) {
		if (err->kind != ERROR_CONFLICT)
			return false;
		if (!ingest->standing_by)
			log_info(ingest->config->name, "standing by: %s", err->text);
		ingest->standing_by = true;
		ingest_show(ingest,
			table_lease(ingest->table)->pause.on ? STATE_PAUSED : STATE_STANDING_BY);
		if (stop_wait(ingest->stop, lease_wait_ms(table_lease(ingest->table))))
			return error_set(err, ERROR_STOPPED, "stopped while standing by");
	}
	if (ingest->standing_by)
		log_info(ingest->config->name, "took over %s, epoch %lld",
			table_lease(ingest->table)->resource,
			(long long)table_lease(ingest->table)->epoch);
	ingest->standing_by = false;
	if (ingest->paused) /* what was set aside before it counts no more */
		quota_init(&ingest->load.quota, ingest->config->max_dead_ratio);
	ingest->paused = false;
	return true;
}

/* dray seek: an idle sink would never find out by a store. */
static bool check_position(struct ingest *ingest, struct error *err)
{
	struct table_position there;
	bool found;

	if (!ingest->placed)
		return true;
	if (!table_load(ingest->table, &found, &there, err))
		return false;
	if (found && there.seq == ingest->position.seq && there.epoch == ingest->position.epoch)
		return true;
	log_info(ingest->config->name,
		"somebody moved the position from %lld to %lld: goes on behind that",
		(long long)ingest->position.seq, (long long)there.seq);
	ingest->progress++;
	return error_set(err, ERROR_CONFLICT, "the position was moved");
}

bool turn_keep(struct ingest *ingest, int64_t now, struct error *err)
{
	struct lease *lease = table_lease(ingest->table);

	if (now < lease_keep_at_ms(lease))
		return true;
	if (!lease_keep(table_db(ingest->table), lease, err))
		return false;
	ingest->paused = lease->pause.on;
	if (ingest->paused)
		return error_set(err, ERROR_CONFLICT, "%s is paused", lease->resource);
	return check_position(ingest, err);
}

bool turn_pause(struct ingest *ingest, struct error *err)
{
	const char *resource = table_lease(ingest->table)->resource;
	char why[ERROR_TEXT];

	snprintf(why, sizeof(why), "%s", err->text);
	if (!lease_pause(table_db(ingest->table), resource, "dray", why, NULL, err))
		return false;
	report_error(&ingest->report, "%s", why);
	ingest->keep_error = ingest->paused = true;
	log_error(ingest->config->name,
		"paused itself: %s; nothing more is set aside: repair that, then \"dray resume %s\"",
		why, ingest->config->name);
	return error_set(err, ERROR_CONFLICT, "%s is paused", resource);
}
