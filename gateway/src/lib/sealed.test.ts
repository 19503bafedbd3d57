import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededChance, systemChance } from "./ids.ts";
import { isSealedByOldKey, open, rewrap, SealBroken, seal } from "./sealed.ts";

const [first, second, third] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer];
const keys = [first];
const context = "openai https://api.openai.com";
const texts = fc.string({ unit: "binary", maxLength: 200 });

test("what was sealed opens, with its own context only", () => {
  fc.assert(
    fc.property(texts, texts, texts, (secret, place, elsewhere) => {
      const sealed = seal(systemChance, keys, secret, place);
      assert.equal(open(keys, sealed, place), Buffer.from(secret).toString());
      if (elsewhere !== place && Buffer.compare(Buffer.from(place), Buffer.from(elsewhere)) !== 0) {
        assert.throws(() => open(keys, sealed, elsewhere), SealBroken);
      }
    }),
  );
});

test("a sealed secret of which one bit was changed, or a byte cut off or added, does not open", () => {
  const sealed = seal(seededChance(1), keys, "sk-secret", context);
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => open(keys, changed, context), SealBroken, `bit ${bit}`);
    assert.throws(() => open(keys, rewrap(seededChance(2), keys, changed, context), context), SealBroken);
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => open(keys, sealed.subarray(0, length), context), SealBroken, `${length} bytes`);
  }
  assert.throws(() => open(keys, Buffer.concat([sealed, Buffer.of(0)]), context), SealBroken);
});

test("parts of two sealed secrets make none", () => {
  const sealed = ["sk-one", "sk-two"].map((secret, index) =>
    seal(seededChance(index), keys, secret, context),
  );
  for (const at of [1, 9, 21, 53, 69, 81]) {
    const mixed = Buffer.concat([sealed[0]!.subarray(0, at), sealed[1]!.subarray(at)]);
    if (at > 9) assert.throws(() => open(keys, mixed, context), SealBroken, `cut at ${at}`);
    else assert.equal(open(keys, mixed, context), "sk-two");
  }
});

test("the same secret is never sealed to the same bytes, and none of its bytes show", () => {
  const secret = "sk-proj-0123456789abcdef";
  const sealed = Array.from({ length: 50 }, () => seal(systemChance, keys, secret, context));
  assert.equal(new Set(sealed.map((bytes) => bytes.toString("hex"))).size, 50);
  for (const bytes of sealed) assert.ok(!bytes.includes("0123") && !bytes.includes("sk-p"));
});

test("a rotation: the key before opens and is told, what is wrapped anew needs it no more", () => {
  fc.assert(
    fc.property(texts, (secret) => {
      const sealed = seal(systemChance, [first], secret, context);
      const rotated = [second, first];
      const text = open([first], sealed, context);
      assert.equal(open(rotated, sealed, context), text);
      assert.deepEqual([isSealedByOldKey([first], sealed), isSealedByOldKey(rotated, sealed)], [false, true]);

      const anew = rewrap(systemChance, rotated, sealed, context);
      assert.equal(isSealedByOldKey(rotated, anew), false);
      assert.equal(open([second], anew, context), text);
      assert.throws(() => open([first], anew, context), SealBroken);
      assert.throws(() => open([third, second], sealed, context), SealBroken);
      assert.throws(() => rewrap(systemChance, rotated, sealed, `${context}x`), SealBroken);
    }),
  );
});
