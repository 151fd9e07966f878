/* The lease: a row that every holder renews, with an epoch that grows with each new holder. */
#include "db/lease.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"

void lease_init(struct lease *lease, const char *resource, int64_t length_ms)
{
	char host[48] = "", random[17];

	*lease = (struct lease){ .length_ms = length_ms };
	gethostname(host, sizeof(host) - 1);
	hash_random_hex(random, 8);
	snprintf(lease->resource, sizeof(lease->resource), "%s", resource);
	snprintf(lease->holder, sizeof(lease->holder), "%s/%ld/%s", host, (long)getpid(), random);
}

static bool run(struct db *db, enum statement statement, struct lease *lease, struct arena *arena,
	struct db_rows *rows, struct error *err)
{
	char length[24], epoch[24];
	const char *parameters[] = { lease->resource, lease->holder, length, epoch };
	int64_t sent = clock_now_ms();

	snprintf(length, sizeof(length), "%" PRId64, lease->length_ms);
	snprintf(epoch, sizeof(epoch), "%" PRId64, lease->epoch);
	if (!db_run(db, statement, NULL, parameters, statement == SQL_LEASE_ACQUIRE ? 3 : 4, arena,
		    rows, err))
		return false;
	if (rows->rows > 0)
		lease_confirm(lease, sent);
	return true;
}

static bool say_holder(struct db *db, struct lease *lease, struct arena *arena, struct error *err)
{
	const char *parameters[] = { lease->resource };
	struct db_rows rows;

	if (!db_run(db, SQL_LEASE_HOLDER, NULL, parameters, 1, arena, &rows, err))
		return false;
	return error_set(err, ERROR_CONFLICT, "%s is held by %s", lease->resource,
		rows.rows ? db_cell(&rows, 0, 0) : "another process");
}

bool lease_acquire(struct db *db, struct lease *lease, struct error *err)
{
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = run(db, SQL_LEASE_ACQUIRE, lease, &arena, &rows, err);
	if (ok && rows.rows > 0)
		lease->epoch = atoll(db_cell(&rows, 0, 0));
	else if (ok)
		ok = say_holder(db, lease, &arena, err);
	arena_finish(&arena);
	return ok;
}

bool lease_renew(struct db *db, struct lease *lease, struct error *err)
{
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = run(db, SQL_LEASE_RENEW, lease, &arena, &rows, err);
	if (ok && rows.rows == 0)
		ok = say_holder(db, lease, &arena, err);
	arena_finish(&arena);
	return ok;
}

void lease_release(struct db *db, struct lease *lease)
{
	char epoch[24];
	const char *parameters[] = { lease->resource, lease->holder, epoch };

	snprintf(epoch, sizeof(epoch), "%" PRId64, lease->epoch);
	if (lease->epoch && db_is_open(db))
		db_run(db, SQL_LEASE_RELEASE, NULL, parameters, 3, NULL, NULL, NULL);
	lease->epoch = 0;
}

void lease_confirm(struct lease *lease, int64_t sent_ms)
{
	if (sent_ms > lease->confirmed_ms)
		lease->confirmed_ms = sent_ms;
}

int64_t lease_work_until_ms(const struct lease *lease)
{
	return lease->confirmed_ms + lease->length_ms / 2;
}

int64_t lease_renew_at_ms(const struct lease *lease)
{
	return lease->confirmed_ms + lease->length_ms / 3;
}
