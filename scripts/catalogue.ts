import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ConditionalPrice, ModelInfo, ModelPrice } from "@pydantic/genai-prices";
import type { CatalogueModel, CataloguePrice } from "../gateway/src/costs/catalogue.ts";
import type { Known, TokenKind, UseKind } from "../gateway/src/costs/rates.kinds.ts";

/** `npm run catalogue`: writes the price catalogue from the package that keeps it. NOTICE names its licence. */
export const cataloguePath = fileURLToPath(new URL("../gateway/src/costs/catalogue.json", import.meta.url));

const SOURCE = "@pydantic/genai-prices";
/** A newer package asks for its own day, from which the catalogue's age is counted. */
const RELEASE = { version: "0.1.8", publishedOn: "2026-09-23" };
/** Our names of the providers, and the package's. */
const PROVIDERS = { anthropic: "anthropic", google: "google", groq: "groq", openai: "openai", xai: "x-ai" };
const TOKENS: Readonly<Record<TokenKind, string>> = {
  input: "input_mtok",
  cachedInput: "cache_read_mtok",
  cacheWrite5m: "cache_write_mtok",
  cacheWrite1h: "cache_write_1h_mtok",
  output: "output_mtok",
  audioInput: "input_audio_mtok",
  imageInput: "input_image_mtok",
  cachedAudioInput: "cache_audio_read_mtok",
  cachedImageInput: "cache_image_read_mtok",
  audioOutput: "output_audio_mtok",
  imageOutput: "output_image_mtok",
};
const USES: Readonly<Record<UseKind, string>> = {
  webSearch: "web_searches_kcount",
  fileSearch: "storage_searches_kcount",
};

/** The catalogue's whole text, one model a line. Rejects if the package is missing or not the release named here. */
export async function catalogueText(): Promise<string> {
  const { findProvider } = await import("@pydantic/genai-prices");
  const { version } = JSON.parse(
    readFileSync(new URL("../node_modules/@pydantic/genai-prices/package.json", import.meta.url), "utf8"),
  ) as { version: string };
  if (version !== RELEASE.version) throw new Error(`${SOURCE} is ${version}: say when it was published`);
  const models = Object.entries(PROVIDERS).flatMap(([provider, providerId]) => {
    const found = findProvider({ providerId });
    if (found === undefined) throw new Error(`${SOURCE} has no provider ${providerId}`);
    return found.models.map((model) => catalogueModel(provider, model));
  });
  const lines = models.map((model) => `    ${JSON.stringify(model)}`).join(",\n");
  const head = Object.entries({ source: SOURCE, ...RELEASE }).map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`,
  );
  return `{\n${head.join("")}  "models": [\n${lines}\n  ]\n}\n`;
}

function catalogueModel(provider: string, { id, match, prices }: ModelInfo): CatalogueModel {
  const dated: readonly ConditionalPrice[] = Array.isArray(prices) ? prices.toReversed() : [{ prices }];
  const isSoldByToken = dated.every((each) => each.prices.input_mtok !== undefined);
  return {
    provider,
    model: id,
    match,
    prices: isSoldByToken ? dated.map((each) => cataloguePrice(id, each)) : [],
  };
}

function cataloguePrice(id: string, { constraint, prices }: ConditionalPrice): CataloguePrice {
  if (constraint !== undefined && constraint.type !== "start_date") {
    throw new Error(`${id} has a price by the hour of the day, which the catalogue cannot say`);
  }
  const tiers = thresholdsOf(prices).map((aboveInput) => ({
    aboveInput,
    ...ratesAbove(TOKENS, prices, aboveInput),
  }));
  return {
    ...(constraint === undefined ? {} : { from: constraint.start_date }),
    ...ratesAbove({ ...TOKENS, ...USES }, prices, -1),
    ...(tiers.length === 0 ? {} : { tiers }),
  };
}

function thresholdsOf(prices: ModelPrice): readonly number[] {
  const starts = Object.values(TOKENS).flatMap((unit) => {
    const price = prices[unit];
    return typeof price === "object" ? price.tiers.map(({ start }) => start) : [];
  });
  return [...new Set(starts)].sort((a, b) => a - b);
}

/** Decimal text of what the package has as numbers. What has no output, such as an embedding, costs nothing there. */
function ratesAbove(
  units: Readonly<Record<string, string>>,
  prices: ModelPrice,
  threshold: number,
): Known<string> {
  const known = Object.entries(units).flatMap(([kind, unit]) => {
    const price = prices[unit];
    if (price === undefined) return kind === "output" ? [[kind, "0"]] : [];
    if (typeof price === "number") return [[kind, decimal(price)]];
    const tier = price.tiers.findLast(({ start }) => start <= threshold);
    return [[kind, decimal(tier?.price ?? price.base)]];
  });
  return Object.fromEntries(known) as Known<string>;
}

function decimal(price: number): string {
  const text = String(price);
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`not a decimal price: ${text}`);
  return text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(cataloguePath, await catalogueText());
}
