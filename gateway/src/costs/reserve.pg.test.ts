import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { sql } from "kysely";
import { systemClock, VirtualClock } from "../lib/clock.ts";
import { isOutage } from "../store/outages.ts";
import { openPostgres } from "../store/postgres.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { createBudget } from "./budgets.ts";
import { reservations } from "./reserve.ts";
import { callOf, disagreements, noTrouble } from "./testing.ts";

const skip = missing("postgres");

test("a reservation that was made, but whose answer was lost, is given back", { skip }, async () => {
  await using store = await testPostgres();
  await using line = await lineTo(store.url);
  const through = await openPostgres({ url: line.url, poolSize: 2, clock: systemClock });
  const clock = new VirtualClock();
  const keeping = reservations({
    db: through.db,
    clock,
    instance: "gateway-1",
    ttlMs: 60_000,
    onTrouble: noTrouble,
  });
  const budget = { scope: "project", scopeId: "1", allocatedPico: 1_000n, period: "none" } as const;
  const budgetIds = [await createBudget(store.db, budget, 0)];
  const made = async () => (await store.db.selectFrom("reservations").select("id").execute()).length;

  line.loseAnswers = true;
  const lost = keeping.reserve({ call: callOf({ budgetIds }), needPico: 10n, wantPico: 10n });
  await assert.rejects(lost, isOutage);
  while ((await made()) === 0) await sql`select 1`.execute(store.db);
  line.loseAnswers = false;
  assert.equal(keeping.inFlight(), 0);

  clock.advance(20_000);
  await keeping.close();
  assert.equal(await made(), 0);
  assert.deepEqual(await disagreements(store.db), []);
  await through.close();
});

/** A line to PostgreSQL that carries every question, and can break before it carries the answer. */
async function lineTo(
  url: string,
): Promise<AsyncDisposable & { readonly url: string; loseAnswers: boolean }> {
  const target = new URL(url);
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    client.on("error", () => {}).on("data", (bytes) => upstream.write(bytes));
    client.on("close", () => upstream.end());
    upstream.on("error", () => {}).on("close", () => client.destroy());
    upstream.on("data", (bytes) => (line.loseAnswers ? client.destroy() : client.write(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const here = new URL(url);
  here.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  const line = { url: here.href, loseAnswers: false, [Symbol.asyncDispose]: close };
  return line;
}
