import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { testStore } from "../../store/testing.ts";
import { runDataCommand, runProgram } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
const folder = mkdtempSync(join(tmpdir(), "tollgate-providers-"));
after(async () => {
  rmSync(folder, { recursive: true });
  await store.close();
});
const deps = commandDeps(store.db, 1);
const run = (name: string, input: object = {}) => runDataCommand(deps, name, input);
const shown = (name: string, result: object) => shownBy(name, result);

const baseUrl = "https://api.example.com/v1";
const secret = "sk-0123456789abcdef-wXyZ";

/** Runs a command line in this process. */
async function typed(...argv: string[]): Promise<{ code: number; text: string }> {
  const texts: string[] = [];
  const write = (text: string) => void texts.push(text);
  const never = () => Promise.reject(new Error("not asked for"));
  const actions = {
    data: run,
    serve: never,
    worker: never,
    migrate: never,
    doctor: never,
    sim: never,
    pause: never,
    demo: never,
    bench: never,
  };
  const code = await runProgram(argv, actions, { out: write, note: write });
  return { code, text: texts.join("\n") };
}

test("a provider is set with a credential from a file, listed without it, and removed", async () => {
  const file = join(folder, "key");
  writeFileSync(file, `${secret}\n`);
  const made = await typed(
    ...["providers", "set", "mine", "--base-url", baseUrl, "--api-key-file", file, "--models", "a, b"],
    "--no-stream-usage",
  );
  assert.deepEqual(made, { code: 0, text: `mine is asked at ${baseUrl} from now on.` });
  const [known] = await deps.providers.readProviders();
  const { apiKey, models, reportsStreamUsage, dialect } = known!.upstream!;
  assert.deepEqual([apiKey, models, reportsStreamUsage, dialect], [secret, ["a", "b"], false, "openai"]);
  const { text } = await typed("providers", "list");
  assert.match(
    text,
    /^PROVIDER +SOURCE +DIALECT +BASE URL +CREDENTIAL +FAULT\nmine +stored +openai +\S+ +\.\.\.wXyZ +-$/,
  );
  assert.deepEqual(await typed("providers", "remove", "mine"), { code: 0, text: "mine is removed." });
  assert.match((await typed("providers", "list")).text, /\nsimulated +built-in/);
});

test("a credential is never an argument, and a file that cannot be read is a fault of the command", async () => {
  assert.equal((await typed("providers", "set", "mine", "--base-url", baseUrl, "--api-key", secret)).code, 2);
  const file = join(folder, "none");
  const missing = await typed("providers", "set", "mine", "--base-url", baseUrl, "--api-key-file", file);
  assert.deepEqual(missing, {
    code: 2,
    text: `--api-key-file names a file that cannot be read: ${file} (ENOENT)`,
  });
  const wrong = await typed("providers", "set", "mine", "--base-url", "http://10.0.0.1");
  assert.deepEqual([wrong.code, wrong.text.startsWith("--base-url must begin with https")], [2, true]);
  assert.equal((await typed("providers", "remove", "none")).text, "there is no provider none");
  const reserved = await typed("providers", "set", "simulated", "--base-url", baseUrl);
  assert.deepEqual([reserved.code, reserved.text.split(":")[0]], [1, "No provider can be called simulated"]);
  assert.equal((await store.db.selectFrom("providers").selectAll().execute()).length, 0);
});

test("whether a provider is asked for responses as they are is said, or follows from its name", async () => {
  const speaks = async (...flags: readonly string[]) => {
    await typed("providers", "set", "xai", "--base-url", baseUrl, ...flags);
    return JSON.parse((await typed("--json", "providers", "list")).text).items[0].speaks_responses;
  };
  assert.equal(await speaks(), true);
  assert.equal(await speaks("--speaks-responses", "no"), false);
  assert.equal(await speaks("--speaks-responses", "yes", "--dialect", "anthropic"), false);
  assert.equal(await speaks("--speaks-responses", "yes"), true);
  assert.equal((await typed("providers", "set", "xai", "--speaks-responses", "maybe")).code, 2);
  await run("providers remove", { name: "xai" });
});

test("a try that comes to nothing is a failed check", async () => {
  assert.deepEqual(shown("providers test", await run("providers test", { name: "simulated" })), {
    text: "It answers within this process. (200, 0 ms)",
    isFailure: false,
  });
  await run("providers set", { name: "mine", baseUrl: "https://localhost/v1" });
  const tried = shown("providers test", await run("providers test", { name: "mine" }));
  assert.match(tried.text, /private network/);
  assert.equal(tried.isFailure, true);
  await run("providers remove", { name: "mine" });
});

test("credentials are sealed anew after a rotation, and those that no key opens are named", async () => {
  await run("providers set", { name: "mine", baseUrl, apiKeyFile: secret });
  const [key] = deps.providers.keys;
  const lost = { ...deps, providers: { ...deps.providers, keys: [Buffer.alloc(32, 7)] } };
  const failed = shown("providers rewrap", await runDataCommand(lost, "providers rewrap", {}));
  assert.deepEqual(
    [failed.isFailure, failed.note],
    [true, "Neither key opens those of mine: set them again."],
  );
  const rotated = { ...deps, providers: { ...deps.providers, keys: [Buffer.alloc(32, 7), key!] } };
  const done = shown("providers rewrap", await runDataCommand(rotated, "providers rewrap", {}));
  assert.deepEqual(done, { text: "1 credentials are sealed anew." });
});
