import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { fraction, seededChance } from "../gateway/src/lib/ids.ts";
import { until } from "../gateway/src/lib/until.testing.ts";
import { caller } from "./caller.ts";
import { assertBooked, type Charge, charge } from "./charges.ts";
import type { Books } from "./ledger.ts";
import type { Tollgate, Variables } from "./server.ts";
import type { UpstreamApart } from "./upstream.apart.ts";
import { dearByDefault } from "./upstream.ts";

/** For the servers that are killed: no limits, and what a dead one held is charged two seconds later. */
export const killedEnv: Variables = {
  ...dearByDefault,
  KEY_RATE_LIMIT_PER_MINUTE: "",
  IP_RATE_LIMIT_PER_MINUTE: "",
  ABUSE_MODE: "off",
  RESERVATION_TTL_SECONDS: "2",
};

const AT_ONCE = 40;
/** A server is killed when it has answered so many calls, and a random number more. */
const LEAST_ANSWERED = 20;
const MORE_ANSWERED = 120;

/**
 * Starts a server and kills it at a random moment under load, again and again, all under one budget. Whatever the
 * upstream charged is on the ledger afterwards, and what a client got whole is exact.
 */
export async function killAgainAndAgain(
  t: TestContext,
  parts: {
    readonly cycles: number;
    readonly upstream: UpstreamApart;
    /** Always on the same store. */
    readonly start: () => Promise<Tollgate>;
    /** After the last server has ended. */
    readonly readBooks: () => Promise<Books>;
  },
): Promise<void> {
  const { cycles, upstream, start, readBooks } = parts;
  const chance = seededChance(cycles);
  const charges: Charge[] = [];
  let asked = 0;
  let key: string | undefined;
  for (let cycle = 0; cycle < cycles; cycle++) {
    const server = await start();
    key ??= await budgetedKey(server);
    const us = caller(server.url, key);
    let isDoomed = false;
    const clients = Array.from({ length: AT_ONCE }, async () => {
      while (!isDoomed) charges.push(await charge(us, asked++));
    });
    const enough = answered(charges) + LEAST_ANSWERED + MORE_ANSWERED * fraction(chance);
    await until(() => answered(charges) >= enough);
    isDoomed = true;
    await server.kill("SIGKILL");
    await Promise.all(clients);
  }

  const last = await start();
  const path = "/costs/projects/1/budget";
  const budget = async () => (await (await caller(last.url, key!).get(path)).json()) as BudgetJson;
  await until(async () => (await budget()).reserved_usd === "0");
  const spent = (await budget()).actual_cost_usd;
  assert.deepEqual((await last.ask<{ drift: unknown[] }>("verify")).drift, []);
  assert.equal(await last.stop(), 0);
  const calls = await upstream.closedBooks();
  const { ledger, reservations } = await readBooks();
  assert.deepEqual(reservations, []);
  const unsettled = assertBooked(ledger, calls, charges);
  t.diagnostic(
    `${calls.length} calls charged by the upstream, ${answered(charges)} answered, ${unsettled.length} unsettled, $${spent} spent`,
  );
  assert.ok(unsettled.length > cycles, "the kills found nothing under way");
}

function answered(charges: readonly Charge[]): number {
  return charges.filter(({ isWhole }) => isWhole).length;
}

type BudgetJson = { readonly reserved_usd: string; readonly actual_cost_usd: string };

async function budgetedKey(server: Tollgate): Promise<string> {
  await server.ask("projects", "create", "--name", "killed", "--budget", "1000000");
  const { key } = await server.ask<{ key: string }>("keys", "issue", "--name", "killed", "--project", "1");
  return key;
}
