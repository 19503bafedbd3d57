import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../gateway/src/lib/until.testing.ts";
import { ask } from "./ask.ts";
import * as shapes from "./limit-shapes.ts";
import { issueKey, newAdministrator, type Person } from "./people.ts";
import { type Home, newHome, startTollgate, type Tollgate } from "./server.ts";

const { CHAT, chat, freshUser, override } = shapes;

let home: Home;
let server: Tollgate;
let site: shapes.Site;
let admin: Person;
let url = "";

before(async () => {
  home = await newHome();
  server = await start();
  url = server.url;
  admin = await newAdministrator(url, server.setupToken!);
  site = { urls: [url], admin };
});
after(async () => {
  await server?.kill("SIGKILL");
  await home?.[Symbol.asyncDispose]();
});

function start(): Promise<Tollgate> {
  const env = { ...shapes.shapedEnv, ABUSE_MODE: "report", ABUSE_VALIDATION_FAILURES: "3" };
  return startTollgate({ home, env, config: shapes.shapedConfig });
}

test("a day's quota that is used up stays so when the server starts again", async () => {
  const user = freshUser();
  const { key } = await issueKey(url, user, { daily_quota: 3 });
  await override(site, user, { "user-day": 6 });
  for (let i = 0; i < 3; i++) assert.equal((await ask(url, CHAT, chat(key))).status, 200);
  for (let i = 0; i < 3; i++) assert.equal((await ask(url, CHAT, chat(user.token))).status, 200);
  assert.equal(await server.stop(), 0);
  server = await start();
  url = server.url;
  site = { urls: [url], admin };
  assert.equal((await ask(url, CHAT, chat(user.token))).code, "RATE_LIMITED");
  await override(site, user, { "user-day": 100 });
  assert.equal((await ask(url, CHAT, chat(key))).code, "QUOTA_EXCEEDED");
});

for (const shape of shapes.limitShapes) {
  test(`${shape.name}: of ten times the limit at once exactly the limit passes`, async () => {
    for (let run = 0; run < 2; run++) await shapes.assertExact(site, shape, 3 + 4 * run);
  });
}

test("cooldowns that are only reported refuse nobody", async () => {
  const { token } = freshUser();
  for (let i = 0; i < 6; i++) {
    assert.equal((await ask(url, CHAT, chat(token, { messages: [] }))).status, 400);
  }
  const reported = /^protection_would_refuse_total\{what="user-cooldown"\} [1-9]/m;
  await until(async () => {
    assert.equal((await ask(url, CHAT, chat(token))).status, 200);
    return reported.test((await ask(url, "GET /metrics")).text);
  });
});
