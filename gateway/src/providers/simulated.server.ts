import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { Provider } from "./provider.ts";
import { type SimulatedCall, simulated } from "./simulated.ts";

export type SimulatedServer = {
  /** As OpenAI's client takes it: `http://127.0.0.1:4010/v1`. */
  readonly baseUrl: string;
  /** As Anthropic's client takes it: `http://127.0.0.1:4010`. */
  readonly origin: string;
  /** Connections that are open now. */
  connections(): Promise<number>;
  /** Breaks what is in flight. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type SimulatedServerOptions = {
  /** 0 or nothing: any free port. */
  readonly port?: number;
  readonly host?: string;
  readonly clock?: Clock;
  readonly log?: (call: SimulatedCall) => void;
};

/** The simulated provider behind a real HTTP server. Takes any API key. */
export async function startSimulatedServer(options: SimulatedServerOptions = {}): Promise<SimulatedServer> {
  const { port = 0, host = "127.0.0.1", clock = systemClock, log } = options;
  const provider = simulated(log === undefined ? { clock } : { clock, log });
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    if (request.method === "GET" && path === "/v1/models") answerModels(provider, response);
    else answerCall(provider, pathBelow(path), request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    await provider.close();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  const origin = `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
  return {
    baseUrl: `${origin}/v1`,
    origin,
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Below the base URL of the client that asks there: only Anthropic's begins with the version. */
function pathBelow(path: string): string {
  return path.startsWith("/v1/messages") ? path : path.replace(/^\/v1(?=\/)/, "");
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;

function answerCall(
  provider: Provider,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const parts: Buffer[] = [];
  let length = 0;
  request.on("data", (part: Buffer) => {
    parts.push(part);
    length += part.length;
    if (length > MAX_BODY_BYTES) request.destroy();
  });
  request.on("end", () => {
    const exchange = provider.send(
      { path, body: Buffer.concat(parts), headers: request.headers as Record<string, string> },
      {
        head: (status, headers) => response.writeHead(status, headers).flushHeaders(),
        chunk(bytes) {
          if (!response.write(bytes)) exchange.pause();
        },
        end: () => response.end(),
        fail: () => response.destroy(),
      },
    );
    response.on("drain", () => exchange.resume());
    response.on("close", () => exchange.abort());
  });
}

function answerModels(provider: Provider, response: ServerResponse): void {
  const data = provider.models.map((id) => ({ id, object: "model", created: 0, owned_by: provider.name }));
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ object: "list", data }));
}
