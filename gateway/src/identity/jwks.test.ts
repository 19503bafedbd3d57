import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { LocalJWKSet } from "jose";
import { VirtualClock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { jwksFromFile, jwksFromUrl } from "./jwks.ts";

const setOf = (...kids: string[]) =>
  JSON.stringify({ keys: kids.map((kid) => ({ kid, kty: "RSA", n: "AQAB", e: "AQAB" })) });
const kidsOf = (keys: LocalJWKSet) => keys.jwks().keys.map(({ kid }) => kid);
const isOutage = (error: unknown) => error instanceof TollgateError && error.code === "PROVIDER_UNAVAILABLE";

async function issuer(answer: RequestListener) {
  const server = createServer((request, response) => {
    served.requests += 1;
    served.answer(request, response);
  });
  const served = {
    requests: 0,
    answer,
    url: "",
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/certs?of=app`;
  return served;
}

function reader(url: string) {
  const clock = new VirtualClock();
  const troubles: unknown[] = [];
  const keys = jwksFromUrl({ url, clock, onTrouble: (error) => troubles.push(error) });
  return { clock, troubles, keys };
}

test("keys are read once for all who ask at once, and kept for ten minutes", async () => {
  await using served = await issuer((request, response) => {
    assert.equal(request.url, "/certs?of=app");
    response.end(setOf("a"));
  });
  const { clock, keys } = reader(served.url);
  await Promise.all(Array.from({ length: 20 }, () => keys("a")));
  clock.advance(10 * 60_000 - 1);
  assert.deepEqual(kidsOf(await keys("a")), ["a"]);
  assert.equal(served.requests, 1);
  clock.advance(1);
  await keys("a");
  assert.equal(served.requests, 2);
});

test("an unknown kid has the keys read again, once in 30 seconds at most", async () => {
  await using served = await issuer((_, response) => response.end(setOf("a")));
  const { clock, keys } = reader(served.url);
  await keys("a");
  served.answer = (_, response) => response.end(setOf("a", "b"));
  clock.advance(29_999);
  assert.deepEqual(kidsOf(await keys("b")), ["a"]);
  clock.advance(1);
  assert.deepEqual(kidsOf(await keys("b")), ["a", "b"]);
  for (let attempt = 0; attempt < 20; attempt += 1) await keys(`unknown ${attempt}`);
  assert.equal(served.requests, 2);
});

test("a key that the issuer withdraws is gone at the next reading", async () => {
  await using served = await issuer((_, response) => response.end(setOf("a", "b")));
  const { clock, keys } = reader(served.url);
  await keys("a");
  served.answer = (_, response) => response.end(setOf("b"));
  clock.advance(10 * 60_000);
  assert.deepEqual(kidsOf(await keys("a")), ["b"]);
});

const failures: Readonly<Record<string, RequestListener>> = {
  "a 500": (_, response) => void response.writeHead(500).end(setOf("a")),
  "a redirect": (_, response) => void response.writeHead(302, { location: "/elsewhere" }).end(setOf("a")),
  "a page": (_, response) => void response.end("<html>"),
  "another JSON": (_, response) => void response.end(`{"error":"busy"}`),
  "more than 256 KiB": (_, response) => void response.end(setOf("a").padEnd(256 * 1024 + 1)),
  "half an answer": (_, response) => {
    response.writeHead(200, { "content-length": "1000" }).write(setOf("a").slice(0, 20));
    setImmediate(() => response.destroy());
  },
};
for (const [what, fail] of Object.entries(failures)) {
  test(`an issuer that answers ${what} is an outage at first, and later changes nothing`, async () => {
    await using served = await issuer(fail);
    const { clock, keys, troubles } = reader(served.url);
    await assert.rejects(keys("a"), isOutage);
    await assert.rejects(keys("a"), isOutage);
    assert.deepEqual([served.requests, troubles.length], [1, 1]);
    clock.advance(30_000);
    served.answer = (_, response) => response.end(setOf("a"));
    assert.deepEqual(kidsOf(await keys("a")), ["a"]);
    clock.advance(10 * 60_000);
    served.answer = fail;
    assert.deepEqual(kidsOf(await keys("a")), ["a"]);
    assert.equal(troubles.length, 2);
  });
}

test("a set of exactly 256 KiB is read", async () => {
  await using served = await issuer((_, response) => response.end(setOf("a").padEnd(256 * 1024)));
  assert.deepEqual(kidsOf(await reader(served.url).keys("a")), ["a"]);
});

test("an issuer that is silent, or trickles, holds a sign-in for five seconds", async () => {
  const asked = Promise.withResolvers<void>();
  await using served = await issuer((_, response) => {
    response.writeHead(200).write("{");
    asked.resolve();
  });
  const { clock, keys, troubles } = reader(served.url);
  const waiting = assert.rejects(keys("a"), isOutage);
  await asked.promise;
  clock.advance(4_999);
  assert.equal(troubles.length, 0);
  clock.advance(1);
  await waiting;
});

test("an issuer that is not there is an outage that says when to come again", async () => {
  const { keys } = reader("http://127.0.0.1:9/certs");
  await assert.rejects(keys("a"), (error) => {
    assert.ok(error instanceof TollgateError && error.is("PROVIDER_UNAVAILABLE"));
    assert.equal(error.details.retryAfterMs, 30_000);
    assert.match(error.message, /sign-in provider/);
    return true;
  });
});

test("only http and https addresses are accepted", () => {
  for (const url of ["file:///etc/keys.json", "ftp://issuer.test/certs", "certs"]) {
    assert.throws(() => reader(url), TypeError);
  }
});

test("a file is read for every unknown kid, and a bad one changes nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "jwks-"));
  const path = join(folder, "keys.json");
  const keys = jwksFromFile({ path, clock: new VirtualClock(), onTrouble: () => {} });
  try {
    await assert.rejects(keys("a"), isOutage);
    writeFileSync(path, setOf("a"));
    assert.deepEqual(kidsOf(await keys("a")), ["a"]);
    writeFileSync(path, setOf("a", "b"));
    assert.deepEqual(kidsOf(await keys("b")), ["a", "b"]);
    writeFileSync(path, "{");
    assert.deepEqual(kidsOf(await keys("c")), ["a", "b"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
