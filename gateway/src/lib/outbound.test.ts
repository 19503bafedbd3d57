import assert from "node:assert/strict";
import type { LookupAddress, lookup } from "node:dns";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { systemClock, VirtualClock } from "./clock.ts";
import { rawServer } from "./fetch.testing.ts";
import { parseNetworks } from "./networks.ts";
import { outbound } from "./outbound.ts";
import { isPublic, OutboundRefused } from "./reach.ts";

const strict = outbound({ clock: new VirtualClock(), allowed: [] });
const loopback = parseNetworks(["127.0.0.0/8", "::1"]).networks;

/** A resolver whose only names are these. */
function names(known: Readonly<Record<string, readonly string[]>>): typeof lookup {
  const resolve = (
    name: string,
    _options: object,
    callback: (error: null, addresses: LookupAddress[]) => void,
  ) =>
    callback(
      null,
      (known[name] ?? []).map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  return resolve as unknown as typeof lookup;
}

const inside = [
  "127.0.0.1",
  "127.1",
  "2130706433",
  "0x7f000001",
  "0x7f.0.0.1",
  "0177.0.0.1",
  "017700000001",
  "127.0.0.1.",
  "127.255.255.254",
  "0.0.0.0",
  "0",
  "0.1.2.3",
  "10.0.0.1",
  "100.64.0.1",
  "100.127.255.255",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.1",
  "192.168.1.1",
  "198.18.0.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "[::]",
  "[::1]",
  "[::127.0.0.1]",
  "[::7f00:1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[::ffff:10.0.0.1]",
  "[::ffff:0:127.0.0.1]",
  "[64:ff9b::127.0.0.1]",
  "[64:ff9b:1::1]",
  "[2002:7f00:1::]",
  "[2001:0:53aa:64c:0:0:80ff:fffe]",
  "[2001:db8::1]",
  "[100::1]",
  "[fc00::1]",
  "[fd12:3456:789a::1]",
  "[fe80::1]",
  "[fec0::1]",
  "[ff02::1]",
];

for (const host of inside) {
  test(`https://${host}/ is refused, however it is spelled`, async () => {
    assert.match(strict.faultOf(`https://${host}/`) ?? "", /private network/);
    await assert.rejects(strict.post(`https://${host}/`, {}, Buffer.of()), OutboundRefused);
  });
}

test("a name that leads inside is refused when it is connected to, even if one of its addresses is public", async () => {
  for (const address of inside.filter((host) => /^(\d+\.\d+\.\d+\.\d+|\[.*\])$/.test(host))) {
    const bare = address.replace(/^\[|\]$/g, "");
    const resolve = names({ "evil.example": ["1.1.1.1", bare] });
    const guarded = outbound({ clock: systemClock, allowed: [], resolve });
    assert.equal(guarded.faultOf("https://evil.example/"), undefined);
    await assert.rejects(guarded.post("https://evil.example/", {}, Buffer.of()), (error: Error) => {
      assert.ok(error.cause instanceof OutboundRefused, address);
      return true;
    });
  }
});

test("the system's own name for this machine is refused", async () => {
  const guarded = outbound({ clock: systemClock, allowed: [] });
  await assert.rejects(guarded.post("https://localhost/", {}, Buffer.of()), (error: Error) => {
    return error.cause instanceof OutboundRefused;
  });
});

test("public addresses are public", () => {
  for (const address of ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"]) {
    assert.ok(isPublic(address), address);
    assert.equal(strict.faultOf(`https://${address.includes(":") ? `[${address}]` : address}/`), undefined);
  }
  assert.ok(!isPublic("example.com"));
});

test("only https on its usual ports, and nothing but a place, is a URL to post to", () => {
  for (const url of [
    "https://example.com/hook?token=1",
    "https://example.com:8443/",
    "https://example.com:443/",
  ])
    assert.equal(strict.faultOf(url), undefined, url);
  const wrong: Readonly<Record<string, RegExp>> = {
    "http://example.com/": /https/,
    "https://example.com:8080/": /443/,
    "https://example.com:22/": /443/,
    "https://user@example.com/": /credentials/,
    "https://:password@example.com/": /credentials/,
    "https://example.com/#part": /fragment/,
    "ftp://example.com/": /https/,
    "file:///etc/passwd": /https/,
    "gopher://example.com/": /https/,
    "javascript:alert(1)": /https/,
    "//example.com/": /URL/,
    "": /URL/,
  };
  for (const [url, message] of Object.entries(wrong)) assert.match(strict.faultOf(url) ?? "", message, url);
});

test("what the operator allows is reached by http and on any port, and nothing else is", async () => {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(request.url === "/hook?a=1" ? 204 : 404).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const resolve = names({
    "hooks.internal": ["127.0.0.1"],
    "other.internal": ["10.0.0.1"],
    "public.example": ["1.1.1.1"],
  });
  const guarded = outbound({ clock: systemClock, allowed: loopback, resolve });
  assert.equal(await guarded.post(`http://127.0.0.1:${port}/hook?a=1`, {}, Buffer.from("{}")), 204);
  assert.equal(await guarded.post(`http://hooks.internal:${port}/hook?a=1`, {}, Buffer.from("{}")), 204);
  for (const name of ["other.internal", "public.example"]) {
    await assert.rejects(guarded.post(`http://${name}:${port}/`, {}, Buffer.of()), (error: Error) => {
      return error.cause instanceof OutboundRefused;
    });
  }
  server.close();
});

test("a redirect is not followed", async () => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const guarded = outbound({ clock: systemClock, allowed: loopback });
  assert.equal(await guarded.post(`http://127.0.0.1:${port}/`, {}, Buffer.of()), 302);
  assert.equal(requests, 1);
  server.close();
});

test("of an endless answer no more than 64 KiB are read", async () => {
  let sent = 0;
  await using server = await rawServer((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(16_384))) sent += 16_384;
      };
      socket.on("drain", more);
      more();
    });
  });
  const guarded = outbound({ clock: systemClock, allowed: loopback });
  assert.equal(await guarded.post(server.url, {}, Buffer.of()), 200);
  assert.ok(sent < 16_000_000, `${sent} bytes were taken`);
});

test("a receiver that does not answer is given up after five seconds", async () => {
  const asked = Promise.withResolvers<void>();
  await using server = await rawServer((socket) => void socket.once("data", () => asked.resolve()));
  const clock = new VirtualClock();
  const posting = outbound({ clock, allowed: loopback }).post(server.url, {}, Buffer.of());
  await asked.promise;
  clock.advance(5_000);
  await assert.rejects(posting, /within 5000 ms/);
});
