import assert from "node:assert/strict";
import { test } from "node:test";
import { projectOf } from "../../access/testing.ts";
import { userNamed } from "../../identity/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";
import { commandServer } from "./in-server.testing.ts";

const { app, run } = await commandServer();
const { db } = app.store;
await userNamed(db, "usr_ann");
await userNamed(db, "usr_reader", "viewer");

type Json = Record<string, unknown>;
const decided = (input: object) => run("decide", { model: "sim-echo", ...input });
const codes = ({ reasons }: Json) => (reasons as Json[]).map(({ code }) => code);

test("a call that would be let in is allowed, with what it is likely to cost", async () => {
  const answer = await decided({ user: "usr_ann", maxTokens: "100", inputTokens: "1000" });
  const asked = { model: "sim-echo", max_tokens: 100, input_tokens: 1_000 };
  const key = await app.key({ userId: "usr_ann" });
  const response = await app.fetch("/v1/decide", { method: "POST", key, json: asked });
  const { estimated_cost_usd } = (await response.json()) as Json;
  assert.deepEqual(
    [answer.user_id, answer.allowed, answer.status, answer.estimated_cost_usd],
    ["usr_ann", true, 200, estimated_cost_usd],
  );
  const shown = shownBy("decide", answer);
  assert.equal(shown.text, `Allowed: sim-echo for usr_ann, likely to cost ${estimated_cost_usd} USD.`);
  assert.equal(shown.isFailure, false);
});

test("what stands in the way is told as a failed check, budget and key with it", async () => {
  const project = await projectOf(db, "usr_ann");
  await run("budgets set", { scope: "project", id: String(project), allocated: "0.000000000001" });
  const key = await app.key({ userId: "usr_ann", projectId: project, dailyQuota: 0 });
  const answer = await decided({ key, maxTokens: "10" });
  assert.deepEqual([answer.user_id, answer.allowed, answer.status], ["usr_ann", false, 400]);
  assert.deepEqual(codes(answer), ["REQUEST_EXCEEDS_LIMIT", "BUDGET_EXCEEDED"]);
  const shown = shownBy("decide", answer);
  assert.equal(shown.isFailure, true);
  assert.match(shown.text, /^Not allowed: sim-echo for usr_ann would be answered 400 REQUEST_EXCEEDS_LIMIT/);
  assert.match(shown.text, /\nREQUEST_EXCEEDS_LIMIT +key-day +key +0 +0 /);
  assert.match(shown.text, /\nBUDGET OF .*\nproject \d+ +none +0\.000000000001 /);
  assert.deepEqual(codes(await decided({ user: "usr_ann", project: String(project) })), ["BUDGET_EXCEEDED"]);
});

test("whose role lets no call in is told so, and addresses are out of the question", async () => {
  const answer = await decided({ user: "usr_reader" });
  assert.deepEqual([answer.status, answer.code], [403, "SCOPE_MISSING"]);
  await run("limits set", { user: "usr_ann", id: "user-minute", limit: "50" });
  const { limits } = await decided({ user: "usr_ann" });
  assert.ok((limits as Json[]).length > 0);
  assert.ok((limits as Json[]).every(({ scope }) => scope === "user"));
});

test("nothing is used by asking", async () => {
  const used = async () => {
    const { limits } = await run("limits show", { user: "usr_ann" });
    return (limits as Json[]).map(({ used: so }) => so);
  };
  const before = await used();
  for (let asked = 0; asked < 3; asked++) await decided({ user: "usr_ann" });
  assert.deepEqual(await used(), before);
});

test("a question that cannot be right, and one to no server, is a fault of the input", async () => {
  const revoked = await app.key({ userId: "usr_ann" });
  await run("keys revoke", { prefix: revoked });
  for (const input of [
    { user: "usr_nobody" },
    { key: "AbCdEf012345" },
    { key: revoked },
    { user: "usr_ann", key: revoked },
    { maxTokens: "0" },
    { inputTokens: "many" },
  ]) {
    await assert.rejects(decided(input), UsageError, JSON.stringify(input));
  }
  const outside = runDataCommand(commandDeps(db, 1), "decide", { model: "sim-echo" });
  await assert.rejects(outside, { name: "UsageError", message: /TOLLGATE_URL.*POST \/v1\/decide/ });
});
