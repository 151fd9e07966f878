/*
 * One connection to PostgreSQL over libpq, never blocking past a deadline. Every error is turned into an
 * error kind in one place, right after the call that failed.
 */
#include "db/postgres.h"

#include <endian.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "db/postgres_url.h"
#include "db/hosts.h"

struct postgres {
	char *url, *name, *label;
	struct hosts hosts;
	PGconn *connection;
	struct stop *stop;
	int64_t usual_ms; /* of a call without a limit of its own */
	size_t behind; /* calls that were sent together and whose results are not taken yet */
};

struct postgres *postgres_create(
	const char *url, const char *name, struct stop *stop, struct error *err)
{
	PQconninfoOption *options = postgres_url_parse(url, err);

	if (!options)
		return NULL;
	struct postgres *postgres = memory_new(sizeof(*postgres));
	*postgres = (struct postgres){ .url = memory_text(url),
		.name = memory_text(name),
		.label = postgres_url_label(options),
		.stop = stop,
		.usual_ms = POSTGRES_STATEMENT_MS };
	hosts_init(&postgres->hosts, postgres_url_option(options, "host"),
		postgres_url_option(options, "hostaddr"), postgres_url_option(options, "port"));
	PQconninfoFree(options);
	return postgres;
}

void postgres_destroy(struct postgres *postgres)
{
	if (!postgres)
		return;
	postgres_close(postgres);
	hosts_finish(&postgres->hosts);
	free(postgres->url);
	free(postgres->name);
	free(postgres->label);
	free(postgres);
}

const char *postgres_label(const struct postgres *postgres)
{
	return postgres->label;
}

void postgres_close(struct postgres *postgres)
{
	PQfinish(postgres->connection);
	postgres->connection = NULL;
}

bool postgres_is_open(const struct postgres *postgres)
{
	return postgres->connection && PQstatus(postgres->connection) == CONNECTION_OK;
}

PGconn *postgres_connection(struct postgres *postgres)
{
	return postgres->connection;
}

/*
 * Says why, in libpq's first line, and closes: after a broken or late answer the connection's state is not
 * known.
 */
static bool lost(struct postgres *postgres, struct error *err, const char *why)
{
	error_set(
		err, ERROR_UNAVAILABLE, "%s: %.*s", postgres->label, (int)strcspn(why, "\n"), why);
	postgres_close(postgres);
	return false;
}

/* Waits until the socket is ready for events or the deadline is over. */
static bool wait_socket(struct postgres *postgres, short events, int64_t deadline,
	struct stop *stop, struct error *err)
{
	struct pollfd fds[2] = { { .fd = PQsocket(postgres->connection), .events = events },
		{ .fd = stop ? stop->fd : -1, .events = POLLIN } };
	int64_t left = deadline - clock_now_ms();

	if (left <= 0 || (poll(fds, 2, (int)left) == 0))
		return lost(postgres, err, "no answer in time");
	if (fds[1].revents) {
		postgres_close(postgres);
		return error_set(
			err, ERROR_STOPPED, "stopped while waiting for %s", postgres->label);
	}
	return true;
}

static bool start_connection(struct postgres *postgres, struct error *err)
{
	const struct hosts *hosts = &postgres->hosts;
	bool several = hosts_count(hosts) > 1; /* one of them is the primary */
	/* What comes before dbname can be overruled by the URI. */
	const char *const keywords[] = { "fallback_application_name", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"target_session_attrs", "dbname", "client_encoding", "host", "hostaddr", "port",
		NULL };
	const char *const values[] = { postgres->name, "5", "2", "3", "10000",
		several ? "read-write" : NULL, postgres->url, "UTF8", hosts->host, hosts->hostaddr,
		hosts->port, NULL };

	postgres->connection = PQconnectStartParams(keywords, values, 1);
	if (!postgres->connection || PQstatus(postgres->connection) == CONNECTION_BAD)
		return lost(postgres, err, PQerrorMessage(postgres->connection));
	return true;
}

/*
 * libpq tells no code here. Where the server speaks another language, it is taken for one that is away,
 * which is waited for as well.
 */
