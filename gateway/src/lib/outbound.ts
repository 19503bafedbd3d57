import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { type Clock, within } from "./clock.ts";
import { openOrigin } from "./fetch.ts";
import { isWithin, type Network } from "./networks.ts";

/**
 * The way to URLs that people gave us. The network around this process is not theirs: only public addresses are
 * reached, by https on the usual ports; what the operator allows, by http and on any port too.
 */
export type Outbound = {
  /** What the text of a URL shows to be wrong with it; a name's addresses show only when it is connected to. */
  faultOf(url: string): string | undefined;
  /**
   * Posts and answers the status; the rest of the answer stays here. Redirects are not followed. Rejects if the URL
   * or one of the addresses behind it is not allowed, or nothing has answered in time.
   */
  post(url: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<number>;
};

export class OutboundRefused extends Error {
  override readonly name = "OutboundRefused";
}

const LONGEST_MS = 5_000;
const LONGEST_ANSWER_BYTES = 65_536;
const PORTS = ["", "443", "8443"];

export function outbound(deps: {
  readonly clock: Clock;
  /** OUTBOUND_ALLOW_CIDRS */
  readonly allowed: readonly Network[];
  /** The names' addresses; those that are vetted are those that are connected to. */
  readonly resolve?: typeof lookup;
}): Outbound {
  const { clock, allowed, resolve = lookup } = deps;

  function reachFault(address: string, { protocol, port }: URL): string | undefined {
    if (isWithin(address, allowed)) return undefined;
    if (protocol !== "https:")
      return "must begin with https://, unless its address is in OUTBOUND_ALLOW_CIDRS";
    if (!PORTS.includes(port))
      return "must use port 443 or 8443, unless its address is in OUTBOUND_ALLOW_CIDRS";
    return isPublic(address) ? undefined : "must not lead into a private network (see OUTBOUND_ALLOW_CIDRS)";
  }

  function faultOf(text: string): string | undefined {
    if (!URL.canParse(text)) return "must be a URL";
    const url = new URL(text);
    if (url.protocol !== "https:" && url.protocol !== "http:") return "must begin with https://";
    if (url.username !== "" || url.password !== "") return "must not hold credentials";
    if (url.hash !== "") return "must not hold a fragment";
    const address = literalIn(url);
    if (address !== undefined) return reachFault(address, url);
    const mayBeAllowed = allowed.length > 0;
    return mayBeAllowed ? undefined : reachFault(PUBLIC_EXAMPLE, url);
  }

  return {
    faultOf,
    post(text, headers, body) {
      const fault = faultOf(text);
      if (fault !== undefined) return Promise.reject(new OutboundRefused(`the URL ${fault}`));
      const url = new URL(text);
      const origin = openOrigin(url.origin, {
        connectTimeoutMs: LONGEST_MS,
        headersTimeoutMs: LONGEST_MS,
        bodyTimeoutMs: LONGEST_MS,
        lookup: vetted(resolve, (address) => reachFault(address, url)),
      });
      const { promise, resolve: answer, reject } = Promise.withResolvers<number>();
      let status = 0;
      let bytes = 0;
      origin.send(
        { method: "POST", path: url.pathname + url.search, headers, body },
        {
          head: (answered) => {
            status = answered;
          },
          chunk: (chunk) => {
            bytes += chunk.length;
            if (bytes > LONGEST_ANSWER_BYTES) answer(status);
          },
          end: () => answer(status),
          fail: ({ kind, cause }) =>
            status === 0 ? reject(new Error(`no answer (${kind})`, { cause })) : answer(status),
        },
      );
      const late = () => new Error(`no answer within ${LONGEST_MS} ms`);
      return within(clock, LONGEST_MS, promise, late).finally(() => origin.close());
    },
  };
}

const PUBLIC_EXAMPLE = "1.1.1.1";
const GLOBAL_UNICAST = ipaddr.parseCIDR("2000::/3");
const DOCUMENTATION = ipaddr.parseCIDR("2001:db8::/32");

/** Does the address, as sockets show it, belong to the public internet? Mapped IPv4 addresses count as what they are. */
export function isPublic(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  if (address.range() !== "unicast") return false;
  return address.kind() === "ipv4" || (address.match(GLOBAL_UNICAST) && !address.match(DOCUMENTATION));
}

/** The address in a URL that names no host: `URL` has brought every spelling into one form. */
function literalIn({ hostname }: URL): string | undefined {
  const bare = hostname.replace(/^\[|\]$/g, "");
  return ipaddr.isValid(bare) ? bare : undefined;
}

/** Looks a name up, and fails unless all its addresses may be reached. It is not asked for addresses. */
function vetted(resolve: typeof lookup, faultOf: (address: string) => string | undefined): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const fault = addresses.map(({ address }) => faultOf(address)).find((each) => each !== undefined);
      const [first] = addresses;
      if (first === undefined || fault !== undefined) {
        return callback(new OutboundRefused(`the URL ${fault ?? "has no address"}`), []);
      }
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
