import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { caller } from "./caller.ts";
import { type RawAnswer, type Sending, sendRaw } from "./raw.ts";
import { newHome, startTollgate } from "./server.ts";

const home = await newHome();
const server = await startTollgate({
  home,
  env: { KEY_RATE_LIMIT_PER_MINUTE: "", IP_RATE_LIMIT_PER_MINUTE: "", ABUSE_MODE: "off" },
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const { host } = new URL(server.url);
const key = server.firstKey!;
const us = caller(server.url, key);
const HOST = `Host: ${host}`;
const AUTH = `Authorization: Bearer ${key}`;
const JSON_TYPE = "Content-Type: application/json";
const chat = `{"model":"sim-echo","messages":[{"role":"user","content":"Hi"}]}`;

function request(line: string, headers: readonly string[], body = ""): string {
  return `${[line, ...headers].join("\r\n")}\r\n\r\n${body}`;
}

/** A chat call with these headers instead of a Content-Length. */
function framed(headers: readonly string[], body = chat): string {
  return request("POST /v1/chat/completions HTTP/1.1", [HOST, AUTH, JSON_TYPE, ...headers], body);
}

function posted(body: string | Buffer, headers: readonly string[] = [JSON_TYPE]): Buffer {
  const bytes = Buffer.from(body);
  const head = [HOST, AUTH, ...headers, `Content-Length: ${bytes.length}`];
  return Buffer.concat([Buffer.from(request("POST /v1/chat/completions HTTP/1.1", head)), bytes]);
}

function got(path: string, headers: readonly string[] = [HOST]): string {
  return request(`GET ${path} HTTP/1.1`, headers);
}

const length = `Content-Length: ${chat.length}`;
const chunked = `${chat.length.toString(16)}\r\n${chat}\r\n0\r\n\r\n`;
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const withField = (field: string) => `${chat.slice(0, -1)},${field}}`;

type Vector = readonly [name: string, bytes: string | Buffer, statuses: readonly number[], sending?: Sending];

/** Status 0: the connection is closed without an answer. */
const vectors: readonly Vector[] = [
  ["Content-Length and Transfer-Encoding", framed([length, "Transfer-Encoding: chunked"], chunked), [400]],
  ["two equal Content-Lengths", framed([length, length]), [400]],
  ["two different Content-Lengths", framed([length, "Content-Length: 3"]), [400]],
  ["Content-Length with a sign", framed(["Content-Length: +13"]), [400]],
  ["Content-Length as a list", framed(["Content-Length: 13, 13"]), [400]],
  ["negative Content-Length", framed(["Content-Length: -1"]), [400]],
  ["hexadecimal Content-Length", framed(["Content-Length: 0x0d"]), [400]],
  ["blank before the colon", framed(["Content-Length : 13"]), [400]],
  ["blank before a header", framed([" Content-Length: 13"]), [400]],
  ["Transfer-Encoding xchunked", framed(["Transfer-Encoding: xchunked"], chunked), [400]],
  ["chunked is not last", framed(["Transfer-Encoding: chunked, identity"], chunked), [400]],
  [
    "Transfer-Encoding twice",
    framed(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], chunked),
    [400],
  ],
  ["LF in a chunk extension", framed(["Transfer-Encoding: chunked"], `2;a\n{}\r\n0\r\n\r\n`), [400]],
  ["0x before a chunk size", framed(["Transfer-Encoding: chunked"], "0x2\r\n{}\r\n0\r\n\r\n"), [400]],
  ["bare LF", `GET /healthz HTTP/1.1\n${HOST}\n\n`, [400]],
  ["bare CR", `GET /healthz HTTP/1.1\r${HOST}\r\r`, [400]],
  ["CR and a letter for the empty line", `GET /healthz HTTP/1.1\r\n${HOST}\r\n\rX`, [400]],
  ["NUL in a header", got("/healthz", [HOST, "X-A: a\0b"]), [400]],
  ["folded header", got("/healthz", [HOST, "X-A: a\r\n b"]), [400]],
  ["HTTP/1.9", request("GET /healthz HTTP/1.9", [HOST]), [400]],
  ["HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]],
  ["TLS hello", Buffer.from("16030100c8010000c40303", "hex"), [400]],
  ["random bytes", Buffer.from("00ff10e29c93deadbeef0a0d", "hex"), [400]],
  ["unknown method", request("FETCH /healthz HTTP/1.1", [HOST]), [400]],
  ["blank in the path", request("GET /heal thz HTTP/1.1", [HOST]), [400]],
  ["no Host", got("/healthz", []), [400]],
  ["two Hosts", got("/healthz", [HOST, HOST]), [400]],
  ["Host with a path", got("/v1/models", ["Host: x/healthz?"]), [400]],
  ["absolute form", got(`http://${host}/healthz`), [400]],
  ["authority form", got(host), [400]],
  ["encoded letters of a guarded path", got("/v1/%6dodels"), [401]],
  ["HTTP/0.9", "GET /healthz\r\n\r\n", [400]],
  ["encoded dots", got("/v1/%2e%2e/healthz"), [400, 404]],
  ["dots", got("/v1/../healthz"), [400, 404]],
  ["two slashes", got("//healthz"), [400, 404]],
  ["path parameter", got("/healthz;x"), [400, 404]],
  ["other case", got("/HEALTHZ"), [400, 404]],
  ["encoded slash", got("/healthz%2f"), [400, 404]],
  ["encoded NUL", got("/healthz%00"), [400, 404]],
  ["bad percent", got("/%zz"), [400]],
  ["CONNECT", request(`CONNECT ${host} HTTP/1.1`, [HOST]), [0, 400, 405]],
  ["TRACE", request("TRACE /healthz HTTP/1.1", [HOST]), [405]],
  [
    "h2c upgrade",
    got("/healthz", [
      HOST,
      "Connection: Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAAQAAP__",
    ]),
    [200, 400],
  ],
  ["header of 17 KiB", got("/healthz", [HOST, `X-A: ${"a".repeat(17 * 1024)}`]), [431]],
  [
    "2,100 headers",
    got("/healthz", [HOST, ...Array.from({ length: 2100 }, (_, i) => `X-${i}: ${i}abcd`)]),
    [431],
  ],
  ["URL of 9 KiB", got(`/healthz?${"a".repeat(9 * 1024)}`), [414]],
  ["header __proto__", got("/healthz", [HOST, "__proto__: x"]), [200, 400]],
  ["content type with garbage", posted(chat, ["Content-Type: application/json garbage"]), [415]],
  ["content type with a tab", posted(chat, ["Content-Type: application/json\ta"]), [415]],
  ["XML", posted("<a/>", ["Content-Type: application/xml"]), [415]],
  ["no content type", posted(chat, []), [415]],
  ["text/plain", posted(chat, ["Content-Type: text/plain"]), [415]],
  ["false gzip", posted(chat, [JSON_TYPE, "Content-Encoding: gzip"]), [415]],
  ["empty body", posted(""), [400]],
  ["no body at all", framed([], ""), [400, 415]],
  ["half a JSON", posted(chat.slice(0, 20)), [400]],
  ["key __proto__", posted(withField(`"__proto__":{"a":1}`)), [400]],
  ["key constructor.prototype", posted(withField(`"constructor":{"prototype":{"a":1}}`)), [400]],
  ["nesting of 20,000", posted(withField(`"metadata":${nested(20_000)}`)), [400]],
  ["nesting of 20,000 alone", posted(nested(20_000)), [400]],
  ["number beyond all bounds", posted(withField(`"seed":1e999`)), [400]],
  ["integer of 20 digits", posted(withField(`"seed":12345678901234567890`)), [400]],
  [
    "invalid UTF-8",
    posted(Buffer.concat([Buffer.from(`{"model":"`), Buffer.from([0xc3, 0x28]), Buffer.from(`"}`)])),
    [400],
  ],
  ["lone surrogate", posted(withField(`"user":"\\ud800"`)), [200, 400]],
  ["body larger than the limit", framed(["Content-Length: 99999999"], ""), [413]],
  ["body shorter than announced", framed([`Content-Length: ${chat.length + 9}`]), [400], { finish: true }],
  ["unknown expectation", framed([length, "Expect: banana"]), [417]],
  ["100-continue", framed([length, "Expect: 100-continue"]), [200]],
  ["two Authorizations", framed([length, AUTH]), [400]],
  ["key in the query", got(`/v1/models?api_key=${key}`), [401]],
];

const tooSlow = process.env.REQUIRE_SERVICES === "1" ? false : "takes a minute: runs with test:services";

// They begin here and are looked at last: what they wait for passes while the other tests run.
const unendingHeaders = sendRaw(server.url, `GET /healthz HTTP/1.1\r\n${HOST}\r\nX-A: `, { limitMs: 16_000 });
const unendingBody = tooSlow
  ? undefined
  : sendRaw(server.url, framed([length], chat.slice(0, 9)), { limitMs: 66_000 });
for (const unending of [unendingHeaders, unendingBody]) unending?.catch(() => {});

for (const [name, bytes, statuses, sending] of vectors) {
  test(`${name}: ${statuses.map((status) => status || "closed").join(" or ")}`, async () => {
    const answer = await sendRaw(server.url, bytes, sending);
    assert.ok(statuses.includes(answer.status), `${answer.status} ${answer.body}`);
    if (answer.status >= 400) assertEnvelope(answer);
  });
}

test("of two equal keys in a body one counts for everybody", async () => {
  const twice = `{"model":"sim-words-3","messages":[{"role":"user","content":"Hi"}],"model":"sim-words-5"}`;
  const answer = await sendRaw(server.url, posted(twice));
  assert.equal(answer.status, 200);
  const { model, choices } = JSON.parse(answer.body) as {
    model: string;
    choices: { message: { content: string } }[];
  };
  assert.equal(model, "sim-words-5");
  assert.equal(answer.headers["x-tollgate-model"], "sim-words-5");
  assert.equal(choices[0]?.message.content.split(" ").length, 5);
});

const anyJson = fc.jsonValue({ maxDepth: 4, stringUnit: "binary" });
const fields = [
  ...["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n"],
  ...["tools", "temperature", "stop", "logit_bias", "response_format", "user", "best_of", "__proto__", ""],
];

/** A chat body in which some fields are something else. */
const oddBody = fc
  .dictionary(fc.constantFrom(...fields), anyJson, { maxKeys: 4 })
  .map((odd) => JSON.stringify({ ...JSON.parse(chat), ...odd }));

/** A chat body with odd messages. */
const oddMessages = fc
  .array(fc.record({ role: anyJson, content: anyJson, name: anyJson }, { requiredKeys: [] }), {
    maxLength: 4,
  })
  .map((messages) => JSON.stringify({ model: "sim-echo", messages }));

/** A chat body with some bytes overwritten and the end cut off. */
const brokenBytes = fc
  .record({
    at: fc.array(fc.nat(chat.length - 1), { maxLength: 4 }),
    byte: fc.nat(255),
    keep: fc.integer({ min: 1, max: chat.length }),
  })
  .map(({ at, byte, keep }) => {
    const bytes = Buffer.from(chat);
    for (const index of at) bytes[index] = byte;
    return bytes.subarray(0, keep);
  });

const anyBody = fc.oneof(
  oddBody,
  oddMessages,
  brokenBytes,
  anyJson.map((value) => JSON.stringify(value)),
);

test("2,000 odd bodies are each answered, and never with a 5xx", async () => {
  const seen = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(anyBody, async (body) => {
      const answer = await fetch(`${server.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body,
      });
      const text = await answer.text();
      seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
      assert.ok(answer.status < 500, `${answer.status} ${text}`);
      if (answer.status >= 400) {
        assertEnvelope({ ...answer, headers: Object.fromEntries(answer.headers), body: text, elapsedMs: 0 });
      }
    }),
    { numRuns: 2_000, seed: 20_261_122 },
  );
  assert.ok((seen.get(200) ?? 0) > 100 && (seen.get(400) ?? 0) > 100, `${[...seen]}`);
});

test("300 messages of random bytes are each answered with 400 or the end of the connection", async () => {
  const lines = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.constantFrom("GET", "POST", "PUT"), fc.string({ unit: "binary", maxLength: 40 }))
      .map(([method, path]) => Buffer.from(request(`${method} /${path} HTTP/1.1`, [HOST, AUTH]))),
  );
  await fc.assert(
    fc.asyncProperty(lines, async (bytes) => {
      const answer = await sendRaw(server.url, bytes, { finish: true });
      assert.ok(answer.status < 500, `${answer.status} ${answer.body}`);
      if (answer.status >= 400) assertEnvelope(answer);
    }),
    { numRuns: 300, seed: 20_261_122 },
  );
});

test("a request whose headers do not end is refused within 16 seconds", async () => {
  const answer = await unendingHeaders;
  assert.equal(answer.status, 408);
  assertEnvelope(answer);
});

test("a request whose body does not end is refused within 66 seconds", { skip: tooSlow }, async () => {
  const answer = await unendingBody!;
  assert.equal(answer.status, 408);
  assertEnvelope(answer);
});

test("after all of this the server lives, and nothing went wrong inside it", async () => {
  assert.equal((await us.chat()).status, 200);
  assert.equal(server.stderr(), "");
  assert.ok(!server.stdout().includes('"level":"error"'), server.stdout().slice(-2000));
});

/** The one error body, with the correlation id of its header. */
function assertEnvelope({ headers, body }: RawAnswer): void {
  const { error } = JSON.parse(body) as { error: { code: string; message: string; correlationId: string } };
  assert.match(error.code, /^[A-Z_]+$/);
  assert.ok(error.message.length > 0);
  assert.match(error.correlationId, /^[A-Za-z0-9._-]{8,128}$/);
  assert.equal(headers["x-correlation-id"], error.correlationId);
  assert.ok(!body.includes(key));
}
