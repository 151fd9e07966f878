// What a team writes to store a stream: fetch up to a thousand messages, insert them in one statement, acknowledge.
import pg from "pg";
import { connect, AckPolicy } from "nats";

const db = new pg.Client(); // PGHOST, PGPORT, PGUSER and PGDATABASE
await db.connect();
const nc = await connect({ servers: process.env.NATS_URL });
const manager = await nc.jetstreamManager();
await manager.consumers.add("BENCH", {
  durable_name: "node-sink",
  ack_policy: AckPolicy.All,
  max_ack_pending: 10000,
});
const consumer = await nc.jetstream().consumers.get("BENCH", "node-sink");

let stopping = false;
process.on("SIGTERM", () => (stopping = true));

async function store(messages) {
  const column = (of) => messages.map(of);
  await db.query({
    name: "store",
    text: `INSERT INTO events SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[],
           $5::bytea[], $6::timestamptz[]) ON CONFLICT DO NOTHING`,
    values: [
      column((m) => m.seq),
      column((m) => m.subject),
      column((m) => m.headers?.get("Dray-Key")),
      column((m) => m.headers?.get("Nats-Msg-Id")),
      column((m) => Buffer.from(m.data)),
      column((m) => new Date(m.info.timestampNanos / 1e6)),
    ],
  });
  await messages[messages.length - 1].ackAck();
}

while (!stopping) {
  const messages = [];
  for await (const message of await consumer.fetch({ max_messages: 1000, expires: 1000 })) messages.push(message);
  if (messages.length > 0) await store(messages);
}
await nc.drain();
await db.end();
