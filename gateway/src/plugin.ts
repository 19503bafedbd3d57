import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { environment } from "./config/environment.ts";
import type { Usage } from "./costs/usage.ts";
import type { DeclaredRoute } from "./http/declared-route.ts";
import { govern } from "./http/govern.ts";
import type { Readiness } from "./http/readiness.ts";
import type { Principal } from "./identity/principal.ts";
import { decorate, requireNames } from "./plugin.decorate.ts";
import { openEngineWith } from "./plugin.engine.ts";
import { readOptions, type TollgateOptions } from "./plugin.options.ts";

/** What a route says of itself to be governed: `config: { tollgate: { … } }`. */
export type GovernedRoute = DeclaredRoute;

export type AiMessage<Content = string> = {
  readonly role: "system" | "developer" | "user" | "assistant";
  readonly content: Content;
};

/** A part of a message as OpenAI's chat completions have it: `{ type: "text", text }`, `{ type: "image_url", image_url }`. */
export type AiPart = { readonly type: string; readonly [field: string]: unknown };

export type AiQuestion<T = unknown> = {
  readonly messages: readonly AiMessage<string | readonly AiPart[]>[];
  /** As callers write it; else `APP_MODEL`, else the usual model of the default provider. */
  readonly model?: string | undefined;
  /** Of the answer. */
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  /** What the answer is to be JSON of: a zod type, or a JSON Schema. */
  readonly schema?: z.ZodType<T> | JsonSchema | undefined;
  /** Leaves the call; the client's own leaving does so anyway. */
  readonly signal?: AbortSignal | undefined;
};

export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a call came to, once it is on the ledger. */
export type AiEnd = {
  /** UUIDv7 of its ledger row. */
  readonly callId: string;
  readonly provider: string;
  readonly model: string;
  /** Undefined: the provider reported nothing; the cost is then an estimate. */
  readonly usage: Usage | undefined;
  /** Exact decimal digits. */
  readonly costUsd: string;
};

export type AiAnswer<T = unknown> = AiEnd & {
  readonly text: string;
  /** With a schema: what the text says, if it is JSON that fits. */
  readonly json?: T | undefined;
};

/**
 * AI calls in the name of the request's caller: budgeted, metered, behind breakers and fallbacks. They throw
 * TollgateError as a client of the gateway meets it: BUDGET_EXCEEDED, PROVIDER_UNAVAILABLE and so on; VALIDATION_FAILED
 * for a question that cannot be asked; and an AbortError if the call was left.
 */
export type Ai = {
  generate<T = unknown>(question: AiQuestion<T>): Promise<AiAnswer<T>>;
  /** Text as it comes; its return value says what it came to. Whoever stops reading leaves the call. */
  stream(question: Omit<AiQuestion, "schema">): AsyncGenerator<string, AiEnd, void>;
  /** An answer that the app has kept is given again: a call on the ledger, which costs nothing. */
  repeat(kept: Pick<AiEnd, "model">): Promise<AiEnd>;
  /** Has a connection ready to whoever would be asked, at no cost. Throws what asking would throw by then. */
  warm(model?: string): Promise<void>;
};

/** What an app that registers the plugin can ask about it. */
export type Tollgate = {
  readonly readiness: () => Promise<Readiness>;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
};

declare module "fastify" {
  interface FastifyRequest {
    /** Who is calling. Throws on a route that is not governed. */
    readonly principal: Principal;
    /** Throws on a route that is not governed as one that asks models. */
    readonly ai: Ai;
  }
  interface FastifyInstance {
    readonly tollgate: Tollgate;
  }
}

/**
 * Governs the routes of a Fastify app that name `config.tollgate`, and leaves the others alone. Await its registration
 * before the routes. It opens what it needs by its settings, and closes it with the app. Throws SettingsError, and Error
 * for options that it does not know or names that the app has taken.
 */
export async function tollgate(app: FastifyInstance, options: TollgateOptions): Promise<void> {
  const { settings = environment, logger, ...host } = readOptions(options);
  requireNames(app);
  const engine = await openEngineWith(app, settings, logger);
  govern(app, { ...engine.governing, trustedProxies: "app" }, host);
  decorate(app, engine);
}

/** For the whole app that registers it, not for a part of its own. */
Object.assign(tollgate, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("plugin-meta")]: { name: "tollgate", fastify: "5.x" },
});
