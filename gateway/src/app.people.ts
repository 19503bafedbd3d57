import { erasePersonal } from "./app.erasure.ts";
import { SettingsError } from "./config/environment.ts";
import type { Settings } from "./config/settings.ts";
import { accessTokens } from "./identity/access-token.ts";
import { hashGate } from "./identity/hash-gate.ts";
import { googleIssuers, type IdTokens, idTokens } from "./identity/id-token.ts";
import { type CacheResult, type Identifier, identifier } from "./identity/identify.ts";
import { type IssuerKeys, jwksFromFile, jwksFromUrl } from "./identity/jwks.ts";
import { passwords } from "./identity/passwords.ts";
import { refreshTokens } from "./identity/refresh-token.ts";
import { bootstrapAdministrator } from "./identity/setup.ts";
import { type StaticTokens, staticTokens } from "./identity/static-tokens.ts";
import { dropCachedIdentities, ensureUsers, raiseEpoch } from "./identity/users.ts";
import type { Clock } from "./lib/clock.ts";
import type { Chance } from "./lib/ids.ts";
import { derivedKey, type Purpose } from "./lib/secrets.ts";
import { addressSubjects, oneWaySubject } from "./limits/address-subject.ts";
import { EPOCH_KEY } from "./limits/applicable.ts";
import type { Counters } from "./limits/limit.ts";
import { type FilePlans, holdPlan, missingPlans, planOf } from "./limits/plans.ts";
import { lookupThrottle, registrationThrottle, signInThrottle } from "./limits/sign-in.ts";
import type { Db } from "./store/tables.ts";
import { type Cause, type ChangeDeps, changes } from "./telemetry/change.ts";
import { sampled } from "./telemetry/sampled.ts";

/** At a time two passwords are hashed, and 32 wait: more would take the threads that everything else needs. */
const HASHES = { running: 2, waiting: 32 } as const;
const NOTE_EVERY_MS = 60_000;
/** Addresses without an account that one user may find by adding members. */
const LOOKUPS_PER_HOUR = 20;
const GOOGLE_JWKS_URL = "https://www.googleapis.com/oauth2/v3/certs";

/** The app itself changes something: at a start, by its settings. */
const BY_SETTINGS: Cause = { actor: { type: "system", id: "settings" } };

/** Everything about who is calling: how callers are identified, sign in, and how what they may do is changed. */
export async function openPeople(options: {
  readonly settings: Settings;
  readonly secretKey: Uint8Array;
  readonly db: Db;
  /** The same database, without the time limit of requests. */
  readonly maintenance: Db;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly filePlans: FilePlans;
  readonly counters: Counters;
  /** Counters of this process, for when `counters` is away. */
  readonly fallback: Counters;
  readonly onCache: (result: CacheResult) => void;
  readonly trouble: (what: string) => (error: unknown) => void;
}) {
  const { settings, secretKey, db, maintenance, clock, chance, filePlans, counters, fallback, trouble } =
    options;
  const keysFor = (purpose: Purpose) =>
    secretKeysOf(settings, secretKey).map((key) => derivedKey(key, purpose));
  const tokens = tokensOf(settings, keysFor("static-token")[0]!);
  const signing = {
    db,
    clock,
    chance,
    passwords: passwords(hashGate(HASHES)),
    accessTokens: accessTokens({
      keys: keysFor("jwt-hs256"),
      issuer: settings.PUBLIC_URL ?? "tollgate",
      ttlSeconds: settings.ACCESS_TOKEN_TTL_SECONDS,
      clock,
      chance,
    }),
    refreshTokens: refreshTokens({
      digestKeys: keysFor("refresh-digest"),
      nextKeys: keysFor("refresh-next"),
      chance,
    }),
    graceMs: settings.REFRESH_GRACE_SECONDS * 1000,
    planOf: planOf(filePlans),
  };
  const faults = await planFaults(db, filePlans);
  if (faults.length > 0) throw new SettingsError(faults);
  await ensureUsers({ db, clock }, [...tokens.userIds, settings.APP_AUTH_DEFAULT_USER]);
  const identities: Identifier = identifier({
    ...signing,
    tokens,
    peppers: peppersOf(settings, secretKey),
    onCache: options.onCache,
  });
  const changing: ChangeDeps = {
    db,
    clock,
    chance,
    macKey: keysFor("audit-mac")[0]!,
    raiseEpoch,
    async announce(epoch) {
      identities.noticeEpoch(epoch);
      await counters.raiseEpoch(EPOCH_KEY, epoch).catch(trouble("epoch not raised"));
    },
  };
  const change = changes(changing);
  await dropCachedIdentities({ change }, BY_SETTINGS, settings.KEY_CACHE_EPOCH);
  await bootstrap(settings, { ...signing, change });

  const subjectKey = derivedKey(secretKey, "ratelimit-subject");
  const subjectOfAddress = addressSubjects(subjectKey);
  const throttling = { counters, fallback, subjectOfAddress };
  const signInsOf = (kind: "email" | "user") =>
    signInThrottle({
      ...throttling,
      subjectOfEmail: (name) => oneWaySubject(subjectKey, `${kind}:${name}`),
      rules: {
        windowMs: settings.LOGIN_WINDOW_SECONDS * 1000,
        perEmailAndAddress: settings.LOGIN_ATTEMPTS_PER_EMAIL_AND_ADDRESS,
        perAddress: settings.LOGIN_ATTEMPTS_PER_ADDRESS,
        perEmail: settings.LOGIN_ATTEMPTS_PER_EMAIL,
      },
    });
  return {
    ...signing,
    change,
    longChange: changes({ ...changing, db: maintenance }),
    filePlans,
    holdPlan: holdPlan(filePlans),
    identifier: identities,
    subjectOfAddress,
    subjectOfDevice: (device: string) => oneWaySubject(subjectKey, device),
    signInThrottle: signInsOf("email"),
    passwordThrottle: signInsOf("user"),
    lookupThrottle: lookupThrottle({ counters, fallback, perUser: LOOKUPS_PER_HOUR }),
    registrationThrottle: registrationThrottle({
      ...throttling,
      perAddress: settings.REGISTRATION_ATTEMPTS_PER_ADDRESS,
    }),
    isRegistrationOpen: settings.REGISTRATION === "open",
    isWorthNoting: sampled({ clock, everyMs: NOTE_EVERY_MS, maxSubjects: 10_000 }),
    idTokens: idTokensOf(settings, clock, trouble("keys of the ID token issuer not read")),
    hostedDomains: settings.GOOGLE_HOSTED_DOMAINS,
    erasePersonal,
  };
}

