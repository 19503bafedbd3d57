import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, told } from "./ask.ts";
import { newPerson } from "./people.ts";
import { startTollgate } from "./server.ts";
import { newStores, withoutStores } from "./stores.ts";

test("a server on PostgreSQL starts, works and stops without a warning of Node", {
  skip: withoutStores(),
}, async () => {
  await using stores = await newStores();
  await using server = await startTollgate({ env: stores.env });
  const { url } = server;
  const { token } = await newPerson(url, "someone");
  const { id } = await told<{ id: number }>(url, "POST /projects", { token, json: { name: "One" } });
  await told(url, `PATCH /projects/${id}`, { token, json: { name: "Two" } });
  const json = { model: "sim-echo", messages: [{ role: "user", content: "Hello" }] };
  const asked = Array.from({ length: 20 }, () => ask(url, "POST /v1/chat/completions", { token, json }));
  for (const { status } of await Promise.all(asked)) assert.equal(status, 200);
  for (const path of [`/costs/projects/${id}`, "/health/costs/daily", "/v1/limits", "/jobs"]) {
    assert.equal((await ask(url, `GET ${path}`, { token })).status, 200, path);
  }
  assert.equal(await server.stop(), 0);
  assert.doesNotMatch(server.stderr() + server.stdout(), /Warning/);
});
