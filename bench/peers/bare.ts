// The denominator: the least a Node proxy can do. No checks, no counters, no parsing; bytes in, bytes out.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Dispatcher, Pool } from "undici";

const [port, upstream] = process.argv.slice(2);
const pool = new Pool(upstream!, {
  connections: 1024,
  pipelining: 1,
  headersTimeout: 60_000,
  bodyTimeout: 60_000,
});

createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => forward(request, response, parts.length === 1 ? parts[0]! : Buffer.concat(parts)));
}).listen(Number(port), "127.0.0.1");

function forward(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  let upstreamCall: Dispatcher.DispatchController | undefined;
  response.on("drain", () => upstreamCall?.resume());
  response.on("close", () => {
    if (!response.writableFinished) upstreamCall?.abort(new Error("the client left"));
  });
  pool.dispatch(
    {
      method: "POST",
      path: request.url!,
      headers: {
        "content-type": request.headers["content-type"] ?? "application/json",
        authorization: request.headers.authorization ?? "",
      },
      body,
    },
    {
      onRequestStart(controller) {
        upstreamCall = controller;
        if (response.destroyed) controller.abort(new Error("the client left"));
      },
      onResponseStart(_controller, status, headers) {
        response.statusCode = status;
        for (const name of ["content-type", "content-length"]) {
          const value = headers[name];
          if (value !== undefined) response.setHeader(name, value);
        }
      },
      onResponseData(controller, chunk) {
        if (!response.write(chunk)) controller.pause();
      },
      onResponseEnd() {
        response.end();
      },
      onResponseError() {
        if (response.headersSent) response.destroy();
        else response.writeHead(502).end();
      },
    },
  );
}
