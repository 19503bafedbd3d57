import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { blocksOf } from "../scripts/blocks.ts";
import { newClone } from "../scripts/clone.ts";
import { newStores, withoutStores } from "./stores.ts";

const start = readFileSync(join(import.meta.dirname, "../docs/start.md"), "utf8");

test("the block for PostgreSQL and Redis of docs/start.md starts a server on them", {
  skip: withoutStores(),
}, async () => {
  await using stores = await newStores();
  const { DATABASE_URL, REDIS_URL } = stores.env;
  const block = blocksOf(start).find(({ text }) => text.includes("export DATABASE_URL="))!.text;
  await using clone = newClone(0);
  const here = block
    .replace(/(?<=^export DATABASE_URL=).*$/m, DATABASE_URL!)
    .replace(/(?<=^export REDIS_URL=).*$/m, REDIS_URL!);
  await clone.open(here.trim(), "Tollgate is listening");
  assert.match(clone.said(), /^ {2}it-tg1_\S+$/m);
  assert.match(clone.said(), /"store":"postgres","redis":true/);
});
