// Generated from openapi.json: npm run docs

export type ApiKey = { readonly id: number; readonly prefix: string; readonly key_masked: string; readonly name: string; readonly description: string | null; readonly user_id: string; readonly project_id: number | null; readonly scopes: readonly (string)[]; readonly status: "active" | "rotating" | "expired" | "revoked"; readonly daily_quota: number | null; readonly plan: string | null; readonly daily_usage: number | null; readonly allowed_models: readonly (string)[] | null; readonly allowed_ips: readonly (string)[] | null; readonly created_at: string; readonly expires_at: string | null; readonly last_used_at: string | null; readonly revoked_at: string | null; readonly revoke_reason: string | null; readonly rotated_from: string | null; };

export type ApiKeyIntrospection = { readonly prefix: string; readonly key_masked: string; readonly status: "active" | "rotating" | "expired" | "revoked"; readonly scopes: readonly (string)[]; readonly daily_quota: number | null; readonly daily_usage: number | null; readonly expires_at: string | null; readonly last_used_at: string | null; readonly created_at: string; readonly rotated_from: string | null; readonly active: boolean; readonly usage_day: string; readonly reset_at: string; readonly owner: { readonly user_id: string; readonly project_id: number | null; }; readonly cooldown_until: string | null; };

export type AssistChatAnswer = { readonly reply: string; readonly citationsMetadata: { readonly fromCache: boolean; readonly citations: readonly ({ readonly itemId: string; readonly quote: string; })[]; }; readonly correlationId: string; };

export type AssistChatRequestInput = { readonly items: readonly ({ readonly itemId: string; readonly title: string; readonly description?: string | undefined; readonly attributes?: { readonly [name: string]: string | number | boolean | null; } | undefined; })[]; readonly message: string; readonly history?: readonly ({ readonly role: "user" | "assistant"; readonly content: string; })[] | undefined; };

export type AssistWarmupAnswer = { readonly ready: true; };

export type AssistWarmupRequestInput = { readonly items?: readonly ({ readonly itemId: string; readonly title: string; readonly description?: string | undefined; readonly attributes?: { readonly [name: string]: string | number | boolean | null; } | undefined; })[] | undefined; };

export type AuditEntry = { readonly seq: number; readonly id: string; readonly at: string; readonly action: string; readonly outcome: string; readonly reason: string | null; readonly actor: { readonly type: string; readonly id: string; readonly role?: string; readonly keyPrefix?: string; readonly sessionId?: string; }; readonly target: { readonly type: string; readonly id: string; }; readonly changes: { readonly [name: string]: readonly (unknown)[]; } | null; readonly request: { readonly correlationId: string; readonly method: string; readonly route: string; } | null; readonly personal: { readonly [name: string]: string; } | null; };

export type Breaker = { readonly provider: string; readonly state: "closed" | "open" | "half_open"; readonly failures: number; readonly opened_at: string | null; readonly retry_at: string | null; readonly probe_until: string | null; };

export type Budget = { readonly scope: "project" | "user" | "team" | "key"; readonly id: string; readonly period: "none" | "day" | "week" | "month"; readonly reset_at: string | null; readonly allocated: number; readonly allocated_usd: string; readonly actual_cost: number; readonly actual_cost_usd: string; readonly reserved: number; readonly reserved_usd: string; readonly remaining_budget: number; readonly remaining_budget_usd: string; readonly percentage_used: number; readonly status: "ok" | "warning" | "critical" | "exceeded"; };

export type ChatCompletionRequestInput = { readonly model: string; readonly stream?: boolean | null | undefined; readonly messages: readonly ({ readonly role: string; readonly [name: string]: unknown; })[]; readonly stream_options?: { readonly include_usage?: boolean | undefined; readonly [name: string]: unknown; } | null | undefined; readonly max_completion_tokens?: number | null | undefined; readonly max_tokens?: number | null | undefined; readonly n?: number | null | undefined; readonly [name: string]: unknown; };

export type Cooldown = { readonly kind: "key" | "user" | "address" | "guest"; readonly subject: string; readonly until: string; };

export type CostSuggestion = { readonly kind: "cheaper_model" | "caching" | "output"; readonly operation: string; readonly model: string; readonly suggested_model?: string; readonly saving: number; readonly saving_usd: string; readonly basis: { readonly period_days: number; readonly calls: number; readonly cost_usd: string; readonly [name: string]: unknown; }; };

export type CountTokensRequestInput = { readonly model: string; readonly messages: readonly ({ readonly role: string; readonly [name: string]: unknown; })[]; readonly [name: string]: unknown; };

export type DailyCosts = { readonly day: string; readonly timezone: "UTC"; readonly totals: { readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; readonly estimated_cost: number; readonly estimated_cost_usd: string; readonly estimated_share: number; readonly unpriced_share: number; }; readonly breakdown: readonly ({ readonly operation: string; readonly provider: string; readonly model: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; readonly estimated_cost: number; readonly estimated_cost_usd: string; readonly estimated_share: number; readonly unpriced_share: number; })[]; };

export type Decision = { readonly allowed: boolean; readonly status: number; readonly code: string | null; readonly estimated_cost: number | null; readonly estimated_cost_usd: string | null; readonly needed: number | null; readonly needed_usd: string | null; readonly reasons: readonly ({ readonly code: string; readonly message: string; readonly limit: string | null; readonly scope: string | null; readonly used: number | null; readonly remaining: number | null; readonly reset_at: string | null; })[]; readonly limits: readonly ({ readonly id: string; readonly shape: string; readonly scope: string; readonly limit: number; readonly window_seconds: number; readonly used: number | null; readonly remaining: number | null; readonly reset_at: string | null; readonly mode: "report" | "enforce"; })[]; readonly budgets: readonly (Budget)[]; };

export type EmbeddingRequestInput = { readonly model: string; readonly input: string | readonly (unknown)[]; readonly [name: string]: unknown; };

