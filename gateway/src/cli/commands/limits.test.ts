import assert from "node:assert/strict";
import { after, test } from "node:test";
import { issued, userNamed } from "../../identity/testing.ts";
import { testStore } from "../../store/testing.ts";
import { type CommandDeps, UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const deps = commandDeps(store.db, 1);
await userNamed(store.db, "usr_ann");

type Limit = { id: string; limit: number; used: number | null; remaining: number | null };
type Result = { user_id: string; plan: string; limits: readonly Limit[] };
const run = async (name: string, input: object, by: CommandDeps = deps) =>
  (await runDataCommand(by, name, { user: "usr_ann", ...input })) as Result;
const limitOf = ({ limits }: Result, id: string) => limits.find((limit) => limit.id === id);
const shown = (result: object) => shownBy("limits show", result);

test("a limit is set for a user, shown with what is left, and taken back", async () => {
  assert.equal(limitOf(await run("limits show", {}), "user-minute"), undefined);
  const set = await run("limits set", { id: "user-minute", limit: "7" });
  assert.deepEqual(
    [set.user_id, set.plan, limitOf(set, "user-minute")?.remaining],
    ["usr_ann", "default", 7],
  );
  assert.match(
    shown(set).text,
    /plan default\. On 2026-01-01 \(UTC\): 0 calls, 0 tokens, 0 USD\.\n[\s\S]*user-minute +user +minute +7 +0 +7/,
  );
  assert.equal(shown(set).note, undefined);
  const taken = await run("limits set", { id: "user-minute", limit: "none" });
  assert.equal(limitOf(taken, "user-minute"), undefined);
});

test("without the server's counters today's quotas are shown, and that the rest is unknown", async () => {
  const { apiKey } = await issued(deps, "usr_ann", { dailyQuota: 5 });
  const alone = { ...deps, counters: undefined };
  const result = await run("limits show", {}, alone);
  assert.equal(limitOf(result, "key-day")?.used, 0);
  assert.equal(limitOf(result, "capture-window")?.used, null);
  const { text, note } = shown(result);
  assert.match(text, new RegExp(`key-day +key:${apiKey.prefix} +day +5 +0 +5`));
  assert.match(text, /capture-window +user +minute +20 +\? +\? +\?/);
  assert.match(note!, /the server holds the other counters: GET \/admin\/users\/usr_ann\/limits/);
  await assert.rejects(run("limits reset", {}, alone), /POST \/admin\/users\/usr_ann\/limits\/reset/);
});

test("what was used today is reset, one limit or all of them", async () => {
  const { apiKey } = await issued(deps, "usr_ann", { dailyQuota: 9 });
  const use = async (used: number) => {
    const at = { daily_usage: used, usage_day: "2026-01-01" };
    await store.db.updateTable("api_keys").set(at).where("id", "=", apiKey.id).execute();
  };
  const used = ({ limits }: Result) => limits.find(({ limit }) => limit === 9)?.used;
  await use(4);
  assert.equal(used(await run("limits show", {})), 4);
  assert.equal(used(await run("limits reset", { id: "capture-window" })), 4);
  assert.equal(used(await run("limits reset", { id: "key-day" })), 0);
  await use(4);
  assert.equal(used(await run("limits reset", {})), 0);
});

test("what is no limit and no user is refused", async () => {
  for (const [name, input] of [
    ["limits set", { id: "nothing", limit: "1" }],
    ["limits set", { id: "ip-minute", limit: "1" }],
    ["limits set", { id: "user-minute", limit: "-1" }],
    ["limits set", { id: "user-minute", limit: "" }],
    ["limits set", { id: "user-minute", limit: "many" }],
    ["limits reset", { id: "nothing" }],
    ["limits show", { user: "usr_nobody" }],
  ] as const) {
    await assert.rejects(run(name, input), UsageError, JSON.stringify(input));
  }
});
