import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { admit, enter, type Visitor } from "../calls/enter.ts";
import { errorBody } from "../calls/envelope.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Access, Endpoint } from "./endpoint.ts";
import { addressOf, type LetInDeps } from "./let-in.ts";
import { asTollgateError, noteRefusal } from "./refusals.ts";
import { noteSign } from "./signs.ts";
import { finishTrace, type TraceDeps } from "./trace.ts";

/** What is used of a WebSocket of the package ws. */
export type Socket = {
  /** Bytes that were sent and have not left. */
  readonly bufferedAmount: number;
  send(text: string): void;
  ping(): void;
  close(code: number, reason: string): void;
  /** Without a goodbye. */
  terminate(): void;
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: "pong" | "close", listener: () => void): unknown;
};

export type SocketDeps = LetInDeps & TraceDeps;

/** Why a socket was closed (RFC 6455). A refusal is 4000 and the HTTP status that it would have had. */
export const closeCodes = { stopping: 1001, unexpected: 1008, slow: 4408, refused: 4000 } as const;

const LONGEST_MESSAGE_BYTES = 8_192;
const FIRST_MESSAGE_MS = 5_000;
const GOODBYE_MS = 1_000;
/** Sockets that have not said yet whose they are: in all, and of one address. */
const MOST_UNNAMED = 200;
const MOST_UNNAMED_OF_ADDRESS = 20;

/** For the plugin that upgrades. */
export function socketOptions({ clock }: { readonly clock: Clock }) {
  return {
    options: { maxPayload: LONGEST_MESSAGE_BYTES },
    /** The socket closes by itself, and says why. */
    errorHandler: (_error: Error, socket: Socket) => void clock.after(GOODBYE_MS, () => socket.terminate()),
    preClose(this: { readonly websocketServer: { readonly clients: Iterable<Socket> } }, done: () => void) {
      for (const socket of this.websocketServer.clients) closeSocket(clock, socket, closeCodes.stopping, "");
      done();
    },
  };
}

/** Says goodbye, and does not wait for long until the other side does. */
export function closeSocket(clock: Clock, socket: Socket, code: number, reason: string): void {
  const cancel = clock.after(GOODBYE_MS, () => socket.terminate());
  socket.on("close", cancel);
  socket.close(code, reason);
}

/** Whoever was not let in by its headers has five seconds to say who it is; then the endpoint takes the socket. */
export function socketHandler(deps: SocketDeps, endpoint: Endpoint) {
  const unnamed = new Map<Socket, string>();

  async function letInLater(socket: Socket, request: FastifyRequest): Promise<Visitor> {
    const address = addressOf(deps, request);
    const ofAddress = [...unnamed.values()].filter((other) => other === address).length;
    if (unnamed.size >= MOST_UNNAMED || ofAddress >= MOST_UNNAMED_OF_ADDRESS) {
      throw new TollgateError("OVERLOADED", { retryAfterMs: FIRST_MESSAGE_MS });
    }
    unnamed.set(socket, address);
    socket.on("close", () => unnamed.delete(socket));
    const token = tokenIn(await firstMessage(deps.clock, socket));
    const gate = endpoint.access as Extract<Access, { credential: "caller" }>;
    const visitor = await enter(deps, { rawHeaders: ["authorization", `Bearer ${token}`], address }, gate);
    request.tollgateTrace.visitor = visitor;
    const admitted = await admit(deps, visitor, gate, undefined, () => {});
    unnamed.delete(socket);
    return admitted.visitor;
  }

  return (socket: Socket, request: FastifyRequest): void => {
    const { tollgateTrace: trace } = request;
    let status = 101;
    let isOpen = true;
    socket.on("close", () => {
      isOpen = false;
      finishTrace(deps, request, status);
      noteSign(deps, request);
    });
    const entering =
      trace.visitor === undefined ? letInLater(socket, request) : Promise.resolve(trace.visitor);
    entering
      .then((visitor) => {
        if (isOpen) endpoint.socket!(socket, visitor, request);
      })
      .catch((thrown: unknown) => {
        const error = asTollgateError(thrown);
        status = error.status;
        noteRefusal(trace, error);
        socket.send(errorBody(error, trace.correlationId));
        closeSocket(deps.clock, socket, closeCodes.refused + error.status, error.code);
      });
  };
}

/** Rejects with AUTH_REQUIRED if there is none in time; with a binary one it is not well formed. */
function firstMessage(clock: Clock, socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(FIRST_MESSAGE_MS, () => reject(new TollgateError("AUTH_REQUIRED")));
    socket.on("close", cancel);
    socket.on("message", (data, isBinary) => {
      cancel();
      resolve(isBinary ? "" : data.toString());
    });
  });
}

const message = z.strictObject({ type: z.literal("auth"), token: z.string().min(1).max(4096) });

function tokenIn(text: string): string {
  const parsed = message.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data.token;
  const faults = [{ path: "", message: 'must be {"type":"auth","token":"…"} first, and nothing after it' }];
  throw new TollgateError("VALIDATION_FAILED", { faults });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
