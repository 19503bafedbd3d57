import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { testApp } from "../gateway/src/app.testing.ts";
import { runProgram } from "./running.ts";

const app = await testApp();
after(() => app.close());

test("a program that uses OpenAI's SDK runs with another base URL and a key", async () => {
  const said = await runProgram(process.execPath, [join(import.meta.dirname, "openai-sdk/ask.ts")], {
    cwd: import.meta.dirname,
    env: { OPENAI_BASE_URL: `${app.url}/v1`, OPENAI_API_KEY: await app.key() },
  });
  const [whole, streamed, refused] = said.trim().split("\n");
  assert.match(whole!, /^Tell me about tolls\. for 0\.0\d+ USD$/);
  assert.equal(streamed, "Tell me about tolls.");
  assert.equal(refused, "PROVIDER_RATE_LIMITED 3");
});
