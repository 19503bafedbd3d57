import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { meetsServices } from "./meets-services.ts";

const root = join(import.meta.dirname, "..");

function npmTest(...args: string[]): { code: number | null; output: string } {
  const { PATH, HOME } = process.env;
  const launcher = join(root, "scripts/tollgate.mjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, "scripts/test.ts", ...args], {
    env: { PATH, HOME },
    encoding: "utf8",
  });
  return { code: status, output: stdout + stderr };
}

test("tests run without any service, and end with the count of what passed", () => {
  const { code, output } = npmTest("gateway/src/lib/money.test.ts");
  assert.equal(code, 0, output);
  assert.match(output, /^ℹ tests (\d+)$[\s\S]*^ℹ pass \1$[\s\S]*^ℹ fail 0$/m);
});

test("a folder stands for the tests in it", () => {
  assert.match(npmTest("gateway/src/telemetry", "--test-name-pattern=log line").output, /^✔ a log line /m);
});

test("a failing test fails the run", () => {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-test-"));
  try {
    const file = join(folder, "planted.test.ts");
    writeFileSync(
      file,
      'import { test } from "node:test";\ntest("planted", () => { throw new Error("x"); });\n',
    );
    const { code, output } = npmTest(file);
    assert.equal(code, 1);
    assert.match(output, /^ℹ fail 1$/m);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a path without tests is a mistake, not a success", () => {
  assert.equal(npmTest("gateway/src/nowhere").code, 2);
});

test("what opens a store is tested with services too, and what opens none is not", () => {
  const meets = (path: string) => meetsServices(join(root, "gateway/src", path));
  for (const path of ["costs/settle.test.ts", "http/limits.test.ts", "limits/counters.redis.test.ts"]) {
    assert.ok(meets(path), path);
  }
  for (const path of ["costs/rates.test.ts", "providers/tap.test.ts"]) assert.equal(meets(path), false, path);
});
