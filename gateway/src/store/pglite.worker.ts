import { parentPort, workerData } from "node:worker_threads";
import type { Results } from "@electric-sql/pglite";
import { openEngine } from "./pglite.engine.ts";

/** The thread that owns the one PGlite instance. It is asked one question at a time; see pglite.session.ts. */
export type WorkerData = { readonly folder: string; readonly durable: boolean };

export type Question =
  | { readonly kind: "query"; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: "close" };

export type Message =
  | { readonly kind: "ready" }
  | ({ readonly kind: "rows" } & Rows)
  | { readonly kind: "fault"; readonly message: string; readonly fields: FaultFields }
  | { readonly kind: "broken"; readonly reason: string }
  | { readonly kind: "notification"; readonly channel: string; readonly payload: string };

export type Rows = {
  readonly rows: readonly Record<string, unknown>[];
  readonly command: string;
  readonly rowCount: number;
};

/** What PostgreSQL says about a failed statement. Without `code` the statement never reached it. */
export type FaultFields = { readonly [field in (typeof faultFields)[number]]?: string };

const faultFields = ["code", "constraint", "detail", "hint", "table", "column", "severity"] as const;

/** PGlite takes no checkpoints by itself, so its log would grow until the process ends. */
const CHECKPOINT_BYTES = 32 * 1024 * 1024;
const STATEMENTS_BETWEEN_LOOKS = 256;

const port = parentPort!;
const { folder, durable } = workerData as WorkerData;
const { database } = await openEngine(folder, durable, (error) => {
  send({ kind: "broken", reason: `fsync failed: ${error}` });
  process.exit(1);
});

let checkpointAt = await logPosition();
let statements = 0;
database.onNotification((channel, payload) => send({ kind: "notification", channel, payload }));
let work = Promise.resolve();
port.on("message", (question: Question) => {
  work = work.then(() => handle(question));
});
send({ kind: "ready" });

async function handle(question: Question): Promise<void> {
  if (question.kind === "query") {
    send(await answer(question.sql, question.parameters));
    await checkpointSometimes();
  } else {
    await database.close();
    port.close();
  }
}

/** What cannot be handed over, such as JSON nested thousands of levels deep, is answered as a fault. */
function send(message: Message): void {
  try {
    port.postMessage(message);
  } catch (error) {
    port.postMessage(faultOf(error));
  }
}

async function answer(sql: string, parameters: readonly unknown[]): Promise<Message> {
  try {
    const result = await run(sql, parameters);
    // The engine swallows what kills it and then answers with nothing at all.
    if (result?.command === undefined) return { kind: "broken", reason: "the engine gave no answer" };
    return { kind: "rows", rows: result.rows, command: result.command, rowCount: result.rowCount ?? 0 };
  } catch (error) {
    return faultOf(error);
  }
}

/** Without parameters a text may hold several statements, as on PostgreSQL; the answer is that of the last. */
async function run(sql: string, parameters: readonly unknown[]): Promise<Results | undefined> {
  if (parameters.length > 0) return await database.query(sql, [...parameters]);
  return (await database.exec(sql)).at(-1) as Results | undefined;
}

function faultOf(error: unknown): Message {
  const source = error as Record<string, unknown>;
  const known = faultFields.filter((field) => typeof source[field] === "string");
  const fields: FaultFields = Object.fromEntries(known.map((field) => [field, source[field]]));
  return { kind: "fault", message: error instanceof Error ? error.message : String(error), fields };
}

async function logPosition(): Promise<number> {
  const { rows } = await database.query<{ bytes: number }>(
    "select (pg_current_wal_insert_lsn() - '0/0')::bigint as bytes",
  );
  return rows[0]?.bytes ?? 0;
}

async function checkpointSometimes(): Promise<void> {
  statements += 1;
  if (statements % STATEMENTS_BETWEEN_LOOKS > 0 || database.isInTransaction()) return;
  const position = await logPosition();
  if (position - checkpointAt < CHECKPOINT_BYTES) return;
  await database.exec("checkpoint");
  checkpointAt = position;
}
