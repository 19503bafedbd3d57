import type { FastifyReply } from "fastify";
import type { Answer } from "../calls/call.ts";

/** The HTTP response as the place where a call's answer goes. Headers set on the reply so far are sent with it. */
export function httpAnswer(reply: FastifyReply): Answer {
  const response = reply.raw;
  return {
    isOpen: () => !response.destroyed,
    begin(status, headers) {
      reply.hijack();
      response.writeHead(status, { ...(reply.getHeaders() as Record<string, string>), ...headers });
    },
    write: (bytes) => response.write(bytes),
    end: (bytes) => void response.end(bytes),
    onDrain: (listener) => void response.on("drain", listener),
    onGone(listener) {
      response.once("close", () => {
        if (!response.writableFinished) listener();
      });
    },
  };
}
