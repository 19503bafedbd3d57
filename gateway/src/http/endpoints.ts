import type { Endpoint } from "./endpoint.ts";
import { type ChatDeps, chatRoutes } from "./routes/chat.ts";
import { type CostDeps, costRoutes } from "./routes/costs.ts";
import { type ModelDeps, modelRoutes } from "./routes/models.ts";
import { type OperatorDeps, operatorRoutes } from "./routes/operator.ts";
import { type SetupDeps, setupRoutes } from "./routes/setup.ts";
import { type SystemDeps, systemRoutes } from "./routes/system.ts";

export type EndpointDeps = ChatDeps & ModelDeps & CostDeps & SetupDeps & SystemDeps & OperatorDeps;

/** The endpoint table: every route there is. A route that is not in it stops the start. */
export function endpointTable(deps: EndpointDeps): readonly Endpoint[] {
  return [
    ...chatRoutes(deps),
    ...modelRoutes(deps),
    ...costRoutes(deps),
    ...setupRoutes(deps),
    ...systemRoutes(deps),
    ...operatorRoutes(deps),
  ];
}
