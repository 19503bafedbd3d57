import { isoTime, utcDay } from "../lib/clock.ts";
import { timeOfUuidv7 } from "../lib/ids.ts";
import type { Pico } from "../lib/money.ts";
import { isUnpriced, type Price } from "./prices.ts";
import { type Rates, type RatesJson, ratesJson } from "./rates.ts";
import type { Usage, UsageSource } from "./usage.ts";

/** A call that has been admitted to spend: everything its ledger row will say, except how it ended. */
export type ReservedCall = {
  /** UUIDv7, made once per call. Request, reservation and ledger row share it, so every step can be repeated. */
  readonly id: string;
  readonly userId: string;
  readonly keyId: number | undefined;
  readonly projectId: number | undefined;
  /** `chat`, `capture.thought`, a job's type. */
  readonly operation: string;
  readonly endpointClass: string;
  readonly provider: string;
  readonly model: string;
  readonly streamed: boolean;
  readonly correlationId: string;
  readonly createdAtMs: number;
  readonly price: Price;
  /** Distinct. */
  readonly budgetIds: readonly number[];
  readonly reservedPico: Pico;
};

/**
 * completed: the answer ended as it should. cut: it broke off at the provider. aborted: the caller left.
 * failed: no answer could be passed on. unsettled: nobody settled it, so it was charged at its reservation.
 */
export type Outcome = "completed" | "cut" | "aborted" | "failed" | "unsettled";

/** How a call ended. Fields of the reserved call may differ from what was reserved: a fallback has its own price. */
export type Settlement = ReservedCall & {
  /** Undefined: the provider reported nothing. Its ledger columns stay null; the cost is then an estimate. */
  readonly usage: Usage | undefined;
  readonly usageSource: Exclude<UsageSource, "reserved">;
  readonly costPico: Pico;
  /** The HTTP status the caller saw. */
  readonly status: number;
  readonly outcome: Exclude<Outcome, "unsettled">;
  readonly latencyMs: number;
  /** What the call is charged for, if that is more than one thing; `costPico` is then their sum. Else empty. */
  readonly lines: readonly LedgerLine[];
  readonly serviceTier?: string;
  /** What the provider itself says that the call cost. */
  readonly providerCostPico?: Pico;
};

/** One of several things that a call is charged for. */
export type LedgerLine = {
  /** `answer`, `attempt`, `compaction`. */
  readonly kind: string;
  readonly provider: string;
  readonly model: string;
  readonly serviceTier?: string;
  /** Undefined: the provider reported nothing. */
  readonly usage: Usage | undefined;
  readonly costPico: Pico;
  readonly price: Price;
};

/** The columns of a `prompt_runs` row that are known before the call runs, as JSON. */
export function reservedRow(call: Omit<ReservedCall, "reservedPico">): Readonly<Record<string, unknown>> {
  return {
    day: utcDay(timeOfUuidv7(call.id)),
    id: call.id,
    user_id: call.userId,
    key_id: call.keyId,
    project_id: call.projectId,
    operation: ledgerText(call.operation),
    endpoint_class: call.endpointClass,
    provider: ledgerText(call.provider),
    model: ledgerText(call.model),
    budget_ids: call.budgetIds,
    ...priceColumns(call.price),
    streamed: call.streamed,
    correlation_id: ledgerText(call.correlationId),
    created_at: isoTime(call.createdAtMs),
  };
}

/** A whole `prompt_runs` row as JSON, money as decimal digits. */
export function settledRow(settlement: Settlement, settledAtMs: number): Readonly<Record<string, unknown>> {
  const { usage, costPico, reservedPico } = settlement;
  return {
    ...reservedRow(settlement),
    input_tokens: usage?.input,
    cached_input_tokens: usage?.cacheRead,
    output_tokens: usage?.output,
    usage,
    usage_source: settlement.usageSource,
    cost_pico: costPico.toString(),
    reserved_pico: reservedPico.toString(),
    overrun: costPico > reservedPico,
    status: settlement.status,
    outcome: settlement.outcome,
    latency_ms: Math.round(settlement.latencyMs),
    settled_at: isoTime(settledAtMs),
    service_tier: optionalText(settlement.serviceTier),
    provider_cost_pico: settlement.providerCostPico?.toString(),
    unpriced_pico: unpricedPico(settlement).toString(),
  };
}

/** What is charged at the default rates, because the model has no price (C11). */
function unpricedPico({ lines, price, costPico }: Settlement): Pico {
  const charges = lines.length === 0 ? [{ price, costPico }] : lines;
  return charges.reduce((sum, charge) => (isUnpriced(charge.price) ? sum + charge.costPico : sum), 0n);
}

/** The call's `prompt_run_lines` rows as JSON, numbered from 1. */
export function lineRows({ id, lines }: Settlement): readonly Readonly<Record<string, unknown>>[] {
  const day = utcDay(timeOfUuidv7(id));
  return lines.map((line, index) => ({
    day,
    id,
    line: index + 1,
    kind: ledgerText(line.kind),
    provider: ledgerText(line.provider),
    model: ledgerText(line.model),
    service_tier: optionalText(line.serviceTier),
    usage: line.usage,
    cost_pico: line.costPico.toString(),
    ...priceColumns(line.price),
  }));
}

/** The columns that say how something was priced. */
export function priceColumns({ source, id, rates }: Price) {
  let json = told.get(rates);
  if (json === undefined) {
    json = ratesJson(rates);
    told.set(rates, json);
  }
  return { price_source: source, price_id: ledgerText(id), rates: json };
}

/** Few prices, many calls. */
const told = new WeakMap<Rates, RatesJson>();

function optionalText(text: string | undefined): string | undefined {
  return text === undefined ? undefined : ledgerText(text);
}

const LONGEST_TEXT = 200;

/** Callers choose model names freely. PostgreSQL takes no NUL, JSON no half characters, an index no long keys. */
function ledgerText(text: string): string {
  return text.slice(0, LONGEST_TEXT).toWellFormed().replaceAll("\0", "\u{FFFD}");
}
