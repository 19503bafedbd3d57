import assert from "node:assert/strict";
import { test } from "node:test";
import { transportOf } from "./client.options.ts";
import { TollgateClient } from "./client.ts";

const addressOf = (baseUrl: string) => transportOf({ baseUrl }).baseUrl;

test("the gateway's address may end with slashes and have a proxy's path", () => {
  assert.equal(addressOf("https://gate.test"), "https://gate.test");
  assert.equal(addressOf(" https://gate.test:8443// "), "https://gate.test:8443");
  assert.equal(addressOf("http://127.0.0.1:8080/ai/gate/"), "http://127.0.0.1:8080/ai/gate");
});

test("an address that leads nowhere is refused at once, in words that repeat no secret", () => {
  const refused = [
    ["not a url", /begins with http/],
    ["", /begins with http/],
    ["/", /begins with http/],
    [undefined as unknown as string, /begins with http/],
    ["gate.test:8080", /begins with http/],
    ["ws://gate.test", /begins with http/],
    ["https://ann:hush@gate.test", /an apiKey or an accessToken instead/],
    ["https://gate.test/?key=hush", /query or a fragment/],
    ["https://gate.test/#top", /query or a fragment/],
    ["https://gate.test/v1/", /ends with \/v1/],
  ] as const;
  for (const [baseUrl, words] of refused) {
    assert.throws(
      () => new TollgateClient({ baseUrl }),
      (error) => error instanceof TypeError && words.test(error.message) && !error.message.includes("hush"),
      baseUrl,
    );
  }
});
