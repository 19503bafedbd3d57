/** What a plan allows (A7); an absent limit limits nothing, 0 refuses everything. */
export type PlanLimits = {
  readonly requestsPerMinute?: number;
  /** Input and output of AI calls together; reserved by estimate, corrected when the call is done. */
  readonly tokensPerMinute?: number;
  /** AI calls under way at a time. */
  readonly callsInFlight?: number;
  /** AI calls and jobs per UTC day. */
  readonly dailyRequests?: number;
};

export type Plan = { readonly name: string; readonly limits: PlanLimits };

/** The plan of whoever has no other. */
export const DEFAULT_PLAN = "default";
