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
    [{ allowedIps: "10.0.0.0/8,10.0.0.0/33" }, /^allowedIps\.1 must be a network/],
    [{ dailyQuota: "-1" }, /^dailyQuota must be at least 0/],
    [{ expiresAt: "tomorrow" }, /^expiresAt must be a time/],
  ] as const) {
    await assert.rejects(run("keys issue", { name: "x", ...input }), { name: "UsageError", message });
  }
  await assert.rejects(run("keys rotate", { prefix: "x" }), UsageError);
});

test("a key is changed field by field, and none takes back what limits it", async () => {
  const { prefix, ...issued } = await run("keys issue", {
    name: "ci",
    dailyQuota: "5",
    allowedModels: "sim-echo",
    expiresAt: "2030-01-01T00:00:00Z",
  });
  const wider = await run("keys update", {
    prefix,
    name: "nightly",
    dailyQuota: "50",
    allowedModels: "none",
  });
  assert.deepEqual(
    [wider.name, wider.daily_quota, wider.allowed_models, wider.expires_at, wider.scopes],
    ["nightly", 50, null, "2030-01-01T00:00:00.000Z", issued.scopes],
  );
  const endless = await run("keys update", { prefix, expiresAt: "none", scopes: "costs:read" });
  assert.deepEqual([endless.expires_at, endless.scopes], [null, ["costs:read"]]);
  assert.deepEqual(await run("keys show", { prefix }), endless);
});

test("a key has a plan of its own from the start, or is given one", async () => {
  await run("plans set", { name: "small", limit: ["requests_per_minute=1"] });
  const { prefix, plan } = await run("keys issue", { name: "ci", plan: "small" });
  assert.equal(plan, "small");
  assert.equal((await run("keys update", { prefix, plan: "none" })).plan, null);
  assert.equal((await run("keys update", { prefix, plan: "small" })).plan, "small");
});

test("a change that cannot be, and none at all, is refused", async () => {
  const { prefix } = await run("keys issue", { name: "ci", user: "usr_other" });
  const project = await run("projects create", { name: "Foreign" });
  for (const [input, message] of [
    [{}, /name what is to change/],
    [{ plan: "nothing" }, /^there is no plan nothing/],
    [{ scopes: "admin:*" }, /usr_other is developer and does not have admin:\* itself/],
    [{ scopes: "juggle" }, /there is no scope juggle/],
    [{ project: String(project.id) }, /no project \d+ that usr_other may spend in/],
    [{ expiresAt: "2001-01-01T00:00:00Z" }, /must be in the future/],
    [{ dailyQuota: "many" }, /^dailyQuota must be a number/],
  ] as const) {
    await assert.rejects(run("keys update", { prefix, ...input }), { name: "UsageError", message });
  }
  const past = run("keys issue", { name: "late", expiresAt: "2001-01-01T00:00:00Z" });
  await assert.rejects(past, { name: "UsageError", message: /must be in the future/ });
});

test("an owner is named by address too", async () => {
  const { id } = await run("users create", { email: "ann@example.com" });
  assert.equal((await run("keys issue", { name: "ci", user: "Ann@example.com" })).user_id, id);
  const { items } = (await run("keys list", { user: "ann@example.com" })) as { items: readonly Json[] };
  assert.deepEqual(
    items.map(({ user_id }) => user_id),
    [id],
  );
});
