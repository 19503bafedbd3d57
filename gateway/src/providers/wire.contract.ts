import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Metered, Usage } from "../costs/usage.ts";
import type { Fields } from "./json.ts";
import { cutUp, type Parsed, parsedAll, type Sent, tapped, writings } from "./tap.testing.ts";
import { MAX_EVENT_BYTES } from "./tap.ts";
import { wholeAnswer } from "./whole.ts";

/** The same answer in one piece and as a stream; an empty stream if the format has none. */
export type Twins = { readonly whole: Fields; readonly stream: readonly Sent[] };

const NOISE = fc.constantFrom<string>(
  ": comment\n\n",
  "\n",
  "\r\n",
  'event: ping\ndata: {"type": "ping"}\n\n',
  "data: {half\n\n",
  'data: "usage"\n\n',
  "id: 7\nretry: 10\n\n",
);
const cuts = fc.array(fc.nat(), { maxLength: 40 });

/** What every wire format must do. `twins`: answers whose usage only grows from event to event. */
export function wireContract(parsed: Parsed & { readonly twins: fc.Arbitrary<Twins> }): void {
  const { wire, twins } = parsed;
  const streams = twins.map(({ stream }) => stream);
  const written = (events: fc.Arbitrary<readonly Sent[]>): fc.Arbitrary<Buffer> =>
    fc
      .tuple(events, fc.array(writings, { minLength: 1, maxLength: 3 }), fc.array(fc.option(NOISE)))
      .map(([sent, write, noise]) =>
        Buffer.from(sent.map((event, at) => (noise[at] ?? "") + write[at % write.length]!(event)).join("")),
      );

  test(`${wire.name}: a stream says what the same answer says in one piece`, () => {
    fc.assert(
      fc.property(twins, writings, cuts, ({ whole, stream }, write, at) => {
        const answer = wholeAnswer(wire, Buffer.from(JSON.stringify(whole)))!;
        assert.ok(answer.isAnswer);
        assert.ok(answer.metered);
        assert.equal(answer.isOutputCounted, true);
        if (stream.length === 0) return;
        const { model, metered, isOutputCounted, error, textBytes, complete } = tapped(
          wire,
          cutUp(Buffer.from(stream.map(write).join("")), at),
        );
        const { isAnswer, ...expected } = answer;
        assert.deepEqual({ model, metered, isOutputCounted, error, textBytes }, expected);
        assert.ok(complete);
      }),
    );
  });

  test(`${wire.name}: at any chunk boundaries the tap sees what parsing everything sees`, () => {
    const any = fc.oneof(streams, corrupted(streams).map(asStream));
    fc.assert(
      fc.property(written(any), cuts, fc.boolean(), (input, at, hideUsage) => {
        const { passed, rest, tail, ...end } = tapped(wire, cutUp(input, at), hideUsage);
        const expected = parsedAll(parsed, input, hideUsage);
        const bytes = {
          passed: Buffer.concat([passed, rest]).toString("latin1"),
          tail: tail.toString("latin1"),
        };
        assert.deepEqual({ ...end, ...bytes }, expected);
        if (!hideUsage) assert.equal(bytes.passed + bytes.tail, input.toString("latin1"));
      }),
      { numRuns: 1000 },
    );
  });

  test(`${wire.name}: an event that comes twice changes nothing`, () => {
    fc.assert(
      fc.property(streams, writings, (stream, write) => {
        const once = tapped(wire, [Buffer.from(stream.map(write).join(""))]);
        const twice = tapped(wire, [Buffer.from(stream.map((event) => write(event).repeat(2)).join(""))]);
        assert.deepEqual(twice.metered, once.metered);
        assert.equal(twice.model, once.model);
      }),
    );
  });

  test(`${wire.name}: a stream that is cut never shows more than the whole one`, () => {
    fc.assert(
      fc.property(written(streams), fc.nat(), (input, length) => {
        const whole = tapped(wire, [input]);
        const cut = tapped(wire, [input.subarray(0, length % (input.length + 1))]);
        assert.ok(tokensOf(cut.metered, "input") <= tokensOf(whole.metered, "input"));
        assert.ok(tokensOf(cut.metered, "output") <= tokensOf(whole.metered, "output"));
        assert.ok(cut.textBytes <= whole.textBytes);
      }),
    );
  });

  test(`${wire.name}: whatever is reported, a usage keeps its invariants and nothing throws`, () => {
    fc.assert(
      fc.property(corrupted(twins), writings, ({ whole, stream }, write) => {
        const answer = wholeAnswer(wire, Buffer.from(JSON.stringify(whole) ?? "null"));
        const input = Buffer.from(asStream(stream).map(write).join(""));
        for (const metered of [answer?.metered, tapped(wire, [input]).metered]) keepsInvariants(metered);
      }),
      { numRuns: 3000 },
    );
  });

  test(`${wire.name}: hostile answers are read without harm`, () => {
    const depth = 100_000;
    const deep = `${'{"usage":{"iterations":['.repeat(depth)}1${"]}}".repeat(depth)}`;
    const twice = '{"usage":{"input_tokens":1},"usage":7,"usage":[],"error":null,"error":"x","type":"error"}';
    const wrong = JSON.stringify({
      usage: 1,
      usageMetadata: [],
      choices: {},
      output: 5,
      error: 7,
      response: "",
    });
    const tricky = '{"error":{"type":{"toString":1},"code":[[1]],"status":{"valueOf":null}}}';
    const long = JSON.stringify({ usage: "x".repeat(MAX_EVENT_BYTES) });
    for (const body of [deep, twice, wrong, tricky, long, '{"__proto__":{"usage":{}}}', "\u0000", "[[[["]) {
      keepsInvariants(wholeAnswer(wire, Buffer.from(body))?.metered);
      const input = Buffer.from(`event: error\ndata: ${body}\n\ndata: ${body}`);
      const { passed, rest, tail, metered } = tapped(wire, cutUp(input, [1, 20, 4096]), false);
      assert.deepEqual(Buffer.concat([passed, rest, tail]), input);
      keepsInvariants(metered);
    }
  });
}

