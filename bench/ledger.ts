import { Client } from "pg";
import type { Mock } from "./mock/mock.ts";
import { runStreams } from "./stream.ts";
import type { Target } from "./targets.ts";

/** What a number of calls left behind: at the mock, and on the ledger of the target. */
export type LedgerResult = {
  readonly served: Account;
  readonly booked: Account;
};

type Account = { readonly calls: number; readonly tokens: number };

const WHOLE_ANSWERS = 200;
const STREAMS = 50;
const PACE = { chunks: 20, pauseMs: 1 };

/** Makes some calls, one after the other and side by side, and compares the ledger with what the mock billed. */
export async function compareLedger(target: Target, databaseUrl: string, mock: Mock): Promise<LedgerResult> {
  const database = new Client(databaseUrl);
  await database.connect();
  try {
    await mock.setPace(PACE);
    const servedBefore = await servedBy(mock);
    const bookedBefore = await bookedIn(database);
    await callWhole(target, WHOLE_ANSWERS);
    await runStreams({ request: target.request({ bytes: 1024, stream: true }), count: STREAMS });
    return {
      served: difference(await servedBy(mock), servedBefore),
      booked: difference(await bookedIn(database), bookedBefore),
    };
  } finally {
    await database.end();
  }
}

async function callWhole(target: Target, count: number): Promise<void> {
  const { port, path, headers, body } = target.request({ bytes: 1024, stream: false });
  for (let i = 0; i < count; i++) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers, body });
    await answer.arrayBuffer();
  }
}

async function servedBy(mock: Mock): Promise<Account> {
  const { requests, billedTokens } = await mock.stats();
  return { calls: requests, tokens: billedTokens };
}

async function bookedIn(database: Client): Promise<Account> {
  const { rows } = await database.query<{ calls: string; tokens: string }>(
    "select count(*) as calls, coalesce(sum(input_tokens + output_tokens), 0) as tokens from prompt_runs",
  );
  return { calls: Number(rows[0]?.calls), tokens: Number(rows[0]?.tokens) };
}

function difference(after: Account, before: Account): Account {
  return { calls: after.calls - before.calls, tokens: after.tokens - before.tokens };
}