static bool is_refused(const char *words)
{
	return strstr(words, "not permitted to log in") || strstr(words, "authentication failed") ||
		strstr(words, "no pg_hba.conf entry");
}

static bool not_connected(struct postgres *postgres, struct error *err)
{
	bool refused = is_refused(PQerrorMessage(postgres->connection));

	lost(postgres, err, PQerrorMessage(postgres->connection));
	if (refused && err)
		err->kind = ERROR_SCHEMA;
	return false;
}

static bool finish_connection(struct postgres *postgres, struct error *err)
{
	int64_t deadline = clock_now_ms() + POSTGRES_CONNECT_MS;
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	while (state != PGRES_POLLING_OK) {
		if (state == PGRES_POLLING_FAILED)
			return not_connected(postgres, err);
		short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		if (!wait_socket(postgres, events, deadline, postgres->stop, err)) {
			hosts_turn(
				&postgres->hosts); /* the next attempt begins with another host */
			return false;
		}
		state = PQconnectPoll(postgres->connection);
	}
	return PQsetnonblocking(postgres->connection, 1) == 0 ||
		lost(postgres, err, PQerrorMessage(postgres->connection));
}

static void ignore_notice(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

static bool check_session(struct postgres *postgres, struct error *err)
{
	struct postgres_call call = { .sql = "SELECT pg_backend_pid(), pg_is_in_recovery()" };
	PGresult *result;

	if (!postgres_call(postgres, &call, &result, err))
		return false;
	bool pooled = atoi(PQgetvalue(result, 0, 0)) != PQbackendPID(postgres->connection);
	bool recovery = PQgetvalue(result, 0, 1)[0] == 't';
	PQclear(result);
	if (!pooled && !recovery)
		return true;
	postgres_close(postgres);
	if (pooled)
		return error_set(err, ERROR_SCHEMA,
			"%s: a pooler is between; connect to PostgreSQL directly", postgres->label);
	hosts_turn(&postgres->hosts);
	/* A standby may be promoted: it is worth trying again. */
	return error_set(err, ERROR_UNAVAILABLE,
		"%s: the database is in recovery; name the primary", postgres->label);
}

/*
 * A statement of ours that waits for somebody's lock ends when this process does, not when it gets the lock.
 * Servers before 14, and some systems, cannot do that.
 */
static const char watch_client[] = "SELECT set_config(name, '2s', false) FROM pg_settings "
				   "WHERE name = 'client_connection_check_interval'";

static bool open_once(struct postgres *postgres, struct error *err)
{
	postgres_close(postgres);
	if (!start_connection(postgres, err) || !finish_connection(postgres, err))
		return false;
	PQsetNoticeReceiver(postgres->connection, ignore_notice, NULL);
	if (!check_session(postgres, err) ||
		!postgres_script(postgres, "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'", 0, err))
		return false;
	postgres_script(postgres, watch_client, 0, NULL);
	return true;
}

/* A command has one attempt only: each host that is silent, or no primary, made room for the next. */
bool postgres_open(struct postgres *postgres, struct error *err)
{
	size_t left = hosts_count(&postgres->hosts);
	struct error why;

	do {
		why = (struct error){ 0 };
		if (open_once(postgres, &why))
			return true;
	} while (why.kind == ERROR_UNAVAILABLE && --left > 0);
	if (err)
		*err = why;
	return false;
}

bool postgres_limit_statements(struct postgres *postgres, struct error *err)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "SET statement_timeout = %d", POSTGRES_STATEMENT_MS);
	return postgres_script(postgres, sql, 0, err);
}

void postgres_be_patient(struct postgres *postgres, int64_t ms)
{
	postgres->usual_ms = ms;
}

