import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressBucket, clientAddress, networkText, parseNetworks } from "./networks.ts";

const { networks: trusted } = parseNetworks(["10.0.0.0/8", "fd00::/8", "192.0.2.1"]);

test("the client is the first hop from the right that is not one of our proxies", () => {
  for (const [socket, forwardedFor, client] of [
    ["203.0.113.9", undefined, "203.0.113.9"],
    ["203.0.113.9", "1.1.1.1", "203.0.113.9"],
    ["10.0.0.1", undefined, "10.0.0.1"],
    ["10.0.0.1", "198.51.100.7", "198.51.100.7"],
    ["::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"],
    ["10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"],
    ["fd00::1", "2001:db8::5", "2001:db8::5"],
    ["192.0.2.1", "198.51.100.7", "198.51.100.7"],
    ["192.0.2.2", "198.51.100.7", "192.0.2.2"],
    ["10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"],
    ["fe80::1%eth0", "198.51.100.7", "fe80::1"],
    ["", "198.51.100.7", "unknown"],
  ] as const) {
    assert.equal(clientAddress(socket, forwardedFor, trusted), client, `${socket} for ${forwardedFor}`);
  }
});

test("an address is the same with a port, in brackets, with a zone, mapped or padded", () => {
  for (const [hop, client] of [
    ["9.9.9.9:1234", "9.9.9.9"],
    ["[2001:db8::5]:443", "2001:db8::5"],
    ["[2001:db8::5]", "2001:db8::5"],
    ["fe80::2%eth0", "fe80::2"],
    ["::ffff:9.9.9.9", "9.9.9.9"],
    ["  9.9.9.9\t", "9.9.9.9"],
  ] as const) {
    assert.equal(clientAddress("10.0.0.1", hop, trusted), client, hop);
  }
});

test("what is no address ends the walk at the last good hop", () => {
  for (const junk of [
    "garbage",
    "unknown",
    "",
    "_hidden",
    "9.9.9",
    "0x9.9.9.9",
    "9.9.9.9:x",
    "[::1",
    "256.1.1.1",
  ]) {
    assert.equal(clientAddress("10.0.0.1", `1.1.1.1, ${junk}, 10.0.0.2`, trusted), "10.0.0.2", junk);
  }
});

test("nothing that a client writes to the left of its own address changes who it is", () => {
  const lie = fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), { maxLength: 5 });
  fc.assert(
    fc.property(lie, (lies) => {
      const header = [...lies, "198.51.100.7", "10.9.9.9"].join(",");
      assert.equal(clientAddress("10.0.0.1", header, trusted), "198.51.100.7");
    }),
  );
});

test("an IPv4 address is one bucket however it is written, an IPv6 /64 is one", () => {
  for (const [address, bucket] of [
    ["9.9.9.9", "9.9.9.9"],
    ["::ffff:9.9.9.9", "9.9.9.9"],
    ["::ffff:909:909", "9.9.9.9"],
    ["64:ff9b::9.9.9.9", "9.9.9.9"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["2001:db8:1:3::1", "2001:db8:1:3::/64"],
    ["fe80::1%eth0", "fe80::/64"],
    ["unknown", "unknown"],
    ["/run/socket", "unknown"],
    ["", "unknown"],
    ["9.9.9", "unknown"],
  ] as const) {
    assert.equal(addressBucket(address), bucket, address);
  }
});

test("every IPv4 address has a bucket of its own, mapped or not", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), (a, b) => {
      assert.equal(addressBucket(`::ffff:${a}`), addressBucket(a));
      assert.equal(addressBucket(a) === addressBucket(b), a === b);
    }),
  );
});

test("only networks written in full are trusted; everything else is named", () => {
  const good = ["10.0.0.0/8", "10.1.2.3", "fd00::/8", "::1", "::/0", "0.0.0.0/0"];
  const bad = [
    "",
    "1",
    "true",
    "10/8",
    "10.1/16",
    "010.0.0.0/8",
    "0x0a.0.0.0/8",
    "10.0.0.0/33",
    "10.0.0.0/",
    "::1/129",
    "::ffff:10.0.0.0/104",
    "::ffff:0:0/90",
    "loopback",
  ];
  const { networks, faults } = parseNetworks([...good, ...bad]);
  assert.equal(networks.length, good.length);
  assert.deepEqual(faults, bad);
});

test("a network has one spelling: its bits said, those of hosts cleared", () => {
  for (const [text, spelled] of [
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["192.0.2.1", "192.0.2.1/32"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["2001:0DB8:0::5/32", "2001:db8::/32"],
    ["::1", "::1/128"],
  ] as const) {
    assert.deepEqual(parseNetworks([text]).networks.map(networkText), [spelled]);
    assert.deepEqual(parseNetworks([spelled]).networks.map(networkText), [spelled]);
  }
});
