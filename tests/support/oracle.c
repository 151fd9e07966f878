/* Counts what went wrong on the way. Texts are compared whole: payloads byte for byte, as hexadecimal. */
#include "support/oracle.h"

#include "support/common.h"

struct row {
	char *event_id, *subject, *key, *payload;
	int64_t id;
	size_t key_index; /* into last_of_key */
	size_t times; /* seen */
};

struct oracle {
	struct row *rows;
	size_t count, room;
	size_t *by_id, *by_key; /* hash tables: index + 1 into rows, the first row of a key */
	size_t slots; /* a power of two */
	int64_t *last_of_key;
	struct oracle_counts counts;
	bool quiet;
};

static uint64_t hash_text(const char *string)
{
	uint64_t hash = 14695981039346656037u;

	for (; *string; string++)
		hash = (hash ^ (unsigned char)*string) * 1099511628211u;
	return hash ^ (hash >> 29);
}

static void add_row(void *context, const char *const *cells)
{
	struct oracle *oracle = context;

	if (oracle->count == oracle->room) {
		oracle->room = oracle->room ? 2 * oracle->room : 1024;
		oracle->rows = realloc(oracle->rows, oracle->room * sizeof(*oracle->rows));
	}
	oracle->rows[oracle->count++] = (struct row){ .id = strtoll(cells[0], NULL, 10),
		.event_id = strdup(cells[1]),
		.subject = strdup(cells[2]),
		.key = cells[3] ? strdup(cells[3]) : NULL,
		.payload = strdup(cells[4] ? cells[4] : "") };
}

static size_t *find_id(const struct oracle *oracle, const char *event_id)
{
	size_t slot = hash_text(event_id) & (oracle->slots - 1);

	while (oracle->by_id[slot] &&
		strcmp(oracle->rows[oracle->by_id[slot] - 1].event_id, event_id) != 0)
		slot = (slot + 1) & (oracle->slots - 1);
	return &oracle->by_id[slot];
}

static size_t *find_key(const struct oracle *oracle, const char *key)
{
	size_t slot = hash_text(key) & (oracle->slots - 1);

	while (oracle->by_key[slot] && strcmp(oracle->rows[oracle->by_key[slot] - 1].key, key) != 0)
		slot = (slot + 1) & (oracle->slots - 1);
	return &oracle->by_key[slot];
}

static void index_rows(struct oracle *oracle)
{
	for (oracle->slots = 16; oracle->slots < 2 * oracle->count; oracle->slots *= 2)
		;
	oracle->by_id = calloc(oracle->slots, sizeof(*oracle->by_id));
	oracle->by_key = calloc(oracle->slots, sizeof(*oracle->by_key));
	oracle->last_of_key = calloc(oracle->count + 1, sizeof(*oracle->last_of_key));
	for (size_t i = 0; i < oracle->count; i++) {
		struct row *row = &oracle->rows[i];
		*find_id(oracle, row->event_id) = i + 1;
		if (!row->key)
			continue;
		size_t *first = find_key(oracle, row->key);
		if (!*first)
			*first = i + 1;
		row->key_index = *first;
	}
}

struct oracle *oracle_from_query(struct testdb *db, const char *sql)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));

	testdb_each(db, add_row, oracle, sql);
	index_rows(oracle);
	return oracle;
}

struct oracle *oracle_from_outbox(struct testdb *db, const char *where)
{
	return oracle_from_query(db,
		text("SELECT id, event_id, subject, key, %s FROM %s WHERE %s ORDER BY id",
			testdb_pick(db, "lower(hex(payload))", "encode(payload, 'hex')"),
			testdb_table(db, "outbox"), where));
}

void oracle_destroy(struct oracle *oracle)
{
	if (!oracle)
		return;
	for (size_t i = 0; i < oracle->count; i++) {
		free(oracle->rows[i].event_id);
		free(oracle->rows[i].subject);
		free(oracle->rows[i].key);
		free(oracle->rows[i].payload);
	}
	free(oracle->rows);
	free(oracle->by_id);
	free(oracle->by_key);
	free(oracle->last_of_key);
	free(oracle);
}

static void begin(struct oracle *oracle, bool quiet)
{
	oracle->quiet = quiet;
	oracle->counts = (struct oracle_counts){ .expected = (int64_t)oracle->count };
	for (size_t i = 0; i < oracle->count; i++)
		oracle->rows[i].times = 0;
	memset(oracle->last_of_key, 0, (oracle->count + 1) * sizeof(*oracle->last_of_key));
}

/* The first few of each kind are worth a line. */
static bool worth_a_line(const struct oracle *oracle, int64_t *count)
{
	return (*count)++ < 5 && !oracle->quiet;
}

