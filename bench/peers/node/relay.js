// What a team writes: select a thousand rows, publish them, mark them.
// relay.js all: all thousand at once, in no order; relay.js ordered: one by one.
import pg from "pg";
import { connect } from "nats";

const ordered = process.argv[2] === "ordered";
const idle = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const db = new pg.Client(); // PGHOST, PGPORT, PGUSER and PGDATABASE
await db.connect();
const nc = await connect({ servers: process.env.NATS_URL });
const js = nc.jetstream();
const publish = (row) => js.publish(row.subject, row.payload, { msgID: row.event_id });

let stopping = false;
process.on("SIGTERM", () => (stopping = true));

while (!stopping) {
  const { rows } = await db.query({
    name: "read",
    text: `SELECT id, event_id, subject, payload FROM outbox WHERE published_at IS NULL
           ORDER BY id LIMIT 1000`,
  });
  if (rows.length === 0) {
    await idle(10);
    continue;
  }
  if (ordered) for (const row of rows) await publish(row);
  else await Promise.all(rows.map(publish));
  await db.query({
    name: "mark",
    text: "UPDATE outbox SET published_at = now() WHERE id = ANY ($1::bigint[])",
    values: [rows.map((row) => row.id)],
  });
}
await nc.drain();
await db.end();
