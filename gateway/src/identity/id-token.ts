import { errors, type FlattenedJWSInput, type JWTHeaderParameters, type JWTPayload, jwtVerify } from "jose";
import type { Clock } from "../lib/clock.ts";
import { looksLikeJwt } from "./access-token.ts";
import type { IssuerKeys } from "./jwks.ts";

/** ID tokens (OpenID Connect) of Google, or of another issuer in its place. */
export type IdTokens = {
  /** Undefined: not to be believed. Throws PROVIDER_UNAVAILABLE while the issuer's keys could never be read. */
  verify(idToken: string, nonce?: string): Promise<Identified | undefined>;
};

/** Who signed in at the issuer, with an e-mail address that the issuer has verified. */
export type Identified = {
  /** One spelling per issuer. */
  readonly issuer: string;
  /** The issuer's name for the person, for ever; the address may change. */
  readonly subject: string;
  readonly email: string;
  readonly name: string;
  readonly hostedDomain?: string;
  /** The issuer itself runs the mailbox, so that it knows today whose it is: an account may be linked by address. */
  readonly isAuthoritative: boolean;
};

const GOOGLE = "https://accounts.google.com";
export const googleIssuers: readonly string[] = [GOOGLE, "accounts.google.com"];
const GOOGLE_MAILBOX = /@(gmail|googlemail)\.com$/i;
const MAX_AGE_SECONDS = 3_600;
const TOLERANCE_SECONDS = 30;
/** OpenID Connect Core, section 2. */
const MAX_SUBJECT_LENGTH = 255;
const MAX_EMAIL_LENGTH = 254;
const MAX_NAME_LENGTH = 200;

/** @param options.trustsEmail Whether issuers other than Google are authoritative for the addresses they verify. */
export function idTokens(options: {
  readonly clientIds: readonly string[];
  readonly issuerKeys: IssuerKeys;
  readonly clock: Clock;
  readonly issuers?: readonly string[];
  readonly trustsEmail: boolean;
}): IdTokens {
  const { clientIds, issuerKeys, clock, issuers = googleIssuers, trustsEmail } = options;

  async function keyOf(header: JWTHeaderParameters, token: FlattenedJWSInput) {
    if (typeof header.kid !== "string") throw new errors.JWSInvalid();
    return (await issuerKeys(header.kid))(header, token);
  }

  return {
    async verify(idToken, nonce) {
      if (!looksLikeJwt(idToken)) return undefined;
      try {
        const { payload } = await jwtVerify(idToken, keyOf, {
          algorithms: ["RS256", "ES256"],
          issuer: [...issuers],
          audience: [...clientIds],
          requiredClaims: ["sub", "email", "exp", "iat"],
          maxTokenAge: MAX_AGE_SECONDS,
          clockTolerance: TOLERANCE_SECONDS,
          currentDate: new Date(clock.now()),
        });
        if (nonce !== undefined && payload.nonce !== nonce) return undefined;
        return isForUs(payload, clientIds) ? identified(payload, trustsEmail) : undefined;
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}

/** A token for several audiences was made for its authorized party. A lone audience is checked with the signature. */
function isForUs({ aud, azp }: JWTPayload, clientIds: readonly string[]): boolean {
  const isForSeveral = Array.isArray(aud) && aud.length > 1;
  return !isForSeveral || (typeof azp === "string" && clientIds.includes(azp));
}

function identified(payload: JWTPayload, trustsEmail: boolean): Identified | undefined {
  const { iss, sub, email, email_verified, name, hd } = payload;
  if (!isText(iss) || !isText(sub) || !isText(email) || email_verified !== true) return undefined;
  if ([iss, sub, email, name, hd].some(isDamaged) || sub.length > MAX_SUBJECT_LENGTH) return undefined;
  if (email.length > MAX_EMAIL_LENGTH) return undefined;
  const isGoogle = googleIssuers.includes(iss);
  return {
    issuer: isGoogle ? GOOGLE : iss,
    subject: sub,
    email,
    name: isText(name) ? withinLength(name, MAX_NAME_LENGTH) : email,
    ...(isText(hd) && { hostedDomain: hd }),
    isAuthoritative: isGoogle ? GOOGLE_MAILBOX.test(email) || isText(hd) : trustsEmail,
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** PostgreSQL does not keep NUL, and half a surrogate pair is no character. */
function isDamaged(value: unknown): boolean {
  return typeof value === "string" && (value.includes("\0") || !value.isWellFormed());
}

function withinLength(text: string, max: number): string {
  return text.slice(0, max).replace(/[\ud800-\udbff]$/, "");
}
