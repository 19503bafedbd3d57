import { type Caller, newCaller } from "./caller.ts";
import { type ClientOptions, transportOf } from "./client.options.ts";
import { type Credentials, credentials, type Tokens } from "./credentials.ts";
import { socketEvents, streamEvents } from "./events.connect.ts";
import { type EventOptions, type LiveEvent, liveEvents } from "./events.ts";
import { readJson } from "./read.ts";
import {
  chatResource,
  decideResource,
  embeddingsResource,
  messagesResource,
  modelsResource,
  responsesResource,
} from "./resources/ai.ts";
import { assistResource, thoughtsResource } from "./resources/apps.ts";
import { authResource, tokensIn } from "./resources/auth.ts";
import { jobsResource } from "./resources/jobs.ts";
import { limitsResource, plansResource } from "./resources/limits.ts";
import { budgetsResource, costsResource, pricesResource } from "./resources/money.ts";
import {
  auditResource,
  breakersResource,
  providersResource,
  webhooksResource,
} from "./resources/operating.ts";
import { keysResource, sessionsResource, usersResource } from "./resources/people.ts";
import { membersResource, projectsResource, teamsResource } from "./resources/places.ts";
import type { SignedIn } from "./schema.ts";
import { type Reader, send, type Transport } from "./transport.ts";

/** A client of a Tollgate gateway. */
export class TollgateClient {
  readonly auth: ReturnType<typeof authResource>;
  readonly sessions: ReturnType<typeof sessionsResource>;
  readonly keys: ReturnType<typeof keysResource>;
  readonly users: ReturnType<typeof usersResource>;
  readonly teams: ReturnType<typeof teamsResource>;
  readonly projects: ReturnType<typeof projectsResource>;
  readonly members: ReturnType<typeof membersResource>;
  readonly budgets: ReturnType<typeof budgetsResource>;
  readonly costs: ReturnType<typeof costsResource>;
  readonly prices: ReturnType<typeof pricesResource>;
  readonly limits: ReturnType<typeof limitsResource>;
  readonly plans: ReturnType<typeof plansResource>;
  readonly jobs: ReturnType<typeof jobsResource>;
  readonly audit: ReturnType<typeof auditResource>;
  readonly webhooks: ReturnType<typeof webhooksResource>;
  readonly breakers: ReturnType<typeof breakersResource>;
  readonly providers: ReturnType<typeof providersResource>;
  readonly models: ReturnType<typeof modelsResource>;
  readonly decide: ReturnType<typeof decideResource>;
  readonly chat: ReturnType<typeof chatResource>;
  readonly embeddings: ReturnType<typeof embeddingsResource>;
  readonly messages: ReturnType<typeof messagesResource>;
  readonly responses: ReturnType<typeof responsesResource>;
  readonly thoughts: ReturnType<typeof thoughtsResource>;
  readonly assist: ReturnType<typeof assistResource>;
  /** Any operation by its method and path: what has no name of its own here. */
  readonly request: Caller["request"];
  /** What happens, while it happens. */
  readonly events: (options?: EventOptions) => AsyncGenerator<LiveEvent>;
  readonly #credentials: Credentials;

  constructor(options: ClientOptions) {
    const transport = transportOf(options);
    const { clock, random } = transport;
    const held = credentials({ ...options, clock, refresh: (token) => refresh(transport, token) });
    const call = newCaller(transport, held);
    this.#credentials = held;
    this.request = call.request;
    this.auth = authResource(call, held, clock);
    this.sessions = sessionsResource(call);
    this.keys = keysResource(call);
    this.users = usersResource(call);
    this.teams = teamsResource(call);
    this.projects = projectsResource(call);
    this.members = membersResource(call);
    this.budgets = budgetsResource(call);
    this.costs = costsResource(call);
    this.prices = pricesResource(call);
    this.limits = limitsResource(call);
    this.plans = plansResource(call);
    this.jobs = jobsResource(call);
    this.audit = auditResource(call);
    this.webhooks = webhooksResource(call);
    this.breakers = breakersResource(call);
    this.providers = providersResource(call);
    this.models = modelsResource(call);
    this.decide = decideResource(call);
    this.chat = chatResource(call);
    this.embeddings = embeddingsResource(call);
    this.messages = messagesResource(call);
    this.responses = responsesResource(call);
    this.thoughts = thoughtsResource(call);
    this.assist = assistResource(call);
    const Socket = options.WebSocket === undefined ? globalThis.WebSocket : options.WebSocket;
    const connect = Socket ? socketEvents(transport, held, Socket) : streamEvents(transport, held);
    this.events = (asked) => liveEvents({ connect, clock, random }, asked);
  }

  /** Of whoever is signed in: to be stored, and given to a client later. */
  get session(): Tokens | undefined {
    return this.#credentials.tokens;
  }

  /** Goes on with tokens that are stored already: those of another tab, which has traded ours. */
  set session(tokens: Tokens | undefined) {
    this.#credentials.adopt(tokens);
  }
}

/** Sent again within ten seconds, a used token gives the same successor. */
async function refresh(transport: Transport, refreshToken: string): Promise<Tokens> {
  const body = { refresh_token: refreshToken };
  const about = { method: "POST", path: "/auth/refresh", isRepeatable: true, credentials: undefined };
  const { data } = await send(transport, { ...about, body }, readJson as Reader<SignedIn>);
  return tokensIn(data, transport.clock.now());
}
