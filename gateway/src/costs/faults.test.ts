import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { withoutCulprits } from "./faults.ts";

const badData = Object.assign(new Error("out of range"), { code: "22003" });

test("one item that the database refuses does not keep the others from being done", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), async (faulty) => {
      const items = faulty.map((bad, index) => ({ bad, index }));
      const done: unknown[] = [];
      const aside: unknown[] = [];
      const work = async (some: readonly { bad: boolean }[]) => {
        if (some.some(({ bad }) => bad)) throw badData;
        done.push(...some);
      };
      await withoutCulprits(items, work, (item, error) => {
        assert.equal(error, badData);
        aside.push(item);
      });
      assert.deepEqual(
        done,
        items.filter(({ bad }) => !bad),
      );
      assert.deepEqual(
        aside,
        items.filter(({ bad }) => bad),
      );
    }),
  );
});

test("an error that is not about the data is thrown at once", async () => {
  for (const outage of [new Error("gone"), Object.assign(new Error("deadlock"), { code: "40P01" }), "text"]) {
    let tries = 0;
    const work = async () => {
      tries++;
      throw outage;
    };
    await assert.rejects(withoutCulprits([1, 2, 3], work, assert.fail), (error) => error === outage);
    assert.equal(tries, 1);
  }
});
