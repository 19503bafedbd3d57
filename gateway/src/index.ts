export type { Scope } from "./access/permissions.ts";
export { SettingsError } from "./config/environment.ts";
export type { Usage } from "./costs/usage.ts";
export type { Readiness } from "./http/readiness.ts";
export type { KeyGrant, Principal, Role } from "./identity/principal.ts";
export { type ErrorCode, TollgateError } from "./lib/errors.ts";
export type { EndpointClass } from "./limits/applicable.ts";
export type { TollgateOptions } from "./plugin.options.ts";
export {
  type Ai,
  type AiAnswer,
  type AiEnd,
  type AiMessage,
  type AiPart,
  type AiQuestion,
  type GovernedRoute,
  type JsonSchema,
  type Tollgate,
  tollgate,
} from "./plugin.ts";
export type { Log } from "./telemetry/log.ts";
