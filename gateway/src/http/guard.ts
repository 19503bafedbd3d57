import type { IncomingMessage } from "node:http";
import type { ErrorCode } from "../lib/errors.ts";

const MAX_URL_BYTES = 8192;
const HOST = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

export type RequestLine = {
  readonly httpVersion: string;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
};

/**
 * What is wrong with a request before any route is looked for: requests that node:http lets through although two
 * readers could understand them differently (RFC 9112 section 3.2). Undefined: nothing.
 */
export function requestFault({
  httpVersion,
  method,
  url = "",
  rawHeaders,
}: RequestLine): ErrorCode | undefined {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return "BAD_REQUEST";
  if (!url.startsWith("/") && !(method === "OPTIONS" && url === "*")) return "BAD_REQUEST";
  if (url.length > MAX_URL_BYTES) return "URI_TOO_LONG";
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length === 4 && name.toLowerCase() === "host") {
      hosts += 1;
      if (!HOST.test(rawHeaders[index + 1]!)) return "BAD_REQUEST";
    } else if (name.length === 16 && name.toLowerCase() === "content-encoding") {
      if (rawHeaders[index + 1]!.toLowerCase() !== "identity") return "UNSUPPORTED_MEDIA_TYPE";
    }
  }
  return hosts > 1 || (hosts === 0 && httpVersion === "1.1") ? "BAD_REQUEST" : undefined;
}

/** Asks for a WebSocket (RFC 6455 section 4.2.1). */
export function isSocketRequest({ method, headers }: IncomingMessage): boolean {
  return (
    method === "GET" &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    headers["sec-websocket-version"] === "13" &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers["sec-websocket-key"] ?? "")
  );
}