/** Plans that somebody has and that are nowhere: they stop the start. */
export async function planFaults(db: Db, filePlans: FilePlans): Promise<readonly string[]> {
  const missing = await missingPlans(db, filePlans);
  return missing.map(
    (name) => `the plan ${name} is assigned, and neither stored nor in the configuration file`,
  );
}

/** The current key, and the one before it: what was made with that stays good. */
export function secretKeysOf(settings: Settings, secretKey: Uint8Array): readonly Uint8Array[] {
  const previous = settings.SECRET_KEY_PREVIOUS;
  return previous === undefined ? [secretKey] : [secretKey, Buffer.from(previous)];
}

/** The first makes digests of keys, all verify. */
export function peppersOf(settings: Settings, secretKey: Uint8Array): readonly Uint8Array[] {
  const derived = secretKeysOf(settings, secretKey).map((key) => derivedKey(key, "apikey-pepper"));
  const given = settings.API_KEY_PEPPER;
  return given === undefined ? derived : [Buffer.from(given, "base64"), ...derived];
}

function tokensOf(settings: Settings, hmacKey: Uint8Array): StaticTokens {
  const found = staticTokens(
    {
      map: settings.APP_AUTH_TOKEN_USER_MAP,
      legacy: settings.APP_AUTH_BEARER_TOKENS,
      defaultUser: settings.APP_AUTH_DEFAULT_USER,
      apps: settings.ASSIST_API_KEYS,
    },
    hmacKey,
  );
  if ("faults" in found) throw new SettingsError(found.faults);
  return found.tokens;
}

async function bootstrap(
  settings: Settings,
  deps: Parameters<typeof bootstrapAdministrator>[0],
): Promise<void> {
  const { BOOTSTRAP_ADMIN_EMAIL: email, BOOTSTRAP_ADMIN_PASSWORD: password } = settings;
  if (email === undefined || password === undefined) return;
  await bootstrapAdministrator(deps, BY_SETTINGS, { email, name: "Administrator", password });
}

function idTokensOf(
  settings: Settings,
  clock: Clock,
  onTrouble: (error: unknown) => void,
): IdTokens | undefined {
  const { GOOGLE_CLIENT_IDS: clientIds, GOOGLE_ISSUER: issuer, GOOGLE_TRUSTS_EMAIL: trustsEmail } = settings;
  const issuerKeys = googleKeysOf(settings, clock, onTrouble);
  const issuers = issuer === undefined ? googleIssuers : [issuer];
  return issuerKeys === undefined
    ? undefined
    : idTokens({ clientIds, issuerKeys, clock, issuers, trustsEmail });
}

/** The keys of who issues ID tokens; undefined where nobody signs in by them. */
export function googleKeysOf(
  settings: Settings,
  clock: Clock,
  onTrouble: (error: unknown) => void,
): IssuerKeys | undefined {
  if (settings.GOOGLE_CLIENT_IDS.length === 0) return undefined;
  const { GOOGLE_JWKS_FILE: path, GOOGLE_JWKS_URL: url = GOOGLE_JWKS_URL } = settings;
  return path === undefined
    ? jwksFromUrl({ url, clock, onTrouble })
    : jwksFromFile({ path, clock, onTrouble });
}
