import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../app.testing.ts";

let app: TestApp;
before(async () => {
  app = await testApp();
});
after(() => app.close());

async function nothingAt(method: string, path: string): Promise<string> {
  const response = await app.fetch(path, method === "POST" ? { method, json: {} } : { method });
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  assert.deepEqual([response.status, error.code], [404, "NOT_FOUND"], path);
  return error.message;
}

test("a path with too much or too little /v1 is told which one was meant", async () => {
  for (const [method, path, meant] of [
    ["POST", "/chat/completions", "/v1/chat/completions"],
    ["POST", "/messages?beta=true", "/v1/messages"],
    ["POST", "/embeddings", "/v1/embeddings"],
    ["GET", "/models", "/v1/models"],
    ["POST", "/v1/v1/chat/completions", "/v1/chat/completions"],
    ["POST", "/v1/v1/messages", "/v1/messages"],
    ["GET", "/v1/auth/api-keys", "/auth/api-keys"],
  ] as const) {
    assert.match(await nothingAt(method, path), new RegExp(`Did you mean ${meant}\\?$`));
  }
});

test("the root says where the interface is described", async () => {
  assert.match(await nothingAt("GET", "/"), /\/openapi\.json/);
});

test("a path that is nobody's is told nothing more", async () => {
  for (const path of ["/wp-login.php", "/v1/nothing", "/v1"]) {
    assert.equal(await nothingAt("GET", path), "There is no such thing here.");
  }
});
