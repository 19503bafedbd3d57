import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { blocksOf } from "../../scripts/blocks.ts";
import * as tollgate from "./index.ts";
import { answering, refusal } from "./testing.ts";

const guide = readFileSync(join(import.meta.dirname, "../../docs/guides/client.md"), "utf8");

test("the guide's countdown shows a person who is limited when to try again, from the first moment on", async () => {
  const example = blocksOf(guide).find(({ text }) => text.includes("countdown("))!.text;
  const { fetch, seen } = answering(() => refusal(429, "RATE_LIMITED", { "retry-after": "45" }));
  const client = new tollgate.TollgateClient({ baseUrl: "http://gate.test", fetch });
  const shown: tollgate.Description[] = [];
  let stop = (): void => {};
  const countdown = (error: unknown, options: tollgate.CountdownOptions) => {
    stop = tollgate.countdown(error, options);
    return stop;
  };
  const given = {
    ...tollgate,
    client,
    countdown,
    request: { model: "m", messages: [] },
    ask: () => assert.fail("no scope is missing"),
    render: (description: tollgate.Description) => shown.push(description),
  };
  const run = new Function(...Object.keys(given), `return (async () => {${example}})();`);
  try {
    await (run(...Object.values(given)) as Promise<void>);
  } finally {
    stop();
  }
  assert.equal(seen.length, 1);
  assert.deepEqual(
    shown.map(({ title, action, showRetry }) => [title, action, showRetry]),
    [["Rate Limit Reached", "Try again in 45 seconds.", false]],
  );
});
