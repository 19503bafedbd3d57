import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../lib/until.testing.ts";
import type { Breaker, Outcome } from "./breaker.ts";
import type { BreakerStore } from "./breaker-store.ts";
import { NOON, type Subject } from "./breakers.testing.ts";

/** What memory and Redis both promise. `open` gives unharmed breakers at `NOON`. */
export function breakersContract(open: () => Promise<Subject>): void {
  test("five failures in a row open it, and the step that did is told so", async () => {
    const { store } = await open();
    const changes = [];
    for (let i = 0; i < 6; i++) changes.push((await store.report("openai", "failure", undefined)).change);
    assert.deepEqual(changes, [undefined, undefined, undefined, undefined, "opened", undefined]);
    const { now, breaker } = (await store.read(["openai", "groq"])).get("openai")!;
    assert.equal(now, NOON);
    assert.deepEqual(breaker, {
      state: "open",
      failures: 5,
      openedAt: NOON,
      until: NOON + 60_000,
      probe: undefined,
    });
  });

  test("of one hundred that ask at once one is the probe, and its success closes it", async () => {
    const { store, clock } = await open();
    await opened(store);
    clock.advance(60_000);
    const tokens = Array.from({ length: 100 }, (_, i) => `call-${i}`);
    const steps = await Promise.all(tokens.map((token) => store.admit("openai", token)));
    const probes = tokens.filter((token, i) => tokenOf(steps[i]!.breaker) === token);
    assert.equal(probes.length, 1);
    assert.equal(steps.filter(({ change }) => change === "probing").length, 1);
    assert.equal((await store.report("openai", "ok", probes[0])).change, "closed");
    assert.deepEqual((await store.report("openai", "ok", probes[0])).breaker.failures, 0);
  });

  test("a probe that fails opens it again; one that never reports is replaced after its lease", async () => {
    const { store, clock } = await open();
    await opened(store);
    clock.advance(60_000);
    await store.admit("openai", "a");
    assert.equal((await store.report("openai", "failure", "a")).change, "reopened");
    clock.advance(60_000);
    assert.equal((await store.admit("openai", "b")).change, "probing");
    clock.advance(29_999);
    await store.renew("openai", "b");
    clock.advance(29_999);
    assert.equal((await store.admit("openai", "c")).change, undefined);
    clock.advance(1);
    assert.equal((await store.admit("openai", "c")).change, "probing");
    assert.equal((await store.report("openai", "ok", "b")).change, undefined);
    assert.equal((await store.report("openai", "alive", "c")).change, "closed");
  });

  test("a reset closes it, and the breakers of others stay as they are", async () => {
    const { store } = await open();
    await opened(store, "openai");
    await opened(store, "groq");
    assert.equal((await store.reset("openai")).change, "closed");
    assert.equal((await store.reset("openai")).change, undefined);
    const seen = await store.read(["groq", "openai"]);
    assert.deepEqual(
      [...seen].map(([provider, { breaker }]) => [provider, breaker.state]),
      [
        ["groq", "open"],
        ["openai", "closed"],
      ],
    );
  });

  test("whoever follows is told of every breaker that is different, and of nothing else", async () => {
    const { store, clock } = await open();
    const told: string[] = [];
    let isListening = false;
    const stop = store.follow({
      seen: (provider, { now, breaker }) =>
        told.push(
          `${provider} ${now - NOON} ${breaker.state} ${breaker.failures} ${tokenOf(breaker) ?? "-"}`,
        ),
      listening: () => {
        isListening = true;
      },
    });
    await until(() => isListening);
    for (const outcome of ["ok", "alive", "failure", "neutral", "ok"] as const)
      await store.report("openai", outcome, undefined);
    await opened(store, "groq");
    clock.advance(60_000);
    await store.admit("groq", "a");
    await store.renew("groq", "b");
    await store.report("groq", "neutral", "a");
    await store.reset("groq");
    await until(() => told.length >= 10);
    stop();
    assert.deepEqual(told, [
      "openai 0 closed 1 -",
      "openai 0 closed 0 -",
      ...[1, 2, 3, 4].map((failures) => `groq 0 closed ${failures} -`),
      "groq 0 open 5 -",
      "groq 60000 open 5 a",
      "groq 60000 open 5 -",
      "groq 60000 closed 0 -",
    ]);
  });
}

export async function opened(store: BreakerStore, provider = "openai"): Promise<void> {
  const failure: Outcome = "failure";
  for (let i = 0; i < 5; i++) await store.report(provider, failure, undefined);
}

function tokenOf(breaker: Breaker): string | undefined {
  return breaker.state === "open" ? breaker.probe?.token : undefined;
}