export type IssuedApiKey = { readonly id: number; readonly prefix: string; readonly key_masked: string; readonly name: string; readonly description: string | null; readonly user_id: string; readonly project_id: number | null; readonly scopes: readonly (string)[]; readonly status: "active" | "rotating" | "expired" | "revoked"; readonly daily_quota: number | null; readonly plan: string | null; readonly daily_usage: number | null; readonly allowed_models: readonly (string)[] | null; readonly allowed_ips: readonly (string)[] | null; readonly created_at: string; readonly expires_at: string | null; readonly last_used_at: string | null; readonly revoked_at: string | null; readonly revoke_reason: string | null; readonly rotated_from: string | null; readonly key: string; };

export type Job = { readonly id: number; readonly project_id: number; readonly type: string; readonly status: "pending" | "running" | "completed" | "retrying" | "dead_letter" | "blocked" | "cancelled"; readonly payload: { readonly [name: string]: unknown; }; readonly result: unknown; readonly retry_count: number; readonly max_retries: number; readonly failure_reason: string | null; readonly last_error: string | null; readonly next_retry_at: string | null; readonly estimated_cost: number; readonly estimated_cost_usd: string; readonly actual_cost: number; readonly actual_cost_usd: string; readonly tokens_used_input: number; readonly tokens_used_output: number; readonly tokens_used_total: number; readonly created_at: string; readonly started_at: string | null; readonly completed_at: string | null; readonly actual_duration: number | null; };

export type JobCosts = { readonly job_id: number; readonly status: "pending" | "running" | "completed" | "retrying" | "dead_letter" | "blocked" | "cancelled"; readonly estimated_cost: number; readonly estimated_cost_usd: string; readonly actual_cost: number; readonly actual_cost_usd: string; readonly tokens_used_input: number; readonly tokens_used_output: number; readonly tokens_used_total: number; readonly attempts: readonly ({ readonly attempt: number; readonly call_id: string; readonly started_at: string; readonly ended_at: string | null; readonly outcome: string | null; readonly error_code: string | null; readonly error: string | null; readonly tokens_used_input: number | null; readonly tokens_used_output: number | null; readonly cost: number | null; readonly cost_usd: string | null; })[]; };

export type Limits = { readonly plan: string; readonly limits: readonly ({ readonly id: string; readonly shape: string; readonly scope: string; readonly limit: number; readonly window_seconds: number; readonly used: number | null; readonly remaining: number | null; readonly reset_at: string | null; readonly mode: "report" | "enforce"; })[]; readonly cooldowns: readonly ({ readonly kind: string; readonly subject: string; readonly until: string; readonly reason: string; })[]; };

export type Member = { readonly user_id: string; readonly name: string; readonly email: string | null; readonly role: "viewer" | "developer" | "manager" | "owner"; readonly added_at: string; };

export type MessageRequestInput = { readonly model: string; readonly stream?: boolean | null | undefined; readonly messages: readonly ({ readonly role: string; readonly [name: string]: unknown; })[]; readonly max_tokens: number; readonly [name: string]: unknown; };

export type Model = { readonly id: string; readonly object: "model"; readonly created: number; readonly owned_by: string; readonly type: "model"; readonly display_name: string; readonly created_at: string; };

export type ModelList = { readonly object: "list"; readonly data: readonly (Model)[]; readonly has_more: boolean; readonly first_id: string | null; readonly last_id: string | null; };

export type NewWebhook = { readonly id: number; readonly url: string; readonly events: readonly ("budget.warning" | "budget.critical" | "budget.exceeded" | "job.blocked" | "job.dead" | "breaker.opened" | "breaker.closed")[]; readonly created_at: string; readonly secret: string; };

export type Plan = { readonly name: string; readonly limits: { readonly requests_per_minute?: number; readonly tokens_per_minute?: number; readonly calls_in_flight?: number; readonly daily_requests?: number; }; readonly source: "file" | "stored"; readonly updated_at: string | null; readonly updated_by: string | null; };

export type PlatformCosts = { readonly total_cost: number; readonly total_cost_usd: string; readonly total_calls: number; readonly total_jobs: number; readonly completed_jobs: number; readonly failed_jobs: number; readonly average_cost_per_job: number; readonly average_cost_per_job_usd: string; readonly period_days: number; readonly tokens: { readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; }; readonly estimated_share: number; readonly unpriced_share: number; readonly trend: readonly ({ readonly day: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly jobs: number; })[]; readonly by_model: readonly ({ readonly provider: string; readonly model: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; readonly unpriced_share: number; })[]; readonly by_operation: readonly ({ readonly operation: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; })[]; readonly top_projects: readonly ({ readonly project_id: number; readonly name: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; })[]; readonly top_teams: readonly ({ readonly team_id: number; readonly name: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; })[]; readonly by_provider: readonly ({ readonly provider: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; })[]; };

