import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sleep, systemClock } from "../lib/clock.ts";
import { hear, textOf } from "../lib/fetch.testing.ts";
import type { Provider } from "./provider.ts";
import { streamTap } from "./tap.ts";
import { wholeAnswer } from "./whole.ts";

/** What every provider must do, asked of one that answers as the simulated models do. */
export function providerContract(name: string, open: (t: TestContext) => Promise<Provider>): void {
  const messages = [{ role: "user", content: "one two three four five" }];
  const ask = (provider: Provider, body: object, onChunk?: Parameters<typeof hear>[1]) => {
    const request = { path: "/chat/completions", headers: {}, body: Buffer.from(JSON.stringify(body)) };
    return hear((events) => provider.send(request, events), onChunk);
  };

  test(`${name}: a whole answer has a head, a body and usage`, async (t) => {
    const provider = await open(t);
    const heard = await ask(provider, { model: "sim-echo", messages }).over;
    assert.equal(heard.outcome, "end");
    assert.equal(heard.status, 200);
    assert.equal(heard.headers["content-type"], "application/json");
    const answer = wholeAnswer(Buffer.concat(heard.chunks));
    assert.equal(answer?.isChatCompletion, true);
    assert.equal(answer?.usage?.output, 5);
  });

  test(`${name}: a stream ends with its usage and the end marker`, async (t) => {
    const provider = await open(t);
    const stream_options = { include_usage: true };
    const tap = streamTap({ hideUsage: true });
    const heard = await ask(provider, { model: "sim-echo", messages, stream: true, stream_options }).over;
    assert.equal(heard.outcome, "end");
    for (const chunk of heard.chunks) tap.push(chunk);
    const { complete, usage, textBytes } = tap.finish();
    assert.equal(complete, true);
    assert.equal(usage?.output, 5);
    assert.equal(textBytes, "one two three four five".length);
  });

  test(`${name}: a refusal is an answer`, async (t) => {
    const provider = await open(t);
    const heard = await ask(provider, { model: "sim-429-3s", messages }).over;
    assert.equal(heard.outcome, "end");
    assert.equal(heard.status, 429);
    assert.equal(heard.headers["retry-after"], "3");
    assert.match(textOf(heard), /rate_limit_exceeded/);
  });

  test(`${name}: a connection that breaks fails as cut, after what came before`, async (t) => {
    const provider = await open(t);
    const heard = await ask(provider, { model: "sim-cut-40of60", messages, stream: true }).over;
    assert.equal(heard.outcome, "cut");
    assert.equal(heard.status, 200);
    assert.doesNotMatch(textOf(heard), /DONE/);
  });

  test(`${name}: no head in time fails as timeout`, async (t) => {
    const heard = await ask(await open(t), { model: "sim-timeout", messages }).over;
    assert.equal(heard.outcome, "timeout");
    assert.equal(heard.status, undefined);
  });

  test(`${name}: silence inside an answer fails as timeout`, async (t) => {
    const heard = await ask(await open(t), { model: "sim-stall-30s", messages, stream: true }).over;
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
    const body = Buffer.from(JSON.stringify({ model: "sim-words-200", messages, stream: true }));
    const exchange = within(() =>
      provider.send(
        { path: "/chat/completions", headers: {}, body },
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
    const body = { model: "sim-words-200", messages, stream: true };
    const { heard } = ask(provider, body, (exchange) => exchange.abort());
    const early = ask(provider, body);
    early.exchange.abort();
    while (heard.chunks.length === 0) await sleep(systemClock, 5);
    await sleep(systemClock, 50);
    assert.equal(heard.chunks.length, 1);
    assert.equal(heard.outcome, undefined);
    assert.equal(early.heard.status, undefined);
  });

  test(`${name}: a paused exchange is not silent, and gives everything once resumed`, async (t) => {
    const provider = await open(t);
    const body = { model: "sim-words-2000", messages, stream: true };
    const { exchange, heard, over } = ask(
      provider,
      body,
      (self, { chunks }) => chunks.length === 1 && self.pause(),
    );
    while (heard.chunks.length === 0) await sleep(systemClock, 5);
    await sleep(systemClock, 1200);
    assert.equal(heard.chunks.length, 1);
    exchange.resume();
    assert.equal((await over).outcome, "end");
    assert.match(textOf(heard), /\[DONE\]\n\n$/);
  });

  test(`${name}: a listener that throws is told so`, async (t) => {
    const provider = await open(t);
    const body = Buffer.from(JSON.stringify({ model: "sim-echo", messages }));
    for (const thrower of ["head", "chunk", "end"] as const) {
      const failure = await new Promise((resolve) => {
        const events = { head() {}, chunk() {}, end() {}, fail: resolve };
        events[thrower] = () => {
          throw new Error(thrower);
        };
        provider.send({ path: "/chat/completions", headers: {}, body }, events);
      });
      assert.deepEqual(failure, { kind: "cut", cause: new Error(thrower) });
    }
  });

  test(`${name}: closing cuts what is in flight`, async (t) => {
    const provider = await open(t);
    const { over } = ask(provider, { model: "sim-timeout", messages });
    await sleep(systemClock, 20);
    await provider.close();
    assert.equal((await over).outcome, "cut");
  });
}
