import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Chance } from "../lib/ids.ts";
import { seal } from "../lib/sealed.ts";
import { type Cause, type Change, changesBetween } from "../telemetry/change.ts";
import { type KnownProvider, nameFault, type Providers } from "./known.ts";
import {
  credentialContext,
  deleteProvider,
  holdProviders,
  type StoredProvider,
  writeProvider,
} from "./stored.ts";

export type ProviderChangeDeps = {
  readonly change: Change;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly providers: Providers;
};

export type WantedProvider = Pick<
  StoredProvider,
  "dialect" | "baseUrl" | "models" | "reportsStreamUsage" | "speaksResponses"
> & {
  /** Undefined: the one it has, which goes to no other server; null: none. */
  readonly apiKey: string | null | undefined;
};

/**
 * Sets a provider: calls that begin from now on are sent as it says, those under way end as they began. Throws CONFLICT
 * for a name that is reserved or that the configuration has given away, and VALIDATION_FAILED for an address that may
 * not be reached, or a new one without its credential.
 */
export async function setProvider(
  { change, clock, chance, providers }: ProviderChangeDeps,
  cause: Cause,
  name: string,
  { apiKey, baseUrl, ...wanted }: WantedProvider,
): Promise<KnownProvider> {
  const { planned, keys, reach } = providers;
  const nameIsTaken =
    nameFault(name) ?? (planned.some((each) => each.name === name) ? CONFIGURED : undefined);
  if (nameIsTaken !== undefined) throw conflict(nameIsTaken);
  const fault =
    reach.faultOf(baseUrl) ?? (new URL(baseUrl).search === "" ? undefined : "must not hold a query");
  if (fault !== undefined) throw invalid("base_url", fault);
  const place = { name, baseUrl: new URL(baseUrl).href.replace(/\/+$/, "") };
  const context = credentialContext(place);

  await change(cause, async (tx, note) => {
    const before = (await holdProviders(tx)).find((each) => each.name === name);
    const kept = before?.sealedCredential;
    if (apiKey === undefined && kept !== undefined && credentialContext(before!) !== context) {
      throw invalid("api_key", "must be sent again, for it was meant for another server");
    }
    const sealedCredential =
      apiKey === undefined ? kept : apiKey === null ? undefined : seal(chance, keys, apiKey, context);
    const after = { ...place, ...wanted, sealedCredential };
    const isReplaced = apiKey !== undefined && kept !== undefined;
    const changes = changesBetween(
      before === undefined ? {} : told(before, "set"),
      told(after, isReplaced ? "replaced" : "set"),
    );
    if (changes === undefined) return;
    await writeProvider(tx, { ...after, updatedAt: new Date(clock.now()), updatedBy: cause.actor.id });
    note({ action: "provider.set", target: { type: "provider", id: name }, changes });
  });
  return namedIn(await providers.readProviders(), name);
}

/**
 * Removes a stored provider and its credential; calls under way end as they began. Throws NOT_FOUND, and CONFLICT for
 * one that the configuration says or names.
 */
export async function removeProvider(
  { change, providers }: Omit<ProviderChangeDeps, "clock" | "chance">,
  cause: Cause,
  name: string,
): Promise<void> {
  const isPlanned = providers.planned.some((each) => each.name === name);
  const namedBy = isPlanned ? undefined : providers.namedBy(name);
  await change(cause, async (tx, note) => {
    const before = (await holdProviders(tx)).find((each) => each.name === name);
    if (before === undefined) throw isPlanned ? conflict(CONFIGURED) : new TollgateError("NOT_FOUND");
    if (namedBy !== undefined) throw conflict(`${namedBy} names this provider. Take it out there first.`);
    await deleteProvider(tx, name);
    const was = told(before, "set");
    const gone = Object.fromEntries(Object.keys(was).map((field) => [field, null]));
    const changes = changesBetween(was, gone)!;
    note({ action: "provider.remove", target: { type: "provider", id: name }, changes });
  });
  await providers.readProviders();
}

/** Throws NOT_FOUND. Of two of the same name, the one that is asked. */
export function namedIn(known: readonly KnownProvider[], name: string): KnownProvider {
  const found = known.find((each) => each.name === name);
  if (found === undefined) throw new TollgateError("NOT_FOUND");
  return found;
}

const CONFIGURED = "Settings or the configuration file say what this provider is. Change it there.";

function conflict(message: string): TollgateError {
  return new TollgateError("CONFLICT", undefined, { message });
}

function invalid(path: string, message: string): TollgateError {
  return new TollgateError("VALIDATION_FAILED", { faults: [{ path, message }] });
}

/** As the audit log tells it; of a credential only that there is one. */
function told(
  {
    dialect,
    baseUrl,
    models,
    reportsStreamUsage,
    speaksResponses,
    sealedCredential,
  }: Omit<StoredProvider, "name" | "updatedAt" | "updatedBy">,
  credential: "set" | "replaced",
): Readonly<Record<string, unknown>> {
  return {
    dialect,
    base_url: baseUrl,
    models,
    reports_stream_usage: reportsStreamUsage,
    speaks_responses: speaksResponses ?? null,
    credential: sealedCredential === undefined ? null : credential,
  };
}
