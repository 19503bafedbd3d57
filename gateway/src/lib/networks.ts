import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = readonly [Address, number];

/** Networks from CIDR texts, or the texts that are none. Mapped IPv4 networks must be written as IPv4. */
export function parseNetworks(texts: readonly string[]): { networks: Network[]; faults: string[] } {
  const networks: Network[] = [];
  const faults: string[] = [];
  for (const text of texts) {
    try {
      if (parsed(text.split("/", 1)[0]!) === undefined) throw new Error("not an address in full");
      const [address, bits] = ipaddr.parseCIDR(
        text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`,
      );
      if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()) throw new Error("mapped");
      networks.push([address, bits]);
    } catch {
      faults.push(text);
    }
  }
  return { networks, faults };
}

/** One spelling per network: `10.0.0.0/8`, the bits of hosts cleared. */
export function networkText([address, bits]: Network): string {
  const family = address instanceof ipaddr.IPv4 ? ipaddr.IPv4 : ipaddr.IPv6;
  return `${family.networkAddressFromCIDR(`${address}/${bits}`)}/${bits}`;
}

/**
 * The client's address: the socket's, unless that is a trusted proxy; then X-Forwarded-For is walked from the right
 * up to the first hop that is not trusted or not an address.
 */
export function clientAddress(
  socket: string,
  forwardedFor: string | undefined,
  trusted: readonly Network[],
): string {
  if (trusted.length === 0 || forwardedFor === undefined) return socket;
  let current = parsed(socket);
  if (current === undefined) return "unknown";
  const hops = forwardedFor.split(",");
  for (let hop = hops.pop(); hop !== undefined && isIn(current, trusted); hop = hops.pop()) {
    const next = parsed(withoutPort(hop.trim()));
    if (next === undefined) break;
    current = next;
  }
  return current.toString();
}

/** The address of a hop as a proxy wrote it, with a port or without; what is no address stays as it is. */
export function addressText(hop: string): string {
  return parsed(withoutPort(hop.trim()))?.toString() ?? hop;
}

/** Is the address, as `clientAddress` gives it, in one of the networks? */
export function isWithin(address: string, networks: readonly Network[]): boolean {
  const known = parsed(address);
  return known !== undefined && isIn(known, networks);
}

const NAT64_PREFIX = ipaddr.parse("64:ff9b::");
const IPV6_BUCKET_BITS = 64;

/** What shares one limit: an IPv4 address, however it is written, or an IPv6 /64. */
export function addressBucket(address: string): string {
  const known = parsed(address);
  if (known === undefined) return "unknown";
  if (known instanceof ipaddr.IPv4) return known.toString();
  if (known.match(NAT64_PREFIX, 96)) return new ipaddr.IPv4(known.toByteArray().slice(12)).toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${known}/${IPV6_BUCKET_BITS}`)}/${IPV6_BUCKET_BITS}`;
}

/** Mapped IPv4 addresses count as what they are. */
function parsed(text: string): Address | undefined {
  const bare = text.split("%", 1)[0]!;
  const isIPv4 = ipaddr.IPv4.isValidFourPartDecimal(bare);
  return isIPv4 || ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare) : undefined;
}

function withoutPort(hop: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1];
  if (bracketed !== undefined) return bracketed;
  return /^(\d+\.\d+\.\d+\.\d+)(?::\d+)?$/.exec(hop)?.[1] ?? hop;
}

function isIn(address: Address, networks: readonly Network[]): boolean {
  return networks.some(
    ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
  );
}
