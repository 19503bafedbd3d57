import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { nextTurn, sleep, systemClock } from "../lib/clock.ts";
import { hear, rawServer, textOf } from "../lib/fetch.testing.ts";
import { openAiChat } from "./openai.chat.ts";
import { providerContract } from "./provider.contract.ts";
import { startSimulatedServer } from "./simulated.server.ts";
import { MAX_EVENT_BYTES, streamTap } from "./tap.ts";
import { upstream as opened } from "./upstream.ts";
import { wholeAnswer } from "./whole.ts";

const timeouts = { connectTimeoutMs: 5000, headersTimeoutMs: 500, bodyTimeoutMs: 500 };
const common = {
  name: "openai",
  dialect: "openai" as const,
  apiKey: "sk-operator",
  models: ["m"],
  reportsStreamUsage: true,
  timeouts,
};

providerContract("upstream", async (t, { wire }) => {
  const server = await startSimulatedServer();
  const { origin, baseUrl } = server;
  const provider =
    wire.name === "anthropic-messages"
      ? opened({ ...common, name: "anthropic", dialect: "anthropic", baseUrl: origin })
      : opened({ ...common, baseUrl });
  t.after(async () => {
    await provider.close();
    await server.close();
  });
  return provider;
});

const chat = { path: "/chat/completions", headers: {}, body: Buffer.from('{"model":"m"}') };

