import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SettingsError } from "./environment.ts";
import { readConfigFile } from "./file.ts";

const folder = mkdtempSync(join(tmpdir(), "tollgate-file-"));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, "tollgate.yaml");

const emptyFile = { providers: {}, aliases: {}, plans: {}, limits: {}, prices: {}, operations: {} };

function read(yaml: string) {
  writeFileSync(path, yaml);
  return readConfigFile(path);
}

function faultsOf(yaml: string): readonly string[] {
  try {
    read(yaml);
    return [];
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.faults.map((fault) => fault.replace(`${path}: `, ""));
  }
}

test("providers, aliases, plans and prices are read from one file", () => {
  const secret = join(folder, "key");
  writeFileSync(secret, "sk-local\n");
  const file = read(`
providers:
  local: { base_url: "http://127.0.0.1:11434/v1", models: [llama3], reports_stream_usage: false }
  hosted: { base_url: "https://ai.example/v1", api_key_file: ${secret}, speaks_responses: true }
aliases:
  fast: local/llama3
  spread:
    targets:
      - { model: hosted/a, order: 0, weight: 3, timeout_seconds: 1.5 }
      - { model: local/llama3, order: 0 }
    retries: 2
plans:
  default: { limits: { requests_per_minute: 20, daily_requests: 0 } }
  gold: { limits: { tokens_per_minute: 100000, calls_in_flight: 4 } }
limits: { ip-minute: { mode: report, fail_mode: open } }
prices:
  local/llama3: { input: 0.20, cached_input: "0.05", output: 1 }
`);
  assert.deepEqual(file, {
    providers: {
      local: {
        base_url: "http://127.0.0.1:11434/v1",
        dialect: "openai",
        models: ["llama3"],
        reports_stream_usage: false,
        output_limit: "max_tokens",
      },
      hosted: {
        dialect: "openai",
        base_url: "https://ai.example/v1",
        api_key_file: "sk-local",
        models: [],
        reports_stream_usage: true,
        output_limit: "max_tokens",
        speaks_responses: true,
      },
    },
    aliases: {
      fast: { retries: 0, targets: [{ model: "local/llama3", order: 0, weight: 1, timeoutMs: undefined }] },
      spread: {
        retries: 2,
        targets: [
          { model: "hosted/a", order: 0, weight: 3, timeoutMs: 1_500 },
          { model: "local/llama3", order: 0, weight: 1, timeoutMs: undefined },
        ],
      },
    },
    plans: {
      default: { limits: { requests_per_minute: 20, daily_requests: 0 } },
      gold: { limits: { tokens_per_minute: 100_000, calls_in_flight: 4 } },
    },
    limits: { "ip-minute": { mode: "report", fail_mode: "open" } },
    prices: { "local/llama3": { input: "0.2", cached_input: "0.05", output: "1" } },
    operations: {},
  });
});

test("an empty file asks for nothing", () => {
  assert.deepEqual(read(""), emptyFile);
});

for (const [what, yaml, fault] of [
  ["an unknown key", "quotas: 1", /^top level: .*"quotas"/],
  ["an unknown key deep inside", "providers: {a: {base_url: 'http://x', url: 1}}", /^providers\.a: .*"url"/],
  [
    "a provider's bad name",
    "providers: {Bad_Name: {base_url: 'http://x'}}",
    /^providers\.Bad_Name: must be lower-case/,
  ],
  ["a provider without a URL", "providers: {a: {}}", /^providers\.a\.base_url: /],
  ["a URL of another scheme", "providers: {a: {base_url: 'ftp://x'}}", /^providers\.a\.base_url: /],
  [
    "a key file that is not there",
    "providers: {a: {base_url: 'http://x', api_key_file: /nope/x}}",
    /^providers\.a\.api_key_file: names a file that cannot be read/,
  ],
  [
    "an alias with orders for some of its targets",
    "aliases: {steady: {targets: [{model: a/b, order: 1}, {model: c/d}]}}",
    /^aliases\.steady\.targets: either every target has an order or none has/,
  ],
  [
    "a weight that is a fraction",
    "aliases: {steady: {targets: [{model: a/b}, {model: c/d, weight: 0.25}]}}",
    /^aliases\.steady\.targets\[1\]\.weight: must be a whole number, such as 3 and 1 for 0\.75 and 0\.25$/,
  ],
  [
    "an alias that is a number",
    "aliases: {fast: 5}",
    /^aliases\.fast: must be provider\/model, or several targets$/,
  ],
  [
    "a key that names a variable",
    "providers: {a: {base_url: 'http://x', api_key: os.environ/KEY}}",
    /^providers\.a\.api_key: names a variable, which this file does not read/,
  ],
  ["an alias of no provider", "aliases: {fast: gpt}", /^aliases\.fast: must be provider\/model/],
  ["a plan's bad name", "plans: {Gold: {limits: {}}}", /^plans\.Gold: must be lower-case/],
  ["a plan's unknown limit", "plans: {gold: {limits: {hourly: 1}}}", /^plans\.gold\.limits: .*"hourly"/],
  [
    "a limit below zero",
    "plans: {default: {limits: {daily_requests: -1}}}",
    /^plans\.default\.limits\.daily_requests: /,
  ],
  [
    "a price without a provider",
    "prices: {gpt: {input: 1, output: 1}}",
    /^prices\.gpt: must be provider\/model/,
  ],
  [
    "a price below zero",
    "prices: {a/b: {input: -1, output: 1}}",
    /^prices\.a\/b\.input: must be USD per million tokens/,
  ],
  ["a price without output", "prices: {a/b: {input: 1}}", /^prices\.a\/b\.output: /],
  [
    "a price of a pattern with many stars",
    "prices: {a/b*c*d*e*: {input: 1, output: 1}}",
    /^prices\.a\/b\*c\*d\*e\*: must have at most 3 stars/,
  ],
  ["a provider's pattern", "prices: {'a*/b': {input: 1, output: 1}}", /must be provider\/model/],
  [
    "a service tier's price without output",
    "prices: {a/b: {input: 1, output: 1, service_tiers: {flex: {input: 1}}}}",
    /^prices\.a\/b\.service_tiers\.flex\.output: /,
  ],
] as const) {
  test(`${what} in the configuration file stops the start at its path`, () => {
    const faults = faultsOf(yaml);
    assert.ok(
      faults.some((told) => fault.test(told)),
      faults.join("\n"),
    );
  });
}

test("targets with weights and without orders share the calls, and without either they are asked as listed", () => {
  const ordersOf = (targets: string) => read(`aliases: {a: {targets: [${targets}]}}`).aliases.a!.targets;
  const orders = (targets: string) => ordersOf(targets).map(({ order, weight }) => [order, weight]);
  assert.deepEqual(orders("{model: a/b, weight: 3}, {model: c/d}"), [
    [0, 3],
    [0, 1],
  ]);
  assert.deepEqual(orders("{model: a/b}, {model: c/d}"), [
    [0, 1],
    [1, 1],
  ]);
});

test("all faults of the file are told at once", () => {
  assert.equal(faultsOf("quotas: 1\naliases: {fast: gpt}\nprices: {gpt: {input: 1, output: 1}}").length, 3);
});

test("a file that is missing or no YAML stops the start; without a path it may be missing", () => {
  assert.throws(() => readConfigFile(join(folder, "none.yaml")), /none\.yaml cannot be read as YAML/);
  assert.match(faultsOf("a: [1").join(), /cannot be read as YAML/);
  assert.deepEqual(readConfigFile(undefined), emptyFile);
});
