import type { Scope } from "../access/permissions.ts";
import type { EndpointClass } from "../limits/applicable.ts";
import type { Surface } from "../limits/headers.ts";

/** What a route of an app says of itself to be governed: `config: { tollgate: { … } }`. */
export type DeclaredRoute = {
  /** Which limits it meets; `manage` is all that asks no model. */
  readonly class: EndpointClass;
  /** What a caller's credential must allow; `none`: whoever is identified. */
  readonly scope: Scope | "none";
  /** What its AI calls are called on the ledger; else the class. */
  readonly operation?: string;
  /** It may ask models: quotas count it, and what it took is given back if it fails before it has asked one. */
  readonly isAiCall?: boolean;
  /** Whose clients read its errors and limits; else ours. */
  readonly surface?: Surface;
  /** `Authorization` says which user asks, with no API key, and `X-API-Key` which app: a key of ours or a static one. */
  readonly appKey?: true;
  /** The credential is in `X-API-Key`; `Authorization` is the app's own, and not read. Else any of our headers. */
  readonly credential?: "x-api-key";
  /** Only for people who signed in. */
  readonly signedIn?: true;
  /** `header`: the caller may name the project that pays by X-Project-Id. Else only a key's own project pays. */
  readonly project?: "header";
};

declare module "fastify" {
  interface FastifyContextConfig {
    /** What governs the route, in an app that registers the plugin; `false`: nothing, on purpose. */
    tollgate?: DeclaredRoute | false;
  }
}
