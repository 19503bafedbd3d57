import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { type Person, type TestApp, testApp } from "../../app.testing.ts";
import { systemClock } from "../../lib/clock.ts";
import { systemChance } from "../../lib/ids.ts";
import { until } from "../../lib/until.testing.ts";
import type { EventData, EventType } from "../../telemetry/notifier.events.ts";
import { announcer } from "../../telemetry/notifier.outbox.ts";
import { type Client, socketClient, streamClient } from "../events.testing.ts";

const ORIGIN = "https://app.example.com";
let app: TestApp;
let ann: Person;
let admin: Person;
let project: number;
const announce = announcer({ clock: systemClock, chance: systemChance, always: [] });

before(async () => {
  app = await testApp({ CORS_ORIGINS: ORIGIN, EVENTS_MAX_CONNECTIONS: "40" });
  ann = await app.person();
  admin = await app.person("admin");
  const made = await app.fetch("/projects", { method: "POST", key: ann.token, json: { name: "P" } });
  project = ((await made.json()) as { id: number }).id;
});
after(() => app.close());

const happens = (type: EventType, data: EventData) =>
  app.store.db.transaction().execute((tx) => announce(tx, type, data));
const jobDies = (id: number) => happens("job.dead", { job_id: id, project_id: project });
const jobsIn = ({ told }: Client) => told.map(({ data }) => data.job_id);

test("a stream tells what happens as server-sent events", async () => {
  using client = await streamClient(app.url, { key: ann.token });
  const { headers } = client.response;
  assert.equal(headers.get("content-type"), "text/event-stream; charset=utf-8");
  assert.equal(headers.get("x-accel-buffering"), "no");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.ok(headers.get("x-correlation-id"));
  assert.ok(headers.get("x-ratelimit-limit"));
  assert.deepEqual((await client.ready).data, { snapshot_needed: true });
  await jobDies(1);
  await client.until(1);
  const [event] = client.told;
  assert.deepEqual([event!.type, event!.data], ["job.dead", { job_id: 1, project_id: project }]);
});

test("a socket tells the same, with the credential in a header or in the first message", async () => {
  using first = socketClient(app.url, { key: ann.token });
  using second = socketClient(app.url, { token: ann.token });
  using third = socketClient(app.url, { headers: { "x-api-key": ann.token } });
  for (const client of [first, second, third]) await client.ready;
  await jobDies(2);
  for (const client of [first, second, third]) {
    await client.until(1);
    assert.deepEqual(jobsIn(client), [2]);
  }
});

test("whoever comes back with the last id hears what it missed, once and in order", async () => {
  let last: string;
  {
    using client = await streamClient(app.url, { key: ann.token });
    await client.ready;
    await jobDies(10);
    await client.until(1);
    last = client.told[0]!.id!;
  }
  for (const id of [11, 12, 13]) await jobDies(id);
  using stream = await streamClient(app.url, { key: ann.token, since: last });
  using socket = socketClient(app.url, { token: ann.token, since: last });
  // As an EventSource does that connects again: the header is newer than the URL.
  const headers = { "last-event-id": last };
  const since = "00000000-0000-7000-8000-000000000000";
  using again = await streamClient(app.url, { key: ann.token, since, headers });
  for (const client of [stream, socket, again]) {
    assert.deepEqual((await client.ready).data, { snapshot_needed: false });
    await client.until(3);
    assert.deepEqual(jobsIn(client), [11, 12, 13]);
  }
});

test("whoever comes back after too long is told to look for itself", async () => {
  using client = socketClient(app.url, { key: ann.token, since: "00000000-0000-7000-8000-000000000000" });
  assert.deepEqual((await client.ready).data, { snapshot_needed: true });
  const wrong = await app.fetch("/v1/events?since=yesterday", { key: ann.token });
  assert.equal(wrong.status, 400);
});

