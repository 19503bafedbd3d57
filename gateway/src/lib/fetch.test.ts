import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { sleep, systemClock } from "./clock.ts";
import { hear, rawServer, textOf } from "./fetch.testing.ts";
import { type OriginOptions, openOrigin } from "./fetch.ts";

const options: OriginOptions = { connectTimeoutMs: 5000, headersTimeoutMs: 5000, bodyTimeoutMs: 500 };
const get = { method: "GET", path: "/", headers: {} } as const;

async function httpServer(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () =>
      new Promise<number>((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

test("a request keeps the path of the base URL and asks for an unencoded answer", async () => {
  await using server = await httpServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { method, url, headers } = request;
      response.writeHead(201, { "x-twice": ["a", "b"], "content-type": "application/json" });
      response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(parts).toString() }));
    });
  });
  const origin = openOrigin(`${server.url}/v1/`, options);
  const request = {
    method: "POST",
    path: "/chat/completions",
    headers: { "x-mine": "1" },
    body: Buffer.from("{}"),
  } as const;
  const heard = await hear((events) => origin.send(request, events)).over;
  const seen = JSON.parse(textOf(heard));
  assert.equal(heard.status, 201);
  assert.equal(heard.headers["x-twice"], "a, b");
  assert.equal(seen.method, "POST");
  assert.equal(seen.url, "/v1/chat/completions");
  assert.equal(seen.headers["accept-encoding"], "identity");
  assert.equal(seen.headers["x-mine"], "1");
  assert.equal(seen.headers["content-length"], "2");
  assert.equal(seen.body, "{}");
  await origin.close();
});

test("a base URL with credentials, a query, a fragment or another scheme is refused", () => {
  for (const url of ["http://a:b@host/", "http://host/?q", "http://host/#f", "ftp://host/", "host"]) {
    assert.throws(() => openOrigin(url, options), TypeError);
  }
});

test("a refused connection fails as connect, after send has returned", async () => {
  const server = await rawServer(() => {});
  const { url } = server;
  await server[Symbol.asyncDispose]();
  const origin = openOrigin(url, options);
  const heard = await hear((events) => origin.send(get, events)).over;
  assert.equal(heard.outcome, "connect");
  assert.equal((heard.cause as { code?: string }).code, "ECONNREFUSED");
});

test("a request that cannot be sent fails as connect, after send has returned", async () => {
  await using server = await rawServer(() => assert.fail("nothing may be sent"));
  const origin = openOrigin(server.url, options);
  const bad = { ...get, headers: { "x-bad": "a\r\nb: c" } };
  assert.equal((await hear((events) => origin.send(bad, events)).over).outcome, "connect");
  await origin.close();
  assert.equal((await hear((events) => origin.send(get, events)).over).outcome, "connect");
});

test("an informational head is passed over", async () => {
  await using server = await httpServer((_request, response) => {
    response.writeEarlyHints({ link: "</a>; rel=preload" });
    response.end("done");
  });
  const origin = openOrigin(server.url, options);
  const heard = await hear((events) => origin.send(get, events)).over;
  assert.equal(heard.status, 200);
  assert.equal(textOf(heard), "done");
  await origin.close();
});

test("a paused exchange stops the sender; resumed, it loses nothing", async () => {
  const total = 32 * 1024 * 1024;
  let written = 0;
  await using server = await httpServer((_request, response) => {
    const block = Buffer.alloc(64 * 1024, "a");
    const write = (): void => {
      while (written < total) {
        written += block.length;
        if (!response.write(block)) return void response.once("drain", write);
      }
      response.end();
    };
    write();
  });
  const origin = openOrigin(server.url, options);
  let length = 0;
  const { exchange, heard, over } = hear(
    (events) => origin.send(get, events),
    (self, { chunks }) => {
      length += chunks.pop()!.length;
      if (length < 100_000) self.pause();
    },
  );
  while (length === 0) await sleep(systemClock, 5);
  await sleep(systemClock, 700);
  assert.ok(length < 100_000, "chunks came while paused");
  assert.ok(written < total, "the sender was not slowed down");
  assert.equal(heard.outcome, undefined, "a pause counted as silence");
  for (; heard.outcome === undefined; await sleep(systemClock, 1)) exchange.resume();
  await over;
  assert.equal(length, total);
  await origin.close();
});

