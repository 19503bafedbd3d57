import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isSigned, newCheckpoint, parseCheckpoints } from "./audit.checkpoint.ts";
import { testMacKey } from "./audit.testing.ts";

const end = { chain: "main", seq: 7, hash: "ab".repeat(32), at: "2026-01-01T00:00:00.000Z" };
const checkpoint = newCheckpoint(testMacKey, end);

test("a checkpoint is signed for its own place, hash and time, and for no others", () => {
  assert.ok(isSigned(checkpoint, [Buffer.alloc(32), testMacKey]));
  assert.ok(!isSigned(checkpoint, [Buffer.alloc(32)]));
  assert.ok(!isSigned({ ...checkpoint, mac: "" }, [testMacKey]));
  const other = fc.record({
    chain: fc.constantFrom("main", "other", 'main",7'),
    seq: fc.constantFrom(7, 8, 77),
    hash: fc.constantFrom(end.hash, "cd".repeat(32)),
    at: fc.constantFrom(end.at, "2026-01-01T00:00:00.001Z"),
  });
  fc.assert(
    fc.property(other, (changed) => {
      const isSame = Object.entries(changed).every(
        ([name, value]) => end[name as keyof typeof end] === value,
      );
      assert.equal(isSigned({ ...checkpoint, ...changed }, [testMacKey]), isSame);
    }),
  );
});

test("checkpoints are read from their file and from the log, and what is none is told by its line", () => {
  const logged = { level: "info", time: end.at, ...checkpoint, msg: "audit checkpoint" };
  const lines = [JSON.stringify(checkpoint), "", '{"chain":"ma', JSON.stringify(logged), "null", "{}"];
  assert.deepEqual(parseCheckpoints(lines.join("\n")), {
    checkpoints: [checkpoint, checkpoint],
    unreadable: [3, 5, 6],
  });
  assert.deepEqual(parseCheckpoints(""), { checkpoints: [], unreadable: [] });
});
