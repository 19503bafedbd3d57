import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sleep, systemClock } from "../lib/clock.ts";
import { hear, textOf } from "../lib/fetch.testing.ts";
import { anthropicMessages } from "./anthropic.messages.ts";
import { openAiChat } from "./openai.chat.ts";
import { openAiEmbeddings } from "./openai.embeddings.ts";
import { openAiResponses } from "./openai.responses.ts";
import type { Provider } from "./provider.ts";
import { streamTap } from "./tap.ts";
import { wholeAnswer } from "./whole.ts";
import type { Wire } from "./wire.ts";

/** How a provider is asked in one of its formats. */
export type Speech = {
  readonly wire: Wire;
  readonly path: string;
  readonly question: object;
  /** Tokens of the answer. */
  readonly output: number;
  readonly streams?: { readonly fields: object; readonly end: RegExp };
};

const said = "one two three four five";
const messages = [{ role: "user", content: said }];
const speeches: readonly Speech[] = [
  {
    wire: openAiChat,
    path: "/chat/completions",
    question: { messages },
    output: 5,
    streams: {
      fields: { stream: true, stream_options: { include_usage: true } },
      end: /data: \[DONE\]\n\n$/,
    },
  },
  {
    wire: openAiResponses,
    path: "/responses",
    question: { input: said },
    output: 5,
    streams: { fields: { stream: true }, end: /event: response\.completed\ndata: .*\n\n$/ },
  },
  { wire: openAiEmbeddings, path: "/embeddings", question: { input: said }, output: 0 },
  {
    wire: anthropicMessages,
    path: "/v1/messages",
    question: { messages, max_tokens: 8_000 },
    output: 5,
    streams: { fields: { stream: true }, end: /event: message_stop\ndata: .*\n\n$/ },
  },
];

type Open = (t: TestContext, speech: Speech) => Promise<Provider>;

/** What every provider must do in every format, asked of one that answers as the simulated models do. */
export function providerContract(name: string, open: Open): void {
  for (const speech of speeches) {
    const spoken = `${name} in ${speech.wire.name}`;
    wholeContract(spoken, speech, (t) => open(t, speech));
    if (speech.streams !== undefined) {
      streamContract(spoken, { ...speech, streams: speech.streams }, (t) => open(t, speech));
    }
  }
}

type Asking = (
  provider: Provider,
  model: string,
  onChunk?: Parameters<typeof hear>[1],
) => ReturnType<typeof hear>;

function asking({ path, question, streams }: Speech): Asking {
  return (provider, model, onChunk) => {
    const body = Buffer.from(JSON.stringify({ model, ...question, ...streams?.fields }));
    return hear((events) => provider.send({ path, headers: {}, body }, events), onChunk);
  };
}

function wholeContract(
  name: string,
  { streams, ...speech }: Speech,
  open: (t: TestContext) => Promise<Provider>,
): void {
  const ask = asking(speech);

  test(`${name}: a whole answer has a head, a body and usage`, async (t) => {
    const provider = await open(t);
    const heard = await ask(provider, "sim-echo").over;
    assert.equal(heard.outcome, "end");
    assert.equal(heard.status, 200);
    assert.equal(heard.headers["content-type"], "application/json");
    const answer = wholeAnswer(speech.wire, Buffer.concat(heard.chunks));
    assert.equal(answer?.isAnswer, true);
    assert.equal(answer?.metered?.usage.output, speech.output);
  });

  test(`${name}: a refusal is an answer`, async (t) => {
    const provider = await open(t);
    const heard = await ask(provider, "sim-429-3s").over;
    assert.equal(heard.outcome, "end");
    assert.equal(heard.status, 429);
    assert.equal(heard.headers["retry-after"], "3");
    assert.match(textOf(heard), /rate.limit/i);
  });

  test(`${name}: no head in time fails as timeout`, async (t) => {
    const heard = await ask(await open(t), "sim-timeout").over;
    assert.equal(heard.outcome, "timeout");
    assert.equal(heard.status, undefined);
  });

  test(`${name}: a listener that throws is told so`, async (t) => {
    const provider = await open(t);
    const body = Buffer.from(JSON.stringify({ model: "sim-echo", ...speech.question }));
    for (const thrower of ["head", "chunk", "end"] as const) {
      const failure = await new Promise((resolve) => {
        const events = { head() {}, chunk() {}, end() {}, fail: resolve };
        events[thrower] = () => {
          throw new Error(thrower);
        };
        provider.send({ path: speech.path, headers: {}, body }, events);
      });
      assert.deepEqual(failure, { kind: "cut", cause: new Error(thrower) });
    }
  });

  test(`${name}: closing cuts what is in flight`, async (t) => {
    const provider = await open(t);
    const { over } = ask(provider, "sim-timeout");
    await sleep(systemClock, 20);
    await provider.close();
    assert.equal((await over).outcome, "cut");
  });
}

