import assert from "node:assert/strict";
import { after, test } from "node:test";
import { userNamed } from "../../identity/testing.ts";
import { testStore } from "../../store/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = commandDeps(db, 1);
await userNamed(db, "usr_dev");
await userNamed(db, "usr_reader", "viewer");

type Json = Record<string, unknown>;
const run = async (name: string, input: unknown = {}) => (await runDataCommand(deps, name, input)) as Json;
const items = async (name: string, input: unknown = {}) => (await run(name, input)).items as readonly Json[];

function shown(name: string, result: object): string {
  return shownBy(name, result).text;
}

async function assertUsage(name: string, input: unknown, message: RegExp): Promise<void> {
  await assert.rejects(run(name, input), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, message);
    return true;
  });
}

test("a key is issued, listed, shown and revoked, and its text is told once", async () => {
  const expiresAt = "2030-01-01T00:00:00+01:00";
  const issued = await run("keys issue", {
    name: "ci",
    scopes: "costs:read, inference:write",
    dailyQuota: "5",
    expiresAt,
  });
  const { key, prefix } = issued as { key: string; prefix: string };
  assert.match(key, /^sk-tg1_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/);
  assert.equal(shown("keys issue", issued), key);
  assert.deepEqual(issued, {
    id: issued.id,
    prefix,
    key,
    key_masked: `sk-tg1_${prefix}_****`,
    name: "ci",
    description: null,
    user_id: "usr_dev",
    project_id: null,
    scopes: ["costs:read", "inference:write"],
    status: "active",
    daily_quota: 5,
    plan: null,
    daily_usage: 0,
    allowed_models: null,
    allowed_ips: null,
    created_at: "2026-01-01T00:00:00.000Z",
    expires_at: "2029-12-31T23:00:00.000Z",
    last_used_at: null,
    revoked_at: null,
    revoke_reason: null,
    rotated_from: null,
  });
  const { key: _key, ...public_ } = issued;
  assert.deepEqual(await run("keys show", { prefix }), public_);
  const list = await run("keys list", {});
  for (const told of [
    list,
    await run("keys show", { prefix }),
    shown("keys list", list),
    shown("keys show", public_),
  ])
    assert.ok(!JSON.stringify(told).includes(key.slice(20)));

  const revoked = await run("keys revoke", { prefix: key });
  assert.deepEqual([revoked.status, revoked.revoked_at], ["revoked", "2026-01-01T00:00:00.000Z"]);
  deps.clock.advance(1_000);
  assert.deepEqual(await run("keys revoke", { prefix: `sk-tg1_${prefix}_****` }), revoked);
});

test("a key without scopes named has all that its owner has, and none has more", async () => {
  const { scopes } = await run("keys issue", { name: "all", user: "usr_reader" });
  assert.ok((scopes as string[]).includes("costs:read") && !(scopes as string[]).includes("inference:write"));
  await assertUsage(
    "keys issue",
    { name: "more", user: "usr_reader", scopes: "costs:read,inference:write" },
    /usr_reader is viewer and does not have inference:write itself/,
  );
});

test("keys are listed for one user or for all", async () => {
  await run("keys issue", { name: "reader's", user: "usr_reader" });
  const owners = async (input: object) =>
    new Set((await items("keys list", input)).map(({ user_id }) => user_id));
  assert.deepEqual(await owners({ user: "usr_reader" }), new Set(["usr_reader"]));
  assert.deepEqual(await owners({}), new Set(["usr_dev", "usr_reader"]));
});

test("a project is made with its budget and listed with what it spent, to the last digit", async () => {
  const made = await run("projects create", { name: "Apollo", budget: "100.000000000001" });
  const expected = {
    id: made.id,
    name: "Apollo",
    description: null,
    team_id: null,
    owner_id: "usr_dev",
    role: "owner",
    budget_allocated: 100.000000000001,
    budget_allocated_usd: "100.000000000001",
    budget_period: "none",
    actual_cost: 0,
    actual_cost_usd: "0",
    created_at: made.created_at,
    archived_at: null,
  };
  assert.deepEqual(made, expected);
  const free = await run("projects create", { name: "Free", owner: "usr_reader" });
  assert.deepEqual(
    [free.budget_allocated, free.budget_allocated_usd, free.actual_cost_usd],
    [null, null, "0"],
  );
  assert.deepEqual(await items("projects list"), [expected, free]);
  assert.equal(shown("projects create", made), String(made.id));
  assert.match(
    shown("projects list", await run("projects list")),
    /Apollo +usr_dev +- +100\.000000000001 +none +0 +-\n/,
  );
});

test("a key may be bound to a project that exists", async () => {
  const { id } = await run("projects create", { name: "Bound" });
  assert.equal((await run("keys issue", { name: "p", project: String(id) })).project_id, id);
  await assertUsage("keys issue", { name: "p", project: "999999" }, /there is no project 999999/);
});

test("input that cannot be right is refused with its field, and nothing is made", async () => {
  const before = [(await items("keys list")).length, (await items("projects list")).length];
  for (const [name, input, message] of [
    ["keys issue", {}, /^name is missing$/],
    ["keys issue", { name: "x".repeat(201) }, /^name must have at most 200 characters$/],
    ["keys issue", { name: "n", scopes: "all" }, /there is no scope all; there are: inference:write/],
    ["keys issue", { name: "n", scopes: "" }, /there is no scope/],
    ["keys issue", { name: "n", dailyQuota: "-1" }, /^dailyQuota must be at least 0$/],
    ["keys issue", { name: "n", dailyQuota: "1.5" }, /^dailyQuota must be a whole number/],
    ["keys issue", { name: "n", expiresAt: "tomorrow" }, /^expiresAt must be a time, such as 2027-/],
    ["keys issue", { name: "n", user: "usr_nobody" }, /there is no user usr_nobody/],
    ["keys issue", { name: "n", surplus: 1 }, /^has "surplus", which is not known here$/],
    ["keys issue", null, /./],
    ["keys show", { prefix: "short" }, /the 12 characters/],
    ["keys show", { prefix: "unknown00000" }, /there is no key unknown00000/],
    ["keys revoke", { prefix: "unknown00000" }, /there is no key unknown00000/],
    ["projects create", { name: "" }, /^name must not be empty$/],
    ["projects create", { name: "p", budget: "-1" }, /^budget must be an amount in USD/],
    ["projects create", { name: "p", budget: "1e3" }, /^budget must /],
    ["projects create", { name: "p", owner: "usr_nobody" }, /there is no user usr_nobody/],
    ["keys-nonsense", {}, /there is no command keys-nonsense/],
  ] as const) {
    await assertUsage(name, input, message);
  }
  const afterwards = [(await items("keys list")).length, (await items("projects list")).length];
  assert.deepEqual(afterwards, before);
});