test("everybody is told what concerns them, over the whole way", async () => {
  const bob = await app.person();
  const key = await app.fetch("/auth/api-keys", { method: "POST", key: bob.token, json: { name: "K" } });
  const { id: keyId, key: secret } = (await key.json()) as { id: number; key: string };
  using ofAnn = socketClient(app.url, { key: ann.token });
  using ofBob = socketClient(app.url, { key: bob.token });
  using ofKey = await streamClient(app.url, { key: secret });
  using ofAdmin = await streamClient(app.url, { key: admin.token });
  for (const client of [ofAnn, ofBob, ofKey, ofAdmin]) await client.ready;
  await happens("breaker.opened", { provider: "openai" });
  await happens("budget.warning", { scope: "user", scope_id: ann.id });
  await happens("budget.critical", { scope: "key", scope_id: String(keyId) });
  await happens("budget.exceeded", { scope: "project", scope_id: String(project) });
  await ofAdmin.until(4);
  const types = ({ told }: Client) => told.map(({ type }) => type);
  await until(() => types(ofAnn).length === 2 && types(ofBob).length === 1 && types(ofKey).length === 1);
  assert.deepEqual(types(ofAdmin), [
    "breaker.opened",
    "budget.warning",
    "budget.critical",
    "budget.exceeded",
  ]);
  assert.deepEqual(types(ofAnn), ["budget.warning", "budget.exceeded"]);
  assert.deepEqual(types(ofBob), ["budget.critical"]);
  assert.deepEqual(types(ofKey), ["budget.critical"]);
});

test("who loses access to a project hears nothing of it from then on, and stays connected", async () => {
  const bob = await app.person();
  const members = `/projects/${project}/members`;
  const json = { user_id: bob.id, role: "viewer" };
  await app.fetch(members, { method: "POST", key: ann.token, json });
  using client = socketClient(app.url, { key: bob.token });
  await client.ready;
  await jobDies(20);
  await client.until(1);
  await app.fetch(`${members}/${bob.id}`, { method: "DELETE", key: ann.token });
  await jobDies(21);
  await happens("budget.warning", { scope: "user", scope_id: bob.id });
  await client.until(2);
  assert.deepEqual(
    client.told.map(({ type }) => type),
    ["job.dead", "budget.warning"],
  );
});

test("a revoked key and an ended session end their streams within a second", async () => {
  const key = await app.fetch("/auth/api-keys", { method: "POST", key: ann.token, json: { name: "K" } });
  const { id, key: secret } = (await key.json()) as { id: number; key: string };
  const bob = await app.person();
  using byKey = socketClient(app.url, { key: secret });
  using byStream = await streamClient(app.url, { key: secret });
  using bySession = socketClient(app.url, { token: bob.token });
  for (const client of [byKey, byStream, bySession]) await client.ready;
  const startedAt = performance.now();
  await app.fetch(`/auth/api-keys/${id}`, { method: "DELETE", key: ann.token });
  await app.fetch("/auth/logout", { method: "POST", key: bob.token });
  await jobDies(30);
  const ended = await Promise.all([byKey.ended, bySession.ended, byStream.ended]);
  assert.ok(performance.now() - startedAt < 1_000);
  const invalid = { code: 4401, reason: "AUTH_INVALID" };
  assert.deepEqual(ended, [invalid, invalid, { code: 0, reason: "" }]);
  assert.deepEqual([byKey, byStream].map(jobsIn), [[], []]);
});

test("a credential that is wrong, or lacks the scope, is refused before the upgrade", async () => {
  const narrow = await app.key({ userId: ann.id, scopes: ["costs:read"] });
  for (const key of ["nobody-has-this-token", narrow]) {
    using client = socketClient(app.url, { key });
    assert.equal((await client.ended).code, 1006);
  }
  const stream = await app.fetch("/v1/events", { key: narrow, headers: { accept: "text/event-stream" } });
  assert.equal(stream.status, 403);
  const plain = await app.fetch("/v1/events", { key: ann.token });
  assert.equal(plain.status, 406);
});

test("a first message that proves nothing closes the socket, with the error it would have been", async () => {
  const narrow = await app.key({ userId: ann.id, scopes: ["costs:read"] });
  const closes = async (send: (socket: WebSocket) => void, code: number, reason: string) => {
    using client = socketClient(app.url, {});
    client.socket.addEventListener("open", () => send(client.socket));
    assert.deepEqual(await client.ended, { code, reason });
    const [refusal] = client.messages as { error: { code: string; correlationId: string } }[];
    assert.equal(refusal!.error.code, reason);
    assert.ok(refusal!.error.correlationId);
  };
  const auth = (token: string) => JSON.stringify({ type: "auth", token });
  await closes((socket) => socket.send(auth("nobody-has-this-token")), 4401, "AUTH_INVALID");
  await closes((socket) => socket.send(auth(narrow)), 4403, "SCOPE_MISSING");
  await closes((socket) => socket.send("hello"), 4400, "VALIDATION_FAILED");
  await closes((socket) => socket.send(new Uint8Array([1])), 4400, "VALIDATION_FAILED");
  await closes(() => {}, 4401, "AUTH_REQUIRED");
});

