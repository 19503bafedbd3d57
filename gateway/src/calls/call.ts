import type { Principal } from "../identity/principal.ts";
import type { Ticket } from "../limits/ticket.ts";
import type { AiRequest } from "./request.ts";
import type { Route } from "./route.ts";

/** One AI request on its way to a provider, whatever format it came in. */
export type Call = {
  /** UUIDv7: reservation and ledger row have the same id, so every step can be repeated. */
  readonly id: string;
  readonly correlationId: string;
  readonly principal: Principal;
  /** Who pays besides the user; undefined: nobody. */
  readonly projectId: number | undefined;
  readonly operation: string;
  /** As the ledger says it. */
  readonly endpointClass: string;
  readonly request: AiRequest;
  readonly route: Route;
  /** The client's own; a provider takes of them what it knows. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the call's limits took. */
  readonly ticket: Ticket;
};

/** Where the answer to a call goes: an HTTP response, or whatever an app or a job reads from. */
export type Answer = {
  /** False once the reader has left. */
  isOpen(): boolean;
  begin(status: number, headers: Readonly<Record<string, string>>): void;
  /** False: the reader is slower than the provider; wait for `onDrain`. */
  write(bytes: Buffer): boolean;
  end(bytes: Buffer): void;
  /** Breaks an answer that nobody takes any more. */
  abandon(): void;
  onDrain(listener: () => void): void;
  /** The reader left before the end. A listener is called at most once. */
  onGone(listener: () => void): void;
};