export type Price = { readonly input: number; readonly input_usd: string; readonly cached_input: number; readonly cached_input_usd: string; readonly cache_write_5m: number; readonly cache_write_5m_usd: string; readonly cache_write_1h: number; readonly cache_write_1h_usd: string; readonly output: number; readonly output_usd: string; readonly audio_input?: number; readonly audio_input_usd?: string; readonly image_input?: number; readonly image_input_usd?: string; readonly cached_audio_input?: number; readonly cached_audio_input_usd?: string; readonly cached_image_input?: number; readonly cached_image_input_usd?: string; readonly audio_output?: number; readonly audio_output_usd?: string; readonly image_output?: number; readonly image_output_usd?: string; readonly web_search?: number; readonly web_search_usd?: string; readonly file_search?: number; readonly file_search_usd?: string; readonly tiers: readonly ({ readonly input: number; readonly input_usd: string; readonly cached_input: number; readonly cached_input_usd: string; readonly cache_write_5m: number; readonly cache_write_5m_usd: string; readonly cache_write_1h: number; readonly cache_write_1h_usd: string; readonly output: number; readonly output_usd: string; readonly audio_input?: number; readonly audio_input_usd?: string; readonly image_input?: number; readonly image_input_usd?: string; readonly cached_audio_input?: number; readonly cached_audio_input_usd?: string; readonly cached_image_input?: number; readonly cached_image_input_usd?: string; readonly audio_output?: number; readonly audio_output_usd?: string; readonly image_output?: number; readonly image_output_usd?: string; readonly web_search?: number; readonly web_search_usd?: string; readonly file_search?: number; readonly file_search_usd?: string; readonly above_input_tokens: number; })[]; readonly provider: string; readonly model: string; readonly service_tiers: { readonly [name: string]: { readonly input: number; readonly input_usd: string; readonly cached_input: number; readonly cached_input_usd: string; readonly cache_write_5m: number; readonly cache_write_5m_usd: string; readonly cache_write_1h: number; readonly cache_write_1h_usd: string; readonly output: number; readonly output_usd: string; readonly audio_input?: number; readonly audio_input_usd?: string; readonly image_input?: number; readonly image_input_usd?: string; readonly cached_audio_input?: number; readonly cached_audio_input_usd?: string; readonly cached_image_input?: number; readonly cached_image_input_usd?: string; readonly audio_output?: number; readonly audio_output_usd?: string; readonly image_output?: number; readonly image_output_usd?: string; readonly web_search?: number; readonly web_search_usd?: string; readonly file_search?: number; readonly file_search_usd?: string; readonly tiers: readonly ({ readonly input: number; readonly input_usd: string; readonly cached_input: number; readonly cached_input_usd: string; readonly cache_write_5m: number; readonly cache_write_5m_usd: string; readonly cache_write_1h: number; readonly cache_write_1h_usd: string; readonly output: number; readonly output_usd: string; readonly audio_input?: number; readonly audio_input_usd?: string; readonly image_input?: number; readonly image_input_usd?: string; readonly cached_audio_input?: number; readonly cached_audio_input_usd?: string; readonly cached_image_input?: number; readonly cached_image_input_usd?: string; readonly audio_output?: number; readonly audio_output_usd?: string; readonly image_output?: number; readonly image_output_usd?: string; readonly web_search?: number; readonly web_search_usd?: string; readonly file_search?: number; readonly file_search_usd?: string; readonly above_input_tokens: number; })[]; }; }; readonly source: "operator" | "configured" | "shipped" | "catalogue" | "default"; readonly price_id: string; readonly effective_from: string | null; };

export type PriceDrift = { readonly catalogue: { readonly source: string; readonly version: string; readonly published_on: string; readonly age_days: number; readonly severity: "ok" | "warn" | "red"; }; readonly items: readonly ({ readonly provider: string; readonly model: string; readonly source: string; readonly price_id: string; readonly catalogue_id: string; readonly severity: "ok" | "warn" | "red"; readonly units: readonly ({ readonly unit: string; readonly above_input_tokens: number; readonly price: number; readonly price_usd: string; readonly catalogue: number; readonly catalogue_usd: string; readonly ratio: number | null; readonly severity: "ok" | "warn" | "red"; })[]; readonly monthly_effect: number; readonly monthly_effect_usd: string; })[]; readonly unpriced: readonly ({ readonly provider: string; readonly model: string; readonly calls: number; readonly cost: number; readonly cost_usd: string; readonly last_day: string; })[]; };

export type Project = { readonly id: number; readonly name: string; readonly description: string | null; readonly team_id: number | null; readonly owner_id: string; readonly role: "viewer" | "developer" | "manager" | "owner"; readonly budget_allocated: number | null; readonly budget_allocated_usd: string | null; readonly budget_period: "none" | "day" | "week" | "month" | null; readonly actual_cost: number; readonly actual_cost_usd: string; readonly created_at: string; readonly archived_at: string | null; };

export type ProjectBudget = { readonly project_id: number; readonly has_budget: boolean; readonly period: "none" | "day" | "week" | "month" | null; readonly reset_at: string | null; readonly budget_allocated: number | null; readonly budget_allocated_usd: string | null; readonly actual_cost: number; readonly actual_cost_usd: string; readonly reserved: number; readonly reserved_usd: string; readonly remaining_budget: number | null; readonly remaining_budget_usd: string | null; readonly percentage_used: number; readonly status: "ok" | "warning" | "critical" | "exceeded"; };

export type ProjectCosts = { readonly project_id: number; readonly total_cost: number; readonly total_cost_usd: string; readonly total_calls: number; readonly total_jobs: number; readonly completed_jobs: number; readonly failed_jobs: number; readonly average_cost_per_job: number; readonly average_cost_per_job_usd: string; readonly period_days: number; readonly tokens: { readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; }; readonly estimated_share: number; readonly unpriced_share: number; readonly trend: readonly ({ readonly day: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly jobs: number; })[]; readonly by_model: readonly ({ readonly provider: string; readonly model: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; readonly unpriced_share: number; })[]; readonly by_operation: readonly ({ readonly operation: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; })[]; readonly by_user: readonly ({ readonly user_id: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; })[]; };

export type Provider = { readonly name: string; readonly source: "settings" | "file" | "stored" | "built-in"; readonly dialect: "openai" | "anthropic" | null; readonly base_url: string | null; readonly models: readonly (string)[]; readonly reports_stream_usage: boolean; readonly speaks_responses: boolean; readonly has_credential: boolean; readonly credential_hint: string | null; readonly fault: string | null; readonly updated_at: string | null; readonly updated_by: string | null; };

export type ProviderTrial = { readonly reachable: boolean; readonly status: number | null; readonly latency_ms: number; readonly detail: string; };

export type Readiness = { readonly ready: boolean; readonly checks: { readonly [name: string]: boolean; }; };

export type Repricing = { readonly calls: number; readonly adjusted: number; readonly skipped: number; readonly delta: number; readonly delta_usd: string; readonly dry_run: boolean; };

export type ResponseRequestInput = { readonly model: string; readonly stream?: boolean | null | undefined; readonly input?: string | readonly ({ readonly [name: string]: unknown; })[] | undefined; readonly instructions?: string | null | undefined; readonly max_output_tokens?: number | null | undefined; readonly [name: string]: unknown; };

