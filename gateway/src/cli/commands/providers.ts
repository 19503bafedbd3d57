import { z } from "zod";
import {
  type ProviderJson,
  providerFields,
  providerJson,
  type TrialJson,
  trialJson,
  wantedProvider,
} from "../../http/provider-json.ts";
import { providerName } from "../../http/routes/providers.ts";
import { namedIn, removeProvider, setProvider } from "../../providers/change-provider.ts";
import { type Rewrapped, rewrapCredentials } from "../../providers/rewrap-credentials.ts";
import { tryProvider } from "../../providers/try-provider.ts";
import { dataCommand } from "../command.ts";
import { prose, table } from "../table.ts";
import { orUsage } from "./or-usage.ts";
import { typedFile } from "./typed-file.ts";

const named = { name: providerName };
const { shape } = providerFields;
const YES_NO = ["yes", "no"] as const;

const list = dataCommand({
  name: "providers list",
  about: "List the providers, without their credentials.",
  input: z.strictObject({}),
  run: async ({ providers }) => ({ items: (await providers.readProviders()).map(providerJson) }),
  show: ({ items }: { items: readonly ProviderJson[] }) => ({
    text: table(
      ["PROVIDER", "SOURCE", "DIALECT", "BASE URL", "CREDENTIAL", prose("FAULT")],
      items.map((each) => [
        each.name,
        each.source,
        each.dialect ?? "-",
        each.base_url ?? "-",
        each.has_credential ? `...${each.credential_hint ?? ""}` : "none",
        each.fault ?? "-",
      ]),
    ),
  }),
});

const set = dataCommand({
  name: "providers set",
  about: "Set a provider; its credential comes from a file or from standard input.",
  arguments: ["name"],
  options: [
    ["--base-url <url>", "as its official client takes it"],
    ["--dialect <dialect>", "openai or anthropic (default: openai)"],
    [
      "--api-key-file <file>",
      "file that holds the API key; - for standard input",
      (file) => typedFile("--api-key-file", file).trim(),
    ],
    ["--models <ids>", "models it has, comma-separated", (text) => text.split(",").map((id) => id.trim())],
    ["--no-stream-usage", "for servers that refuse stream_options.include_usage", () => false],
    ["--speaks-responses <answer>", "ask it for /responses as they are (default: openai and xai do)", YES_NO],
  ],
  input: z.strictObject({
    ...named,
    baseUrl: shape.base_url,
    dialect: shape.dialect,
    apiKeyFile: shape.api_key,
    models: shape.models,
    streamUsage: shape.reports_stream_usage,
    speaksResponses: z.enum(YES_NO).optional(),
  }),
  run: (deps, { name, baseUrl, apiKeyFile, streamUsage, speaksResponses, ...rest }) => {
    const fields = {
      ...rest,
      base_url: baseUrl,
      api_key: apiKeyFile,
      reports_stream_usage: streamUsage,
      speaks_responses: speaksResponses === undefined ? undefined : speaksResponses === "yes",
    };
    return orUsage(`there is no provider ${name}`, async () =>
      providerJson(await setProvider(deps, deps.by.cause, name, wantedProvider(fields))),
    );
  },
  show: ({ name, base_url }) => ({ text: `${name} is asked at ${base_url} from now on.` }),
});

const remove = dataCommand({
  name: "providers remove",
  about: "Remove a provider that was set here, and its credential.",
  arguments: ["name"],
  input: z.strictObject(named),
  run: (deps, { name }) =>
    orUsage(`there is no provider ${name}`, async () => {
      await removeProvider(deps, deps.by.cause, name);
      return { name, removed: true };
    }),
  show: ({ name }) => ({ text: "", note: `${name} is removed.` }),
});

const test = dataCommand({
  name: "providers test",
  about: "Ask a provider for its list of models, which costs nothing.",
  arguments: ["name"],
  input: z.strictObject(named),
  run: (deps, { name }) =>
    orUsage(`there is no provider ${name}`, async () =>
      trialJson(await tryProvider(deps, namedIn(await deps.providers.readProviders(), name))),
    ),
  show: ({ status, latency_ms, detail }: TrialJson) => ({
    text: `${detail}${status === null ? "" : ` (${status}, ${latency_ms} ms)`}`,
    isFailure: status === null || status >= 300,
  }),
});

const rewrap = dataCommand({
  name: "providers rewrap",
  about: "After a rotation of SECRET_KEY: seal every credential by the new one.",
  input: z.strictObject({}),
  run: (deps) => rewrapCredentials(deps, deps.by.cause),
  show: ({ rewrapped, unreadable }: Rewrapped) => ({
    text: `${rewrapped.length} credentials are sealed anew.`,
    ...(unreadable.length === 0
      ? {}
      : { note: `Neither key opens those of ${unreadable.join(", ")}: set them again.`, isFailure: true }),
  }),
});

export const providerCommands = [list, set, remove, test, rewrap];
