/*
 * Keeps a sink running: one session after another, with a pause that grows while they fail. An outage is
 * one line when it begins and one when it ends.
 */
#include "sink/sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "sink/ingest.h"

#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000

/* What was in order before may be so again, so it is waited for, as for any server. */
static bool is_fatal(const struct ingest *ingest, enum error_kind kind)
{
	return kind == ERROR_USAGE || (kind == ERROR_SCHEMA && !ingest->was_up) ||
		kind == ERROR_INTERNAL || kind == ERROR_REJECTED;
}

/*
 * The first failure of an outage is told, and once more if the set-up is at fault; a conflict after progress
 * is part of the work.
 */
static void tell(struct ingest *ingest, const struct error *why, bool progress)
{
	report_error(&ingest->report, "%s", why->text);
	ingest->keep_error = false;
	ingest_show(ingest, STATE_WAITING);
	if (why->kind == ERROR_CONFLICT && progress) {
		log_debug(ingest->config->name, "begins again: %s", why->text);
		return;
	}
	bool set_up = why->kind == ERROR_SCHEMA;
	if (ingest->out && (!set_up || ingest->told_set_up))
		return;
	if (!ingest->out)
		ingest->out_since_ms = clock_now_ms();
	ingest->out = true;
	ingest->told_set_up = set_up;
	log_warning(ingest->config->name, "waiting: %s; will keep trying, up to every %d s",
		why->text, PAUSE_MAX_MS / 1000);
}

/* A random part, so that many sinks do not come back at the same instant. */
static int64_t jittered(int64_t pause)
{
	return pause / 2 + clock_now_us() % (pause / 2 + 1);
}

/* Runs sessions until a stop (true) or a fault of the set-up. */
static bool run_sessions(struct ingest *ingest, struct error *err)
{
	int64_t pause = PAUSE_MIN_MS;

	for (;;) {
		int64_t before = ingest->progress;
		ingest_run(ingest, err);
		bool progress = ingest->progress > before;
		if (err->kind == ERROR_STOPPED || stop_requested(ingest->stop))
			return true;
		if (ingest->paused)
			continue;
		if (is_fatal(ingest, err->kind))
			return false;
		tell(ingest, err, progress);
		ingest_report(ingest, "waiting");
		table_close(ingest->table);
		if (progress)
			pause = PAUSE_MIN_MS;
		if (stop_wait(ingest->stop, jittered(pause)))
			return true;
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	}
}

bool sink_run(const struct config *config, const struct config_sink *sink, struct metrics *metrics,
	struct stop *stop, struct error *err)
{
	struct ingest ingest;

	if (!ingest_init(&ingest, config, sink, metrics, stop, err))
		return false;
	bool ok = run_sessions(&ingest, err);
	if (!ok) {
		report_error(&ingest.report, "%s", err->text);
	}
	ingest_report(&ingest, "stopped");
	ingest_finish(&ingest);
	return ok;
}
