import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { sql } from "kysely";
import { OpenAI } from "openai";
import { type Person, type TestApp, testApp } from "../../app.testing.ts";
import { createBudget } from "../../costs/budgets.ts";
import { BUDGETS_CHANNEL } from "../../costs/set-budget.ts";
import { until } from "../../lib/until.testing.ts";
import { mailServer } from "../../telemetry/mail.testing.ts";
import { auditOf, type Json } from "./access.testing.ts";

type Received = { readonly headers: IncomingHttpHeaders; readonly body: string; readonly path: string };
const received: Received[] = [];
const receiver = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on("end", () => {
    received.push({ headers: request.headers, body, path: request.url! });
    response.writeHead(204).end();
  });
});
const secret = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;

let app: TestApp;
let boss: Person;
let base: string;
let mail: Awaited<ReturnType<typeof mailServer>>;
before(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  mail = await mailServer();
  app = await testApp({
    ALERT_WEBHOOK_URL: `${base}/all`,
    ALERT_WEBHOOK_SECRET: secret,
    SMTP_URL: mail.url,
    ALERT_EMAIL_FROM: "tollgate@example.com",
    ALERT_EMAIL_TO: "ops@example.com",
    OUTBOUND_ALLOW_CIDRS: "127.0.0.0/8",
  });
  boss = await app.person("admin");
});
after(async () => {
  await app.close();
  receiver.close();
  await mail[Symbol.asyncDispose]();
});

async function ask(method: string, path: string, json?: unknown): Promise<{ status: number; json: Json }> {
  const response = await app.fetch(path, {
    method,
    key: boss.token,
    ...(json === undefined ? {} : { json }),
  });
  const text = await response.text();
  return { status: response.status, json: text === "" ? {} : (JSON.parse(text) as Json) };
}

const hook = (path: string, events: string[]) => ask("POST", "/admin/webhooks", { url: base + path, events });

async function arrived(count: number): Promise<readonly Received[]> {
  await until(() => received.length >= count);
  return received;
}

test("a budget that is crossed is told to the alert webhook, to those who asked, and by mail, each signed", async () => {
  const made = await hook("/mine", ["budget.exceeded", "budget.exceeded"]);
  assert.equal(made.status, 201);
  assert.deepEqual(made.json.events, ["budget.exceeded"]);
  const { db } = app.store;
  const budget = {
    scope: "user",
    scopeId: "usr_dev",
    allocatedPico: 1_000_000_000n,
    period: "none",
  } as const;
  await createBudget(db, budget, Date.now());
  const spend = async (spent_pico: string) => {
    await db.updateTable("budgets").set({ spent_pico }).execute();
    await sql`select pg_notify(${BUDGETS_CHANNEL}, '')`.execute(db);
  };
  await spend("960000000");
  await arrived(2);
  await spend("1000000000");
  const all = (await arrived(4)).map(({ path, body }) => [path, (JSON.parse(body) as Json).type]);
  assert.deepEqual(all.toSorted(), [
    ["/all", "budget.critical"],
    ["/all", "budget.exceeded"],
    ["/all", "budget.warning"],
    ["/mine", "budget.exceeded"],
  ]);
  const { webhooks } = new OpenAI({ apiKey: "unused" });
  for (const { path, headers, body } of received) {
    const by = path === "/all" ? secret : (made.json.secret as string);
    await webhooks.verifySignature(body, headers as Record<string, string>, by);
    assert.equal(headers["webhook-id"], (JSON.parse(body) as Json).id);
  }
  await until(() => mail.mails.length >= 3);
  assert.equal(mail.mails.length, 3);
});

test("a webhook's secret is shown when it is made and never again", async () => {
  const made = await hook("/other", ["job.dead"]);
  const { secret: shown, ...rest } = made.json;
  assert.match(String(shown), /^whsec_/);
  const list = await ask("GET", "/admin/webhooks");
  assert.deepEqual((list.json.items as Json[]).at(-1), rest);
  assert.ok(!JSON.stringify(list.json).includes("whsec_"));
  const stored = JSON.stringify(await app.store.db.selectFrom("webhooks").selectAll().execute());
  assert.ok(!stored.includes(String(shown)) && !JSON.stringify(await auditOf(app)).includes(String(shown)));
  assert.equal((await ask("DELETE", `/admin/webhooks/${rest.id}`)).status, 204);
  assert.equal((await ask("DELETE", `/admin/webhooks/${rest.id}`)).status, 404);
  const actions = (await auditOf(app)).map(({ action, target }) => `${action} ${target}`);
  assert.deepEqual(actions.slice(-2), [
    `webhook.create webhook ${rest.id}`,
    `webhook.delete webhook ${rest.id}`,
  ]);
});

test("a list of webhooks comes in pages", async () => {
  for (let count = 0; count < 3; count++) await hook(`/page${count}`, ["job.blocked"]);
  const first = await ask("GET", "/admin/webhooks?limit=2");
  assert.equal((first.json.items as Json[]).length, 2);
  const rest = await ask("GET", `/admin/webhooks?limit=200&cursor=${first.json.next_cursor}`);
  assert.equal(rest.json.next_cursor, null);
  const ids = [...(first.json.items as Json[]), ...(rest.json.items as Json[])].map(({ id }) => id as number);
  assert.deepEqual(
    ids,
    [...new Set(ids)].toSorted((a, b) => a - b),
  );
});

test("a URL that leads inside, and an event that does not exist, are faults of the request", async () => {
  const urls = [
    "https://169.254.169.254/latest/",
    "https://[::ffff:10.0.0.1]/",
    "http://10.0.0.1/",
    "https://user:password@example.com/",
    "ftp://example.com/",
    "none",
  ];
  for (const url of urls) {
    const refused = await ask("POST", "/admin/webhooks", { url, events: ["job.dead"] });
    assert.equal(refused.status, 400, url);
    const { details } = refused.json.error as { details: { path: string }[] };
    assert.equal(details[0]?.path, "url");
  }
  for (const events of [[], ["budget.gone"], "job.dead"]) {
    assert.equal((await hook("/x", events as string[])).status, 400);
  }
});
