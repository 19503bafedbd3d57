import assert from "node:assert/strict";
import { test } from "node:test";
import { type FastifyServerOptions, fastify } from "fastify";
import { dataFolder } from "./plugin.testing.ts";
import { tollgate } from "./plugin.ts";

/** An app whose clients all come through one proxy. */
async function behindProxy(options: FastifyServerOptions) {
  const folder = await dataFolder();
  const app = fastify({ pluginTimeout: 60_000, ...options });
  await app.register(tollgate, { settings: folder.settings });
  app.get("/", { config: { tollgate: { class: "manage", scope: "none" } } }, async ({ ip }) => ip);
  return {
    async ask(address: string, token: string): Promise<number> {
      const headers = { authorization: `Bearer ${token}`, "x-forwarded-for": address };
      return (await app.inject({ url: "/", headers })).statusCode;
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      folder[Symbol.dispose]();
    },
  };
}

const guess = async (app: { ask(address: string, token: string): Promise<number> }, address: string) => {
  for (let round = 0; round < 40; round++) await app.ask(address, `guess-${round}`);
  return app.ask(address, "guess");
};

test("behind a proxy that the app trusts, an address that guesses tokens cools down alone", async () => {
  await using app = await behindProxy({ trustProxy: true });
  assert.equal(await guess(app, "203.0.113.1"), 429);
  assert.equal(await app.ask("203.0.113.1:4711", "another"), 429);
  assert.equal(await app.ask("203.0.113.2", "another"), 401);
  assert.equal(await app.ask("203.0.113.2", "token-of-ann"), 200);
});

test("a proxy that the app does not trust names no addresses", async () => {
  await using app = await behindProxy({});
  assert.equal(await guess(app, "203.0.113.1"), 429);
  assert.equal(await app.ask("203.0.113.2", "another"), 429);
});
