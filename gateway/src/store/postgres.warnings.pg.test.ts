import assert from "node:assert/strict";
import { test } from "node:test";
import { nextTurn } from "../lib/clock.ts";
import { missing, testPostgres } from "./testing.ts";

test("however many listen at once, pg has nothing to warn of", { skip: missing("postgres") }, async (t) => {
  const warnings: string[] = [];
  const note = ({ message }: Error) => void warnings.push(message);
  process.on("warning", note);
  t.after(() => process.off("warning", note));
  const store = await testPostgres();
  t.after(() => store.close());
  const channels = ["one", "two", "three", "four", "five"];
  const stops = await Promise.all(channels.map((channel) => store.listen(channel, () => {})));
  await Promise.all(stops.map((stop) => stop()));
  await new Promise<void>(nextTurn);
  assert.deepEqual(warnings, []);
});