static bool same(const struct row *row, const char *subject, const char *key, const char *payload)
{
	return strcmp(row->subject, subject) == 0 && strcmp(row->key ? row->key : "", key) == 0 &&
		strcmp(row->payload, payload) == 0;
}

static void see(struct oracle *oracle, const char *event_id, const char *subject, const char *key,
	const char *payload)
{
	struct oracle_counts *counts = &oracle->counts;
	size_t found = *find_id(oracle, event_id);
	struct row *row = found ? &oracle->rows[found - 1] : NULL;

	counts->seen++;
	if (!row) {
		if (worth_a_line(oracle, &counts->leaked))
			say("nobody committed %s (%s, key %s)", event_id, subject, key);
		return;
	}
	if (row->times++ > 0) {
		if (worth_a_line(oracle, &counts->duplicated))
			say("row %lld, %s, is there again", (long long)row->id, event_id);
		return;
	}
	if (!same(row, subject, key, payload) && worth_a_line(oracle, &counts->altered))
		say("row %lld was %s %s %.80s and became %s %s %.80s", (long long)row->id,
			row->subject, row->key ? row->key : "", row->payload, subject, key,
			payload);
	if (row->key && row->id < oracle->last_of_key[row->key_index] &&
		worth_a_line(oracle, &counts->reordered))
		say("row %lld of key %s came after row %lld", (long long)row->id, row->key,
			(long long)oracle->last_of_key[row->key_index]);
	if (row->key && row->id > oracle->last_of_key[row->key_index])
		oracle->last_of_key[row->key_index] = row->id;
}

static struct oracle_counts finish(struct oracle *oracle, const char *where)
{
	struct oracle_counts *counts = &oracle->counts;

	for (size_t i = 0; i < oracle->count; i++)
		if (oracle->rows[i].times == 0 && worth_a_line(oracle, &counts->lost))
			say("row %lld, %s, key %s, is not in %s", (long long)oracle->rows[i].id,
				oracle->rows[i].event_id,
				oracle->rows[i].key ? oracle->rows[i].key : "(none)", where);
	if (oracle->quiet)
		return *counts;
	say("%s: %lld expected, %lld there; lost %lld, leaked %lld, duplicated %lld, altered %lld, "
	    "out of order %lld",
		where, (long long)counts->expected, (long long)counts->seen,
		(long long)counts->lost, (long long)counts->leaked, (long long)counts->duplicated,
		(long long)counts->altered, (long long)counts->reordered);
	return *counts;
}

static void see_message(void *context, uint64_t seq, natsMsg *message)
{
	size_t size = (size_t)natsMsg_GetDataLength(message);
	const unsigned char *data = (const unsigned char *)natsMsg_GetData(message);
	char *hex = malloc(2 * size + 1);

	(void)seq;
	for (size_t i = 0; i < size; i++) {
		hex[2 * i] = "0123456789abcdef"[data[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
	}
	hex[2 * size] = '\0';
	see(context, jetstream_header(message, "Nats-Msg-Id"), natsMsg_GetSubject(message),
		jetstream_header(message, "Dray-Key"), hex);
	free(hex);
}

struct oracle_counts oracle_see_stream(
	struct oracle *oracle, struct jetstream *js, const char *stream)
{
	begin(oracle, false);
	jetstream_each(js, stream, see_message, oracle);
	return finish(oracle, text("stream %s", stream));
}

struct oracle_counts oracle_count_stream(
	struct oracle *oracle, struct jetstream *js, const char *stream)
{
	begin(oracle, true);
	jetstream_each(js, stream, see_message, oracle);
	return finish(oracle, stream);
}

static void see_archived(void *context, const char *const *cells)
{
	see(context, cells[0] ? cells[0] : "", cells[1], cells[2] ? cells[2] : "",
		cells[3] ? cells[3] : "");
}

struct oracle_counts oracle_see_archive(struct oracle *oracle, struct testdb *db)
{
	begin(oracle, false);
	testdb_each(db, see_archived, oracle,
		text("SELECT msg_id, subject, key, %s FROM %s ORDER BY stream, epoch, seq",
			testdb_pick(db, "lower(hex(payload))", "encode(payload, 'hex')"),
			testdb_table(db, "events")));
	return finish(oracle, "archive");
}

void oracle_require(struct oracle_counts counts)
{
	if (counts.seen != counts.expected || counts.lost || counts.leaked || counts.duplicated ||
		counts.altered || counts.reordered)
		give_up("%lld expected, %lld there; lost %lld, leaked %lld, duplicated %lld, altered "
			"%lld, out of order %lld",
			(long long)counts.expected, (long long)counts.seen, (long long)counts.lost,
			(long long)counts.leaked, (long long)counts.duplicated,
			(long long)counts.altered, (long long)counts.reordered);
}