export type Session = { readonly id: string; readonly created_at: string; readonly last_seen_at: string; readonly current: boolean; readonly method: "password" | "google"; readonly user_agent: string | null; readonly ip: string; };

export type SignedIn = { readonly access_token: string; readonly token_type: "bearer"; readonly expires_in: number; readonly refresh_token: string; readonly user: User; };

export type Team = { readonly id: number; readonly name: string; readonly owner_id: string; readonly role: "viewer" | "developer" | "manager" | "owner"; readonly created_at: string; };

export type TeamCosts = { readonly team_id: number; readonly total_cost: number; readonly total_cost_usd: string; readonly total_calls: number; readonly total_jobs: number; readonly completed_jobs: number; readonly failed_jobs: number; readonly average_cost_per_job: number; readonly average_cost_per_job_usd: string; readonly period_days: number; readonly tokens: { readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; }; readonly estimated_share: number; readonly unpriced_share: number; readonly trend: readonly ({ readonly day: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly jobs: number; })[]; readonly by_model: readonly ({ readonly provider: string; readonly model: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; readonly unpriced_share: number; })[]; readonly by_operation: readonly ({ readonly operation: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; })[]; readonly by_user: readonly ({ readonly user_id: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; })[]; readonly by_project: readonly ({ readonly project_id: number; readonly name: string; readonly cost: number; readonly cost_usd: string; readonly calls: number; readonly input_tokens: number; readonly cached_input_tokens: number; readonly output_tokens: number; readonly total_tokens: number; })[]; };

export type Thought = { readonly id: number; readonly text: string; readonly source: string | null; readonly title: string | null; readonly tags: readonly (string)[]; readonly people: readonly (string)[]; readonly dates: readonly (string)[]; readonly actions: readonly ({ readonly id: number; readonly text: string; readonly done: boolean; readonly due: string | null; })[]; readonly enriched: boolean; readonly created_at: string; readonly updated_at: string; };

export type ThoughtHint = { readonly code: string; readonly message: string; };

export type ThoughtsAnswer = { readonly answer: string; readonly citations: readonly ({ readonly thought_id: number; readonly quote: string; })[]; };

export type ThoughtsPlan = { readonly version: number; readonly ordered_by: "model" | "due"; readonly created_at: string; readonly items: readonly ({ readonly action_id: number; readonly text: string; readonly why: string; })[]; };

export type TokenCount = { readonly input_tokens: number; };

export type User = { readonly id: string; readonly email: string | null; readonly name: string; readonly role: "admin" | "manager" | "developer" | "viewer"; readonly created_at: string; readonly last_login_at: string | null; };

export type UserForAdministrators = { readonly id: string; readonly email: string | null; readonly name: string; readonly role: "admin" | "manager" | "developer" | "viewer"; readonly created_at: string; readonly last_login_at: string | null; readonly active: boolean; readonly plan: string; };

export type Webhook = { readonly id: number; readonly url: string; readonly events: readonly ("budget.warning" | "budget.critical" | "budget.exceeded" | "job.blocked" | "job.dead" | "breaker.opened" | "breaker.closed")[]; readonly created_at: string; };