static enum error_kind kind_of(const char *state)
{
	static const struct {
		const char *prefix;
		enum error_kind kind;
	} kinds[] = {
		{ "25006", ERROR_UNAVAILABLE }, /* read-only: failed over */
		{ "57014", ERROR_UNAVAILABLE }, /* cancelled, statement_timeout */
		{ "55P03", ERROR_CONFLICT },
		{ "55006", ERROR_CONFLICT },
		{ "08", ERROR_UNAVAILABLE },
		{ "53", ERROR_UNAVAILABLE },
		{ "57", ERROR_UNAVAILABLE },
		{ "58", ERROR_UNAVAILABLE },
		{ "40", ERROR_CONFLICT },
		{ "22", ERROR_REJECTED },
		{ "23", ERROR_REJECTED },
		{ "44", ERROR_REJECTED },
		{ "54", ERROR_REJECTED },
		{ "P0", ERROR_REJECTED },
		{ "38", ERROR_REJECTED },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(state, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return kinds[i].kind;
	return ERROR_SCHEMA;
}

static bool result_error(struct postgres *postgres, const PGresult *result, struct error *err)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	if (!state || PQstatus(postgres->connection) != CONNECTION_OK)
		return lost(postgres, err, text ? text : PQerrorMessage(postgres->connection));
	return error_set(err, kind_of(state), "%s%s%s (SQLSTATE %s)", text, detail ? ": " : "",
		detail ? detail : "", state);
}

/* Sends what libpq still holds; reads meanwhile, or both sides could wait for each other. */
static bool flush(struct postgres *postgres, int64_t deadline, struct error *err)
{
	int state;

	while ((state = PQflush(postgres->connection)) == 1) {
		if (!wait_socket(postgres, POLLIN | POLLOUT, deadline, NULL, err))
			return false;
		if (!PQconsumeInput(postgres->connection))
			return lost(postgres, err, PQerrorMessage(postgres->connection));
	}
	return state == 0 || lost(postgres, err, PQerrorMessage(postgres->connection));
}

/* NULL: there are no more of this call. */
static bool next_result(
	struct postgres *postgres, int64_t deadline, PGresult **next, struct error *err)
{
	while (PQisBusy(postgres->connection)) {
		if (!wait_socket(postgres, POLLIN, deadline, NULL, err))
			return false;
		if (!PQconsumeInput(postgres->connection))
			return lost(postgres, err, PQerrorMessage(postgres->connection));
	}
	*next = PQgetResult(postgres->connection);
	return true;
}

/* Waits for the last result of what was sent; an error among the results wins. */
static bool collect(
	struct postgres *postgres, int64_t deadline, PGresult **result, struct error *err)
{
	PGresult *last = NULL, *next;

	if (!flush(postgres, deadline, err))
		return false;
	for (;;) {
		if (!next_result(postgres, deadline, &next, err)) {
			PQclear(last);
			return false;
		}
		if (!next)
			break;
		if (last && PQresultStatus(last) == PGRES_FATAL_ERROR) {
			PQclear(next);
			continue;
		}
		PQclear(last);
		last = next;
	}
	*result = last;
	ExecStatusType status = PQresultStatus(last);
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY)
		return true;
	result_error(postgres, last, err);
	PQclear(last);
	*result = NULL;
	return false;
}

static bool finish(
	struct postgres *postgres, int sent, int64_t limit_ms, PGresult **result, struct error *err)
{
	PGresult *own = NULL;

	if (!sent)
		return lost(postgres, err, PQerrorMessage(postgres->connection));
	int64_t deadline = clock_now_ms() + (limit_ms ? limit_ms : postgres->usual_ms);
	if (!collect(postgres, deadline, &own, err))
		return false;
	if (result)
		*result = own;
	else
		PQclear(own);
	return true;
}

static bool usable(struct postgres *postgres, struct error *err)
{
	if (postgres->connection)
		return true;
	return error_set(err, ERROR_UNAVAILABLE, "%s: not connected", postgres->label);
}

static int send_call(struct postgres *postgres, const struct postgres_call *call)
{
	if (call->prepared)
		return PQsendQueryPrepared(postgres->connection, call->sql, call->count,
			call->values, call->lengths, call->formats, call->binary_result);
	return PQsendQueryParams(postgres->connection, call->sql, call->count, NULL, call->values,
		call->lengths, call->formats, call->binary_result);
}

bool postgres_call(struct postgres *postgres, const struct postgres_call *call, PGresult **result,
	struct error *err)
{
	return usable(postgres, err) &&
		finish(postgres, send_call(postgres, call), call->limit_ms, result, err);
}