function tokensOf(metered: Metered | undefined, kind: "input" | "output"): number {
  if (metered === undefined) return 0;
  return metered.besides.reduce((sum, { usage }) => sum + usage[kind], metered.usage[kind]);
}

export function keepsInvariants(metered: Metered | undefined): void {
  if (metered === undefined) return;
  for (const usage of [metered.usage, ...metered.besides.map((each) => each.usage)]) {
    for (const count of Object.values(usage)) assert.ok(Number.isSafeInteger(count) && count >= 0);
    const { cacheRead, output }: Usage = usage;
    const uncached = usage.input - cacheRead - usage.cacheWrite5m - usage.cacheWrite1h;
    assert.ok(uncached >= (usage.audioInput ?? 0) + (usage.imageInput ?? 0));
    assert.ok(cacheRead >= (usage.cachedAudioInput ?? 0) + (usage.cachedImageInput ?? 0));
    assert.ok(output >= (usage.audioOutput ?? 0) + (usage.imageOutput ?? 0));
    assert.ok(output >= usage.reasoning);
  }
  assert.ok((metered.providerCostPico ?? 0n) >= 0n);
}

const GARBAGE = fc.oneof(
  fc.constantFrom<unknown>(-1, 1.5, 2 ** 53, 1e300, "1", "", null, true, [], {}, Number.MAX_SAFE_INTEGER),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Values of which one to three places, anywhere, hold something else. */
function corrupted<T>(values: fc.Arbitrary<T>): fc.Arbitrary<T> {
  const changes = fc.array(fc.tuple(fc.nat(), GARBAGE), { minLength: 1, maxLength: 3 });
  return fc.tuple(values, changes).map(([value, list]) => {
    const root = { value: structuredClone(value) as unknown };
    for (const [at, garbage] of list) {
      const places = placesIn(root);
      const [holder, key] = places[at % places.length]!;
      holder[key] = garbage;
    }
    return (typeof root.value === "object" && root.value !== null ? root.value : value) as T;
  });
}

function placesIn(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder)
    .filter((key) => key !== "name")
    .flatMap((key): [Record<string, unknown>, string][] => [[holder, key], ...placesIn(holder[key])]);
}

/** A corrupted stream may be anything. */
function asStream(stream: unknown): readonly Sent[] {
  if (!Array.isArray(stream)) return [];
  return stream.map((event: unknown) =>
    typeof event === "object" && event !== null && "data" in event ? (event as Sent) : { data: event },
  );
}
