import assert from "node:assert/strict";
import { after, test } from "node:test";
import { userNamed } from "../../identity/testing.ts";
import { testStore } from "../../store/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const deps = commandDeps(store.db, 1);
await userNamed(store.db, "usr_dev");
await userNamed(store.db, "usr_other");

type Json = Record<string, unknown>;
const run = async (name: string, input: unknown = {}) => (await runDataCommand(deps, name, input)) as Json;

test("a key is issued with the models and networks it may use, given as lists", async () => {
  const issued = await run("keys issue", {
    name: "narrow",
    description: "for the nightly run",
    scopes: "costs:read",
    allowedModels: "openai/*, sim-echo",
    allowedIps: "10.1.2.3/8,::1",
  });
  assert.deepEqual(
    [issued.description, issued.scopes, issued.allowed_models, issued.allowed_ips],
    ["for the nightly run", ["costs:read"], ["openai/*", "sim-echo"], ["10.0.0.0/8", "::1/128"]],
  );
});

test("a key is rotated by its prefix, and the old one goes on for the grace", async () => {
  const { prefix } = await run("keys issue", { name: "ci", dailyQuota: "5" });
  const rotated = await run("keys rotate", { prefix, graceSeconds: "60" });
  assert.match(rotated.key as string, /^sk-tg1_/);
  assert.deepEqual([rotated.rotated_from, rotated.daily_quota], [prefix, 5]);
  assert.equal((await run("keys show", { prefix })).status, "rotating");
  deps.clock.advance(60_000);
  assert.equal((await run("keys show", { prefix })).status, "expired");
  await assert.rejects(run("keys rotate", { prefix }), { code: "CONFLICT" });
});

test("a key is revoked for a reason", async () => {
  const { prefix } = await run("keys issue", { name: "lost" });
  assert.equal((await run("keys revoke", { prefix, reason: "laptop lost" })).revoke_reason, "laptop lost");
});

test("a key is not bound to a project that its owner may not spend in", async () => {
  const project = await run("projects create", { name: "Apollo" });
  const bound = await run("keys issue", { name: "ci", project: String(project.id) });
  assert.equal(bound.project_id, project.id);
  const foreign = run("keys issue", { name: "ci", project: String(project.id), user: "usr_other" });
  await assert.rejects(foreign, UsageError);
});

test("what no key can be is refused with its field", async () => {
  for (const [input, message] of [
    [{ allowedIps: "10.0.0.0/8,10.0.0.0/33" }, /^allowedIps\.1: /],
    [{ dailyQuota: "-1" }, /^dailyQuota: /],
    [{ expiresAt: "tomorrow" }, /^expiresAt: /],
  ] as const) {
    await assert.rejects(run("keys issue", { name: "x", ...input }), { name: "UsageError", message });
  }
  await assert.rejects(run("keys rotate", { prefix: "x" }), UsageError);
});
