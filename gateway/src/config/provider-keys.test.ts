import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings, SettingsError } from "./environment.ts";
import { readConfigFile } from "./file.ts";
import { providerRules } from "./providers.ts";

function faultsOf(variables: Readonly<Record<string, string>>): readonly string[] {
  try {
    providerRules(readSettings(variables), readConfigFile(undefined), [Buffer.alloc(32)]);
    return [];
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.faults;
  }
}

test("a provider's key that no header takes stops the start, and is not repeated", () => {
  for (const key of ["sk-käse", "sk-a\nb", "sk-“x”"]) {
    const [fault, ...more] = faultsOf({ OPENAI_API_KEY: key });
    assert.match(fault ?? "", /^the API key of openai has characters that no header takes/);
    assert.ok(!fault!.includes(key) && more.length === 0);
  }
});

test("a key of Tollgate's own stops the start, unless the base URL is another one than the provider's", () => {
  const [fault] = faultsOf({ GEMINI_API_KEY: "sk-tg1_AbCdEf012345_secret" });
  assert.match(fault ?? "", /^the API key of google is one of Tollgate's own .*generativelanguage/);
  assert.ok(!fault!.includes("secret"));
  const behind = { OPENAI_API_KEY: "sk-tg1_AbCdEf012345_x", OPENAI_BASE_URL: "http://127.0.0.1:9/v1" };
  assert.deepEqual(faultsOf(behind), []);
  assert.deepEqual(faultsOf({ OPENAI_API_KEY: "sk-proj-x" }), []);
});
