import { readFileSync } from "node:fs";
import { type MatchRule, matches, spelledOut } from "./catalogue.rules.ts";
import { aliasesOf, modelNames, plainName, providerName, spelling, undated } from "./names.ts";
import type { RatesPerMillion } from "./rates.ts";

/**
 * The public catalogue of prices, which fills in every model that no other book has (C3). `npm run catalogue` makes
 * its file from a package that the running server does not need.
 */
export type CatalogueFile = {
  readonly source: string;
  readonly version: string;
  /** UTC day. */
  readonly publishedOn: string;
  /** By provider; of one provider's, the first that matches a name is its row. */
  readonly models: readonly CatalogueModel[];
};

export type CatalogueModel = {
  readonly provider: string;
  readonly model: string;
  readonly match: MatchRule;
  /** Newest first; the last is also for the time before it. Empty: not sold by the token. */
  readonly prices: readonly CataloguePrice[];
};

/** `from` is a UTC day. */
export type CataloguePrice = RatesPerMillion & { readonly from?: string };

export type Catalogue = CatalogueFile & {
  find(provider: string, model: string): CatalogueModel | undefined;
  /** The provider that sells a model by the token under this name. */
  ownerOf(model: string): string | undefined;
};

const LONGEST_NAME = 200;

let loaded: Catalogue | undefined;

/** Read when it is first needed, and kept. */
export function catalogue(): Catalogue {
  loaded ??= catalogueOf(
    JSON.parse(readFileSync(new URL("./catalogue.json", import.meta.url), "utf8")) as CatalogueFile,
  );
  return loaded;
}

function catalogueOf(file: CatalogueFile): Catalogue {
  const perProvider = Map.groupBy(file.models, ({ provider }) => provider);
  const spelled = new Map<string, CatalogueModel>();
  for (const row of file.models) {
    for (const name of [row.model, ...spelledOut(row.match)]) {
      const key = `${row.provider}/${spelling(name)}`;
      if (!spelled.has(key)) spelled.set(key, row);
    }
  }

  function find(provider: string, model: string): CatalogueModel | undefined {
    if (model.length > LONGEST_NAME) return undefined;
    const owner = providerName(provider);
    const rows = perProvider.get(owner) ?? [];
    const asked = plainName(model);
    const matching = (name: string) => rows.find(({ match }) => matches(match, name));
    return (
      matching(asked) ??
      matching(undated(asked)) ??
      [...modelNames(model), ...aliasesOf(model)]
        .map((name) => spelled.get(`${owner}/${name}`))
        .find((row) => row !== undefined)
    );
  }

  return {
    ...file,
    find,
    ownerOf: (model) => [...perProvider.keys()].find((owner) => (find(owner, model)?.prices.length ?? 0) > 0),
  };
}
