import type { OriginOptions } from "../lib/fetch.ts";
import type { Reach } from "../lib/reach.ts";
import { open, SealBroken, type WrappingKeys } from "../lib/sealed.ts";
import { credentialContext, type StoredProvider } from "./stored.ts";
import type { UpstreamOptions } from "./upstream.ts";

/** A provider of this deployment, and who says what it is. */
export type KnownProvider = {
  readonly name: string;
  readonly source: "settings" | "file" | "stored" | "built-in";
  /** How it is asked; undefined: within this process. */
  readonly upstream: UpstreamOptions | undefined;
  /** Also of one that cannot be opened. */
  readonly hasCredential: boolean;
  /** Why it is not asked, until somebody puts that right. */
  readonly fault: string | undefined;
  /** Of a stored one. */
  readonly updatedAt: Date | undefined;
  readonly updatedBy: string | undefined;
};

export type PlannedProvider = UpstreamOptions & { readonly source: "settings" | "file" };

/** What the configuration says of providers, and of what is stored about them. */
export type ProviderRules = {
  /** Those of settings and configuration file, in the order in which bare names try them. */
  readonly planned: readonly PlannedProvider[];
  /** Of stored ones. */
  readonly timeouts: OriginOptions;
  readonly keys: WrappingKeys;
  /** Where stored ones may be; the operator's own may be anywhere. */
  readonly reach: Reach;
  /** What in the configuration names a provider; undefined: nothing does. */
  readonly namedBy: (name: string) => string | undefined;
};

export type Providers = ProviderRules & {
  /** Reads the stored ones anew. A running server asks them from then on. */
  readonly readProviders: () => Promise<readonly KnownProvider[]>;
};

export const BUILT_IN = "simulated";
/** Who the ledger says has answered what nobody was asked for. */
export const CACHE = "cache";

const reserved: ReadonlyMap<string, string> = new Map([
  [BUILT_IN, "the provider that is built in"],
  [CACHE, "what the ledger calls answers that were given before"],
]);

/** Why nobody may give a provider this name; undefined: anybody may. */
export function nameFault(name: string): string | undefined {
  const meaning = reserved.get(name);
  return meaning && `No provider can be called ${name}: that is ${meaning}. Choose another name.`;
}

/** Those of the configuration first; stored ones by name. Without any, the built-in one. */
export function knownProviders(
  rules: ProviderRules,
  stored: readonly StoredProvider[],
): readonly KnownProvider[] {
  const known = [...rules.planned.map(configured), ...stored.map((each) => storedAs(rules, each))];
  return known.length > 0 ? known : [builtIn];
}

const nobody = { fault: undefined, updatedAt: undefined, updatedBy: undefined };
const builtIn: KnownProvider = {
  ...nobody,
  name: BUILT_IN,
  source: "built-in",
  upstream: undefined,
  hasCredential: false,
};

function configured({ source, ...upstream }: PlannedProvider): KnownProvider {
  return { ...nobody, name: upstream.name, source, upstream, hasCredential: upstream.apiKey !== undefined };
}

function storedAs({ planned, timeouts, keys, reach }: ProviderRules, stored: StoredProvider): KnownProvider {
  const { sealedCredential, updatedAt, updatedBy, ...place } = stored;
  const { name, baseUrl } = place;
  const credential = credentialOf(keys, stored);
  const isHidden = planned.some((each) => each.name === name);
  const urlFault = reach.faultOf(baseUrl);
  return {
    name,
    source: "stored",
    upstream: { ...place, timeouts, apiKey: credential.apiKey },
    hasCredential: sealedCredential !== undefined,
    fault: isHidden ? HIDDEN : urlFault === undefined ? credential.fault : `The base URL ${urlFault}.`,
    updatedAt,
    updatedBy,
  };
}

const HIDDEN = "Settings or the configuration file say what this provider is.";
const UNREADABLE = "The credential cannot be opened by SECRET_KEY or SECRET_KEY_PREVIOUS. Set it again.";

function credentialOf(
  keys: WrappingKeys,
  stored: StoredProvider,
): { readonly apiKey: string | undefined; readonly fault?: string } {
  if (stored.sealedCredential === undefined) return { apiKey: undefined };
  try {
    return { apiKey: open(keys, stored.sealedCredential, credentialContext(stored)) };
  } catch (error) {
    if (error instanceof SealBroken) return { apiKey: undefined, fault: UNREADABLE };
    throw error;
  }
}

/** How it is connected to: a stored one never leads inside, whatever its name resolves to. */
export function connectedTo({ reach }: Pick<ProviderRules, "reach">, known: KnownProvider): UpstreamOptions {
  const { source, upstream } = known;
  if (source !== "stored") return upstream!;
  return { ...upstream!, timeouts: { ...upstream!.timeouts, lookup: reach.lookupFor(upstream!.baseUrl) } };
}
