/* What the outboxes of history have in common. */
#include "history/guest.h"

#include <inttypes.h>

#include "base/failpoint.h"
#include "history/source.h"

#define TRIES 5 /* of a row that the stream does not take */

static struct guest *guest_of(struct outbox *outbox)
{
	return (struct guest *)outbox;
}

static void destroy(struct outbox *outbox)
{
	struct guest *guest = guest_of(outbox);

	if (guest->work->finish)
		guest->work->finish(guest);
}

static bool opened(struct outbox *outbox, struct error *err)
{
	return source_open(outbox->db, err);
}

static void rewound(struct outbox *outbox)
{
	guest_of(outbox)->work->begin(guest_of(outbox));
}

/* Where nothing was published yet, nothing is to be looked up. */
static bool oldest(struct outbox *outbox, int64_t *created_ms, struct error *err)
{
	const struct guest *guest = guest_of(outbox);

	(void)err;
	*created_ms = guest->work->uncertain(guest) ? guest->began_ms : INT64_MAX;
	return true;
}

static bool positions(struct outbox *outbox, struct arena *arena, struct position **list,
	size_t *count, struct error *err)
{
	const struct guest *guest = guest_of(outbox);

	*list = NULL;
	*count = 0;
	return !guest->work->positions || guest->work->positions(outbox, arena, list, count, err);
}

static bool read_rows(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	struct guest *guest = guest_of(outbox);
	bool again = plan->sweep && outbox->sweep_at != OUTBOX_NO_SWEEP;

	*batch = NULL;
	bool ok = guest->work->read(guest, plan, again, batch, err);
	if (!ok && *batch)
		batch_destroy(*batch);
	for (size_t i = 0; ok && i < (*batch)->count; i++) {
		(*batch)->rows[i]->source = again ? ROW_SWEEP : ROW_NEW;
		(*batch)->rows[i]->created_ms = guest->began_ms;
	}
	return ok;
}

/* The stream did not take it now: the session ends, and the next one tries again. */
static bool not_taken(struct guest *guest, const struct verdict *verdict, struct error *err)
{
	const struct row *row = verdict->row;
	bool again = row->id == guest->failed;

	guest->failed = row->id;
	guest->tries = again ? guest->tries + 1 : 1;
	return error_set(err, guest->tries < TRIES ? ERROR_UNAVAILABLE : ERROR_REJECTED,
		"%s %" PRId64 " (%.*s): %s", guest->work->noun, guest->work->number(guest, row->id),
		(int)row->event.subject.size, row->event.subject.data, verdict->error);
}

static bool settle(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	struct guest *guest = guest_of(outbox);
	const struct verdict *failed = NULL;

	for (size_t i = 0; i < count; i++)
		if (verdicts[i]->outcome == OUTCOME_RETRY)
			failed = verdicts[i];
		else
			guest->work->close(guest, verdicts[i], position);
	*changed = count;
	failpoint("history.before_place");
	return guest->work->go_on(guest, err) && (!failed || not_taken(guest, failed, err));
}

static bool wait_for_more(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err)
{
	struct guest *guest = guest_of(outbox);
	int64_t longest = guest->work->longest_wait_ms(guest);

	outbox_sleep(wake_fd, ms < longest ? ms : longest);
	return guest->work->go_on(guest, err);
}

static const struct outbox_driver driver = {
	.guest = true,
	.destroy = destroy,
	.oldest = oldest,
	.positions = positions,
	.opened = opened,
	.rewound = rewound,
	.read = read_rows,
	.settle = settle,
	.wait = wait_for_more,
};

bool guest_init(struct guest *guest, const struct guest_work *work,
	const struct config_relay *config, struct stop *stop, int64_t began_ms, struct error *err)
{
	guest->work = work;
	guest->began_ms = began_ms;
	guest->failed = INT64_MIN;
	return outbox_init(&guest->base, &driver, config, stop, err);
}
