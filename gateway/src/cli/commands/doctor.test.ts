import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings } from "../../config/environment.ts";
import { textOf } from "../table.ts";
import { diagnose, showDiagnosis } from "./doctor.ts";

test("every check is tried and told, also when another fails, and no secret is shown", async () => {
  const settings = readSettings({ SECRET_KEY: "hunter2-hunter2-hunter2-hunter2-hunter2", PORT: "9000" });
  const diagnosis = await diagnose(settings, {
    database: async () => {
      throw new Error("connection refused");
    },
    redis: async () => "answers",
  });
  assert.deepEqual(diagnosis.checks, [
    { name: "database", ok: false, detail: "connection refused" },
    { name: "redis", ok: true, detail: "answers" },
  ]);
  const text = textOf(showDiagnosis(diagnosis));
  assert.match(text, /^database +FAILED +connection refused$/m);
  assert.match(text, /^redis +ok +answers$/m);
  assert.match(text, /^PORT +9000$/m);
  assert.match(text, /^SECRET_KEY +set$/m);
  assert.match(text, /^DATABASE_URL +-$/m);
  assert.doesNotMatch(text + JSON.stringify(diagnosis), /hunter2/);
});
