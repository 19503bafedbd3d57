import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { isWithin, type Network } from "./networks.ts";

/**
 * Which URLs may be reached, of those that people gave us. The network around this process is not theirs: only public
 * addresses are reached, by https on the usual ports; what the operator allows, by http and on any port too.
 */
export type Reach = {
  /** What the text of a URL shows to be wrong with it; a name's addresses show only when it is connected to. */
  faultOf(url: string): string | undefined;
  /** For connections to a URL that has no fault: finds the addresses of its name, and fails unless all may be reached. */
  lookupFor(url: string): LookupFunction;
};

export type ReachRules = {
  /** OUTBOUND_ALLOW_CIDRS */
  readonly allowed: readonly Network[];
  /** The names' addresses; those that are vetted are those that are connected to. */
  readonly resolve?: typeof lookup;
};

export class OutboundRefused extends Error {
  override readonly name = "OutboundRefused";
}

const PORTS = ["", "443", "8443"];

export function reach({ allowed, resolve = lookup }: ReachRules): Reach {
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
    lookupFor(text) {
      const url = new URL(text);
      return vetted(resolve, (address) => reachFault(address, url));
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
