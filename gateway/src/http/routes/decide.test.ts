import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { memberOf, projectOf, teamOf } from "../../access/testing.ts";
import { type TestApp, testApp } from "../../app.testing.ts";
import { type BudgetScope, createBudget } from "../../costs/budgets.ts";
import { userNamed } from "../../identity/testing.ts";
import type { Json } from "./access.testing.ts";

let app: TestApp;
before(async () => {
  const prices = { "simulated/sim-echo": { input: "1", output: "2" } };
  const plans = {
    tokens: { limits: { tokens_per_minute: 600 } },
    calls: { limits: { daily_requests: 2, calls_in_flight: 1 } },
    minute: { limits: { requests_per_minute: 3 } },
    nothing: { limits: { calls_in_flight: 0 } },
  };
  const settings = { ABUSE_MODE: "off", PRICE_UNKNOWN_POLICY: "deny", RESERVATION_WAIT_SECONDS: "0" };
  const open = { IP_RATE_LIMIT_PER_MINUTE: "", KEY_RATE_LIMIT_PER_MINUTE: "" };
  app = await testApp({ ...settings, ...open }, { prices, plans });
});
after(() => app.close());

type Answered = { readonly status: number; readonly json: Json };

async function post(path: string, key: string, json: Json, headers = {}): Promise<Answered> {
  const response = await app.fetch(path, { method: "POST", key, json, headers });
  return { status: response.status, json: (await response.json()) as Json };
}

let users = 0;

/** Somebody whom nobody has remembered anything of yet, with a project in a team. */
async function newPayer(): Promise<{
  readonly userId: string;
  readonly team: number;
  readonly project: number;
}> {
  users += 1;
  const userId = await userNamed(app.store.db, `usr_payer${users}`);
  const team = await teamOf(app.store.db, userId);
  return { userId, team, project: await projectOf(app.store.db, userId, { team_id: team }) };
}

async function budget(scope: BudgetScope, id: string | number, pico: readonly [bigint, bigint, bigint]) {
  const [allocatedPico, spent, reserved] = pico;
  const wanted = { scope, scopeId: String(id), allocatedPico, period: "none" } as const;
  const made = await createBudget(app.store.db, wanted, Date.now());
  const used = { spent_pico: String(spent), reserved_pico: String(reserved) };
  await app.store.db.updateTable("budgets").set(used).where("id", "=", made).execute();
}

const amounts = fc.tuple(
  fc.constantFrom(0n, 1_000_000_000n, 2_000_000_000n, 10_000_000_000n, 10n ** 15n),
  fc.constantFrom(0n, 500_000_000n, 9_000_000_000n),
  fc.constantFrom(0n, 0n, 400_000_000n),
);
const states = fc.record({
  model: fc.constantFrom("sim-echo", "sim-echo", "sim-echo", "simulated/sim-echo", "unpriced"),
  max_tokens: fc.constantFrom(undefined, 1, 100, 700),
  words: fc.integer({ min: 1, max: 300 }),
  dailyQuota: fc.constantFrom(null, null, 0, 1, 2),
  plan: fc.constantFrom(null, null, "tokens", "calls", "minute", "nothing"),
  allowedModels: fc.constantFrom(null, null, ["sim-echo"], ["simulated/*"], ["other"]),
  place: fc.constantFrom("none", "own", "own", "bound", "foreign", "viewed", "archived"),
  userBudget: fc.option(amounts),
  teamBudget: fc.option(amounts),
  projectBudget: fc.option(amounts),
  callsBefore: fc.integer({ min: 0, max: 2 }),
});

test("whatever the state, a decision is what a real call right after it gets", async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(states, async (state) => {
      const { db } = app.store;
      const { userId, team, project: own } = await newPayer();
      const { place, dailyQuota, plan, allowedModels, model, max_tokens } = state;
      const stranger = await newPayer();
      if (place === "viewed") {
        await memberOf(db, { kind: "project", id: stranger.project }, userId, "viewer");
      }
      if (place === "archived") {
        await db.updateTable("projects").set({ archived_at: new Date() }).where("id", "=", own).execute();
      }
      const projectId = place === "bound" ? own : null;
      const key = await app.key({ userId, dailyQuota, plan, allowedModels, projectId });
      const messages = [{ role: "user", content: "word ".repeat(state.words) }];
      if (state.userBudget) await budget("user", userId, state.userBudget);
      if (state.teamBudget) await budget("team", team, state.teamBudget);
      if (state.projectBudget) await budget("project", own, state.projectBudget);
      for (let call = 0; call < state.callsBefore; call++) await app.chat(key);

      const named = { own, archived: own, foreign: stranger.project, viewed: stranger.project }[
        place as "own"
      ];
      const asked = { model, messages, ...(max_tokens === undefined ? {} : { max_tokens }) };
      const decided = await post("/v1/decide", key, {
        ...asked,
        ...(named === undefined ? {} : { project_id: named }),
      });
      const called = await post("/v1/chat/completions", key, asked, {
        ...(named === undefined ? {} : { "x-project-id": String(named) }),
      });
      const refusal = called.json.error as Json | undefined;
      if (decided.status !== 200) {
        assert.deepEqual([decided.status, called.status], [429, 429]);
        return;
      }
      const { allowed, status, code, reasons } = decided.json;
      const real = [called.status === 200, called.status, refusal?.code ?? null];
      assert.deepEqual([allowed, status, code], real, JSON.stringify(decided.json));
      const codes = (reasons as Json[]).map((reason) => reason.code);
      assert.equal(codes[0] ?? null, code);
      seen.add(String(code));
    }),
    { numRuns: 150 },
  );
  for (const code of ["null", "BUDGET_EXCEEDED", "QUOTA_EXCEEDED", "MODEL_NOT_ALLOWED", "NOT_FOUND"]) {
    assert.ok(seen.has(code), `${code} in ${[...seen].join(", ")}`);
  }
});