type Streaming = Speech & Required<Pick<Speech, "streams">>;

function streamContract(name: string, speech: Streaming, open: (t: TestContext) => Promise<Provider>): void {
  const { wire, path, question, streams } = speech;
  const ask = asking(speech);

  test(`${name}: a stream ends with its usage and the end marker`, async (t) => {
    const provider = await open(t);
    const tap = streamTap(wire, { hideUsage: true });
    const heard = await ask(provider, "sim-echo").over;
    assert.equal(heard.outcome, "end");
    for (const chunk of heard.chunks) tap.push(chunk);
    const { complete, metered, textBytes } = tap.finish();
    assert.equal(complete, true);
    assert.equal(metered?.usage.output, 5);
    assert.equal(textBytes, said.length);
  });

  test(`${name}: a connection that breaks fails as cut, after what came before`, async (t) => {
    const provider = await open(t);
    const heard = await ask(provider, "sim-cut-40of60").over;
    assert.equal(heard.outcome, "cut");
    assert.equal(heard.status, 200);
    assert.doesNotMatch(textOf(heard), streams.end);
  });

  test(`${name}: silence inside an answer fails as timeout`, async (t) => {
    const heard = await ask(await open(t), "sim-stall-30s").over;
    assert.equal(heard.outcome, "timeout");
    assert.ok(heard.chunks.length > 0);
  });

  test(`${name}: nothing comes from inside send, pause, resume or abort`, async (t) => {
    const provider = await open(t);
    let inside = false;
    let events = 0;
    const within = <T>(call: () => T): T => {
      inside = true;
      const result = call();
      inside = false;
      return result;
    };
    const noted = (): void => {
      assert.equal(inside, false);
      events++;
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    const body = Buffer.from(JSON.stringify({ model: "sim-words-200", ...question, ...streams.fields }));
    const exchange = within(() =>
      provider.send(
        { path, headers: {}, body },
        {
          head: noted,
          chunk() {
            noted();
            within(() => exchange.pause());
            setImmediate(() => within(() => exchange.resume()));
          },
          end: () => resolve(noted()),
          fail: () => assert.fail(),
        },
      ),
    );
    await promise;
    assert.ok(events > 2);
    within(() => exchange.resume());
    within(() => exchange.abort());
  });

  test(`${name}: after an abort nothing comes`, async (t) => {
    const provider = await open(t);
    const { heard } = ask(provider, "sim-words-200", (exchange) => exchange.abort());
    const early = ask(provider, "sim-words-200");
    early.exchange.abort();
    while (heard.chunks.length === 0) await sleep(systemClock, 5);
    await sleep(systemClock, 50);
    assert.equal(heard.chunks.length, 1);
    assert.equal(heard.outcome, undefined);
    assert.equal(early.heard.status, undefined);
  });

  test(`${name}: a paused exchange is not silent, and gives everything once resumed`, async (t) => {
    const provider = await open(t);
    const { exchange, heard, over } = ask(
      provider,
      "sim-words-2000",
      (self, { chunks }) => chunks.length === 1 && self.pause(),
    );
    while (heard.chunks.length === 0) await sleep(systemClock, 5);
    await sleep(systemClock, 1200);
    assert.equal(heard.chunks.length, 1);
    exchange.resume();
    assert.equal((await over).outcome, "end");
    assert.match(textOf(heard), streams.end);
  });
}
