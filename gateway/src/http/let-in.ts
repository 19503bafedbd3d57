import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import { type EnterDeps, enter } from "../calls/enter.ts";
import { presentedTokens } from "../identity/credentials.ts";
import { TollgateError } from "../lib/errors.ts";
import { addressText, clientAddress, type Network } from "../lib/networks.ts";
import type { Abuse } from "../limits/abuse.ts";
import type { Access } from "./endpoint.ts";

export type LetInDeps = EnterDeps & {
  readonly abuse: Abuse;
  /** `app`: the app of others that we govern has decided already whom it trusts. */
  readonly trustedProxies: readonly Network[] | "app";
  readonly corsOrigins: readonly string[];
  /** Does this token open the routes of that name? */
  readonly isInternal: (token: string) => boolean;
  readonly isOperator: (token: string) => boolean;
  readonly metricsArePublic: boolean;
};

/** Lets a request in by the credential that the matched route asks for, or throws; notes who the visitor is. */
export async function letIn(deps: LetInDeps, request: FastifyRequest): Promise<void> {
  const access = request.routeOptions.config.tollgateRow?.access;
  switch (access?.credential) {
    case "caller": {
      const address = addressOf(deps, request);
      if (isUpgrade(request)) {
        requireOrigin(deps.corsOrigins, request.raw.headers);
        if (saysLaterWhoItIs(request)) return deps.abuse.letAsk(address);
      }
      const rawHeaders = credentialsFor(access, request.raw);
      const arrival = { rawHeaders, address, device: deviceOf(request.raw) };
      request.tollgateTrace.visitor = await enter(deps, arrival, access);
      return;
    }
    case "internal":
      return demand(deps, deps.isInternal, request);
    case "operator":
      return demand(deps, deps.isOperator, request);
    case "metrics":
      if (deps.metricsArePublic || isFromHere(request)) return;
      return demand(deps, deps.isInternal, request);
    case "nobody":
      if (access.coolsDown === true) await deps.abuse.letAsk(addressOf(deps, request));
  }
}

/** To WebSocket, at a path that has one: node:http decided so. */
export function isUpgrade({ raw }: FastifyRequest): boolean {
  return (raw as { readonly upgrade?: boolean }).upgrade === true;
}

/** A page cannot send headers with an upgrade: its credential comes in the first message. */
export function saysLaterWhoItIs(request: FastifyRequest): boolean {
  return isUpgrade(request) && presentedTokens(request.raw.rawHeaders).token === undefined;
}

/** No browser asks before it upgrades: pages of other origins, but for the listed ones, are refused here. */
function requireOrigin(listed: readonly string[], { origin, host }: IncomingHttpHeaders): void {
  if (origin === undefined || listed.includes(origin)) return;
  if (URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()) return;
  throw new TollgateError("FORBIDDEN", undefined, {
    message: "CORS_ORIGINS does not list this page's origin.",
  });
}

/** Where Authorization is the app's own, none of it is read here. */
function credentialsFor(
  { ignoresAuthorization }: Extract<Access, { credential: "caller" }>,
  { rawHeaders }: IncomingMessage,
): readonly string[] {
  if (ignoresAuthorization !== true) return rawHeaders;
  const isOurs = (at: number): boolean => rawHeaders[at - (at % 2)]!.toLowerCase() !== "authorization";
  return rawHeaders.filter((_, at) => isOurs(at));
}

/** How the client names its device; what is no such name is none, for a device only ever narrows (reference, 5.2). */
function deviceOf({ headers }: IncomingMessage): string | undefined {
  const device = headers["x-device-id"];
  return typeof device === "string" && /^[A-Za-z0-9._:-]{1,128}$/.test(device) ? device : undefined;
}

/**
 * 401 without a credential or with an unknown one, 403 with one that is good for other things only. What opens these
 * routes is a bearer token: in a header for API keys it is an unknown key.
 */
async function demand(
  deps: LetInDeps,
  opens: (token: string) => boolean,
  request: FastifyRequest,
): Promise<void> {
  const { rawHeaders, headers } = request.raw;
  const { token } = presentedTokens(rawHeaders);
  if (token !== undefined && headers.authorization !== undefined && opens(token)) return;
  await deps.identifier.identify(token, () => deps.abuse.letLookUp(addressOf(deps, request)));
  throw new TollgateError("FORBIDDEN");
}

export function addressOf(
  { trustedProxies }: Pick<LetInDeps, "trustedProxies">,
  { raw, ip }: FastifyRequest,
): string {
  if (trustedProxies === "app") return addressText(ip ?? "");
  const forwardedFor = raw.headers["x-forwarded-for"];
  const hops = Array.isArray(forwardedFor) ? forwardedFor.join(",") : forwardedFor;
  return clientAddress(raw.socket.remoteAddress ?? "", hops, trustedProxies);
}

/** From this machine, and not through a proxy on it. */
function isFromHere({ raw }: FastifyRequest): boolean {
  const { "x-forwarded-for": forwardedFor, forwarded } = raw.headers;
  const isDirect = forwardedFor === undefined && forwarded === undefined;
  return isDirect && /^(127\.|::1$|::ffff:127\.)/.test(raw.socket.remoteAddress ?? "");
}