test("a message that is too large, or that nobody waits for, closes the socket", async () => {
  using large = socketClient(app.url, {});
  large.socket.addEventListener("open", () => large.socket.send("x".repeat(10_000)));
  assert.equal((await large.ended).code, 1009);
  using talker = socketClient(app.url, { token: ann.token });
  await talker.ready;
  talker.socket.send("{}");
  assert.equal((await talker.ended).code, 1008);
});

test("bad credentials in first messages count against their address, as in headers", async () => {
  await using guarded = await testApp({ ABUSE_INVALID_CREDENTIALS: "3" });
  for (let count = 0; count < 3; count++) {
    using client = socketClient(guarded.url, { token: `nobody-has-this-${count}` });
    assert.equal((await client.ended).code, 4401);
  }
  // Held: not even the upgrade.
  await until(async () => {
    using client = socketClient(guarded.url, { token: "nobody-has-this-either" });
    return (await client.ended).code === 1006;
  });
});

test("pages of other origins cannot connect, those of listed ones and of its own can", async () => {
  const own = new URL(app.url);
  for (const origin of [ORIGIN, own.origin]) {
    using client = socketClient(app.url, { token: ann.token, headers: { origin } });
    await client.ready;
  }
  for (const origin of ["https://evil.example.com", `http://evil.${own.host}`, "null", "no url"]) {
    using client = socketClient(app.url, { token: ann.token, headers: { origin } });
    assert.equal((await client.ended).code, 1006, origin);
  }
});

test("an upgrade to anything else, or elsewhere, or not well formed, is a request like every other", async () => {
  const socket = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const whole = { ...socket, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
  const statusOf = (path: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const authorization = `Bearer ${ann.token}`;
      const asked = request(app.url + path, { headers: { ...headers, authorization } }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode));
      });
      asked.on("upgrade", (response, connection) => {
        connection.destroy();
        resolve(response.statusCode);
      });
      asked.on("error", reject).end();
    });
  assert.equal(await statusOf("/v1/events", whole), 101);
  assert.equal(await statusOf("/auth/me", whole), 200);
  assert.equal(await statusOf("/auth/me", { connection: "upgrade", upgrade: "h2c" }), 200);
  assert.equal(await statusOf("/v1/events", socket), 406);
  assert.equal(await statusOf("/v1/events", { ...whole, "sec-websocket-version": "8" }), 406);
  assert.equal(await statusOf("/v1/%65vents", whole), 406);
  assert.equal(await statusOf("/v1/events", { ...whole, host: "two hosts" }), 400);
});

test("one user may listen as often as a tenth of the places, and no stream counts as a request under way", async () => {
  await using small = await testApp({ EVENTS_MAX_CONNECTIONS: "11", OVERLOAD_MAX_IN_FLIGHT: "2" });
  const people: Person[] = [];
  for (let count = 0; count < 6; count++) people.push(await small.person());
  const listen = ({ token }: Person) => streamClient(small.url, { key: token });
  const open: Client[] = [];
  for (const person of people) open.push(await listen(person));
  for (const person of people.slice(1)) open.push(await listen(person));
  await assert.rejects(listen(people[0]!), /OVERLOADED/);
  await assert.rejects(listen(people[1]!), /RATE_LIMITED/);
  assert.equal((await small.fetch("/auth/me", { key: people[0]!.token })).status, 200);
  open[1]![Symbol.dispose]();
  await until(async () => {
    const freed = await listen(people[0]!).catch(() => undefined);
    freed?.[Symbol.dispose]();
    return freed !== undefined;
  });
  for (const client of open) client[Symbol.dispose]();
});

test("a server that stops says so to sockets, ends streams, and waits for neither", async () => {
  const stopping = await testApp();
  const person = await stopping.person();
  using socket = socketClient(stopping.url, { token: person.token });
  using unnamed = socketClient(stopping.url, {});
  using stream = await streamClient(stopping.url, { key: person.token });
  await Promise.all([socket.ready, stream.ready]);
  const startedAt = performance.now();
  await stopping.close();
  assert.ok(performance.now() - startedAt < 5_000);
  assert.equal((await socket.ended).code, 1001);
  assert.equal((await unnamed.ended).code, 1001);
  assert.equal((await stream.ended).code, 0);
});
