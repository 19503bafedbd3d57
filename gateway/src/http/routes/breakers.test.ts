import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Person, type TestApp, testApp } from "../../app.testing.ts";
import { newKey } from "../../identity/key.ts";
import { seededChance } from "../../lib/ids.ts";
import { until } from "../../lib/until.testing.ts";
import type { Breakers } from "../../providers/breakers.ts";
import type { BreakerJson } from "../breaker-json.ts";

let app: TestApp;
let boss: Person;
let breakers: Breakers;
before(async () => {
  const token = newKey("it", seededChance(1));
  app = await testApp(
    { BREAKER_FAILURE_THRESHOLD: "3", BREAKER_OPEN_SECONDS: "60" },
    {},
    {
      operatorToken: token,
      async run(running) {
        ({ breakers } = running);
        return {};
      },
    },
  );
  boss = await app.person("admin");
  await app.fetch("/operator/commands/look", { method: "POST", key: token, json: {} });
});
after(() => app.close());

const list = async () => {
  const response = await app.fetch("/admin/breakers", { key: boss.token });
  return (await response.json()) as { items: BreakerJson[]; next_cursor: null };
};
const reset = (provider: string) =>
  app.fetch(`/admin/breakers/${provider}/reset`, { method: "POST", key: boss.token });
async function fail(times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const pass = await breakers.admit("simulated");
    assert.ok(pass.kind === "pass");
    pass.report("failure");
    await until(async () => (await breakers.states())[0]!.failures > i);
  }
}
const closed = { state: "closed", failures: 0, opened_at: null, retry_at: null, probe_until: null };

test("an administrator sees every provider's breaker, opens none by looking, and closes one", async () => {
  assert.deepEqual(await list(), { items: [{ provider: "simulated", ...closed }], next_cursor: null });
  await fail(3);
  const [open] = (await list()).items;
  assert.deepEqual([open?.state, open?.failures, open?.probe_until], ["open", 3, null]);
  assert.equal(Date.parse(open!.retry_at!) - Date.parse(open!.opened_at!), 60_000);
  const response = await reset("simulated");
  assert.deepEqual([response.status, await response.json()], [200, { provider: "simulated", ...closed }]);
  assert.equal((await breakers.admit("simulated")).kind, "pass");
});

test("a reset is noted: who, which provider, and what was different", async () => {
  await fail(2);
  assert.equal((await reset("simulated")).status, 200);
  const response = await app.fetch("/admin/audit?action=breaker.reset", { key: boss.token });
  const { items } = (await response.json()) as { items: Record<string, unknown>[] };
  const [{ actor, target, changes }] = items as [Record<string, { id: string }>];
  assert.deepEqual([actor!.id, target], [boss.id, { type: "provider", id: "simulated" }]);
  assert.deepEqual(changes, { state: ["closed", "closed"], failures: [2, 0] });
});

test("a provider that is not configured has no breaker", async () => {
  assert.equal((await reset("openai")).status, 404);
});

test("readiness and metrics tell of breakers", async () => {
  const ready = (await (await app.fetch("/readyz")).json()) as { checks: Record<string, boolean> };
  assert.equal(ready.checks.breakers, true);
  const text = await (await app.fetch("/metrics")).text();
  assert.match(text, /^tollgate_breaker_state\{provider="simulated"\} 0$/m);
  assert.match(text, /^tollgate_breaker_transitions_total\{provider="simulated",to="open"\} 1$/m);
  assert.match(text, /^tollgate_breaker_transitions_total\{provider="simulated",to="closed"\} 1$/m);
  assert.match(text, /^tollgate_breakers_shared 1$/m);
});
