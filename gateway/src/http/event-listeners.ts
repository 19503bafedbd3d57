import type { FastifyReply } from "fastify";
import type { EndReason, Listener } from "../calls/live.listener.ts";
import type { Clock } from "../lib/clock.ts";
import { closeCodes, closeSocket, type Socket } from "./sockets.ts";

/** Proxies close what is silent for longer. */
const KEEP_ALIVE_MS = 25_000;
const RETRY_MS = 2_000;
const GOODBYE_MS = 1_000;

/** Events as messages of a socket. Whoever does not answer a ping by the next one is gone. */
export function socketListener(clock: Clock, socket: Socket): Listener {
  let answered = true;
  const stop = clock.every(KEEP_ALIVE_MS, () => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  });
  socket.on("pong", () => {
    answered = true;
  });
  socket.on("close", stop);
  socket.on("message", () => closeSocket(clock, socket, closeCodes.unexpected, "nothing is expected"));
  return {
    tell: ({ text }) => socket.send(text),
    waitingBytes: () => socket.bufferedAmount,
    end: (reason) => closeSocket(clock, socket, codeOf(reason), textOf(reason)),
  };
}

/** Events as a stream of server-sent ones; `onGone` is called once when nobody reads it any more. */
export function streamListener(
  clock: Clock,
  reply: FastifyReply,
): Listener & { begin(onGone: () => void): void } {
  const response = reply.raw;
  const { socket } = reply.request.raw;
  return {
    begin(onGone) {
      reply.hijack();
      response.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      response.write(`retry: ${RETRY_MS}\n\n`);
      const stopKeeping = clock.every(KEEP_ALIVE_MS, () => response.write(": keep-alive\n\n"));
      const gone = (): void => {
        response.off("close", gone);
        socket.off("close", gone);
        stopKeeping();
        onGone();
      };
      response.once("close", gone);
      // A pipelined response that waits for its turn has no socket yet, and never hears of its end.
      socket.once("close", gone);
    },
    tell: ({ id, text }) => void response.write(`${id === undefined ? "" : `id: ${id}\n`}data: ${text}\n\n`),
    waitingBytes: () => response.writableLength,
    end(reason) {
      response.end(`: ${textOf(reason)}\n\n`);
      const cancel = clock.after(GOODBYE_MS, () => response.destroy());
      response.once("close", cancel);
    },
  };
}

function codeOf(reason: EndReason): number {
  return typeof reason === "string" ? closeCodes[reason] : closeCodes.refused + reason.status;
}

function textOf(reason: EndReason): string {
  return typeof reason === "string" ? `${reason}: connect again with the last id` : reason.code;
}
