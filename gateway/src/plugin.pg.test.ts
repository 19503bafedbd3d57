import assert from "node:assert/strict";
import { test } from "node:test";
import { runApp } from "./plugin.testing.ts";
import { missing, testPostgres, testRedis } from "./store/testing.ts";

test("apps that share PostgreSQL and Redis share users, limits and ledger", {
  skip: missing("postgres") || missing("redis"),
}, async () => {
  await using store = await testPostgres();
  await using redis = await testRedis();
  const settings = {
    DATABASE_URL: store.url,
    REDIS_URL: redis!.url,
    SECRET_KEY: "0123456789abcdef0123456789abcdef",
    LOG_LEVEL: "silent",
    OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
    APP_AUTH_TOKEN_USER_MAP: "token-of-ann:usr_ann",
  };
  const start = () =>
    runApp(settings, (app) => {
      const tollgate = { class: "capture", scope: "thoughts:write", isAiCall: true } as const;
      app.get("/ask", { config: { tollgate } }, ({ ai }) =>
        ai.generate({ messages: [{ role: "user", content: "Hello" }] }),
      );
    });
  const apps = [await start(), await start()];
  const answers = await Promise.all(
    Array.from({ length: 25 }, (_, index) => apps[index % 2]!.fetch("/ask", { token: "token-of-ann" })),
  );
  const statuses = answers.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 20);
  assert.equal(statuses.filter((status) => status === 429).length, 5);
  for (const { app } of apps) await app.close();
  const rows = await store.db.selectFrom("prompt_runs").select("user_id").execute();
  assert.equal(rows.length, 20);
});