/** An upstream that does as it likes once the request has arrived. */
async function hostile(answer: (socket: Socket, request: string) => void) {
  const server = await rawServer((socket) =>
    socket.once("data", (bytes) => answer(socket, bytes.toString())),
  );
  const provider = opened({ ...common, baseUrl: `${server.url}/v1` });
  return {
    server,
    provider,
    send: (onChunk?: Parameters<typeof hear>[1], request = chat) =>
      hear((events) => provider.send(request, events), onChunk),
    async [Symbol.asyncDispose]() {
      await provider.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const head = (...lines: string[]): string => `${["HTTP/1.1 200 OK", ...lines].join("\r\n")}\r\n\r\n`;
const EVENTS = "content-type: text/event-stream";

test("OpenAI and xAI speak responses, and everybody else if the operator says so", async () => {
  for (const [name, speaksResponses, speaks] of [
    ["openai", undefined, true],
    ["xai", undefined, true],
    ["groq", undefined, false],
    ["vllm", true, true],
    ["openai", false, false],
  ] as const) {
    const provider = opened({ ...common, name, baseUrl: "http://127.0.0.1:9/v1", speaksResponses });
    assert.equal(provider.speaks.includes("openai-responses"), speaks, name);
    await provider.close();
  }
});

test("the operator's key and the allowed headers are sent, the client's own are not", async () => {
  let seen = "";
  await using upstream = await hostile((socket, request) => {
    seen = request.toLowerCase();
    socket.end(`${head("content-length: 2", "connection: close")}{}`);
  });
  const headers = {
    Authorization: "Bearer client",
    cookie: "a=b",
    "OpenAI-Beta": "assistants=v2",
    "x-forwarded-for": "1.2.3.4",
    host: "elsewhere",
    "content-type": "text/plain",
  };
  await upstream.send(undefined, { ...chat, headers }).over;
  assert.match(seen, /^post \/v1\/chat\/completions http\/1\.1\r\n/);
  assert.match(seen, /\r\nauthorization: bearer sk-operator\r\n/);
  assert.match(seen, /\r\nopenai-beta: assistants=v2\r\n/);
  assert.match(seen, /\r\ncontent-type: application\/json\r\n/);
  assert.doesNotMatch(seen, /client|cookie|forwarded|elsewhere|text\/plain/);
});

test("a server without credentials gets none", async () => {
  let seen = "";
  await using server = await rawServer((socket) =>
    socket.once("data", (bytes) => {
      seen = bytes.toString().toLowerCase();
      socket.end(`${head("content-length: 2", "connection: close")}{}`);
    }),
  );
  const provider = opened({ ...common, apiKey: undefined, baseUrl: server.url });
  await hear((events) => provider.send(chat, events)).over;
  assert.doesNotMatch(seen, /authorization/);
  await provider.close();
});

test("half a JSON object is a cut, or no answer where the server says it is all", async () => {
  const half = '{"choices":[{"message"';
  await using short = await hostile((socket) => socket.end(head("content-length: 100") + half));
  assert.equal((await short.send().over).outcome, "cut");
  await using chunked = await hostile((socket) => {
    socket.end(`${head("transfer-encoding: chunked")}${half.length.toString(16)}\r\n${half}\r\n`);
  });
  assert.equal((await chunked.send().over).outcome, "cut");
  await using whole = await hostile((socket) => socket.end(head(`content-length: ${half.length}`) + half));
  const heard = await whole.send().over;
  assert.equal(heard.outcome, "end");
  assert.equal(wholeAnswer(openAiChat, Buffer.concat(heard.chunks)), undefined);
});

test("an endless line costs bounded memory", { timeout: 30_000 }, async () => {
  const block = Buffer.alloc(256 * 1024, "x");
  await using upstream = await hostile((socket) => {
    socket.write(`${head(EVENTS)}data: `);
    const write = (): void => {
      while (!socket.destroyed && socket.write(block));
      if (!socket.destroyed) socket.once("drain", write);
    };
    write();
  });
  const tap = streamTap(openAiChat, { hideUsage: true });
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  let received = 0;
  let passed = 0;
  let peak = 0;
  const before = process.memoryUsage.rss();
  upstream.send((exchange, { chunks }) => {
    const chunk = chunks.pop()!;
    received += chunk.length;
    passed += tap.push(chunk)?.length ?? 0;
    peak = Math.max(peak, process.memoryUsage.rss());
    if (received < 32 * MAX_EVENT_BYTES) return;
    exchange.abort();
    resolve();
  });
  await enough;
  assert.equal(passed, received);
  assert.equal(tap.finish().metered, undefined);
  assert.ok(peak - before < 160 * 1024 * 1024, `${Math.round((peak - before) / 2 ** 20)} MiB more`);
  while (upstream.server.open() > 0) await sleep(systemClock, 5);
});

test("a redirect is an answer and is not followed", async () => {
  let visits = 0;
  await using elsewhere = await rawServer(() => visits++);
  await using upstream = await hostile((socket) => {
    const lines = ["HTTP/1.1 302 Found", `location: ${elsewhere.url}/steal`, "content-length: 0"];
    socket.end(`${lines.join("\r\n")}\r\n\r\n`);
  });
  const heard = await upstream.send().over;
  assert.equal(heard.status, 302);
  assert.equal(heard.outcome, "end");
  assert.equal(visits, 0);
});

test("an encoded answer is a failure without a head", async () => {
  for (const encoding of ["gzip", "gzip, gzip, gzip", "br"]) {
    await using upstream = await hostile((socket) => {
      socket.write(`${head(`content-encoding: ${encoding}`, "content-length: 1000")}\x1f\x8b`);
    });
    const heard = await upstream.send().over;
    assert.equal(heard.outcome, "cut");
    assert.equal(heard.status, undefined);
    while (upstream.server.open() > 0) await sleep(systemClock, 5);
  }
});

test("a reset before or after the head is a cut", async () => {
  await using before = await hostile((socket) => socket.resetAndDestroy());
  const early = await before.send().over;
  assert.equal(early.outcome, "cut");
  assert.equal(early.status, undefined);
  await using after = await hostile((socket) => {
    socket.write(`${head(EVENTS, "transfer-encoding: chunked")}a\r\ndata: {}\n\n\r\n`);
    systemClock.after(30, () => socket.resetAndDestroy());
  });
  const late = await after.send().over;
  assert.equal(late.outcome, "cut");
  assert.equal(textOf(late), "data: {}\n\n");
});

test("an answer without a length ends with its connection; only the end marker says that it was whole", async () => {
  await using upstream = await hostile((socket) => {
    socket.write(`${head(EVENTS)}data: {}\n\n`);
    systemClock.after(30, () => socket.resetAndDestroy());
  });
  const heard = await upstream.send().over;
  assert.equal(heard.outcome, "end");
  const tap = streamTap(openAiChat, { hideUsage: true });
  for (const chunk of heard.chunks) tap.push(chunk);
  assert.equal(tap.finish().complete, false);
});

test("a head that comes too slowly is a timeout", async () => {
  await using upstream = await hostile((socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    const cancel = systemClock.every(50, () => socket.write("x-drip: 1\r\n"));
    socket.once("close", cancel);
  });
  const heard = await upstream.send().over;
  assert.equal(heard.outcome, "timeout");
  assert.equal(heard.status, undefined);
});

test("silence after the first byte is a timeout", async () => {
  await using upstream = await hostile((socket) => socket.write(`${head(EVENTS)}data: {}\n\n`));
  const heard = await upstream.send().over;
  assert.equal(heard.outcome, "timeout");
  assert.equal(heard.status, 200);
  while (upstream.server.open() > 0) await sleep(systemClock, 5);
});

test("bytes that are not HTTP, and a head without end, are cuts", async () => {
  await using noise = await hostile((socket) => socket.end("hello\r\n\r\n"));
  assert.equal((await noise.send().over).outcome, "cut");
  await using endless = await hostile((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(64 * 1024)}`);
  });
  assert.equal((await endless.send().over).outcome, "cut");
});

test("two answers to one request do not reach the next caller", async () => {
  const answer = `${head("content-length: 2")}{}`;
  await using upstream = await hostile((socket) => {
    socket.write(answer + answer.replace("{}", "xx"));
    socket.on("data", () => socket.write(answer));
  });
  assert.equal(textOf(await upstream.send().over), "{}");
  const second = await upstream.send().over;
  assert.notEqual(textOf(second), "xx");
});

test("a connection is made ready by a question for the models, and the next call goes over it", async () => {
  const lines: string[] = [];
  let connections = 0;
  await using server = await rawServer((socket) => {
    connections += 1;
    socket.on("data", (bytes) => {
      lines.push(bytes.toString().split("\r\n")[0]!);
      socket.write(`${head("content-length: 2")}{}`);
    });
  });
  const provider = opened({ ...common, baseUrl: `${server.url}/v1` });
  await provider.connect();
  await new Promise<void>(nextTurn);
  assert.equal(textOf(await hear((events) => provider.send(chat, events)).over), "{}");
  assert.deepEqual(lines, ["GET /v1/models HTTP/1.1", "POST /v1/chat/completions HTTP/1.1"]);
  assert.equal(connections, 1);
  await provider.close();
});

test("a connection that cannot be made ready is nobody's trouble, nor is a list without end", async () => {
  const { url } = await (async () => {
    await using gone = await rawServer(() => {});
    return gone;
  })();
  const away = opened({ ...common, baseUrl: url });
  await away.connect();
  await away.close();
  await using endless = await hostile((socket) => {
    socket.write(head("transfer-encoding: chunked"));
    const cancel = systemClock.every(1, () => socket.write(`10000\r\n${"x".repeat(0x10000)}\r\n`));
    socket.once("close", cancel);
  });
  await endless.provider.connect();
  while (endless.server.open() > 0) await sleep(systemClock, 5);
});
