import type { FastifyReply } from "fastify";
import type { Answer } from "../calls/call.ts";

/** The HTTP response as the place where a call's answer goes. Headers set on the reply so far are sent with it. */
export function httpAnswer(reply: FastifyReply): Answer {
  const response = reply.raw;
  const { socket } = reply.request.raw;
  return {
    isOpen: () => !response.destroyed && !socket.destroyed,
    begin(status, headers) {
      reply.hijack();
      response.writeHead(status, { ...(reply.getHeaders() as Record<string, string>), ...headers });
    },
    write: (bytes) => response.write(bytes),
    end: (bytes) => void response.end(bytes),
    abandon() {
      reply.hijack();
      response.destroy();
    },
    onDrain: (listener) => void response.on("drain", listener),
    onGone(listener) {
      const left = (): void => {
        socket.off("close", left);
        if (!response.writableFinished) listener();
      };
      response.once("close", left);
      // A pipelined response that waits for its turn has no socket yet, and never hears of its end.
      socket.once("close", left);
    },
  };
}