/** Every operation: what stands in its path and query, what it takes and what it answers. */
export type Operations = {
  /** The audit log, newest first. */
  "GET /admin/audit": {
    readonly path: {};
    readonly query: { readonly action?: "user.create" | "user.role_change" | "user.activate" | "user.deactivate" | "user.password_change" | "user.link_account" | "user.erase" | "session.login" | "session.login_failed" | "session.revoke" | "session.reuse_detected" | "key.issue" | "key.update" | "key.rotate" | "key.revoke" | "key.leak_report" | "key.introspect" | "team.create" | "team.update" | "team.delete" | "project.create" | "project.update" | "project.delete" | "member.add" | "member.role_change" | "member.remove" | "budget.change" | "price.change" | "policy.change" | "limit.change" | "limit.reset" | "cooldown.start" | "cooldown.clear" | "breaker.reset" | "provider.set" | "provider.remove" | "provider.rewrap" | "webhook.create" | "webhook.delete" | "ledger.close" | "ledger.reprice" | "job.cancel" | "job.retry" | "job.discard" | "books.repair" | "audit.export" | "cache.drop" | undefined; readonly since?: string | undefined; readonly until?: string | undefined; readonly actor_id?: string | undefined; readonly target_id?: string | undefined; readonly limit?: number | undefined; readonly cursor?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (AuditEntry)[]; readonly next_cursor: string | null; };
  };
  /** The circuit breaker of every configured provider. */
  "GET /admin/breakers": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Breaker)[]; readonly next_cursor: string | null; };
  };
  /** Closes a provider's breaker: it is asked again at once, on every instance. */
  "POST /admin/breakers/{provider}/reset": {
    readonly path: { readonly provider: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Breaker;
  };
  /** Runs a command of the command line, as an administrator. */
  "POST /admin/commands/{command}": {
    readonly path: { readonly command: string | number; };
    readonly query: {};
    readonly body: { readonly [name: string]: unknown; };
    readonly answer: unknown;
  };
  /** Who is held now: keys by prefix, users by id, addresses by a one-way name. */
  "GET /admin/cooldowns": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Cooldown)[]; readonly next_cursor: string | null; };
  };
  /** Ends a cooldown. An address may be given as it is. */
  "DELETE /admin/cooldowns/{kind}/{subject}": {
    readonly path: { readonly kind: string | number; readonly subject: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** All plans, and whether they are stored or stand in the configuration file. */
  "GET /admin/plans": {
    readonly path: {};
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Plan)[]; readonly next_cursor: string | null; };
  };
  /** Stores a plan: its limits count from the next request on, and what was used stays used. */
  "PUT /admin/plans/{name}": {
    readonly path: { readonly name: string | number; };
    readonly query: {};
    readonly body: { readonly limits: { readonly requests_per_minute?: number | undefined; readonly tokens_per_minute?: number | undefined; readonly calls_in_flight?: number | undefined; readonly daily_requests?: number | undefined; }; };
    readonly answer: Plan;
  };
  /** Deletes a stored plan that nobody has; one of the configuration file shows again. */
  "DELETE /admin/plans/{name}": {
    readonly path: { readonly name: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** All providers, and who says what they are: settings, the configuration file or an administrator. */
  "GET /admin/providers": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Provider)[]; readonly next_cursor: string | null; };
  };
  /** Sets a provider: calls that begin from now on are sent as it says. */
  "PUT /admin/providers/{name}": {
    readonly path: { readonly name: string | number; };
    readonly query: {};
    readonly body: { readonly dialect?: "openai" | "anthropic" | undefined; readonly base_url: string; readonly api_key?: string | null | undefined; readonly models?: readonly (string)[] | undefined; readonly reports_stream_usage?: boolean | undefined; readonly speaks_responses?: boolean | undefined; };
    readonly answer: Provider;
  };
  /** Removes a provider that an administrator has set, and its credential. */
  "DELETE /admin/providers/{name}": {
    readonly path: { readonly name: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Asks a provider for its list of models, which costs nothing. */
  "POST /admin/providers/{name}/test": {
    readonly path: { readonly name: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: ProviderTrial;
  };
  /** All users, in the order of their ids. */
  "GET /admin/users": {
    readonly path: {};
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (UserForAdministrators)[]; readonly next_cursor: string | null; };
  };
  /** One user. */
  "GET /admin/users/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: UserForAdministrators;
  };
  /** Changes a user's role or plan, or shuts a user out and in again. Nobody changes their own role. */
  "PATCH /admin/users/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly role?: "admin" | "manager" | "developer" | "viewer" | undefined; readonly active?: boolean | undefined; readonly plan?: string | null | undefined; };
    readonly answer: UserForAdministrators;
  };
  /** Erases a user's personal data for ever; the ledger keeps the id. */
  "DELETE /admin/users/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** The limits of a user and of the user's keys, and what is left of them. */
  "GET /admin/users/{id}/limits": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Limits;
  };
  /** Sets limits for one user in place of those of plan and settings; null takes one back. */
  "PATCH /admin/users/{id}/limits": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly overrides: { readonly [name: string]: number | null; }; };
    readonly answer: Limits;
  };
  /** A user's limits begin anew, or the one named; calls under way still count. */
  "POST /admin/users/{id}/limits/reset": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly id?: string | undefined; } | null;
    readonly answer: Limits;
  };
  /** Makes a webhook (Standard Webhooks). Its signing secret is in this answer and nowhere else. */
  "POST /admin/webhooks": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly url: string; readonly events: readonly ("budget.warning" | "budget.critical" | "budget.exceeded" | "job.blocked" | "job.dead" | "breaker.opened" | "breaker.closed")[]; };
    readonly answer: NewWebhook;
  };
  /** All webhooks that were made here. */
  "GET /admin/webhooks": {
    readonly path: {};
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Webhook)[]; readonly next_cursor: string | null; };
  };
  /** Deletes a webhook; what is still on its way to it is not sent. */
  "DELETE /admin/webhooks/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Makes an API key of one's own. Its full text is in this answer and nowhere else. */
  "POST /auth/api-keys": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly name: string; readonly description?: string | null | undefined; readonly scopes?: readonly ("inference:write" | "thoughts:read" | "thoughts:write" | "assist:write" | "jobs:read" | "jobs:write" | "projects:read" | "projects:write" | "costs:read" | "keys:manage" | "limits:read" | "events:read" | "admin:*")[] | undefined; readonly daily_quota?: number | null | undefined; readonly plan?: string | null | undefined; readonly expires_at?: string | null | undefined; readonly project_id?: number | null | undefined; readonly allowed_models?: readonly (string)[] | null | undefined; readonly allowed_ips?: readonly (string)[] | null | undefined; };
    readonly answer: IssuedApiKey;
  };
  /** One's own API keys; for administrators also those of `user_id`. */
  "GET /auth/api-keys": {
    readonly path: {};
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; readonly user_id?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (ApiKey)[]; readonly next_cursor: string | null; };
  };
  /** One API key, without its secret. */
  "GET /auth/api-keys/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: ApiKey;
  };
  /** Changes what an API key allows; of others' keys administrators change plan and daily quota. */
  "PATCH /auth/api-keys/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly name?: string | undefined; readonly description?: string | null | undefined; readonly scopes?: readonly ("inference:write" | "thoughts:read" | "thoughts:write" | "assist:write" | "jobs:read" | "jobs:write" | "projects:read" | "projects:write" | "costs:read" | "keys:manage" | "limits:read" | "events:read" | "admin:*")[] | undefined; readonly daily_quota?: number | null | undefined; readonly plan?: string | null | undefined; readonly expires_at?: string | null | undefined; readonly project_id?: number | null | undefined; readonly allowed_models?: readonly (string)[] | null | undefined; readonly allowed_ips?: readonly (string)[] | null | undefined; };
    readonly answer: ApiKey;
  };
  /** Revokes an API key: it is refused from the next request on. */
  "DELETE /auth/api-keys/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: { readonly reason?: string | undefined; };
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Gives an API key a successor with a new secret; the old one ends after the grace. */
  "POST /auth/api-keys/{id}/rotate": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly grace_seconds?: number | undefined; readonly graceSeconds?: number | undefined; } | null;
    readonly answer: IssuedApiKey;
  };
  /** Signs in by e-mail and password. */
  "POST /auth/login": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly email: string; readonly password: string; };
    readonly answer: SignedIn;
  };
  /** Ends this session; its tokens are refused from the next request on. */
  "POST /auth/logout": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Who is calling. */
  "GET /auth/me": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: User;
  };
  /** Changes the password; every other session ends. */
  "POST /auth/password": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly current_password: string; readonly new_password: string; };
    readonly answer: undefined;
  };
  /** Trades a refresh token for its successor and a fresh access token. */
  "POST /auth/refresh": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly refresh_token?: string | undefined; readonly refreshToken?: string | undefined; };
    readonly answer: SignedIn;
  };
  /** Makes an account with the role developer. */
  "POST /auth/register": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly email: string; readonly name: string; readonly password: string; };
    readonly answer: { readonly user: User; };
  };
  /** One's own sessions that have not ended, newest first. */
  "GET /auth/sessions": {
    readonly path: {};
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Session)[]; readonly next_cursor: string | null; };
  };
  /** Ends all of one's own sessions but this one. */
  "DELETE /auth/sessions": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Ends one of one's own sessions. */
  "DELETE /auth/sessions/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Makes the first administrator with the one-time token of the first start; then gone for ever. */
  "POST /auth/setup": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly token: string; readonly email: string; readonly name: string; readonly password: string; };
    readonly answer: { readonly user: User; };
  };
  /** The budget of a key. */
  "GET /budgets/key/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Budget;
  };
  /** Sets the budget of a key; another period begins it anew. */
  "PUT /budgets/key/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly allocated: number | string; readonly period?: "none" | "day" | "week" | "month" | undefined; };
    readonly answer: Budget;
  };
  /** Removes the budget of a key, if it has one. */
  "DELETE /budgets/key/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** The budget of a project. */
  "GET /budgets/project/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Budget;
  };
  /** Sets the budget of a project; another period begins it anew. */
  "PUT /budgets/project/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly allocated: number | string; readonly period?: "none" | "day" | "week" | "month" | undefined; };
    readonly answer: Budget;
  };
  /** Removes the budget of a project, if it has one. */
  "DELETE /budgets/project/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** The budget of a team. */
  "GET /budgets/team/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Budget;
  };
  /** Sets the budget of a team; another period begins it anew. */
  "PUT /budgets/team/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly allocated: number | string; readonly period?: "none" | "day" | "week" | "month" | undefined; };
    readonly answer: Budget;
  };
  /** Removes the budget of a team, if it has one. */
  "DELETE /budgets/team/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** The budget of a user. */
  "GET /budgets/user/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Budget;
  };
  /** Sets the budget of a user; another period begins it anew. */
  "PUT /budgets/user/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly allocated: number | string; readonly period?: "none" | "day" | "week" | "month" | undefined; };
    readonly answer: Budget;
  };
  /** Removes the budget of a user, if it has one. */
  "DELETE /budgets/user/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** What a job has cost, attempt by attempt. */
  "GET /costs/jobs/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: { readonly period_days?: number | undefined; readonly format?: "json" | "csv" | undefined; };
    readonly body: undefined;
    readonly answer: JobCosts;
  };
  /** What a project's calls have cost, by day, model, operation and user. */
  "GET /costs/projects/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: { readonly period_days?: number | undefined; readonly format?: "json" | "csv" | undefined; };
    readonly body: undefined;
    readonly answer: ProjectCosts;
  };
  /** A project's budget: what is spent of it, and what is left. */
  "GET /costs/projects/{id}/budget": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: ProjectBudget;
  };
  /** What all calls have cost, with the dearest projects and teams. */
  "GET /costs/report": {
    readonly path: {};
    readonly query: { readonly period_days?: number | undefined; readonly format?: "json" | "csv" | undefined; };
    readonly body: undefined;
    readonly answer: PlatformCosts;
  };
  /** How the caller's calls of the last 30 days would have cost less, the largest saving first. */
  "GET /costs/suggestions": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: { readonly items: readonly (CostSuggestion)[]; readonly next_cursor: null; };
  };
  /** What the calls of a team's projects have cost. */
  "GET /costs/teams/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: { readonly period_days?: number | undefined; readonly format?: "json" | "csv" | undefined; };
    readonly body: undefined;
    readonly answer: TeamCosts;
  };
  /** The caller's own costs of one UTC day, by operation and model. */
  "GET /health/costs/daily": {
    readonly path: {};
    readonly query: { readonly day?: string | undefined; };
    readonly body: undefined;
    readonly answer: DailyCosts;
  };
  /** The process is alive. */
  "GET /healthz": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: { readonly status: "ok"; };
  };
  /** State, scopes, quota and usage of an API key, never its secret. */
  "GET /internal/api-keys/{prefix}": {
    readonly path: { readonly prefix: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: ApiKeyIntrospection;
  };
  /** Revokes API keys that were found in public; takes their full text as proof. */
  "POST /internal/secret-scanning/revoke": {
    readonly path: {};
    readonly query: {};
    readonly body: readonly ({ readonly token: string; readonly type?: string | undefined; readonly url?: string | undefined; })[];
    readonly answer: readonly ({ readonly prefix: string | null; readonly revoked: boolean; })[];
  };
  /** Makes a job; under the same idempotency key the same. Counts as an AI call. */
  "POST /jobs": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly project_id: number; readonly type: string; readonly payload: { readonly [name: string]: unknown; }; readonly priority?: number | undefined; readonly max_retries?: number | undefined; readonly idempotency_key?: string | undefined; };
    readonly answer: Job;
  };
  /** The jobs of the caller's projects, the newest first. */
  "GET /jobs": {
    readonly path: {};
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; readonly status?: "pending" | "running" | "completed" | "retrying" | "dead_letter" | "blocked" | "cancelled" | undefined; readonly project_id?: number | undefined; readonly type?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Job)[]; readonly next_cursor: string | null; };
  };
  /** The jobs that have failed for the last time, of the projects that the caller manages. */
  "GET /jobs/dead-letter": {
    readonly path: {};
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; readonly project_id?: number | undefined; readonly type?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Job)[]; readonly next_cursor: string | null; };
  };
  /** A job. */
  "GET /jobs/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Job;
  };
  /** Deletes a dead letter: its project's managers. */
  "DELETE /jobs/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Cancels a job; one that runs is asked to stop. */
  "POST /jobs/{id}/cancel": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Job;
  };
  /** Begins a dead letter anew: its project's managers. */
  "POST /jobs/{id}/retry": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Job;
  };
  /** Prometheus metrics; for loopback or the internal token. */
  "GET /metrics": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: unknown;
  };
  /** This contract, as OpenAPI 3.1. */
  "GET /openapi.json": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: unknown;
  };
  /** Runs a command of the command line inside the running server. */
  "POST /operator/commands/{command}": {
    readonly path: { readonly command: string | number; };
    readonly query: {};
    readonly body: { readonly [name: string]: unknown; };
    readonly answer: unknown;
  };
  /** The prices in force now, in USD per million tokens. */
  "GET /prices": {
    readonly path: {};
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Price)[]; readonly next_cursor: string | null; };
  };
  /** Where prices differ from the public catalogue, what that meant for 30 days, and what has no price. */
  "GET /prices/drift": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: PriceDrift;
  };
  /** Prices past calls again, and posts what they cost more or less. */
  "POST /prices/reprice": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly from: string; readonly to: string; readonly provider?: string | undefined; readonly model?: string | undefined; readonly reason: string; readonly project_id?: number | undefined; readonly dry_run?: boolean | undefined; };
    readonly answer: Repricing;
  };
  /** Gives a model, or all that a pattern such as gpt-5* matches, a price from now or a later time on. */
  "PUT /prices/{provider}/{model}": {
    readonly path: { readonly provider: string | number; readonly model: string | number; };
    readonly query: {};
    readonly body: { readonly input: number | string; readonly cached_input?: number | string | undefined; readonly cache_write_5m?: number | string | undefined; readonly cache_write_1h?: number | string | undefined; readonly output: number | string; readonly audio_input?: number | string | undefined; readonly image_input?: number | string | undefined; readonly cached_audio_input?: number | string | undefined; readonly cached_image_input?: number | string | undefined; readonly audio_output?: number | string | undefined; readonly image_output?: number | string | undefined; readonly web_search?: number | string | undefined; readonly file_search?: number | string | undefined; readonly service_tiers?: { readonly [name: string]: { readonly input: number | string; readonly cached_input?: number | string | undefined; readonly cache_write_5m?: number | string | undefined; readonly cache_write_1h?: number | string | undefined; readonly output: number | string; readonly audio_input?: number | string | undefined; readonly image_input?: number | string | undefined; readonly cached_audio_input?: number | string | undefined; readonly cached_image_input?: number | string | undefined; readonly audio_output?: number | string | undefined; readonly image_output?: number | string | undefined; readonly web_search?: number | string | undefined; readonly file_search?: number | string | undefined; }; } | undefined; readonly effective_from?: string | undefined; };
    readonly answer: Price;
  };
  /** Gives a model the price that the public catalogue has for it. */
  "POST /prices/{provider}/{model}/adopt": {
    readonly path: { readonly provider: string | number; readonly model: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Price;
  };
  /** The projects that the caller owns, or is a member of, itself or through a team. */
  "GET /projects": {
    readonly path: {};
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Project)[]; readonly next_cursor: string | null; };
  };
  /** Makes a project of the caller's, with a budget and in a team if wanted. */
  "POST /projects": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly name: string; readonly description?: string | null | undefined; readonly team_id?: number | null | undefined; readonly budget_allocated?: number | string | null | undefined; readonly budget_period?: "none" | "day" | "week" | "month" | undefined; };
    readonly answer: Project;
  };
  /** A project. */
  "GET /projects/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Project;
  };
  /** Changes, archives or restores a project: its managers. Its team: its owner. */
  "PATCH /projects/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly name?: string | undefined; readonly description?: string | null | undefined; readonly team_id?: number | null | undefined; readonly budget_allocated?: number | string | null | undefined; readonly budget_period?: "none" | "day" | "week" | "month" | undefined; readonly archived?: boolean | undefined; };
    readonly answer: Project;
  };
  /** Deletes a project and revokes the keys that are bound to it: its owner. */
  "DELETE /projects/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Who belongs to a project: its owner first. */
  "GET /projects/{id}/members": {
    readonly path: { readonly id: string | number; };
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Member)[]; readonly next_cursor: string | null; };
  };
  /** Adds a user to a project: its managers. */
  "POST /projects/{id}/members": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly user_id?: string | undefined; readonly email?: string | undefined; readonly role: "manager" | "developer" | "viewer"; };
    readonly answer: Member;
  };
  /** Changes a member's role in a project: its managers, and nobody their own. */
  "PATCH /projects/{id}/members/{userId}": {
    readonly path: { readonly id: string | number; readonly userId: string | number; };
    readonly query: {};
    readonly body: { readonly role: "manager" | "developer" | "viewer"; };
    readonly answer: Member;
  };
  /** Takes a member out of a project: its managers, and the member itself. */
  "DELETE /projects/{id}/members/{userId}": {
    readonly path: { readonly id: string | number; readonly userId: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** The process can take traffic: 200, else 503, with each check. */
  "GET /readyz": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: Readiness;
  };
  /** The teams that the caller owns or is a member of. */
  "GET /teams": {
    readonly path: {};
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Team)[]; readonly next_cursor: string | null; };
  };
  /** Makes a team of the caller's. */
  "POST /teams": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly name: string; };
    readonly answer: Team;
  };
  /** A team. */
  "GET /teams/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Team;
  };
  /** Changes a team: its managers. */
  "PATCH /teams/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly name?: string | undefined; };
    readonly answer: Team;
  };
  /** Deletes a team; its projects stay with their owners: its owner. */
  "DELETE /teams/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Who belongs to a team: its owner first. */
  "GET /teams/{id}/members": {
    readonly path: { readonly id: string | number; };
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Member)[]; readonly next_cursor: string | null; };
  };
  /** Adds a user to a team: its managers. */
  "POST /teams/{id}/members": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly user_id?: string | undefined; readonly email?: string | undefined; readonly role: "manager" | "developer" | "viewer"; };
    readonly answer: Member;
  };
  /** Changes a member's role in a team: its managers, and nobody their own. */
  "PATCH /teams/{id}/members/{userId}": {
    readonly path: { readonly id: string | number; readonly userId: string | number; };
    readonly query: {};
    readonly body: { readonly role: "manager" | "developer" | "viewer"; };
    readonly answer: Member;
  };
  /** Takes a member out of a team: its managers, and the member itself. */
  "DELETE /teams/{id}/members/{userId}": {
    readonly path: { readonly id: string | number; readonly userId: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Answers a question about items, and says which item supports what. */
  "POST /v1/assist/chat": {
    readonly path: {};
    readonly query: {};
    readonly body: AssistChatRequestInput;
    readonly answer: AssistChatAnswer;
  };
  /** Has a connection ready before the first question. */
  "POST /v1/assist/warmup": {
    readonly path: {};
    readonly query: {};
    readonly body: AssistWarmupRequestInput;
    readonly answer: AssistWarmupAnswer;
  };
  /** Signs in with an ID token of Google, or of the OpenID Connect issuer in its place. */
  "POST /v1/auth/google": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly idToken: string; readonly nonce?: string | undefined; };
    readonly answer: { readonly accessToken: string; readonly refreshToken: string; readonly tokenType: "bearer"; readonly expiresIn: number; readonly user: User; };
  };
  /** Who is calling. */
  "GET /v1/auth/me": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: User;
  };
  /** Keeps a thought, and what a model draws from it. */
  "POST /v1/capture/thought": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly text: string; readonly source?: string | undefined; };
    readonly answer: { readonly thought: Thought; readonly hint?: ThoughtHint; };
  };
  /** Chat completion in OpenAI's format, streaming or whole. */
  "POST /v1/chat/completions": {
    readonly path: {};
    readonly query: {};
    readonly body: ChatCompletionRequestInput;
    readonly answer: unknown;
  };
  /** Whether a call may run now, what it would cost, and what stands in its way; nothing is used. */
  "POST /v1/decide": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly endpoint?: "chat" | undefined; readonly model: string; readonly max_tokens?: number | undefined; readonly messages?: readonly ({ readonly role: string; readonly [name: string]: unknown; })[] | undefined; readonly input_tokens?: number | undefined; readonly project_id?: number | undefined; };
    readonly answer: Decision;
  };
  /** Embeddings in OpenAI's format. */
  "POST /v1/embeddings": {
    readonly path: {};
    readonly query: {};
    readonly body: EmbeddingRequestInput;
    readonly answer: unknown;
  };
  /** What happens, while it happens: as text/event-stream, or as WebSocket. */
  "GET /v1/events": {
    readonly path: {};
    readonly query: { readonly since?: string | undefined; };
    readonly body: undefined;
    readonly answer: unknown;
  };
  /** Every limit that can meet this caller, and what is left of it. */
  "GET /v1/limits": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: Limits;
  };
  /** Message in Anthropic's format, streaming or whole. */
  "POST /v1/messages": {
    readonly path: {};
    readonly query: {};
    readonly body: MessageRequestInput;
    readonly answer: unknown;
  };
  /** How many input tokens a message in Anthropic's format would have. */
  "POST /v1/messages/count_tokens": {
    readonly path: {};
    readonly query: {};
    readonly body: CountTokensRequestInput;
    readonly answer: TokenCount;
  };
  /** The models that the caller may name. */
  "GET /v1/models": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: ModelList;
  };
  /** One model. */
  "GET /v1/models/{model}": {
    readonly path: { readonly model: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Model;
  };
  /** One model, named with its provider. */
  "GET /v1/models/{provider}/{model}": {
    readonly path: { readonly provider: string | number; readonly model: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: Model;
  };
  /** What is still open of the caller's newest plan, or of an older version. */
  "GET /v1/plan": {
    readonly path: {};
    readonly query: { readonly version?: number | undefined; };
    readonly body: undefined;
    readonly answer: { readonly plan: ThoughtsPlan | null; };
  };
  /** Plans the caller's open actions anew. */
  "POST /v1/plan/refresh": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: { readonly plan: ThoughtsPlan; };
  };
  /** Answers a question from the caller's thoughts. */
  "POST /v1/query/ask": {
    readonly path: {};
    readonly query: {};
    readonly body: { readonly question: string; };
    readonly answer: ThoughtsAnswer;
  };
  /** Response in OpenAI's format, streaming or whole. */
  "POST /v1/responses": {
    readonly path: {};
    readonly query: {};
    readonly body: ResponseRequestInput;
    readonly answer: unknown;
  };
  /** The caller's thoughts, the newest first. */
  "GET /v1/thoughts": {
    readonly path: {};
    readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; };
    readonly body: undefined;
    readonly answer: { readonly items: readonly (Thought)[]; readonly next_cursor: string | null; };
  };
  /** All that the caller wrote down, one JSON object a line. */
  "GET /v1/thoughts/export": {
    readonly path: {};
    readonly query: {};
    readonly body: undefined;
    readonly answer: unknown;
  };
  /** A thought. */
  "GET /v1/thoughts/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: { readonly thought: Thought; };
  };
  /** Changes a thought. A new text is read by no model until it is asked to. */
  "PATCH /v1/thoughts/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: { readonly text?: string | undefined; readonly source?: string | null | undefined; readonly title?: string | null | undefined; readonly tags?: readonly (string)[] | undefined; readonly people?: readonly (string)[] | undefined; readonly dates?: readonly (string)[] | undefined; readonly actions?: readonly ({ readonly id: number; readonly text?: string | undefined; readonly done?: boolean | undefined; readonly due?: string | null | undefined; } | { readonly text: string; readonly done?: boolean | undefined; readonly due?: string | null | undefined; })[] | undefined; };
    readonly answer: { readonly thought: Thought; };
  };
  /** Deletes a thought and its actions. */
  "DELETE /v1/thoughts/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Lets a model read a thought again. */
  "POST /v1/thoughts/{id}/enrich": {
    readonly path: { readonly id: string | number; };
    readonly query: {};
    readonly body: undefined;
    readonly answer: { readonly thought: Thought; readonly hint?: ThoughtHint; };
  };
};
