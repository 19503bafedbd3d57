import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../gateway/src/lib/clock.ts";
import { TollgateClient } from "./client.ts";
import { TollgateError } from "./errors.ts";
import { answering, type Seen } from "./testing.ts";

const baseUrl = "http://gate.test";
const headers = { "content-type": "text/event-stream; charset=utf-8", "x-correlation-id": "req_1" };
const chat = { model: "m", messages: [{ role: "user", content: "Hello" }] };
const chunk = 'data: {"choices":[]}\n\n';

/** A clock that knows how many alarms are set. */
function countingClock() {
  const clock = new VirtualClock();
  const set = new Set<object>();
  const { after } = clock;
  return Object.assign(clock, {
    set,
    after(ms: number, run: () => void) {
      const alarm = {};
      set.add(alarm);
      const cancel = after(ms, () => {
        set.delete(alarm);
        run();
      });
      return () => {
        set.delete(alarm);
        cancel();
      };
    },
  });
}

/** Says this, and then nothing until its reader leaves. */
function endless(text: string) {
  return ({ signal }: Pick<Seen, "signal">) => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text));
        signal.addEventListener("abort", () => controller.error(signal.reason));
      },
    });
    return new Response(body, { headers });
  };
}

async function streaming(text = chunk + chunk) {
  const clock = countingClock();
  const { fetch, seen } = answering(endless(text));
  const controller = new AbortController();
  const client = new TollgateClient({ baseUrl, fetch, clock });
  const stream = await client.chat.stream(chat, { signal: controller.signal });
  return { stream, clock, controller, isLeft: () => seen[0]!.signal.aborted };
}

test("a stream is over for whoever has left it, in whatever way: no timer and no call goes on", async () => {
  type Streaming = Awaited<ReturnType<typeof streaming>>;
  const ways: Readonly<Record<string, (streaming: Streaming) => unknown>> = {
    "aborted, unread": ({ stream }) => stream.abort(),
    "aborted between events": async ({ stream }) => {
      await stream[Symbol.asyncIterator]().next();
      stream.abort();
    },
    "aborted while it waits": async ({ stream }) => {
      setImmediate(() => stream.abort());
      for await (const _ of stream);
    },
    "its loop left": async ({ stream }) => {
      for await (const _ of stream) break;
    },
    "left while it waits": async ({ stream }) => {
      const iterator = stream[Symbol.asyncIterator]();
      for (let n = 0; n < 2; n++) await iterator.next();
      const waiting = iterator.next();
      await iterator.return!();
      assert.equal((await waiting).done, true);
    },
    "its signal aborted, unread": ({ controller }) => controller.abort(),
    "its signal aborted between events": async ({ stream, controller }) => {
      await stream[Symbol.asyncIterator]().next();
      controller.abort();
    },
    "both halves left": async ({ stream }) => {
      for (const half of stream.tee()) for await (const _ of half) break;
    },
    "both halves left, unread": async ({ stream }) => {
      for (const half of stream.tee()) await half[Symbol.asyncIterator]().return!();
    },
    "one half left, the other aborted": async ({ stream }) => {
      const [one, other] = stream.tee();
      for await (const _ of one) break;
      other.abort();
    },
  };
  for (const [name, leave] of Object.entries(ways)) {
    const asked = await streaming();
    await leave(asked);
    assert.deepEqual([asked.clock.set.size, asked.isLeft()], [0, true], name);
  }
});

test("a stream that nobody reads holds no timer, and is never late", async () => {
  const { stream, clock, isLeft } = await streaming();
  assert.equal(clock.set.size, 0);
  clock.advance(3_600_000);
  const iterator = stream[Symbol.asyncIterator]();
  for (let n = 0; n < 2; n++) assert.deepEqual((await iterator.next()).value, { choices: [] });
  assert.equal(isLeft(), false);
  const waiting = iterator.next();
  await new Promise(setImmediate);
  assert.equal(clock.set.size, 1);
  clock.advance(600_000);
  await assert.rejects(waiting, { type: "NETWORK_TIMEOUT" });
});

test("both halves of a stream get everything, what goes wrong at its end as well", async () => {
  const { stream } = await streaming(`${chunk}${chunk}data: {"choices"\n\n`);
  for (const half of stream.tee()) {
    let chunks = 0;
    await assert.rejects(
      async () => {
        for await (const _ of half) chunks += 1;
      },
      { type: "UNREADABLE_ANSWER" },
    );
    assert.equal(chunks, 2);
  }
});

async function read(text: string, kind: "chat" | "messages" | "responses" = "chat"): Promise<unknown[]> {
  const { fetch } = answering(() => new Response(text, { headers }));
  const client = new TollgateClient({ baseUrl, fetch });
  const events: unknown[] = [];
  const asked = { ...chat, max_tokens: 9, input: "Hello" };
  for await (const event of await client[kind].stream(asked)) events.push(event);
  return events;
}

test("a damaged event of a stream is an error", async () => {
  const done = "data: [DONE]\n\n";
  const damaged = [
    read(`${chunk}data: {"choices":[\n\n${chunk}${done}`),
    read(`data: null\n\n${done}`),
    read(`event: message\ndata: 7\n\n${done}`),
    read('event: content_block_delta\ndata: {"type":\n\ndata: {"type":"message_stop"}\n\n', "messages"),
    read('event: response.created\ndata: {\n\ndata: {"type":"response.completed"}\n\n', "responses"),
  ];
  for (const work of damaged) {
    await assert.rejects(work, (error) => {
      assert.ok(error instanceof TollgateError);
      assert.deepEqual(
        [error.type, error.correlationId, error.message],
        ["UNREADABLE_ANSWER", "req_1", "An event of the stream is not JSON."],
      );
      return true;
    });
  }
});

test("comments, empty events, the mark of the end and events of unknown names break no stream", async () => {
  const more = ": a comment\n\ndata:\n\ndata: \n\nevent: beat\ndata: still here\n\nretry: 5\n\nid: 7\n\n";
  assert.deepEqual(await read(`${more}${chunk}${more}data: [DONE]\n\n`), [{ choices: [] }]);
  const end = { type: "message_stop" };
  const named = `${more}data: ${JSON.stringify(end)}\n\ndata: [DONE]\n\n`;
  assert.deepEqual(await read(named, "messages"), [end]);
});