test("an exchange paused before its head gives no chunk until it is resumed", async () => {
  await using server = await httpServer((_request, response) => response.end("late"));
  const origin = openOrigin(server.url, options);
  const { exchange, heard, over } = hear((events) => origin.send(get, events));
  exchange.pause();
  while (heard.status === undefined) await sleep(systemClock, 5);
  await sleep(systemClock, 50);
  assert.equal(heard.chunks.length, 0);
  exchange.resume();
  assert.equal(textOf(await over), "late");
  await origin.close();
});

test("one exchange may resume or abort another from inside its own chunk", async () => {
  await using server = await httpServer((_request, response) => {
    response.write("x".repeat(1000));
    setImmediate(() => response.end("y".repeat(100_000)));
  });
  const origin = openOrigin(server.url, options);
  const paused = hear(
    (events) => origin.send(get, events),
    (self, { chunks }) => chunks.length === 1 && self.pause(),
  );
  const left = hear((events) => origin.send(get, events));
  while (paused.heard.chunks.length === 0 || left.heard.chunks.length === 0) await sleep(systemClock, 5);
  const third = hear(
    (events) => origin.send(get, events),
    () => {
      paused.exchange.resume();
      left.exchange.abort();
    },
  );
  assert.equal((await third.over).outcome, "end");
  assert.equal(textOf(await paused.over).length, 101_000);
  await origin.close();
});

test("what a listener throws comes back as the cause of a fail", async () => {
  await using server = await httpServer((_request, response) => response.end("body"));
  const origin = openOrigin(server.url, options);
  for (const thrower of ["head", "chunk", "end"] as const) {
    const failure = await new Promise((resolve) => {
      const silent = { head() {}, chunk() {}, end() {} };
      const events = { ...silent, fail: resolve };
      events[thrower] = () => {
        throw new Error(thrower);
      };
      origin.send(get, events);
    });
    assert.deepEqual(failure, { kind: "cut", cause: new Error(thrower) });
  }
  await origin.close();
});

test("an exchange that is aborted before it begins is never sent", async () => {
  let requests = 0;
  await using server = await httpServer((_request, response) => {
    requests++;
    response.end();
  });
  const origin = openOrigin(server.url, options);
  const { exchange, heard } = hear((events) => origin.send(get, events));
  exchange.abort();
  await hear((events) => origin.send(get, events)).over;
  assert.equal(requests, 1);
  assert.equal(heard.outcome, undefined);
  await origin.close();
});

test("closing an origin cuts what is in flight", async () => {
  await using server = await httpServer((_request, response) => void response.write("and"));
  const origin = openOrigin(server.url, options);
  const { heard, over } = hear((events) => origin.send(get, events));
  while (heard.chunks.length === 0) await sleep(systemClock, 5);
  await origin.close();
  assert.equal((await over).outcome, "cut");
});

test("1,000 aborted streams leave no connection and no event behind", async () => {
  let begun = 0;
  await using server = await httpServer((_request, response) => {
    begun++;
    const cancel = systemClock.every(1, () => response.write("data: {}\n\n".repeat(200)));
    response.once("close", cancel);
  });
  const origin = openOrigin(server.url, { connectTimeoutMs: 0, headersTimeoutMs: 0, bodyTimeoutMs: 0 });
  let strays = 0;
  const leaveAfterFirstChunk = async (pauseFirst: boolean): Promise<void> => {
    const { promise: first, resolve } = Promise.withResolvers<void>();
    let aborted = false;
    const { exchange, over } = hear(
      (events) => origin.send(get, events),
      (self) => {
        if (aborted) strays++;
        if (pauseFirst) self.pause();
        resolve();
      },
    );
    over.then(() => strays++);
    await first;
    aborted = true;
    exchange.abort();
  };
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => leaveAfterFirstChunk(index % 2 === 0)));
  }
  while ((await server.connections()) > 0) await sleep(systemClock, 20);
  assert.equal(begun, 1000);
  assert.equal(strays, 0);
  await origin.close();
});