test("a decision says what the call would cost, and where its limits and budgets stand", async () => {
  const { userId, project } = await newPayer();
  await budget("project", project, [10n ** 12n, 8n * 10n ** 11n, 0n]);
  const key = await app.key({ userId, projectId: project, dailyQuota: 5 });
  const { json } = await post("/v1/decide", key, { model: "sim-echo", input_tokens: 1_000, max_tokens: 100 });
  assert.deepEqual(
    [json.allowed, json.status, json.code, json.reasons, json.estimated_cost, json.estimated_cost_usd],
    [true, 200, null, [], 0.0012, "0.0012"],
  );
  const [shown] = json.budgets as Json[];
  assert.deepEqual(
    [shown?.scope, shown?.allocated_usd, shown?.remaining_budget_usd, shown?.status],
    ["project", "1", "0.2", "warning"],
  );
  const day = (json.limits as Json[]).find(({ id }) => id === "key-day");
  assert.deepEqual([day?.limit, day?.used, day?.remaining], [5, 0, 5]);
});

test("everything that stands in the way is told, each with where it stands", async () => {
  const { userId, project } = await newPayer();
  await budget("project", project, [1_000n, 400n, 0n]);
  const key = await app.key({ userId, projectId: project, dailyQuota: 1 });
  const free = await post("/v1/decide", key, { model: "sim-echo", input_tokens: 10 });
  const [budgetReason, ...others] = free.json.reasons as Json[];
  assert.deepEqual(others, []);
  const narrow = await app.key({ userId, projectId: project, dailyQuota: 0, allowedModels: ["other"] });
  const { json } = await post("/v1/decide", narrow, { model: "sim-echo", input_tokens: 10 });
  assert.deepEqual([json.allowed, json.status, json.code], [false, 403, "MODEL_NOT_ALLOWED"]);
  const reasons = json.reasons as Json[];
  assert.deepEqual(
    reasons.map(({ code, limit, scope }) => [code, limit, scope]),
    [
      ["MODEL_NOT_ALLOWED", null, null],
      ["REQUEST_EXCEEDS_LIMIT", "key-day", "key"],
    ],
  );
  assert.equal(reasons[1]?.remaining, 0);
  assert.deepEqual(
    [
      budgetReason?.code,
      budgetReason?.limit,
      budgetReason?.scope,
      budgetReason?.remaining,
      budgetReason?.reset_at,
    ],
    ["BUDGET_EXCEEDED", "budget", "project", 0.0000000006, null],
  );
});

test("a decision uses nothing: no limit, no budget, no row", async () => {
  const { userId, project } = await newPayer();
  await budget("project", project, [10n ** 12n, 0n, 0n]);
  const key = await app.key({
    userId,
    projectId: project,
    dailyQuota: 3,
    plan: "tokens",
    scopes: ["inference:write", "limits:read"],
  });
  const standing = async () => {
    const response = await app.fetch("/v1/limits", { key });
    const { limits } = (await response.json()) as { limits: Json[] };
    const rows = await app.store.db
      .selectFrom("prompt_runs")
      .select("id")
      .where("user_id", "=", userId)
      .execute();
    const budgets = await app.store.db
      .selectFrom("budgets")
      .selectAll()
      .where("scope_id", "=", String(project))
      .execute();
    const held = await app.store.db.selectFrom("reservations").select("id").execute();
    return { used: limits.map(({ id, used }) => [id, used]), rows, budgets, held };
  };
  const beforehand = await standing();
  for (let asked = 0; asked < 5; asked++) {
    const { json } = await post("/v1/decide", key, { model: "sim-echo", input_tokens: 100, max_tokens: 100 });
    assert.equal(json.allowed, true);
  }
  assert.deepEqual(await standing(), beforehand);
});

test("who signs in beside an app's key hears nothing of the app's money", async () => {
  const { userId, project } = await newPayer();
  await budget("project", project, [0n, 0n, 0n]);
  const appKey = await app.key({ userId, projectId: project });
  const guest = await app.person();
  const headers = { "x-api-key": appKey };
  const { json } = await post("/v1/decide", guest.token, { model: "sim-echo" }, headers);
  assert.deepEqual([json.status, json.code, json.budgets], [402, "BUDGET_EXCEEDED", []]);
  const [reason] = json.reasons as Json[];
  assert.deepEqual([reason?.used, reason?.remaining], [null, null]);
});

test("what cannot be a call is refused with its field", async () => {
  const key = await app.key({ userId: (await newPayer()).userId });
  for (const [json, path] of [
    [{}, "model"],
    [{ model: "m", input_tokens: -1 }, "input_tokens"],
    [{ model: "m", input_tokens: 1, messages: [{ role: "user", content: "x" }] }, "input_tokens"],
    [{ model: "m", max_tokens: 0 }, "max_tokens"],
    [{ model: "m", endpoint: "embeddings" }, "endpoint"],
    [{ model: "m", surplus: 1 }, "surplus"],
  ] as const) {
    const { status, json: answered } = await post("/v1/decide", key, json);
    const { details } = answered.error as { details: Json[] };
    assert.deepEqual([status, details[0]?.path], [400, path]);
  }
});
