import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../gateway/src/lib/until.testing.ts";
import { ask, atOnce, told } from "./ask.ts";
import { newPerson } from "./people.ts";
import { startTollgate } from "./server.ts";
import { newStores, withoutStores } from "./stores.ts";

type Job = { readonly id: number; readonly status: string; readonly actual_cost_usd: string };

const quick = {
  IP_RATE_LIMIT_PER_MINUTE: "",
  KEY_RATE_LIMIT_PER_MINUTE: "",
  OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
};

test("jobs of a gateway are done by workers in processes of their own, though one is killed, and each once", {
  skip: withoutStores(),
}, async () => {
  await using stores = await newStores();
  const env = { ...stores.env, ...quick, JOB_LEASE_SECONDS: "3", JOB_RETRY_BASE_SECONDS: "1" };
  const [gateway, killed, worker] = await Promise.all([
    startTollgate({ env: { ...env, ROLE: "gateway" } }),
    startTollgate({ env: { ...env, ROLE: "worker" } }),
    startTollgate({ env: { ...env, ROLE: "worker" } }),
  ]);
  await using stack = new AsyncDisposableStack();
  for (const server of [gateway, killed, worker]) stack.use(server);
  const { url } = gateway;
  const { token } = await newPerson(url, "maker");
  const { id: project } = await told<{ id: number }>(url, "POST /projects/", {
    token,
    json: { name: "Jobs", budget_allocated: 100 },
  });
  const payload = { task: "Build login page", model: "sim-delay-300ms" };
  const json = { project_id: project, type: "implement_feature", payload };
  await atOnce(60, () => told<Job>(url, "POST /jobs/", { token, json }));

  const list = async () =>
    (await told<{ items: readonly Job[] }>(url, "GET /jobs?limit=200", { token })).items;
  await until(async () => (await list()).filter(({ status }) => status === "completed").length >= 5);
  await killed.kill("SIGKILL");
  await until(async () => (await list()).every(({ status }) => status === "completed"), {
    limitMs: 30_000,
    what: () => "all jobs to be completed",
  });

  const attempts = await stores.db.selectFrom("job_attempts").select(["outcome", "call_id"]).execute();
  const outcomes = Map.groupBy(attempts, ({ outcome }) => outcome);
  assert.equal(outcomes.get("completed")!.length, 60);
  assert.equal(attempts.length, 60 + (outcomes.get("lost")?.length ?? 0));
  assert.ok(outcomes.get("lost")!.length >= 1);

  assert.ok((await list()).every(({ actual_cost_usd }) => Number(actual_cost_usd) > 0));
  await stack.disposeAsync();
  const ledger = await stores.db.selectFrom("prompt_runs").select(["id", "usage_source"]).execute();
  const reported = new Set(
    ledger.filter(({ usage_source }) => usage_source === "reported").map(({ id }) => id),
  );
  assert.ok(outcomes.get("completed")!.every(({ call_id }) => reported.has(call_id)));
  const known = new Set(attempts.map(({ call_id }) => call_id));
  assert.ok(ledger.every(({ id }) => known.has(id)));
});

test("a worker answers who watches it, and nobody else", { skip: withoutStores() }, async () => {
  await using stores = await newStores();
  await using worker = await startTollgate({ env: { ...stores.env, ROLE: "worker" } });
  for (const path of ["/healthz", "/readyz", "/metrics"]) {
    assert.equal((await ask(worker.url, `GET ${path}`)).status, 200, path);
  }
  for (const line of ["GET /jobs", "POST /auth/register", "GET /openapi.json", "POST /v1/chat/completions"]) {
    assert.equal((await ask(worker.url, line)).status, 404, line);
  }
  assert.equal(worker.setupToken, undefined);
});
