#ifndef HISTORY_REPLAY_H
#define HISTORY_REPLAY_H

#include "history/run.h"

/*
 * Publishes a run's events again: each once, those of a key in their order, with the name of the run as
 * Dray-Replay and as the suffix of its id. It is the relay's own loop over another kind of outbox, so what is
 * uncertain after an outage or a crash is looked up in the stream before it is sent again.
 */
typedef void replay_progress_fn(void *context, const struct run *run);

struct replay_options {
	const struct config *config;
	const char *database; /* the URL */
	const struct config_relay *like; /* whose batch and limits it takes; NULL: the defaults */
	struct config_list closed; /* subjects of streams that nobody but their relay may fill */
	replay_progress_fn *progress; /* called from another thread, a few times a second */
	void *context;
};

/*
 * Until the run is complete (run->complete) or stop is requested: true, and then the file says how far it came.
 * False: err says why, and the file too. The run is locked and saved. Servers that are away are waited for. On the
 * calling thread, and one more for the outbox.
 */
bool replay_run(struct run *run, const struct replay_options *options, struct stop *stop,
	struct error *err);

#endif
