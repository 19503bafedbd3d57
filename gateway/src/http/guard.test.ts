import assert from "node:assert/strict";
import { test } from "node:test";
import { type RequestLine, requestFault } from "./guard.ts";

const usual: RequestLine = {
  httpVersion: "1.1",
  method: "GET",
  url: "/healthz",
  rawHeaders: ["Host", "localhost:8080"],
};

test("requests that every reader understands alike pass", () => {
  for (const request of [
    {},
    { method: "OPTIONS", url: "*" },
    { url: "//two-slashes?x=http://other/" },
    { httpVersion: "1.0", rawHeaders: [] },
    { rawHeaders: ["HOST", "[::1]:8080"] },
    { rawHeaders: ["Host", "gateway_1.example-x.org"] },
    { rawHeaders: ["Host", "localhost", "Content-Encoding", "Identity"] },
    { url: `/${"x".repeat(8191)}` },
  ] satisfies Partial<RequestLine>[]) {
    assert.equal(requestFault({ ...usual, ...request }), undefined, JSON.stringify(request).slice(0, 80));
  }
});

test("requests that two readers could understand differently are refused before any route", () => {
  for (const [request, fault] of [
    [{ url: "http://other/healthz" }, "BAD_REQUEST"],
    [{ url: "other:443", method: "CONNECT" }, "BAD_REQUEST"],
    [{ url: "*" }, "BAD_REQUEST"],
    [{ url: "" }, "BAD_REQUEST"],
    [{ url: undefined }, "BAD_REQUEST"],
    [{ url: `/${"x".repeat(8192)}` }, "URI_TOO_LONG"],
    [{ httpVersion: "2.0" }, "BAD_REQUEST"],
    [{ httpVersion: "0.9" }, "BAD_REQUEST"],
    [{ rawHeaders: [] }, "BAD_REQUEST"],
    [{ rawHeaders: ["Host", ""] }, "BAD_REQUEST"],
    [{ rawHeaders: ["Host", "a", "host", "a"] }, "BAD_REQUEST"],
    [{ httpVersion: "1.0", rawHeaders: ["Host", "a", "Host", "b"] }, "BAD_REQUEST"],
    [{ rawHeaders: ["Host", "a/b"] }, "BAD_REQUEST"],
    [{ rawHeaders: ["Host", "user@a"] }, "BAD_REQUEST"],
    [{ rawHeaders: ["Host", "a b"] }, "BAD_REQUEST"],
    [{ rawHeaders: ["Host", "a:port"] }, "BAD_REQUEST"],
    [{ rawHeaders: ["Host", "a,b"] }, "BAD_REQUEST"],
    [{ rawHeaders: ["Host", "a", "Content-Encoding", "gzip"] }, "UNSUPPORTED_MEDIA_TYPE"],
    [{ rawHeaders: ["Host", "a", "content-encoding", "identity, gzip"] }, "UNSUPPORTED_MEDIA_TYPE"],
  ] as const satisfies (readonly [Partial<RequestLine>, string])[]) {
    assert.equal(requestFault({ ...usual, ...request }), fault, JSON.stringify(request).slice(0, 80));
  }
});
