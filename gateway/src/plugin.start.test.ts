import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type FastifyInstance, fastify } from "fastify";
import { until } from "./lib/until.testing.ts";
import { type DataFolder, dataFolder } from "./plugin.testing.ts";
import { tollgate } from "./plugin.ts";

let folder: DataFolder;
before(async () => {
  folder = await dataFolder();
});
after(() => folder[Symbol.dispose]());

const register = (app: FastifyInstance, options: object = {}) =>
  app.register(tollgate, { settings: folder.settings, ...options });

/** Nobody has the database any more. */
const isFree = () => folder.look(async () => true);

test("a registration that fails leaves nothing open when the app is closed", async () => {
  const failing: Readonly<Record<string, readonly [(app: FastifyInstance) => Promise<unknown>, RegExp]>> = {
    "a name that the app has": [
      async (app) => register(app.decorateRequest("principal" as string, null)),
      /gives every request principal, and this app has/,
    ],
    "registered twice": [
      async (app) => {
        await register(app);
        await register(app);
      },
      /tollgate is registered already/,
    ],
    "registered in a part of a governed app": [
      async (app) => {
        await register(app);
        await app.register(async (part) => void (await register(part)));
      },
      /tollgate is registered already/,
    ],
    "a setting that is wrong": [
      (app) => Promise.resolve(register(app, { settings: { ...folder.settings, SECRET_KEY: "short" } })),
      /SECRET_KEY/,
    ],
    "a plugin after it that fails": [
      async (app) => {
        await register(app);
        app.register(async () => {
          throw new Error("the other plugin");
        });
        await app.ready();
      },
      /the other plugin/,
    ],
  };
  for (const [what, [start, says]] of Object.entries(failing)) {
    const app = fastify({ pluginTimeout: 60_000 });
    await assert.rejects(async () => start(app), says, what);
    await app.close();
    assert.ok(await isFree(), what);
  }
});

test("an app that gives its plugins too little time keeps nothing open once it is closed", async () => {
  const app = fastify({ pluginTimeout: 20 });
  await assert.rejects(async () => register(app), /did not start in time/);
  await app.close();
  await until(() => isFree().catch(() => false));
});

test("options that are not known, or are not what they should be, stop the start", async () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ DATA_DIR: "data" }, /"DATA_DIR"/],
    [{ prefix: "/ai" }, /"prefix"/],
    [{ settings: { PORT: 3000 } }, /settings\.PORT .*expected string/],
    [{ ungoverned: "refuse" }, /ungoverned .*"deny"/],
    [{ logger: console.log }, /logger must have debug/],
  ];
  for (const [options, says] of wrong) {
    const app = fastify();
    await assert.rejects(async () => app.register(tollgate, options), says);
    await app.close();
  }
});

test("an app closes at once, whatever connections its clients keep", async () => {
  const app = fastify({ pluginTimeout: 60_000, keepAliveTimeout: 20_000 });
  await register(app);
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<string>();
  app.get("/slow", () => {
    asked.resolve();
    return answered.promise;
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const slow = fetch(`${url}/slow`).then((response) => response.text());
  await asked.promise;
  const startedAt = performance.now();
  const closing = app.close();
  await until(() => !app.server.listening);
  answered.resolve("slow");
  assert.equal(await slow, "slow");
  await closing;
  assert.ok(performance.now() - startedAt < 5_000, `${performance.now() - startedAt} ms`);
});

test("log lines go to the log of an app that gives it, by its level", async () => {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const app = fastify({ pluginTimeout: 60_000, logger: { level: "warn", stream } });
  await register(app, { logger: app.log });
  app.get("/mine", { config: { tollgate: { class: "manage", scope: "none" } } }, async () => "");
  const { headers } = await app.inject("/mine");
  await app.close();
  const line = lines.find(({ route }) => route === "/mine");
  assert.deepEqual([line?.msg, line?.status], ["request refused", 401]);
  assert.equal(line?.correlationId, headers["x-correlation-id"]);
});
