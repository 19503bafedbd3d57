import { mayItRun, whoIsCalling } from "./demo.steps.access.ts";
import { doTheBooksAgree, whatCanBeBuiltOnIt } from "./demo.steps.books.ts";
import { whatDidItCost, whoseMoneyIsIt } from "./demo.steps.money.ts";
import { whatIfAProviderFails, whatIfTheClientLeaves } from "./demo.steps.providers.ts";
import { doesItGetDone, whatIfItKeepsFailing } from "./demo.steps.work.ts";
import type { Step } from "./demo.tour.ts";

/** The tour, in its order. */
export const steps: readonly Step[] = [
  whoIsCalling,
  mayItRun,
  whatDidItCost,
  whoseMoneyIsIt,
  whatIfAProviderFails,
  whatIfTheClientLeaves,
  doesItGetDone,
  whatIfItKeepsFailing,
  whatCanBeBuiltOnIt,
  doTheBooksAgree,
];