bool postgres_send(struct postgres *postgres, const struct postgres_call *const *calls,
	size_t count, struct error *err)
{
	if (!usable(postgres, err))
		return false;
	bool sent = PQenterPipelineMode(postgres->connection);
	for (size_t i = 0; sent && i < count; i++)
		sent = send_call(postgres, calls[i]) && PQpipelineSync(postgres->connection);
	postgres->behind = count;
	return sent || lost(postgres, err, PQerrorMessage(postgres->connection));
}

/* Each call ends with a result of its own, which says that its transaction is over. */
static bool end_call(struct postgres *postgres, struct error *err)
{
	PGresult *end;

	if (!next_result(postgres, clock_now_ms() + postgres->usual_ms, &end, err))
		return false;
	bool ended = PQresultStatus(end) == PGRES_PIPELINE_SYNC;
	PQclear(end);
	if (--postgres->behind == 0)
		ended = ended && PQexitPipelineMode(postgres->connection);
	return ended || lost(postgres, err, PQerrorMessage(postgres->connection));
}

bool postgres_next(struct postgres *postgres, PGresult **result, struct error *err)
{
	struct error lost_err = { 0 };

	if (!usable(postgres, err))
		return false;
	bool ok = finish(postgres, 1, 0, result, err);
	if (!postgres->connection || end_call(postgres, &lost_err))
		return ok;
	if (ok) {
		PQclear(*result);
		*err = lost_err;
	}
	return false;
}

struct slice postgres_slice(const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return (struct slice){ 0 };
	return (struct slice){ PQgetvalue(result, row, column),
		(size_t)PQgetlength(result, row, column) };
}

bool postgres_prepare(
	struct postgres *postgres, const char *name, const char *sql, struct error *err)
{
	return usable(postgres, err) &&
		finish(postgres, PQsendPrepare(postgres->connection, name, sql, 0, NULL), 0, NULL,
			err);
}

bool postgres_script(
	struct postgres *postgres, const char *sql, int64_t limit_ms, struct error *err)
{
	return usable(postgres, err) &&
		finish(postgres, PQsendQuery(postgres->connection, sql), limit_ms, NULL, err);
}

bool postgres_notified(struct postgres *postgres, bool *notified, struct error *err)
{
	PGnotify *notify;

	*notified = false;
	if (!usable(postgres, err))
		return false;
	if (!PQconsumeInput(postgres->connection))
		return lost(postgres, err, PQerrorMessage(postgres->connection));
	while ((notify = PQnotifies(postgres->connection))) {
		*notified = true;
		PQfreemem(notify);
	}
	return true;
}

void postgres_add_text(struct postgres_call *call, const char *text)
{
	call->values[call->count++] = text;
}

void postgres_add_binary(struct postgres_call *call, const void *data, size_t size)
{
	call->values[call->count] = data;
	call->lengths[call->count] = (int)size;
	call->formats[call->count++] = 1;
}

/* Array header: dimensions, flags, element type, size, lower bound. */
#define ARRAY_COUNT_AT 12

void postgres_array_begin(struct buf *array, uint32_t element)
{
	buf_clear(array);
	buf_add_u32(array, 1);
	buf_add_u32(array, 1); /* there may be nulls */
	buf_add_u32(array, element);
	buf_add_u32(array, 0);
	buf_add_u32(array, 1);
}

void postgres_array_add(struct buf *array, const void *data, size_t size)
{
	buf_add_u32(array, (uint32_t)size);
	buf_add(array, data, size);
}

void postgres_array_add_int8(struct buf *array, int64_t value)
{
	buf_add_u32(array, 8);
	buf_add_u64(array, (uint64_t)value);
}

void postgres_array_add_null(struct buf *array)
{
	buf_add_u32(array, UINT32_MAX);
}

void postgres_array_end(struct buf *array, size_t count)
{
	uint32_t value = htobe32((uint32_t)count);

	memcpy(array->data + ARRAY_COUNT_AT, &value, sizeof(value));
}
