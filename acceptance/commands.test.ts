import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "../gateway/src/lib/until.testing.ts";
import { launch, newHome, runTollgate, startTollgate, type Variables } from "./server.ts";

const home = await newHome();
const afar = await newHome({ empty: true });
const server = await startTollgate({ home });
after(async () => {
  await server[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
  await afar[Symbol.asyncDispose]();
});
const admin = await server.ask<{ id: string }>(
  "users",
  "create",
  "--email",
  "ada@example.com",
  "--role",
  "admin",
);
const { key } = await server.ask<{ key: string }>("keys", "issue", "--name", "ops", "--user", admin.id);
const { id: project } = await server.ask<{ id: number }>("projects", "create", "--name", "demo");
const asAdministrator: Variables = { TOLLGATE_URL: server.url, TOLLGATE_TOKEN: key };

/** The same command inside the server that owns the folder, and from afar. */
const both = (...args: string[]) =>
  Promise.all([server.cli(...args), runTollgate(afar, asAdministrator, args)]);
const jobs = ["jobs", "create", "--project", String(project), "--type", "summarize"];

test("a decision is the same from here and from afar, and refused it is a failed check", async () => {
  const [here, there] = await both("decide", "--model", "sim-echo", "--max-tokens", "10", "--json");
  assert.deepEqual([here.code, there.code], [0, 0], here.stderr + there.stderr);
  assert.deepEqual(JSON.parse(there.stdout), JSON.parse(here.stdout));
  await server.ask("budgets", "set", "user", "usr_dev", "--allocated", "0");
  const question = ["decide", "--model", "sim-echo"];
  await until(async () => (await server.cli(...question)).code === 9, { what: () => "the new budget" });
  for (const { code, stdout } of await both(...question)) {
    assert.equal(code, 9);
    assert.match(stdout, /^Not allowed: sim-echo for usr_dev would be answered 402 BUDGET_EXCEEDED/);
  }
  await server.cli("budgets", "remove", "user", "usr_dev");
});

test("what only the server has is asked of it: cooldowns, and jobs that it makes and does", async () => {
  for (const { code, stdout } of await both("cooldowns", "list", "--json")) {
    assert.deepEqual([code, JSON.parse(stdout)], [0, { items: [], next_cursor: null }]);
  }
  const again = ["--payload", '{"text":"Much ado about nothing."}', "--idempotency-key", "once"];
  const [here, there] = await both(...jobs, ...again);
  assert.deepEqual([here.code, there.code], [0, 0], here.stderr + there.stderr);
  assert.equal(here.stdout, there.stdout);
  await until(
    async () => (await server.ask<Shown>("jobs", "show", here.stdout.trim())).job.status === "completed",
    {
      limitMs: 60_000,
    },
  );
});
type Shown = { readonly job: { readonly status: string } };

for (const [from, at, env] of [
  ["here", home, {}],
  ["afar", afar, asAdministrator],
] as const) {
  test(`events are watched from ${from} until Ctrl-C, and no line is cut`, async () => {
    const { child, ended, stdout, stderr } = launch(at, env, ["events", "tail", "--json"]);
    let made = 0;
    await until(
      async () => {
        await server.ask(...jobs, "--payload", `{"text":"Tale ${from} ${made++}."}`);
        return stdout() !== "" || child.exitCode !== null;
      },
      { limitMs: 90_000, what: () => `an event: ${stderr()}` },
    );
    child.kill("SIGINT");
    const { code, stdout: printed } = await ended;
    assert.deepEqual([code, stderr()], [0, ""]);
    const lines = printed.trimEnd().split("\n");
    assert.ok(printed.endsWith("\n"));
    assert.ok(lines.every((line) => JSON.parse(line).type === "job.updated"));
    const last = JSON.parse(lines.at(-1)!).id;
    const rest = await runTollgate(at, env, ["events", "tail", "--no-follow", "--since", last, "--json"]);
    assert.equal(rest.code, 0);
    assert.ok(!rest.stdout.includes(last));
  });
}
