import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { until } from "../gateway/src/lib/until.testing.ts";
import { burst } from "./burst.ts";
import { type Caller, caller, codeOf, eventsOf } from "./caller.ts";
import { spendOneDollar } from "./dollar.ts";
import { readEmbeddedBooks, spentPico } from "./ledger.ts";
import { newHome, runTollgate, startTollgate } from "./server.ts";
import { billedPico, dearByDefault, startUpstream } from "./upstream.ts";

const noBuckets = { KEY_RATE_LIMIT_PER_MINUTE: "", IP_RATE_LIMIT_PER_MINUTE: "" };

const firstHome = await newHome({ empty: true });
const first = await startTollgate({ home: firstHome });
after(async () => {
  await first[Symbol.asyncDispose]();
  await firstHome[Symbol.asyncDispose]();
});

test("the first start prints a request that works as it stands", async () => {
  const [, curl] = /Try it:\n\n(curl [\s\S]*?)\n\n/.exec(first.stdout())!;
  const { stdout } = await promisify(execFile)("sh", ["-c", curl!]);
  const answer = JSON.parse(stdout) as { choices: { message: { content: string } }[] };
  assert.equal(answer.choices[0]?.message.content, "Hello, Tollgate!");
});

test("the set-up token of the first start makes one administrator, once", async () => {
  const setUp = (token: string) =>
    fetch(`${first.url}/auth/setup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token, email: "ada@example.com", name: "Ada", password: "correct horse" }),
    });
  assert.equal((await setUp("it-tg1_guessed")).status, 401);
  const made = await setUp(first.setupToken!);
  assert.equal(made.status, 201);
  assert.equal(((await made.json()) as { user: { role: string } }).user.role, "admin");
  assert.equal((await setUp(first.setupToken!)).status, 404);
});

test("a second server on the same folder is refused and told who has it", async () => {
  const second = await runTollgate(firstHome, {}, ["serve"]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`in use by process ${first.pid}, which answers at ${first.url}`));
  assert.doesNotMatch(second.stderr, /^\s+at /m);
  assert.equal((await caller(first.url, first.firstKey!).chat()).status, 200);
});

test("the command line works through the running server", async () => {
  const issued = await first.cli("keys", "issue", "--name", "ci", "--daily-quota", "500");
  const key = issued.stdout.trim();
  assert.match(key, /^sk-tg1_/);
  assert.equal((await caller(first.url, key).chat()).status, 200);

  const prefix = key.slice(7, 19);
  const listed = await first.cli("keys", "list");
  assert.match(listed.stdout, new RegExp(`^${prefix} .*active`, "m"));
  assert.ok(!listed.stdout.includes(key));

  assert.equal((await first.cli("keys", "revoke", prefix)).code, 0);
  const refused = await caller(first.url, key).chat();
  assert.equal(refused.status, 401);
  assert.equal(await codeOf(refused), "AUTH_INVALID");
  assert.equal((await first.cli("keys", "revoke", "000000000000")).code, 2);
});

test("a restart keeps keys and costs and prints no second welcome", async () => {
  await using home = await newHome();
  await using upstream = await startUpstream();
  const env = { ...upstream.env, ...dearByDefault };
  const before = await startTollgate({ home, env });
  const key = before.firstKey!;
  await answered(caller(before.url, key), ["sim-words-7", "sim-words-11"]);
  const costs = await caller(before.url, key).costs();
  assert.equal(await before.stop(), 0);

  await using again = await startTollgate({ home, env });
  assert.equal(again.firstKey, undefined);
  assert.equal(again.setupToken, undefined);
  assert.deepEqual(await caller(again.url, key).costs(), costs);
  assert.equal(costs.calls, 2);
  await answered(caller(again.url, key), ["sim-words-13"]);
  assert.equal((await caller(again.url, key).costs()).calls, 3);
});

test("SIGTERM lets streams finish, loses no call and ends with 0", async () => {
  await using home = await newHome();
  await using upstream = await startUpstream();
  const server = await startTollgate({ home, env: { ...upstream.env, ...dearByDefault, ...noBuckets } });
  const us = caller(server.url, server.firstKey!);
  await answered(
    us,
    models(20, (index) => `sim-words-${index + 1}`),
  );
  const slow = models(20, (index) => `sim-slow-${index + 120}tps`);
  const streams = await Promise.all(slow.map((model) => us.chat({ model, stream: true })));
  const late = us.chat({ model: "sim-delay-700ms" });
  await until(async () => (await upstream.connections()) >= 21);

  const stopped = server.stop();
  for (const stream of streams) {
    const events = await eventsOf(stream);
    assert.equal(events.at(-1), "[DONE]");
  }
  assert.equal((await late).status, 200);
  assert.equal(await stopped, 0);

  const { ledger, reservations } = await readEmbeddedBooks(home);
  assert.deepEqual(reservations, []);
  assert.deepEqual(ledger.map(({ model }) => model).sort(), upstream.calls.map(({ model }) => model).sort());
  assert.ok(ledger.every(({ outcome }) => outcome === "completed"));
  assert.equal(spentPico(ledger), billedPico(upstream.calls));
});

test("one Ctrl-C that arrives twice cuts no stream short", async () => {
  await using home = await newHome();
  await using upstream = await startUpstream();
  const server = await startTollgate({ home, env: upstream.env });
  const stream = await caller(server.url, server.firstKey!).chat({ model: "sim-slow-100tps", stream: true });
  await server.kill("SIGINT");
  await until(() => server.stdout().includes('"stopping"'));
  await server.kill("SIGINT");
  assert.equal((await eventsOf(stream)).at(-1), "[DONE]");
  assert.equal(await server.stop(), 0);
});

test("readiness falls at once when the server is told to stop", async () => {
  await using home = await newHome();
  await using upstream = await startUpstream();
  const server = await startTollgate({ home, env: upstream.env });
  const stream = await caller(server.url, server.firstKey!).chat({ model: "sim-slow-150tps", stream: true });
  const stopped = server.stop();
  await until(
    async () => {
      const answer = await fetch(`${server.url}/readyz`).catch(() => undefined);
      return answer === undefined || answer.status === 503;
    },
    { limitMs: 1_000, what: () => "readiness to fall" },
  );
  assert.equal((await eventsOf(stream)).at(-1), "[DONE]");
  assert.equal(await stopped, 0);
});

test("what does not finish within the stop's time limit is told so and settled", async () => {
  await using home = await newHome();
  await using upstream = await startUpstream();
  const env = { ...upstream.env, ...dearByDefault, SHUTDOWN_TIMEOUT_SECONDS: "1" };
  const server = await startTollgate({ home, env });
  const us = caller(server.url, server.firstKey!);
  const stream = await us.chat({ model: "sim-slow-5tps", stream: true });
  const whole = us.chat({ model: "sim-timeout" });
  await until(async () => (await upstream.connections()) === 2);
  const stopped = server.stop();
  const events = await eventsOf(stream);
  assert.match(events.at(-1)!, /"code":"OVERLOADED"/);
  assert.ok(!events.includes("[DONE]"));
  assert.equal((await whole).status, 503);
  assert.equal(await stopped, 0);
  const { ledger, reservations } = await readEmbeddedBooks(home);
  assert.deepEqual(reservations, []);
  assert.deepEqual(
    ledger.map(({ outcome }) => outcome),
    ["aborted", "aborted"],
  );
  assert.ok(spentPico(ledger) >= billedPico(upstream.calls));
});

test("after kill -9 every call is on the ledger, the unfinished ones as unsettled", async () => {
  await using home = await newHome();
  await using upstream = await startUpstream();
  const env = { ...upstream.env, ...dearByDefault, ...noBuckets, RESERVATION_TTL_SECONDS: "2" };
  const killed = await startTollgate({ home, env });
  const key = killed.firstKey!;
  const finished = models(15, (index) => `sim-words-${index + 1}`);
  const unfinished = models(15, (index) => `sim-slow-${index + 10}tps`);
  const us = caller(killed.url, key);
  await answered(us, finished);
  const streams = await Promise.all(unfinished.map((model) => us.chat({ model, stream: true })));
  await killed.kill("SIGKILL");
  await Promise.all(streams.map((stream) => stream.text().catch(() => undefined)));

  const again = await startTollgate({ home, env });
  await until(async () => (await caller(again.url, key).costs()).calls === 30);
  assert.equal(await again.stop(), 0);
  const { ledger, reservations } = await readEmbeddedBooks(home);
  assert.deepEqual(reservations, []);
  const unsettled = ledger.filter(({ usage_source }) => usage_source === "reserved");
  assert.deepEqual(unsettled.map(({ model }) => model).sort(), unfinished.toSorted());
  assert.ok(
    unsettled.every((row) => row.cost_pico === row.reserved_pico && BigInt(row.cost_pico) > 0n),
    "an unsettled call is charged at its reservation",
  );
  assert.equal(upstream.calls.length, 30);
  const servedWhole = upstream.calls.filter(({ model }) => finished.includes(model));
  const settled = ledger.filter(({ usage_source }) => usage_source !== "reserved");
  assert.equal(spentPico(settled), billedPico(servedWhole));
});

test("a port that is taken ends the start with a sentence that names it", async () => {
  await using home = await newHome();
  const { port } = new URL(first.url);
  const { code, stderr } = await runTollgate(home, { PORT: port }, ["serve"]);
  assert.equal(code, 1);
  assert.ok(stderr.includes(port));
  assert.doesNotMatch(stderr, /^\s+at /m);
});

test("one limit of 20 lets exactly 20 of a burst of 200 through", async () => {
  await using home = await newHome();
  await using upstream = await startUpstream();
  const env = { ...upstream.env, KEY_RATE_LIMIT_PER_MINUTE: "20", KEY_RATE_LIMIT_BURST: "20" };
  await using server = await startTollgate({ home, env });
  const outcomes = await burst([caller(server.url, server.firstKey!)], 200, () => ({}));
  assert.equal(outcomes.filter(({ status }) => status === 200).length, 20);
  assert.equal(outcomes.filter(({ code }) => code === "RATE_LIMITED").length, 180);
  assert.equal(upstream.calls.length, 20);
});

test("300 concurrent calls never spend more than a budget of $1.00, and use it up", async (t) => {
  await using home = await newHome();
  await using upstream = await startUpstream();
  const server = await startTollgate({ home, env: { ...upstream.env, ...dearByDefault, ...noBuckets } });
  const project = await server.ask<{ id: number }>("projects", "create", "--name", "p", "--budget", "1.00");
  const { key } = await server.ask<{ key: string }>(
    ...["keys", "issue", "--name", "dollar", "--project", String(project.id)],
  );
  const billed = await spendOneDollar(t, { callers: [caller(server.url, key)], upstream, count: 300 });
  assert.equal(await server.stop(), 0);
  const { ledger, reservations } = await readEmbeddedBooks(home);
  assert.deepEqual(reservations, []);
  assert.equal(spentPico(ledger), billed);
});

test("wrong settings stop the start, all of them listed and no secret told", async () => {
  await using home = await newHome({ empty: true });
  const wrong = {
    PORT: "eighty",
    RATE_LIMIT_QUERRY_PER_WINDOW: "3",
    COST_INPUT_PER_MILLION_USD: "-1",
    REDIS_FAIL_MODE: "perhaps",
    SECRET_KEY: "canary-too-short",
    DATABASE_URL: "mysql://root:canary-password@db/x",
    TRUSTED_PROXIES: "10.0.0.0/8,nowhere",
    APP_AUTH_TOKEN_USER_MAP: "canary-token-a:usr_a,canary-token-b",
  };
  const { code, stdout, stderr } = await runTollgate(home, wrong, ["serve"]);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  for (const name of Object.keys(wrong)) assert.ok(stderr.includes(name), `${name} is not told`);
  assert.match(stderr, /APP_AUTH_TOKEN_USER_MAP.*2/, "the position of the bad entry is told");
  assert.doesNotMatch(stderr, /canary/);
  assert.doesNotMatch(stderr, /^\s+at /m, "no stack trace");
});

test("no secret and no prompt appears in the logs", async () => {
  await using home = await newHome();
  await using upstream = await startUpstream();
  const canaries = {
    SECRET_KEY: "canary-secret-key-canary-secret-key-0",
    APP_AUTH_TOKEN_USER_MAP: "canary-token-of-a-user:usr_a",
    INTERNAL_API_TOKEN: "canary-internal-token",
  };
  const env = { ...upstream.env, ...canaries, LOG_LEVEL: "debug", LOG_CALLS: "all" };
  const server = await startTollgate({ home, env });
  const key = server.firstKey!;
  const messages = [{ role: "user", content: "canary-prompt" }];
  const forms = [
    ...["sim-echo", "sim-500", "sim-401", "sim-400", "sim-html-200", "sim-badjson", "sim-cut-1of9"].map(
      (model) => ({ model, messages }),
    ),
    { model: "sim-echo", messages, stream: true },
    { model: "sim-cut-1of9", messages, stream: true },
    { model: "", messages },
    { model: "sim-echo", messages: ["canary-prompt"] },
  ];
  for (const form of forms) await (await caller(server.url, key).chat(form)).text();
  for (const wrong of [
    `${key.slice(0, -1)}!`,
    `${key}0`,
    "canary-token-of-nobody",
    "canary-token-of-a-user",
  ]) {
    await (await caller(server.url, wrong).chat({ messages })).text();
  }
  await (await fetch(`${server.url}/v1/models?api_key=${key}&token=canary-query`)).text();
  await (await fetch(`${server.url}/${key}`)).text();
  await server.cli("keys", "issue", "--name", "quiet");
  assert.equal(await server.stop(), 0);

  const logged = server.stdout().slice(server.stdout().indexOf("\n{")) + server.stderr();
  assert.ok(logged.includes('"request failed"') && logged.includes('"request refused"'));
  assert.ok(logged.includes('"request answered"'));
  const secrets = [key.slice(20), upstream.env.OPENAI_API_KEY, "canary", server.setupToken!.slice(20)];
  for (const secret of secrets) assert.ok(!logged.includes(secret), `${secret} is in the logs`);
});

function models(count: number, name: (index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => name(index));
}

/** Asks each model once, all at the same time; every one must answer. */
async function answered(us: Caller, names: readonly string[]): Promise<void> {
  const answers = await Promise.all(names.map((model) => us.chat({ model })));
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    await answer.arrayBuffer();
  }
}
