import type { Principal } from "../identity/principal.ts";
import type { EndpointClass } from "../limits/applicable.ts";
import type { Ticket } from "../limits/ticket.ts";
import type { ChatRequest } from "./chat.ts";
import type { Target } from "./target.ts";

/** One AI request on its way to a provider, whatever dialect it came in. */
export type Call = {
  /** UUIDv7: reservation and ledger row have the same id, so every step can be repeated. */
  readonly id: string;
  readonly correlationId: string;
  readonly principal: Principal;
  /** Who pays besides the user; undefined: nobody. */
  readonly projectId: number | undefined;
  readonly operation: string;
  readonly endpointClass: EndpointClass;
  readonly request: ChatRequest;
  readonly target: Target;
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
  /** The reader left before the end. Called at most once. */
  onGone(listener: () => void): void;
};
