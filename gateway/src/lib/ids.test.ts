import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  fraction,
  isCorrelationId,
  newCorrelationId,
  seededChance,
  systemChance,
  timeOfUuidv7,
  uuidv7,
} from "./ids.ts";

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test("a UUIDv7 holds its time to the millisecond, and the bits that RFC 9562 asks for", () => {
  fc.assert(
    fc.property(time, fc.integer(), (now, seed) => {
      const id = uuidv7(now, seededChance(seed));
      assert.equal(timeOfUuidv7(id), now);
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
  );
});

test("ids of a later millisecond sort after those of an earlier one", () => {
  fc.assert(
    fc.property(time, time, fc.integer(), (a, b, seed) => {
      fc.pre(a < b);
      const chance = seededChance(seed);
      assert.ok(uuidv7(a, chance) < uuidv7(b, chance));
    }),
  );
});

test("a new correlation id is one that is accepted", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const id = newCorrelationId(seededChance(seed));
      assert.match(id, /^req_[0-9A-HJKMNP-TV-Z]{26}$/);
      assert.ok(isCorrelationId(id));
    }),
  );
});

test("a correlation id has 8 to 128 letters, digits, dots, dashes and underscores", () => {
  for (const good of ["12345678", "a.b-c_d9", "x".repeat(128)]) assert.ok(isCorrelationId(good), good);
  for (const bad of [
    "1234567",
    "x".repeat(129),
    "with space",
    "line\nbreak1",
    "12345678\n",
    "quote\"'<x>",
    "",
    undefined,
    12345678,
    ["12345678"],
  ])
    assert.ok(!isCorrelationId(bad), String(bad));
});

test("seeded chance repeats itself, and another seed says something else", () => {
  const draw = (seed: number) => Buffer.from(seededChance(seed).bytes(64)).toString("hex");
  assert.equal(draw(7), draw(7));
  assert.notEqual(draw(7), draw(8));
});

test("bytes of chance are never handed out twice, whatever was asked for before", () => {
  const seen = new Set<string>();
  for (let round = 0; round < 2_000; round++) {
    const bytes = systemChance.bytes(round === 5 ? 5_000 : 16);
    assert.equal(bytes.length, round === 5 ? 5_000 : 16);
    seen.add(Buffer.from(bytes).toString("hex"));
  }
  assert.equal(seen.size, 2_000);
});

test("a fraction lies in [0, 1)", () => {
  assert.equal(fraction({ bytes: (length) => new Uint8Array(length) }), 0);
  const greatest = fraction({ bytes: (length) => new Uint8Array(length).fill(0xff) });
  assert.ok(greatest < 1 && greatest > 0.999999);
});
