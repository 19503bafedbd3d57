import type { CooldownDeps } from "../calls/cooldowns.ts";
import type { Endpoint } from "./endpoint.ts";
import { type AccountDeps, accountRoutes } from "./routes/accounts.ts";
import { type AiDeps, aiRoutes } from "./routes/ai.ts";
import { type AuditDeps, auditRoutes } from "./routes/audit.ts";
import { type BreakerDeps, breakerRoutes } from "./routes/breakers.ts";
import { budgetRoutes } from "./routes/budgets.ts";
import { type CommandRouteDeps, commandRoutes } from "./routes/commands.ts";
import { cooldownRoutes } from "./routes/cooldowns.ts";
import { type CostDeps, costRoutes } from "./routes/costs.ts";
import { type DecideDeps, decideRoutes } from "./routes/decide.ts";
import { type EventDeps, eventRoutes } from "./routes/events.ts";
import { type GoogleDeps, googleRoutes } from "./routes/google.ts";
import { type InternalDeps, internalRoutes } from "./routes/internal.ts";
import { type JobDeps, jobRoutes } from "./routes/jobs.ts";
import { type KeyDeps, keyRoutes } from "./routes/keys.ts";
import { type LimitDeps, limitRoutes } from "./routes/limits.ts";
import { type MemberDeps, memberRoutes } from "./routes/members.ts";
import { type ModelDeps, modelRoutes } from "./routes/models.ts";
import { type PlanDeps, planRoutes } from "./routes/plans.ts";
import { type PriceDeps, priceRoutes } from "./routes/prices.ts";
import { type ProjectDeps, projectRoutes } from "./routes/projects.ts";
import { type ProviderDeps, providerRoutes } from "./routes/providers.ts";
import { type RepriceDeps, repriceRoutes } from "./routes/reprice.ts";
import { type SessionDeps, sessionRoutes } from "./routes/sessions.ts";
import { type SetupDeps, setupRoutes } from "./routes/setup.ts";
import { type SuggestionDeps, suggestionRoutes } from "./routes/suggestions.ts";
import { type SystemDeps, systemRoutes } from "./routes/system.ts";
import { type TeamDeps, teamRoutes } from "./routes/teams.ts";
import { type UserDeps, userRoutes } from "./routes/users.ts";
import { type WebhookDeps, webhookRoutes } from "./routes/webhooks.ts";

export type EndpointDeps = CooldownDeps &
  BreakerDeps &
  ProviderDeps &
  AccountDeps &
  AuditDeps &
  WebhookDeps &
  EventDeps &
  GoogleDeps &
  SessionDeps &
  UserDeps &
  PlanDeps &
  PriceDeps &
  RepriceDeps &
  LimitDeps &
  KeyDeps &
  InternalDeps &
  TeamDeps &
  ProjectDeps &
  MemberDeps &
  JobDeps &
  AiDeps &
  ModelDeps &
  CostDeps &
  DecideDeps &
  SuggestionDeps &
  SetupDeps &
  SystemDeps &
  CommandRouteDeps;

/** The endpoint table: every route there is. A route that is not in it stops the start. */
export function endpointTable(deps: EndpointDeps): readonly Endpoint[] {
  return [
    ...aiRoutes(deps),
    ...decideRoutes(deps),
    ...modelRoutes(deps),
    ...cooldownRoutes(deps),
    ...providerRoutes(deps),
    ...breakerRoutes(deps),
    ...costRoutes(deps),
    ...priceRoutes(deps),
    ...repriceRoutes(deps),
    ...budgetRoutes(deps),
    ...suggestionRoutes(deps),
    ...accountRoutes(deps),
    ...googleRoutes(deps),
    ...sessionRoutes(deps),
    ...setupRoutes(deps),
    ...userRoutes(deps),
    ...planRoutes(deps),
    ...limitRoutes(deps),
    ...auditRoutes(deps),
    ...webhookRoutes(deps),
    ...eventRoutes(deps),
    ...teamRoutes(deps),
    ...projectRoutes(deps),
    ...memberRoutes(deps),
    ...jobRoutes(deps),
    ...keyRoutes(deps),
    ...internalRoutes(deps),
    ...systemRoutes(deps),
    ...commandRoutes(deps),
  ];
}
